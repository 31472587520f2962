//! The handle by which every thread writes to the main log without waiting for a disk.

use super::Order;
use super::main_log::rank;
use provost_model::{Channel, Level};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;

/// Bytes of text that may wait for the logs thread; while a disk hangs, what comes beyond is counted and dropped.
pub(super) const QUEUE_BYTES_MAX: usize = 1 << 20;

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
        if self.sender.send(message).is_ok() {
            self.wake();
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
