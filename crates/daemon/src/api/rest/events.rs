//! What happens to processes, as server-sent events.
//!
//! Each stream takes what happened from the list that all share ([`crate::pulse`]), as fast as its client reads. Nothing is
//! kept for a slow one: when the list has gone on without it, it gets all processes anew.

use super::look::now_ms;
use super::{failed, unkept};
use crate::api::caller::Caller;
use crate::api::respond::{self, Outgoing, Piece, put};
use crate::api::{Context, SHORT_ANSWER, clock, route};
use crate::pulse::{Beat, Change, Follower};
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use provost_model::{Reply, Request};
use provost_wire::rest::shapes::{Process, Processes, Removed, to_json};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Streams at once.
const STREAMS: usize = 256;

/// Changes that are sent in one piece.
const TOGETHER: usize = 64;

/// How long a stream says nothing. Proxies and clients take a longer silence for an end.
const SILENCE: Duration = Duration::from_secs(15);

/// A comment, which clients leave out.
const NOTHING: &str = ":\n\n";

/// Tells reverse proxies to pass on what comes as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Begins a stream. `last` is the id of the last event of an earlier one.
pub(super) fn answer(
    context: &Rc<Context>,
    caller: &Rc<Caller>,
    last: Option<&str>,
    usage: bool,
) -> Response<Outgoing> {
    let Some(place) = Place::take(context) else {
        let text = format!("There may be {STREAMS} streams. Try again when one of them has ended.");
        return failed(503, "TOO_MANY_STREAMS", &text);
    };
    // One piece waits while the client reads another.
    let (sender, receiver) = mpsc::channel(1);
    let stream = Stream {
        context: Rc::clone(context),
        caller: Rc::clone(caller),
        follower: context.pulse.follow(),
        sender,
        _place: place,
    };
    let (mut handing, mut stopping) = (context.handing.clone(), context.stopping.clone());
    let last = last.map(str::to_owned);
    tokio::task::spawn_local(async move {
        tokio::select! {
            biased;
            // The answer ends, and its client comes back to whoever goes on.
            _ = handing.wait_for(|is| *is) => {}
            _ = stopping.wait_for(|is| *is) => {}
            // The client has left, or nobody answers any more.
            _ = stream.run(last, usage) => {}
        }
    });
    let mut response = unkept(respond::bare(StatusCode::OK, Outgoing::pieces(receiver)));
    let kind = HeaderValue::from_static("text/event-stream");
    put(&mut response, CONTENT_TYPE, kind);
    let no = HeaderValue::from_static("no");
    put(&mut response, X_ACCEL_BUFFERING, no);
    response
}

/// One of the places for streams.
struct Place(Rc<Context>);

