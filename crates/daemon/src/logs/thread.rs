//! One logs thread, seen from outside.

use super::backlog::Backlog;
use super::carried::CarriedLogs;
use super::ledger::Ledger;
use super::logger::{Logger, Message, Outbox, mailbox};
use super::main_log::MainLog;
use super::output::Desk;
use super::room::{Room, is_pipe};
use super::teller::Teller;
use super::{Board, ChildLogSettings};
use provost_os::pipe;
use provost_os::reactor::{Reactor, Waker};
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the thread leaves behind.
pub(super) enum Outcome {
    /// All is written, but for these bytes of these logs.
    Stopped(Box<MainLog>, Vec<(PathBuf, usize)>),
    /// Another image goes on.
    Carried(CarriedLogs),
}

/// A running thread.
pub(super) struct Handle {
    outbox: Outbox,
    ledger: Ledger,
    reactor: Arc<Reactor>,
    done: Receiver<Outcome>,
    thread: JoinHandle<()>,
}

impl Handle {
    /// Starts it. The first is number 0; crash reports know it by its name.
    pub(super) fn start(
        number: usize,
        mut main: MainLog,
        settings: ChildLogSettings,
        facts: Teller,
        board: &Board,
    ) -> io::Result<Self> {
        let waker = Waker::new()?;
        let (outbox, inbox) = mailbox(main.level(), {
            let waker = waker.clone();
            move || waker.wake()
        });
        let backlog = Backlog::new({
            let outbox = outbox.clone();
            move || outbox.wake()
        });
        main.sinks.set_board(board.clone());
        let ledger = main.sinks.ledger();
        let desk = Desk {
            main,
            facts,
            backlog,
            strip_ansi: settings.strip_ansi,
        };
        let reactor = Arc::new(Reactor::new()?);
        let mut room = Room::new(reactor.clone(), waker, inbox, desk)?;
        let (told, done) = channel();
        let name = match number {
            0 => "logs".to_owned(),
            number => format!("logs-{number}"),
        };
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            // Nobody may be left to take it; then it is dropped, which writes it out.
            let end = catch_unwind(AssertUnwindSafe(|| room.serve()));
            let end = end.unwrap_or_else(|_| room.await_end());
            let _ = told.send(room.end_with(end));
        })?;
        Ok(Self {
            outbox,
            ledger,
            reactor,
            done,
            thread,
        })
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(super) fn logger(&self) -> Logger {
        Logger::new(self.outbox.clone())
    }

    pub(super) fn send(&self, message: Message) {
        self.outbox.send(message);
    }

    /// Waits until it has ended; none when it has not by then.
    pub(super) fn end_until(self, until: Instant) -> Result<Outcome, Box<Self>> {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(outcome) = self.done.recv_timeout(left) else {
            return Err(Box::new(self));
        };
        // The thread has nothing left to do but to return.
        let _ = self.thread.join();
        Ok(outcome)
    }

    /// The log that holds it up, if one does.
    pub(super) fn hangs_at(&self) -> Option<PathBuf> {
        self.ledger.at_work()
    }

    /// Logs with bytes that are not in them, and how many.
    pub(super) fn unwritten(&self) -> Vec<(PathBuf, usize)> {
        self.ledger.unwritten()
    }

    /// Bytes that were written for its logs and that it has not looked at: in the pipes that it watches, and in orders.
    ///
    /// To be asked only while it hangs. It takes no pipe out of the queue then, so the system knows them all.
    pub(super) fn unread(&self) -> usize {
        let watched = self.reactor.watched().unwrap_or_default();
        let pipes = watched.into_iter().filter(|one| is_pipe(one.token));
        let waiting = pipes.filter_map(|pipe| {
            let path = format!("/proc/self/fd/{}", pipe.number);
            let file = fs::File::open(path).ok()?;
            pipe::waiting(&file).ok()
        });
        waiting.sum::<usize>() + self.outbox.waiting()
    }
}

/// A moment from now.
pub(super) fn after(duration: Duration) -> Instant {
    Instant::now() + duration
}
