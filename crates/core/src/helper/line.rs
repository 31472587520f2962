//! One helper: how far its conversation has come, and the calls that wait for it.
//!
//! | line | takes | becomes |
//! |---|---|---|
//! | DOWN | its process is started | GREETING |
//! | GREETING | a hello | SERVING, and the calls that waited are sent |
//! | | anything else, or nothing for as long as a call may take | BROKEN |
//! | SERVING | the answer to a call that was sent and not answered | SERVING |
//! | | anything else | BROKEN |
//! | BROKEN | anything, unread | BROKEN |
//! | any | its process ends | DOWN |
//!
//! A call whose client has left, or has waited long enough, stays known until its answer comes: that answer is no
//! breach of the protocol. It also counts until then, so that a helper that hangs cannot be given ever more.

use provost_model::helper::{HelperMethod, HelperSpec};
use provost_model::{Mono, ProcId, RequestId, Wall};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Calls that may be open with one helper, those that nobody waits for any more included. Helpers that work on many at
/// once use threads, and 64 are many for one; a helper that hangs is told from a busy one by this number, too.
pub(crate) const CALLS_MAX: usize = 64;

/// Bytes of calls that may wait for one helper to come up: as much as may wait in a child's standard input.
pub(crate) const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How far the conversation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Line {
    Down,
    Greeting,
    Serving,
    Broken,
}

/// A call that was not sent yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) method: String,
    #[serde(with = "provost_model::saved::bytes")]
    pub(crate) body: Vec<u8>,
    /// When its client waits no more.
    pub(crate) deadline: Mono,
    /// The same, as the helper is told.
    pub(crate) until: Wall,
}

/// A call that was sent, while its client waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) request: RequestId,
    pub(crate) method: String,
}

/// What became of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Match {
    /// It is for this client.
    For(RequestId),
    /// Nobody waits for it any more.
    Late,
    /// No such call is open.
    Nothing,
}

/// A helper in service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Helper {
    /// Its namespace, which is the name of its group.
    pub(crate) name: Arc<str>,
    pub(crate) proc: ProcId,
    pub(crate) timeout_secs: u64,
    /// What it announced last, by name; kept while it is down, so that it can be shown.
    pub(crate) methods: Arc<[HelperMethod]>,
    pub(crate) line: Line,
    /// It closed its standard input or output: it gets no more calls.
    pub(crate) hung_up: bool,
    last_call: u64,
    waiting: BTreeMap<RequestId, Waiting>,
    /// Follows from what waits.
    #[serde(skip)]
    waiting_bytes: usize,
    /// Calls that were sent and not answered; none where nobody waits any more.
    sent: BTreeMap<u64, Option<Sent>>,
}

impl Helper {
    pub(crate) fn new(name: Arc<str>, spec: &HelperSpec, proc: ProcId) -> Self {
        Self {
            name,
            proc,
            timeout_secs: spec.call_timeout_secs.max(1),
            methods: Arc::from(Vec::new()),
            line: Line::Down,
            hung_up: false,
            last_call: 0,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            sent: BTreeMap::new(),
        }
    }

    /// Puts in place what is not saved.
    pub(crate) fn restore(&mut self) {
        let bodies = self.waiting.values().map(|call| call.body.len());
        self.waiting_bytes = bodies.fold(0, usize::saturating_add);
    }

    /// Whether a call of this client waits here: without a number until it is sent, with one after it.
    pub(crate) fn knows(&self, request: RequestId, call: Option<u64>) -> bool {
        match call {
            None => self.waiting.contains_key(&request),
            Some(call) => {
                let sent = self.sent.get(&call).and_then(Option::as_ref);
                sent.is_some_and(|sent| sent.request == request)
            }
        }
    }

    /// When the client of a call waits no more, while the call waits, too.
    pub(crate) fn deadline_of(&self, request: RequestId) -> Option<Mono> {
        self.waiting.get(&request).map(|call| call.deadline)
    }

    /// Calls that somebody waits for.
    pub(crate) fn awaited(&self) -> usize {
        let sent = self.sent.values().filter(|sent| sent.is_some()).count();
        self.waiting.len().saturating_add(sent)
    }

    /// The number of the call sent last, and the largest of one that is open.
    pub(crate) fn last_calls(&self) -> (u64, Option<u64>) {
        let open = self.sent.last_key_value().map(|(call, _)| *call);
        (self.last_call, open)
    }

