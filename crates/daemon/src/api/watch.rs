//! What a connection is doing, and how long it may go on doing it.

use super::reports::Limit;
use super::shares::Share;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;
use tokio::time::Instant;

/// From accept, or from the first byte of a later request, to the end of its header.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// What a body gets besides a second for each [`BODY_RATE`] bytes of it that have come.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Bytes a second below which a body is too slow.
const BODY_RATE: u32 = 1024;

/// How long a client may take nothing of its answer.
const WRITE_TIME: Duration = Duration::from_mins(1);

/// Bytes of a request line.
pub(super) const REQUEST_LINE: usize = 8 * 1024;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A request header is awaited or coming.
    Header {
        since: Instant,
        /// Bytes of the request line so far; none once it is complete.
        line: Option<usize>,
    },
    /// The request is known, its body may still be coming.
    Body { since: Instant, received: u64 },
    /// The answer is being made or written.
    Answering,
    /// Kept alive, nothing asked.
    Idle { since: Instant },
}

/// Where a connection stands in the exchange of requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No request is under way, at most a part of its header has come.
    Between,
    /// A request is under way.
    Asked,
}

/// Why a connection ends before its client wanted it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A header or a body took too long.
    TooSlow,
    /// The request line is too long.
    LineTooLong,
    /// What came is no HTTP, and was told so.
    NoHttp,
    /// The header is too long, which was told.
    HeaderTooLong,
    /// Another connection needs the place.
    Displaced,
    /// It was idle when its place or the daemon went.
    Silent,
    /// The client does not read.
    Unread,
}

impl Verdict {
    /// The limit that was reached.
    pub(super) fn limit(self) -> Option<Limit> {
        match self {
            Self::TooSlow => Some(Limit::RequestTime),
            Self::LineTooLong => Some(Limit::RequestLine),
            Self::HeaderTooLong => Some(Limit::Header),
            Self::Unread => Some(Limit::AnswerTime),
            Self::NoHttp | Self::Displaced | Self::Silent => None,
        }
    }
}

/// How ready a connection is to make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// Nothing is asked on it.
    Idle,
    /// Somebody may be about to ask.
    Unheard,
}

