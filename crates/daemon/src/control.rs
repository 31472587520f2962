//! How other threads talk to the control thread.

use provost_model::fault::{Fault, FaultCode};
use provost_model::{Answer, Request, RequestId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
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

/// Tells the core that the client left, unless its answer came first.
struct Leaving<'a> {
    handle: &'a ControlHandle,
    id: Option<RequestId>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.handle.post(ClientMessage::Gone { id });
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

    /// Asks and waits for the answer. Dropping the future withdraws the request.
    ///
    /// A daemon that is going away answers `SHUTDOWN_STATE`.
    pub async fn ask(&self, request: Request) -> Answer {
        let id = RequestId(self.next.fetch_add(1, Ordering::Relaxed));
        let (answer, answered) = oneshot::channel();
        let mut leaving = Leaving {
            handle: self,
            id: Some(id),
        };
        self.post(ClientMessage::Ask {
            id,
            request,
            answer,
        });
        let answer = answered.await;
        leaving.id = None;
        answer.unwrap_or_else(|_| Err(Fault::bare(FaultCode::ShutdownState)))
    }

    fn post(&self, message: ClientMessage) {
        if self.sender.send(message).is_ok() {
            (self.wake)();
        }
    }
}
