//! The handle by which every thread writes to the main log without waiting for a disk.

use super::Order;
use super::main_log::rank;
use provost_model::{Channel, Level};
use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;

/// Bytes of text that may wait for the logs thread; while a disk hangs, what comes beyond is counted and dropped.
pub(super) const QUEUE_BYTES_MAX: usize = 1 << 20;

/// Messages that are gathered at most before their receivers are woken: in a turn with more to do they begin meanwhile.
const GATHERED_MAX: usize = 8;

thread_local! {
    /// Whom this thread is about to wake; none while it puts nothing off.
    static GATHERED: RefCell<Option<Gathered>> = const { RefCell::new(None) };
}

/// Receivers that are to be woken, and how many messages they got.
#[derive(Default)]
struct Gathered {
    messages: usize,
    outboxes: Vec<Outbox>,
}

/// While this lives, its thread wakes logs threads not for each order and line, but for a few together, and for the last ones
/// at its end. A thread that is woken takes the processor of the one that woke it, where there are few.
#[must_use]
pub(crate) struct Gathering(());

impl Gathering {
    /// Begins.
    pub(crate) fn begin() -> Self {
        GATHERED.set(Some(Gathered::default()));
        Self(())
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        let gathered = GATHERED.take();
        for outbox in gathered.into_iter().flat_map(|gathered| gathered.outboxes) {
            outbox.wake();
        }
    }
}

impl Gathered {
    /// Adds one message; then those that are to be woken now.
    fn add(&mut self, outbox: &Outbox) -> Vec<Outbox> {
        let is_same = |other: &Outbox| Arc::ptr_eq(&other.shared, &outbox.shared);
        if !self.outboxes.iter().any(is_same) {
            self.outboxes.push(outbox.clone());
        }
        self.messages += 1;
        if self.messages < GATHERED_MAX {
            return Vec::new();
        }
        std::mem::take(self).outboxes
    }
}

/// A message to the logs thread.
#[derive(Debug)]
pub(super) enum Message {
    /// A line for the main log.
    Line {
        level: Level,
        when: SystemTime,
        text: String,
    },
    /// An order of the control thread.
    Order(Order),
    /// An order about a run of which this thread has one channel only.
    OrderFor(Channel, Order),
    /// Say when all that was sent before is written, and what children had in their pipes.
    CatchUp { done: oneshot::Sender<()> },
    /// Read no pipe any more; say so when all that was sent before is done.
    Rest { done: Sender<()> },
    /// Read on.
    GoOn,
    /// End, and leave everything as it is to another image.
    HandOver,
    /// Drain, flush and end, and take no longer for it than this.
    Stop { within: Duration },
}

impl Message {
    /// Bytes that count against the queue's limit.
    fn weight(&self) -> usize {
        match self {
            Self::Line { text, .. } => text.len(),
            Self::Order(Order::ListenerOutput { data, .. }) => data.len(),
            Self::Order(Order::Print { text }) => text.len(),
            Self::Order(_)
            | Self::OrderFor(..)
            | Self::CatchUp { .. }
            | Self::Rest { .. }
            | Self::GoOn
            | Self::HandOver
            | Self::Stop { .. } => 0,
        }
    }

    /// Whether nobody waits for what comes of it before going on.
    fn may_gather(&self) -> bool {
        matches!(
            self,
            Self::Line { .. } | Self::Order(_) | Self::OrderFor(..)
        )
    }
}

/// What all clones of a handle share.
struct Shared {
    level: Arc<AtomicU8>,
    queued_bytes: AtomicUsize,
    dropped: AtomicU64,
    woken: AtomicBool,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// The sending end towards the logs thread.
#[derive(Clone)]
pub(super) struct Outbox {
    sender: Sender<Message>,
    shared: Arc<Shared>,
}

/// The receiving end.
pub(super) struct Inbox {
    receiver: Receiver<Message>,
    shared: Arc<Shared>,
}

/// Both ends, with the main log's level; `wake` is called when a message meets an inbox that may be asleep.
pub(super) fn mailbox(
    level: Arc<AtomicU8>,
    wake: impl Fn() + Send + Sync + 'static,
) -> (Outbox, Inbox) {
    let (sender, receiver) = channel();
    let shared = Arc::new(Shared {
        level,
        queued_bytes: AtomicUsize::new(0),
        dropped: AtomicU64::new(0),
        woken: AtomicBool::new(false),
        wake: Box::new(wake),
    });
    (
        Outbox {
            sender,
            shared: shared.clone(),
        },
        Inbox { receiver, shared },
    )
}

impl Outbox {
    /// Queues a message. One that carries text is dropped and counted when too much waits already.
    pub(super) fn send(&self, message: Message) {
        let weight = message.weight();
        if weight > 0 {
            let before = self.shared.queued_bytes.fetch_add(weight, Ordering::AcqRel);
            if before > QUEUE_BYTES_MAX {
                self.shared.queued_bytes.fetch_sub(weight, Ordering::AcqRel);
                self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        let may_gather = message.may_gather();
        if self.sender.send(message).is_err() {
            return;
        }
        let due = GATHERED.with_borrow_mut(|gathered| {
            let gathered = gathered.as_mut().filter(|_| may_gather)?;
            Some(gathered.add(self))
        });
        match due {
            None => self.wake(),
            Some(due) => due.iter().for_each(Self::wake),
        }
    }

    /// Bytes of text that wait.
    pub(super) fn waiting(&self) -> usize {
        self.shared.queued_bytes.load(Ordering::Acquire)
    }

    /// Has it said when all that was sent before is written.
    pub(super) fn catch_up(&self) -> oneshot::Receiver<()> {
        let (done, written) = oneshot::channel();
        self.send(Message::CatchUp { done });
        written
    }

    /// Wakes the receiver, once for any number of calls until it looks.
    pub(super) fn wake(&self) {
        if !self.shared.woken.swap(true, Ordering::AcqRel) {
            (self.shared.wake)();
        }
    }
}

impl Inbox {
    /// To be called before the queue is read: a message sent from now on wakes again.
    pub(super) fn about_to_read(&self) {
        self.shared.woken.swap(false, Ordering::AcqRel);
    }

    pub(super) fn next(&self) -> Option<Message> {
        let message = self.receiver.try_recv().ok()?;
        self.shared
            .queued_bytes
            .fetch_sub(message.weight(), Ordering::AcqRel);
        Some(message)
    }

    /// Waits for the next message; none when nobody can send one any more.
    pub(super) fn wait(&self) -> Option<Message> {
        self.receiver.recv().ok()
    }

    /// Messages dropped since the last call.
    pub(super) fn take_dropped(&self) -> u64 {
        self.shared.dropped.swap(0, Ordering::Relaxed)
    }
}

/// Writes lines to the main log from any thread. Cheap to clone; never blocks, never fails.
#[derive(Clone)]
pub struct Logger(Outbox);

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logger")
    }
}

impl Logger {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self(outbox)
    }