/// The state of one connection, shared by its task, its stream and the crowd it belongs to.
#[derive(Debug)]
pub(super) struct Watch {
    phase: Cell<Phase>,
    /// Since when the client has taken nothing of what is waiting for it.
    stuck: Cell<Option<Instant>>,
    verdict: Cell<Option<Verdict>>,
    /// No further request is to be taken.
    last: Cell<bool>,
    /// The answer under way is a stream, which has a place among those.
    streams: Cell<bool>,
    /// A request was answered without having been read to its end.
    unread: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// Whose the request is, or the last one; none for somebody who may do everything.
    works_for: RefCell<Option<Rc<str>>>,
    /// What its requests take of the shares of its client, until their answers are the system's.
    held: RefCell<Vec<Share<String>>>,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self {
            phase: Cell::new(Phase::Header {
                since: Instant::now(),
                line: Some(0),
            }),
            stuck: Cell::new(None),
            verdict: Cell::new(None),
            last: Cell::new(false),
            streams: Cell::new(false),
            unread: Cell::new(false),
            waker: RefCell::new(None),
            works_for: RefCell::new(None),
            held: RefCell::default(),
        }
    }

    /// A connection that was carried here. One that has never been used is waited for as a new one.
    pub(super) fn carried(is_used: bool) -> Self {
        let watch = Self::new();
        if is_used {
            watch.answered();
        }
        watch
    }

    /// Bytes came.
    pub(super) fn heard(&self, bytes: &[u8]) {
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let next = match self.phase.get() {
            Phase::Idle { .. } => Phase::Header {
                since: Instant::now(),
                line: self.line(0, bytes),
            },
            Phase::Header {
                since,
                line: Some(before),
            } => Phase::Header {
                since,
                line: self.line(before, bytes),
            },
            Phase::Body { since, received } => Phase::Body {
                since,
                received: received.saturating_add(count),
            },
            other => other,
        };
        self.phase.set(next);
    }

    /// The request line after more bytes, `before` bytes of it having come.
    fn line(&self, before: usize, bytes: &[u8]) -> Option<usize> {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let length = before.saturating_add(end.unwrap_or(bytes.len()));
        // The carriage return at its end belongs to no line.
        if length > REQUEST_LINE + 1 {
            self.verdict.set(Some(Verdict::LineTooLong));
        }
        if end.is_some() { None } else { Some(length) }
    }

    /// A header is complete.
    pub(super) fn asked(&self) {
        self.unread.set(true);
        self.phase.set(Phase::Body {
            since: Instant::now(),
            received: 0,
        });
    }

    /// The request is complete.
    pub(super) fn answering(&self) {
        self.unread.set(false);
        self.phase.set(Phase::Answering);
    }

    /// The answer is handed over for writing.
    pub(super) fn answered(&self) {
        self.streams.set(false);
        self.phase.set(Phase::Idle {
            since: Instant::now(),
        });
    }

    /// The answer is a stream: it goes on for hours, and takes no place that requests need.
    pub(super) fn streaming(&self) {
        self.streams.set(true);
    }

    /// Whether a stream is under way.
    pub(super) fn is_streaming(&self) -> bool {
        self.streams.get()
    }

    /// What was handed over for writing is the system's.
    pub(super) fn flushed(&self) {
        if matches!(self.phase.get(), Phase::Idle { .. }) {
            self.held.take();
        }
    }

    /// Holds a share of the client as long as its request or the answer to it takes memory here.
    pub(super) fn hold(&self, share: Option<Share<String>>) {
        self.held.borrow_mut().extend(share);
    }

    pub(super) fn stage(&self) -> Stage {
        match self.phase.get() {
            Phase::Idle { .. } | Phase::Header { .. } => Stage::Between,
            Phase::Body { .. } | Phase::Answering => Stage::Asked,
        }
    }

    /// The client took bytes, or could not.
    pub(super) fn wrote(&self, taken: bool) {
        if taken {
            self.stuck.set(None);
        } else if self.stuck.get().is_none() {
            self.stuck.set(Some(Instant::now()));
        }
    }

    /// When this connection has been patient enough; none while nothing is timed.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let phase = match self.phase.get() {
            Phase::Header { since, .. } => Some(since + HEADER_TIME),
            Phase::Body { since, received } => {
                let earned = Duration::from_secs(received / u64::from(BODY_RATE));
                Some(since + BODY_TIME + earned)
            }
            Phase::Answering | Phase::Idle { .. } => None,
        };
        phase.into_iter().chain(self.stuck_until()).min()
    }

    /// When the client has taken nothing for long enough; none while it takes something.
    pub(super) fn stuck_until(&self) -> Option<Instant> {
        self.stuck.get().map(|since| since + WRITE_TIME)
    }

    /// What to say when the deadline has passed.
    pub(super) fn lateness(&self) -> Verdict {
        if self.stuck.get().is_some() {
            Verdict::Unread
        } else {
            Verdict::TooSlow
        }
    }

    /// How ready it is to make room, and since when; none while it is at work.
    pub(super) fn worth(&self) -> Option<(Worth, Instant)> {
        match self.phase.get() {
            // What is kept alive but has not taken its answer yet is at work.
            Phase::Idle { since } if self.stuck.get().is_none() => Some((Worth::Idle, since)),
            Phase::Header { since, .. } => Some((Worth::Unheard, since)),
            _ => None,
        }
    }

    /// Takes note of who has asked; none for somebody who may do everything.
    pub(super) fn works_for(&self, name: Option<&str>) {
        *self.works_for.borrow_mut() = name.map(Rc::from);
    }

    /// Whether it is at work for somebody who may not do everything, and whether for this one.
    pub(super) fn is_at_work_for(&self, name: &str) -> (bool, bool) {
        match &*self.works_for.borrow() {
            Some(other) if self.worth().is_none() => (true, **other == *name),
            _ => (false, false),
        }
    }

    /// Ends the connection.
    pub(super) fn end(&self, verdict: Verdict) {
        self.verdict.set(Some(verdict));
        self.wake();
    }

    /// Ends the connection after the answer under way, at once if there is none.
    pub(super) fn finish(&self) {
        self.last.set(true);
        if self.worth().is_some() {
            self.verdict.set(Some(Verdict::Silent));
        }
        self.wake();
    }

    /// The end, once it is decided.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.verdict.get()
    }

    /// Whether no further request is to be taken.
    pub(super) fn is_last(&self) -> bool {
        self.last.get()
    }

    /// Whether the client may still be sending a request that has its answer.
    pub(super) fn is_unread(&self) -> bool {
        self.unread.get()
    }

    /// Whom to wake when another task ends this connection.
    pub(super) fn wake_with(&self, waker: &Waker) {
        let mut place = self.waker.borrow_mut();
        match &mut *place {
            Some(known) => known.clone_from(waker),
            None => *place = Some(waker.clone()),
        }
    }

    /// Has the connection's task look around.
    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}
