//! The logs thread: it owns the output pipes of children, their log files, rotation, and the main log.
//!
//! It is the only thread that opens, writes or renames a log, so a slow disk holds up logging and nothing else.
//! It refuses to decide anything: what a captured text means is up to the core, which hears of it by a [`Fact`].

mod auto;
mod backlog;
mod carried;
mod flood;
mod follow;
mod logger;
mod main_log;
mod notes;
mod order;
mod output;
mod printer;
mod room;
mod rotation;
mod sink;
mod sinks;
mod stamp;
mod target;
#[cfg(test)]
mod tests;

pub use auto::{auto_log_path, clean_auto_logs};
pub use backlog::Charge;
pub use carried::{CarriedChannel, CarriedLogs, CarriedRun, HeldLog};
pub use follow::{Board, Follower, Loss};
pub use logger::Logger;
pub use main_log::{MainLog, MainLogSettings};
pub use order::{Fact, Order};
pub use output::OutputState;

use backlog::Backlog;
use logger::{Message, Outbox, mailbox};
use output::Desk;
use provost_os::reactor::{Reactor, Waker};
use provost_os::spot::{Paths, Refusal, Spot};
use room::Room;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Whether a log can be opened by this user. Makes it if it is not there.
pub(crate) fn can_open(path: &Path, paths: Paths) -> Result<(), Refusal> {
    target::Target::open(path, paths).map(drop)
}

/// The same without making anything: one that is not there is looked for only as far as its directory.
pub(crate) fn could_open(path: &Path, paths: Paths) -> Result<(), Refusal> {
    if path.exists() {
        can_open(path, paths)
    } else {
        Spot::find(path, paths).map(drop)
    }
}

/// Bytes read from one pipe in one turn, so that a flood of one child leaves room for the others.
const CHUNK_BYTES: usize = 64 << 10;

/// How children's output is treated, for all processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChildLogSettings {
    /// Drop ANSI escape sequences.
    pub strip_ansi: bool,
}

/// The running logs thread.
pub struct Logs {
    outbox: Outbox,
    board: Board,
    done: Receiver<Outcome>,
    thread: JoinHandle<()>,
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logs({:?})", self.board)
    }
}

/// What the thread leaves behind.
enum Outcome {
    /// All is written, but for these bytes of these logs.
    Stopped(Box<MainLog>, Vec<(PathBuf, usize)>),
    /// Another image goes on.
    Carried(CarriedLogs),
}

/// How the logs thread ended.
#[derive(Debug)]
pub enum Stopped {
    /// All pipes are read and closed.
    Finished {
        /// Handed back for last words or the next life. Its lines go on to the same file.
        main: Box<MainLog>,
        /// Logs that did not take everything in time, and how many bytes are missing. The main log tells of them.
        left: Vec<(PathBuf, usize)>,
    },
    /// A disk held the thread up beyond the deadline. It is left to itself and ends with the daemon.
    Stuck,
}

/// Starts the thread. `facts` is called on it for each fact; it must not block.
///
/// # Errors
///
/// When the system has no descriptors or threads left; the main log is lost with it.
pub fn start(
    mut main: MainLog,
    settings: ChildLogSettings,
    facts: Box<dyn Fn(Fact) + Send>,
) -> io::Result<Logs> {
    let waker = Waker::new()?;
    let (outbox, inbox) = mailbox(main.level(), {
        let waker = waker.clone();
        move || waker.wake()
    });
    let backlog = Backlog::new({
        let outbox = outbox.clone();
        move || outbox.wake()
    });
    let board = Board::default();
    main.sinks.set_board(board.clone());
    let desk = Desk {
        main,
        facts,
        backlog,
        strip_ansi: settings.strip_ansi,
    };
    let mut room = Room::new(Arc::new(Reactor::new()?), waker, inbox, desk)?;
    let (told, done) = channel();
    let thread = std::thread::Builder::new()
        .name("logs".to_owned())
        .spawn(move || {
            // Nobody may be left to take it; then it is dropped, which writes it out.
            let end = catch_unwind(AssertUnwindSafe(|| room.serve()));
            let end = end.unwrap_or_else(|_| room.await_end());
            let _ = told.send(room.end_with(end));
        })?;
    Ok(Logs {
        outbox,
        board,
        done,
        thread,
    })
}

impl Logs {
    /// A handle to the main log.
    pub fn logger(&self) -> Logger {
        Logger::new(self.outbox.clone())
    }

    /// Where others learn that a log has grown. The main log is known by its path, too.
    pub fn board(&self) -> Board {
        self.board.clone()
    }

    /// Gives an order; never blocks. After the thread has ended orders are dropped.
    pub fn order(&self, order: Order) {
        self.outbox.send(Message::Order(order));
    }

    /// Reads the pipes dry, writes everything out and ends the thread. Waits for that no longer than `deadline`.
    pub fn stop(self, deadline: Duration) -> Stopped {
        // The thread gives up a little earlier on readers that do not read, to tell of it.
        self.outbox.send(Message::Stop {
            within: deadline.mul_f32(0.8),
        });
        let Ok(Outcome::Stopped(main, left)) = self.done.recv_timeout(deadline) else {
            return Stopped::Stuck;
        };
        // The thread has nothing left to do but to return.
        let _ = self.thread.join();
        Stopped::Finished { main, left }
    }

    /// Has no pipe read any more, and waits until what was read and ordered before is written. False when a disk holds
    /// that up for longer than `deadline`; then all goes on as before.
    pub fn rest(&self, deadline: Duration) -> bool {
        let (done, rests) = channel();
        self.outbox.send(Message::Rest { done });
        let rested = rests.recv_timeout(deadline).is_ok();
        if !rested {
            self.outbox.send(Message::GoOn);
        }
        rested
    }

    /// Ends the thread, which rests, and takes over all that it has. None when it does not answer within `deadline`.
    pub fn hand_over(self, deadline: Duration) -> Option<CarriedLogs> {
        self.outbox.send(Message::HandOver);
        let Ok(Outcome::Carried(carried)) = self.done.recv_timeout(deadline) else {
            return None;
        };
        // The thread has nothing left to do but to return.
        let _ = self.thread.join();
        Some(carried)
    }
}
