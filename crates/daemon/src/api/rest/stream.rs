//! What all streams have in common, whatever they tell.

use super::{failed, unkept};
use crate::api::caller::Caller;
use crate::api::respond::{self, Outgoing, Piece, put};
use crate::api::shares::Share;
use crate::api::{Context, SHORT_ANSWER, route};
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a stream says nothing. Proxies and clients take a longer silence for an end.
pub(super) const SILENCE: Duration = Duration::from_secs(15);

/// A comment, which clients leave out.
pub(super) const NOTHING: &str = ":\n\n";

/// Tells reverse proxies to pass on what comes as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Begins a stream of server-sent events.
pub(super) fn begin<T, F>(context: &Rc<Context>, caller: &Rc<Caller>, tell: T) -> Response<Outgoing>
where
    T: FnOnce(Client) -> F,
    F: Future<Output = Option<()>> + 'static,
{
    let pieces = match pieces(context, caller, tell) {
        Ok(pieces) => pieces,
        Err(refusal) => return *refusal,
    };
    let mut response = unkept(respond::bare(StatusCode::OK, pieces));
    let kind = HeaderValue::from_static("text/event-stream");
    put(&mut response, CONTENT_TYPE, kind);
    let no = HeaderValue::from_static("no");
    put(&mut response, X_ACCEL_BUFFERING, no);
    response
}

/// What `tell` makes, until it ends, the client has left, or supervisord stops or hands over.
pub(super) fn pieces<T, F>(
    context: &Rc<Context>,
    caller: &Rc<Caller>,
    tell: T,
) -> Result<Outgoing, Box<Response<Outgoing>>>
where
    T: FnOnce(Client) -> F,
    F: Future<Output = Option<()>> + 'static,
{
    let Some(place) = Place::take(context, caller) else {
        let most = context.streams_max;
        let text = format!(
            "There may be {most} streams, or seven eighths of them for one user. Try again when one has ended."
        );
        return Err(Box::new(failed(503, "TOO_MANY_STREAMS", &text)));
    };
    // One piece waits while the client reads another.
    let (sender, receiver) = mpsc::channel(1);
    let told = tell(Client {
        context: Rc::clone(context),
        caller: Rc::clone(caller),
        sender,
        _place: place,
    });
    let (mut handing, mut stopping) = (context.handing.clone(), context.stopping.clone());
    tokio::task::spawn_local(async move {
        let mut told = pin!(told);
        tokio::select! {
            biased;
            // The answer ends; its client comes back to whoever goes on.
            _ = handing.wait_for(|is| *is) => {}
            // What has just happened is told, as far as the client takes it at once.
            _ = stopping.wait_for(|is| *is) => poll_fn(|cx| {
                let _ = told.as_mut().poll(cx);
                Poll::Ready(())
            }).await,
            // The client has left, or nobody answers any more.
            _ = &mut told => {}
        }
    });
    Ok(Outgoing::pieces(receiver))
}

/// One of the places for streams.
struct Place {
    context: Rc<Context>,
    _share: Option<Share<String>>,
}

impl Place {
    fn take(context: &Rc<Context>, caller: &Caller) -> Option<Self> {
        let streams = context.streams.get();
        if streams >= context.streams_max {
            return None;
        }
        let Ok(share) = context.user_streams.of(caller) else {
            route::report_spent(context, caller);
            return None;
        };
        context.streams.set(streams + 1);
        Some(Self {
            context: Rc::clone(context),
            _share: share,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let streams = &self.context.streams;
        streams.set(streams.get().saturating_sub(1));
    }
}

/// Who hears a stream.
pub(super) struct Client {
    pub(super) context: Rc<Context>,
    pub(super) caller: Rc<Caller>,
    sender: mpsc::Sender<Piece>,
    _place: Place,
}

impl Client {
    /// Hands text over, as the client reads; none when it has left. What is long is of its share until it is on its way.
    pub(super) async fn send(&self, text: impl Into<Bytes>) -> Option<()> {
        let text = text.into();
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
            self.hand_over(Bytes::from_static(NOTHING.as_bytes()))
                .await?;
        }
        Some(())
    }

    /// Hands over what is not long, as it is.
    pub(super) async fn hand_over(&self, bytes: Bytes) -> Option<()> {
        self.sender.send((bytes, None)).await.ok()
    }

    /// Waits until it has left.
    pub(super) async fn left(&self) {
        self.sender.closed().await;
    }
}

/// An event as it goes over the wire.
pub(super) fn event(name: &str, id: Option<&str>, data: &[u8]) -> String {
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    // JSON has its line ends escaped.
    let data = String::from_utf8_lossy(data);
    format!("event: {name}\n{id}data: {data}\n\n")
}
