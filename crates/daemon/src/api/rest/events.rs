//! What happens to processes, as server-sent events.
//!
//! Each stream takes what happened from the list that all share ([`crate::pulse`]), as fast as its client reads. Nothing is
//! kept for a slow one: when the list has gone on without it, it gets all processes anew.

use super::look::now_ms;
use super::stream::{self, Client, NOTHING, SILENCE, event};
use super::vigil::Watcher as Vigil;
use crate::api::Context;
use crate::api::caller::Caller;
use crate::api::respond::Outgoing;
use crate::pulse::{Beat, Change, Follower};
use bytes::Bytes;
use hyper::Response;
use provost_model::info::ProcessView;
use provost_model::{Reply, Request};
use provost_wire::rest::shapes::{Process, Processes, Removed, to_json};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

/// Changes that are sent in one piece.
const TOGETHER: usize = 64;

/// Begins a stream. `last` is the id of the last event of an earlier one.
pub(super) fn answer(
    context: &Rc<Context>,
    caller: &Rc<Caller>,
    last: Option<&str>,
    usage: bool,
) -> Response<Outgoing> {
    let follower = context.pulse.follow();
    let last = last.map(str::to_owned);
    stream::begin(context, caller, |client| {
        let vigil = client.context.vigil.watch(&client.context);
        let stream = Stream {
            client,
            follower,
            vigil,
        };
        stream.run(last, usage)
    })
}

struct Stream {
    client: Client,
    follower: Follower,
    vigil: Vigil,
}

impl Stream {
    /// Tells until the client leaves or supervisord stops.
    async fn run(mut self, last: Option<String>, usage: bool) -> Option<()> {
        let known = last.and_then(|id| number(&id, self.follower.epoch()));
        let known = known.filter(|number| self.follower.since(*number, 1).is_some());
        let mut number = match known {
            Some(number) => {
                // The client learns at once that it is connected.
                self.client.send(": goes on\n\n".to_owned()).await?;
                number
            }
            None => self.snapshot().await?,
        };
        let mut samples = usage.then(|| self.client.context.usage.watch(&self.client.context));
        loop {
            let Some(beats) = self.follower.since(number, TOGETHER) else {
                number = self.snapshot().await?;
                continue;
            };
            if let Some(last) = beats.last() {
                number = last.next;
                self.tell(&beats).await?;
                continue;
            }
            let text = tokio::select! {
                () = self.follower.changed() => continue,
                () = self.client.left() => return None,
                text = self.vigil.next() => text,
                sample = next_sample(samples.as_mut()) => sample.told(&self.client.caller),
                () = tokio::time::sleep(SILENCE) => NOTHING.to_owned(),
            };
            self.client.send(text).await?;
        }
    }

    /// Sends all processes; the number of the first change that is not in them.
    async fn snapshot(&mut self) -> Option<u64> {
        let Client {
            context, caller, ..
        } = &self.client;
        let mut taken = pin!(Snapshot::take(context, caller, &self.follower));
        let snapshot = loop {
            tokio::select! {
                taken = taken.as_mut() => break taken?,
                text = self.vigil.next() => self.client.send(text).await?,
            }
        };
        let event = event("snapshot", Some(&snapshot.id), &snapshot.json);
        self.client.send(event).await?;
        Some(snapshot.number)
    }

    /// Tells of changes, in one piece.
    async fn tell(&self, beats: &[Arc<Beat>]) -> Option<()> {
        let texts: Vec<&Bytes> = beats.iter().filter_map(|beat| self.told(beat)).collect();
        match *texts {
            [] => Some(()),
            [text] => self.client.send(text.clone()).await,
            _ => {
                let texts: Vec<&[u8]> = texts.into_iter().map(|text| &**text).collect();
                self.client.send(texts.concat()).await
            }
        }
    }

    /// A change in words, which all clients share; none for one that does not exist for this client.
    fn told<'a>(&self, beat: &'a Beat) -> Option<&'a Bytes> {
        let (group, name) = beat.change.process();
        if !self.client.caller.sees(group, name) {
            return None;
        }
        let epoch = self.follower.epoch();
        let text = beat.text.get_or_init(|| {
            let id = id(epoch, beat.next);
            let id = Some(id.as_str());
            let process = |view| to_json(&Process::new(view, &*self.client.context));
            let text = match &beat.change {
                Change::Process(view) => event("process", id, &process(view)),
                Change::Added(view) => event("added", id, &process(view)),
                Change::Removed { group, name } => {
                    let (group, name) = (group.clone(), name.clone());
                    event("removed", id, &to_json(&Removed { group, name }))
                }
            };
            text.into()
        });
        Some(text)
    }
}

/// All processes as they are.
pub(in crate::api) struct Snapshot {
    /// The first change that is not in it, and where a stream goes on from it.
    number: u64,
    pub(in crate::api) id: String,
    /// In the order of the core.
    pub(in crate::api) views: Vec<ProcessView>,
    /// [`Processes`].
    pub(in crate::api) json: Vec<u8>,
}

impl Snapshot {
    /// Of those that exist for this caller; none while supervisord is stopping.
    pub(in crate::api) async fn new(context: &Context, caller: &Caller) -> Option<Self> {
        Self::take(context, caller, &context.pulse.follow()).await
    }

    async fn take(context: &Context, caller: &Caller, follower: &Follower) -> Option<Self> {
        // Where an answer says nothing of its place, what may be in it is told twice.
        let before = follower.position();
        let looked = caller
            .look(&context.control, Request::GetAllViews)
            .await
            .ok()?;
        let Reply::Views { views, position } = looked else {
            return None;
        };
        let epoch = follower.epoch();
        let number = match position {
            Some((of, number)) if of == epoch => number,
            _ => before,
        };
        let processes = Processes {
            now: now_ms(),
            processes: views
                .iter()
                .map(|view| Process::new(view, context))
                .collect(),
        };
        Some(Self {
            number,
            id: id(epoch, number),
            views,
            json: to_json(&processes),
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

/// The id of an event of this image.
fn id(epoch: u64, number: u64) -> String {
    format!("{epoch:x}-{number}")
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
        let text = event("process", Some(&id(0xabc, 7)), b"{}");
        assert_eq!(text, "event: process\nid: abc-7\ndata: {}\n\n");
        assert_eq!(number("abc-7", 0xabc), Some(7));
        for id in ["abd-7", "abc-", "abc", "-7", "abc-x", ""] {
            assert_eq!(number(id, 0xabc), None, "{id}");
        }
    }
}