    /// A logger that writes nowhere.
    pub fn nowhere() -> Self {
        let (outbox, _) = mailbox(Arc::new(AtomicU8::new(u8::MAX)), || ());
        Self(outbox)
    }

    /// Whether lines of this level are written; ask before building a costly text.
    pub fn enabled(&self, level: Level) -> bool {
        rank(level) >= self.0.shared.level.load(Ordering::Relaxed)
    }

    /// Writes one line, stamped with the time of this call. A text of several lines is written as it is.
    pub fn log(&self, level: Level, text: impl Into<String>) {
        if self.enabled(level) {
            self.0.send(Message::Line {
                level,
                when: SystemTime::now(),
                text: text.into(),
            });
        }
    }

    /// From now on only this level and above are written, on all threads.
    pub fn set_level(&self, level: Level) {
        self.0.shared.level.store(rank(level), Ordering::Relaxed);
    }
}

/// The way to the main log for threads that have other logs; it may be led elsewhere.
#[derive(Clone)]
pub(super) struct Forward(Arc<Mutex<Logger>>);

impl Forward {
    pub(super) fn to(logger: Logger) -> Self {
        Self(Arc::new(Mutex::new(logger)))
    }

    /// From now on lines go there.
    pub(super) fn lead(&self, logger: Logger) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = logger;
    }

    /// Writes a line of a given time.
    pub(super) fn line(&self, level: Level, when: SystemTime, text: &str) {
        let logger = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if logger.enabled(level) {
            let text = text.to_owned();
            logger.0.send(Message::Line { level, when, text });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(level: Level) -> Arc<AtomicU8> {
        Arc::new(AtomicU8::new(rank(level)))
    }

    #[test]
    fn a_line_below_the_level_is_not_queued() {
        let (outbox, inbox) = mailbox(at(Level::Info), || ());
        let logger = Logger::new(outbox);
        logger.log(Level::Debug, "no");
        logger.log(Level::Info, "yes");
        assert!(
            matches!(inbox.next(), Some(Message::Line { level: Level::Info, text, .. }) if text == "yes")
        );
        assert!(inbox.next().is_none());
        logger.set_level(Level::Blather);
        assert!(logger.enabled(Level::Blather));
    }

    #[test]
    fn one_wake_serves_many_messages() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counter = wakes.clone();
        let (outbox, inbox) = mailbox(at(Level::Info), move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let logger = Logger::new(outbox);
        logger.log(Level::Info, "a");
        logger.log(Level::Info, "b");
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        inbox.about_to_read();
        logger.log(Level::Info, "c");
        assert_eq!(wakes.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_is_gathered_wakes_at_the_end_and_once_it_is_much() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counter = wakes.clone();
        let (outbox, inbox) = mailbox(at(Level::Info), move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let logger = Logger::new(outbox.clone());
        let woken = || {
            inbox.about_to_read();
            wakes.swap(0, Ordering::Relaxed)
        };
        let gathering = Gathering::begin();
        logger.log(Level::Info, "a");
        assert_eq!(woken(), 0);
        let _written = outbox.catch_up();
        assert_eq!(woken(), 1, "somebody may wait for it");
        for _ in 1..GATHERED_MAX {
            logger.log(Level::Info, "b");
        }
        assert_eq!(woken(), 1);
        logger.log(Level::Info, "c");
        assert_eq!(woken(), 0);
        drop(gathering);
        assert_eq!(woken(), 1);
        logger.log(Level::Info, "d");
        assert_eq!(woken(), 1);
    }

    #[test]
    fn text_beyond_the_queue_limit_is_counted_and_room_returns() {
        let (outbox, inbox) = mailbox(at(Level::Info), || ());
        let logger = Logger::new(outbox);
        let long = "x".repeat(QUEUE_BYTES_MAX + 1);
        logger.log(Level::Info, long.as_str());
        logger.log(Level::Info, "lost");
        assert_eq!(inbox.take_dropped(), 1);
        assert!(inbox.next().is_some());
        logger.log(Level::Info, "kept");
        assert!(matches!(inbox.next(), Some(Message::Line { text, .. }) if text == "kept"));
        assert_eq!(inbox.take_dropped(), 0);
    }

    #[test]
    fn a_logger_to_nowhere_is_never_enabled() {
        assert!(!Logger::nowhere().enabled(Level::Critical));
    }
}