    /// Whether a call can be sent now.
    pub(crate) fn takes_calls(&self) -> bool {
        self.line == Line::Serving && !self.hung_up
    }

    pub(crate) fn has(&self, method: &str) -> bool {
        let found = self
            .methods
            .binary_search_by(|known| known.name.as_str().cmp(method));
        found.is_ok()
    }

    /// Why another call with this body cannot be taken, if it cannot.
    pub(crate) fn is_full(&self, body: &[u8]) -> Option<String> {
        let name = &self.name;
        if self.waiting.len().saturating_add(self.sent.len()) >= CALLS_MAX {
            return Some(format!(
                "{name} has {CALLS_MAX} calls that it has not answered; try again later, and restart it if it hangs"
            ));
        }
        let bytes = self.waiting_bytes.saturating_add(body.len());
        (bytes > WAITING_BYTES_MAX).then(|| {
            format!("more than {WAITING_BYTES_MAX} bytes of calls wait for {name}; try again later")
        })
    }

    /// A call is to be sent later.
    pub(crate) fn wait(&mut self, request: RequestId, call: Waiting) {
        self.waiting_bytes = self.waiting_bytes.saturating_add(call.body.len());
        self.waiting.insert(request, call);
    }

    /// A call is sent. Tells its number.
    pub(crate) fn send(&mut self, request: RequestId, method: String) -> u64 {
        self.last_call = self.last_call.saturating_add(1);
        let sent = Sent { request, method };
        self.sent.insert(self.last_call, Some(sent));
        self.last_call
    }

    /// Takes all calls that were not sent, in the order in which they came.
    pub(crate) fn take_waiting(&mut self) -> BTreeMap<RequestId, Waiting> {
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    /// Takes all calls that were sent and whose clients wait.
    pub(crate) fn take_sent(&mut self) -> Vec<Sent> {
        let sent = std::mem::take(&mut self.sent);
        sent.into_values().flatten().collect()
    }

    /// An answer came.
    pub(crate) fn answered(&mut self, call: u64) -> Match {
        match self.sent.remove(&call) {
            Some(Some(sent)) => Match::For(sent.request),
            Some(None) => Match::Late,
            None => Match::Nothing,
        }
    }

    /// The client of this call waits no more. Tells the call's method if it was sent.
    pub(crate) fn leave(&mut self, request: RequestId, call: Option<u64>) -> Option<String> {
        if let Some(waiting) = self.waiting.remove(&request) {
            self.waiting_bytes = self.waiting_bytes.saturating_sub(waiting.body.len());
        }
        let sent = self.sent.get_mut(&call?)?.take()?;
        Some(sent.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn helper() -> Helper {
        let spec = HelperSpec {
            call_timeout_secs: 30,
        };
        Helper::new("sums".into(), &spec, ProcId(1))
    }

    fn call(bytes: usize) -> Waiting {
        Waiting {
            method: "add".to_owned(),
            body: vec![0; bytes],
            deadline: Mono(7),
            until: Wall::default(),
        }
    }

    #[test]
    fn as_many_bytes_may_wait_as_the_limit_says_and_none_more() {
        let mut helper = helper();
        helper.wait(RequestId(1), call(10));
        let body = vec![0; WAITING_BYTES_MAX - 10];
        assert_eq!(helper.is_full(&body), None);
        let body = vec![0; WAITING_BYTES_MAX - 9];
        let told = helper.is_full(&body).unwrap_or_default();
        assert!(
            told.starts_with("more than 16777216 bytes of calls wait for sums"),
            "{told}"
        );
    }

    #[test]
    fn what_is_known_of_calls() {
        let mut helper = helper();
        assert_eq!((helper.awaited(), helper.last_calls()), (0, (0, None)));
        helper.wait(RequestId(1), call(1));
        assert!(helper.knows(RequestId(1), None) && !helper.knows(RequestId(2), None));
        assert_eq!(helper.deadline_of(RequestId(1)), Some(Mono(7)));
        let number = helper.send(RequestId(2), "add".to_owned());
        assert!(helper.knows(RequestId(2), Some(number)));
        assert!(!helper.knows(RequestId(1), Some(number)) && !helper.knows(RequestId(2), Some(9)));
        assert_eq!((helper.awaited(), helper.last_calls()), (2, (1, Some(1))));
        helper.send(RequestId(3), "add".to_owned());
        helper.answered(2);
        assert_eq!((helper.awaited(), helper.last_calls()), (2, (2, Some(1))));
    }
}