impl Place {
    fn take(context: &Rc<Context>) -> Option<Self> {
        let streams = context.streams.get();
        if streams >= STREAMS {
            return None;
        }
        context.streams.set(streams + 1);
        Some(Self(Rc::clone(context)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let streams = self.0.streams.get();
        self.0.streams.set(streams.saturating_sub(1));
    }
}

struct Stream {
    context: Rc<Context>,
    caller: Rc<Caller>,
    follower: Follower,
    sender: mpsc::Sender<Piece>,
    _place: Place,
}

impl Stream {
    /// Tells until the client leaves or supervisord stops.
    async fn run(mut self, last: Option<String>, usage: bool) -> Option<()> {
        let known = last.and_then(|id| number(&id, self.follower.epoch()));
        let known = known.filter(|number| self.follower.since(*number, 1).is_some());
        let mut number = match known {
            Some(number) => {
                // The client learns at once that it is connected.
                self.send(": goes on\n\n".to_owned()).await?;
                number
            }
            None => self.snapshot().await?,
        };
        let mut samples = usage.then(|| self.context.usage.watch(&self.context));
        loop {
            let Some(beats) = self.follower.since(number, TOGETHER) else {
                number = self.snapshot().await?;
                continue;
            };
            if let Some(last) = beats.last() {
                number = last.next;
                let text: String = beats.iter().map(|beat| self.told(beat)).collect();
                if !text.is_empty() {
                    self.send(text).await?;
                }
                continue;
            }
            let text = tokio::select! {
                () = self.follower.changed() => continue,
                () = self.sender.closed() => return None,
                sample = next_sample(samples.as_mut()) => sample.told(&self.caller),
                () = tokio::time::sleep(SILENCE) => NOTHING.to_owned(),
            };
            self.send(text).await?;
        }
    }

    /// Hands text over, as the client reads. What is long is of the client's share until it has left.
    async fn send(&self, text: String) -> Option<()> {
        if text.len() <= SHORT_ANSWER {
            return self.hand_over(text).await;
        }
        let share = self.context.user_answers.of_bytes(&self.caller, text.len());
        let Ok(_share) = share else {
            // Its client comes back.
            route::report_spent(&self.context, &self.caller);
            return None;
        };
        self.hand_over(text).await?;
        // The second comment is taken when the first is on its way, and that is when nearly all before it has left.
        for _ in 0..2 {
            self.hand_over(NOTHING.to_owned()).await?;
        }
        Some(())
    }

    async fn hand_over(&self, text: String) -> Option<()> {
        self.sender.send((Bytes::from(text), None)).await.ok()
    }

    /// Sends all processes; the number of the first change that is not in them.
    async fn snapshot(&self) -> Option<u64> {
        // Where an answer says nothing of its place, what may be in it is told twice.
        let before = self.follower.position();
        let control = &self.context.control;
        let looked = self.caller.look(control, Request::GetAllViews).await.ok()?;
        let Reply::Views { views, position } = looked else {
            return None;
        };
        let epoch = self.follower.epoch();
        let number = match position {
            Some((of, number)) if of == epoch => number,
            _ => before,
        };
        let views = views.iter();
        let processes = Processes {
            now: now_ms(),
            processes: views
                .map(|view| Process::new(view, &clock::short_local))
                .collect(),
        };
        let event = event("snapshot", Some((epoch, number)), &to_json(&processes));
        self.send(event).await?;
        Some(number)
    }

    /// A change in words; nothing for one that does not exist for this client.
    fn told<'a>(&self, beat: &'a Arc<Beat>) -> &'a str {
        let (group, name) = beat.change.process();
        if !self.caller.sees(group, name) {
            return "";
        }
        let id = Some((self.follower.epoch(), beat.next));
        beat.text.get_or_init(|| {
            let process = |view| to_json(&Process::new(view, &clock::short_local));
            match &beat.change {
                Change::Process(view) => event("process", id, &process(view)),
                Change::Added(view) => event("added", id, &process(view)),
                Change::Removed { group, name } => {
                    let (group, name) = (group.clone(), name.clone());
                    event("removed", id, &to_json(&Removed { group, name }))
                }
            }
        })
    }
}

/// The next sample; never when none are wanted.
async fn next_sample(samples: Option<&mut super::usage::Watcher>) -> Rc<super::usage::Sample> {
    match samples {
        Some(samples) => samples.next().await,
        None => std::future::pending().await,
    }
}

/// An event as it goes over the wire.
pub(super) fn event(name: &str, id: Option<(u64, u64)>, data: &[u8]) -> String {
    let id = id.map_or_else(String::new, |(epoch, number)| {
        format!("id: {epoch:x}-{number}\n")
    });
    // JSON has its line ends escaped.
    let data = String::from_utf8_lossy(data);
    format!("event: {name}\n{id}data: {data}\n\n")
}

/// The number in the id of an event of this image.
fn number(id: &str, epoch: u64) -> Option<u64> {
    let (of, number) = id.split_once('-')?;
    let is_ours = u64::from_str_radix(of, 16) == Ok(epoch);
    number.parse().ok().filter(|_| is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_to_the_image_that_gave_them() {
        let text = event("process", Some((0xabc, 7)), b"{}");
        assert_eq!(text, "event: process\nid: abc-7\ndata: {}\n\n");
        assert_eq!(number("abc-7", 0xabc), Some(7));
        for id in ["abd-7", "abc-", "abc", "-7", "abc-x", ""] {
            assert_eq!(number(id, 0xabc), None, "{id}");
        }
    }
}
