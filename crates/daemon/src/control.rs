//! How other threads talk to the control thread.

use provost_model::fault::{Fault, FaultCode};
use provost_model::{Answer, Request, RequestId};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;

/// A message from a client of the core.
#[derive(Debug)]
pub enum ClientMessage {
    /// A request, and where its answer goes.
    Ask {
        /// Number of the request.
        id: RequestId,
        /// What is asked.
        request: Request,
        /// Taken exactly once.
        answer: oneshot::Sender<Answer>,
    },
    /// Somebody waits for the answer to a request that was carried over from an earlier image of the daemon.
    Attach {
        /// Number of the request.
        id: RequestId,
        /// Taken exactly once.
        answer: oneshot::Sender<Answer>,
    },
    /// The client left before its answer.
    Gone {
        /// Number of the request.
        id: RequestId,
    },
}

/// Asks the core from any thread; cheap to clone.
#[derive(Clone)]
pub struct ControlHandle {
    sender: Sender<ClientMessage>,
    wake: Arc<dyn Fn() + Send + Sync>,
    next: Arc<AtomicU64>,
}

impl std::fmt::Debug for ControlHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ControlHandle")
    }
}

/// An answer that is awaited. Dropped before it came, it tells the core that the client left.
#[derive(Debug)]
pub struct Awaited {
    handle: ControlHandle,
    id: RequestId,
    answered: oneshot::Receiver<Answer>,
    /// Nobody need be told of a drop: the answer came, or the request lives on.
    settled: bool,
}

impl Awaited {
    /// Waits for the answer.
    ///
    /// A daemon that is going away answers `SHUTDOWN_STATE`.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        let answer = ready!(Pin::new(&mut self.answered).poll(cx));
        self.settled = true;
        Poll::Ready(answer.unwrap_or_else(|_| Err(Fault::bare(FaultCode::ShutdownState))))
    }

    /// Number of the request.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Whether the answer is still to come.
    pub fn is_open(&self) -> bool {
        !self.settled && self.answered.is_empty() && !self.answered.is_terminated()
    }

    /// Leaves the request to whoever attaches to it next.
    pub fn leave(&mut self) {
        self.settled = true;
    }
}

impl Future for Awaited {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        Self::poll(self.get_mut(), cx)
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if !self.settled {
            self.handle.gone(self.id);
        }
    }
}

impl ControlHandle {
    /// A handle that posts into `sender` and then calls `wake`.
    pub fn new(sender: Sender<ClientMessage>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            sender,
            wake,
            next: Arc::new(AtomicU64::new(1)),
        }
    }

    /// A handle whose questions nobody hears.
    pub fn nowhere() -> Self {
        Self::new(std::sync::mpsc::channel().0, Arc::new(|| ()))
    }

    /// The same, with numbers of new requests from `next` on: those before it have been given out by an earlier image.
    #[must_use]
    pub fn numbered_from(mut self, next: u64) -> Self {
        self.next = Arc::new(AtomicU64::new(next));
        self
    }

    /// The number that the next request gets.
    pub fn next_number(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Asks; the answer comes later. Dropping it withdraws the request.
    pub fn ask(&self, request: Request) -> Awaited {
        let id = RequestId(self.next.fetch_add(1, Ordering::Relaxed));
        let (answer, awaited) = self.awaited(id);
        self.post(ClientMessage::Ask {
            id,
            request,
            answer,
        });
        awaited
    }

    /// Waits for the answer to a request that was carried over. Dropping it withdraws the request.
    pub fn attach(&self, id: RequestId) -> Awaited {
        let (answer, awaited) = self.awaited(id);
        self.post(ClientMessage::Attach { id, answer });
        awaited
    }

    /// Tells the core something to which any answer will do.
    pub fn tell(&self, request: Request) {
        self.ask(request).leave();
    }

    /// Tells the core that nobody waits for this answer any more.
    pub fn gone(&self, id: RequestId) {
        self.post(ClientMessage::Gone { id });
    }

    fn awaited(&self, id: RequestId) -> (oneshot::Sender<Answer>, Awaited) {
        let (answer, answered) = oneshot::channel();
        let awaited = Awaited {
            handle: self.clone(),
            id,
            answered,
            settled: false,
        };
        (answer, awaited)
    }

    fn post(&self, message: ClientMessage) {
        if self.sender.send(message).is_ok() {
            (self.wake)();
        }
    }
}
