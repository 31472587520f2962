//! The end of the logs threads: with everything written, or left to another image. One that hangs holds up neither.

use super::Logs;
use super::carried::CarriedLogs;
use super::logger::Message;
use super::main_log::MainLog;
use super::thread::{Handle, Outcome, after};
use provost_model::{Level, Run};
use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// The part of the time for an end that threads of other logs may take before the one of the main log, which tells of
/// them.
const OTHERS: f32 = 0.6;

/// The part of its time after which a thread gives up on readers that do not read, to tell of it.
const PATIENCE: f32 = 0.8;

/// How the logs threads ended.
#[derive(Debug)]
pub enum Stopped {
    /// The first one has: the main log is written.
    Finished {
        /// Handed back for last words or the next life. Its lines go on to the same file.
        main: Box<MainLog>,
        /// Logs that did not take everything in time, and how many bytes are missing. The main log tells of them.
        left: Vec<(PathBuf, usize)>,
    },
    /// A disk held up the thread of the main log beyond the deadline. It is left to itself and ends with the daemon.
    Stuck {
        /// As above, but nobody has told of them.
        left: Vec<(PathBuf, usize)>,
    },
}

/// Threads that hang, on their way from one life of this image to the next. No other image can have them, and while one
/// hangs in the kernel no other image can take our place: the system waits for each thread.
#[derive(Default)]
pub struct Stuck(Option<Box<Logs>>);

impl fmt::Debug for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stuck({:?})", self.reason())
    }
}

impl Stuck {
    /// Why there are some; none when there are none.
    pub fn reason(&self) -> Option<String> {
        let logs = self.0.as_ref()?;
        let at = logs.threads.iter().flatten().find_map(Handle::hangs_at);
        Some(hangs(at))
    }

    /// The way to the main log, where its thread is among those that hang.
    pub fn main_log(&self) -> Option<MainLog> {
        let logs = self.0.as_ref()?;
        logs.threads.first()?.as_ref()?;
        let (paths, level) = (logs.paths, logs.level.clone());
        Some(MainLog::elsewhere(paths, level, logs.forward.clone()))
    }

    pub(super) fn into_logs(self) -> Option<Logs> {
        self.0.map(|logs| *logs)
    }
}

fn hangs(at: Option<PathBuf>) -> String {
    let log = at.map_or_else(
        || "a log".to_owned(),
        |path| format!("the log {}", path.display()),
    );
    format!("{log} did not take what was read within a second; see what its disk is doing")
}

impl Logs {
    /// Reads the pipes dry, writes everything out and ends the threads. Waits for that no longer than `deadline`.
    pub fn stop(mut self, deadline: Duration) -> Stopped {
        let until = after(deadline);
        let mut left = Vec::new();
        let logger = self.logger();
        let others = after(deadline.mul_f32(OTHERS));
        let within = deadline.mul_f32(OTHERS * PATIENCE);
        let mut first = None;
        let mut ending = Vec::new();
        for (number, handle) in self.threads.drain(..).enumerate() {
            match handle {
                Some(handle) if number == 0 => first = Some(handle),
                Some(handle) => {
                    handle.send(Message::Stop { within });
                    ending.push(handle);
                }
                None => {}
            }
        }
        for handle in ending {
            match handle.end_until(others) {
                Ok(Outcome::Stopped(_, unwritten)) => left.extend(unwritten),
                Ok(Outcome::Carried(_)) => {}
                Err(hung) => {
                    let unwritten = hung.unwritten();
                    for line in last_words(&unwritten, hung.unread()) {
                        logger.log(Level::Warn, line);
                    }
                    left.extend(unwritten);
                }
            }
        }
        let Some(first) = first else {
            return Stopped::Stuck { left };
        };
        let within = until
            .saturating_duration_since(Instant::now())
            .mul_f32(PATIENCE);
        first.send(Message::Stop { within });
        match first.end_until(until) {
            Ok(Outcome::Stopped(main, unwritten)) => {
                left.extend(unwritten);
                Stopped::Finished { main, left }
            }
            Ok(Outcome::Carried(_)) => Stopped::Stuck { left },
            Err(hung) => {
                left.extend(hung.unwritten());
                Stopped::Stuck { left }
            }
        }
    }

