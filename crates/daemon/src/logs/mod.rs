//! The logs thread: it owns the output pipes of children, their log files, rotation, and the main log.
//!
//! It is the only thread that opens, writes or renames a log, so a slow disk holds up logging and nothing else.
//! It refuses to decide anything: what a captured text means is up to the core, which hears of it by a [`Fact`].

mod auto;
mod backlog;
mod logger;
mod main_log;
mod order;
mod stamp;

pub use auto::auto_log_path;
pub use backlog::Charge;
pub use logger::Logger;
pub use main_log::{MainLog, MainLogSettings};
pub use order::{Fact, Order};

use logger::{Inbox, Message, Outbox, mailbox};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How children's output is treated, for all processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChildLogSettings {
    /// Drop ANSI escape sequences.
    pub strip_ansi: bool,
}

/// The running logs thread.
pub struct Logs {
    outbox: Outbox,
    done: Receiver<MainLog>,
    thread: JoinHandle<()>,
}

/// What the logs thread left behind when it was stopped.
pub enum Stopped {
    /// Everything was written; the main log is handed back for the last words or the next life.
    Finished(MainLog),
    /// A disk or a reader held it up beyond the deadline; the thread is left to itself.
    Stuck,
}

/// Starts the thread. `facts` is called on it for each fact; it must not block.
pub fn start(
    main: MainLog,
    settings: ChildLogSettings,
    facts: Box<dyn Fn(Fact) + Send>,
) -> io::Result<Logs> {
    let (handover, handed) = channel::<std::thread::Thread>();
    let (done_sender, done) = channel();
    let (outbox, inbox) = mailbox(main.settings.level, {
        let cell = std::sync::OnceLock::<std::thread::Thread>::new();
        let handed = std::sync::Mutex::new(handed);
        move || {
            let thread = cell.get_or_init(|| {
                handed
                    .lock()
                    .ok()
                    .and_then(|handed| handed.recv().ok())
                    .unwrap_or_else(std::thread::current)
            });
            thread.unpark();
        }
    });
    let thread = std::thread::Builder::new()
        .name("logs".to_owned())
        .spawn(move || serve(main, settings, &inbox, &facts, &done_sender))?;
    // The receiver lives in the mailbox that this function returns.
    let _ = handover.send(thread.thread().clone());
    Ok(Logs {
        outbox,
        done,
        thread,
    })
}

fn serve(
    mut main: MainLog,
    _settings: ChildLogSettings,
    inbox: &Inbox,
    _facts: &(dyn Fn(Fact) + Send),
    done: &Sender<MainLog>,
) {
    loop {
        inbox.about_to_read();
        while let Some(message) = inbox.next() {
            match message {
                Message::Line { level, when, text } => main.put(level, when, &text),
                Message::Order(_) => (),
                Message::Stop => {
                    let _ = done.send(main);
                    return;
                }
            }
        }
        std::thread::park();
    }
}

impl Logs {
    /// A handle to the main log.
    pub fn logger(&self) -> Logger {
        Logger::new(self.outbox.clone())
    }

    /// Gives an order; never blocks.
    pub fn order(&self, order: Order) {
        self.outbox.send(Message::Order(order));
    }

    /// Reads the pipes dry, writes everything out and ends the thread; waits for that until `deadline` has passed.
    pub fn stop(self, deadline: Duration) -> Stopped {
        self.outbox.send(Message::Stop);
        match self.done.recv_timeout(deadline) {
            Ok(main) => {
                // The thread has nothing left to do but to return.
                let _ = self.thread.join();
                Stopped::Finished(main)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Stopped::Stuck,
        }
    }
}