    /// Has no pipe read any more, and waits until what was read and ordered before is written. An error says which disk
    /// holds that up for longer than `deadline`; then all goes on as before.
    ///
    /// # Errors
    ///
    /// The reason, for whoever wanted it.
    pub fn rest(&self, deadline: Duration) -> Result<(), String> {
        let resting = self.resting(deadline);
        let hung = self.threads.iter().flatten().zip(&resting);
        let mut hung = hung.filter(|(_, rests)| !**rests);
        let Some((first, _)) = hung.next() else {
            return Ok(());
        };
        let reason = hangs(first.hangs_at());
        for handle in self.threads.iter().flatten() {
            handle.send(Message::GoOn);
        }
        Err(reason)
    }

    /// The same for an end that cannot be put off: those that can, rest.
    pub fn rest_if_possible(&self, deadline: Duration) {
        self.resting(deadline);
    }

    /// Orders all to rest; which of those that are there do.
    fn resting(&self, deadline: Duration) -> Vec<bool> {
        let until = after(deadline);
        let asked = self.threads.iter().flatten().map(|handle| {
            let (done, rests) = channel();
            handle.send(Message::Rest { done });
            rests
        });
        let asked: Vec<_> = asked.collect();
        let resting = asked.into_iter().map(|rests| {
            let left = until.saturating_duration_since(Instant::now());
            rests.recv_timeout(left).is_ok()
        });
        resting.collect()
    }

    /// Ends all threads that rest, or can within `deadline`, and takes over all that they have. Those that hang go on with
    /// the next life of this image.
    pub fn hand_over(mut self, deadline: Duration) -> CarriedLogs {
        // From here on it is the next life that hears.
        self.teller.close();
        let mut resting = self.resting(deadline).into_iter();
        let mut carried = CarriedLogs::default();
        let mut stays = false;
        for slot in &mut self.threads {
            let Some(handle) = slot.take() else { continue };
            if resting.next() != Some(true) {
                *slot = Some(handle);
                stays = true;
                continue;
            }
            handle.send(Message::HandOver);
            if let Ok(Outcome::Carried(part)) = handle.end_until(after(deadline)) {
                carried.add(part);
            }
        }
        carried.sort();
        if stays {
            self.keep_stuck();
            carried.stuck = Stuck(Some(Box::new(self)));
        }
        carried
    }

    /// Forgets whatever was on threads that are gone.
    fn keep_stuck(&mut self) {
        let threads = &self.threads;
        let is_there = |&number: &usize| threads.get(number).is_some_and(Option::is_some);
        self.homes.retain(|_, home| home.retain(is_there));
        self.places
            .retain(|(_, number)| *number == 0 || is_there(number));
        // Clients whose logs were being cleared hear of a failure from the core.
        self.clears.clear();
    }

    /// Lets threads that hung go on as soon as they can.
    pub(super) fn go_on(&mut self) {
        self.board.forget_writers();
        for (place, number) in &self.places {
            if let Some(handle) = self.threads.get(*number).and_then(Option::as_ref) {
                self.board.add_writer(*place, handle.outbox().clone());
            }
        }
        for handle in self.threads.iter().flatten() {
            handle.send(Message::GoOn);
        }
    }

    /// Whether a thread that hung when the last life ended may have something of this run.
    pub fn may_have(&self, run: Run) -> bool {
        self.first_hung || self.homes.contains_key(&run)
    }
}

/// What the main log says of a thread that could not end.
fn last_words(unwritten: &[(PathBuf, usize)], unread: usize) -> Vec<String> {
    let mut lines: Vec<String> = unwritten
        .iter()
        .map(|(path, bytes)| {
            format!(
                "{bytes} bytes for log {} could not be written before the end: its disk hangs",
                path.display()
            )
        })
        .collect();
    if unread > 0 {
        lines.push(format!(
            "at least {unread} bytes more for logs on that disk were not read before the end"
        ));
    }
    lines
}
