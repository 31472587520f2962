//! Spools of listener pools: one thread for each path that a pool has named, so that a disk that hangs holds up its own
//! pool only.
//!
//! Orders for one path are done in the order in which they were given, also those of a pool that has gone and of the one
//! that came in its place. A thread sleeps while there is no order, and ends when nobody can give it one any more.

mod carried;
mod file;
#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod lost_tests;
mod rewrite;

pub(crate) use carried::CarriedSpool;

use crate::crash;
use crate::done::{Done, Errand};
use crate::logs::Logger;
use file::{SpoolFile, Tell};
use provost_core::{SpoolAnswer, SpoolOrder, SpoolProblem};
use provost_model::{Envelope, Level, SpoolId, Ticket};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

/// How results reach the control thread.
pub(crate) type Report = Box<dyn Fn(Done) + Send>;

/// What a thread is told.
enum Job {
    /// An order and for whom.
    Order {
        ticket: Ticket,
        spool: SpoolId,
        order: SpoolOrder,
    },
    /// Leave the open file to another image.
    HandOver(Sender<Option<CarriedSpool>>),
}

/// The threads.
#[derive(Default)]
pub(crate) struct Spools {
    lanes: HashMap<PathBuf, Sender<Job>>,
    paths: HashMap<SpoolId, PathBuf>,
    /// What each thread was told to open last.
    known: HashMap<PathBuf, Known>,
    /// Orders that are not answered.
    orders: BTreeMap<Ticket, PathBuf>,
}

impl Spools {
    /// Has an order done; its answer comes by `report`, which a new thread is given. False if there is no thread to do
    /// it.
    pub(crate) fn order(
        &mut self,
        ticket: Ticket,
        spool: SpoolId,
        order: SpoolOrder,
        logger: &Logger,
        report: impl FnOnce() -> Report,
    ) -> bool {
        if let SpoolOrder::Open {
            path,
            pool,
            maxbytes,
        } = &order
        {
            self.paths.insert(spool, path.clone());
            let known = Known {
                spool,
                pool: pool.clone(),
                maxbytes: *maxbytes,
            };
            self.known.insert(path.clone(), known);
            if !self.lanes.contains_key(path) {
                match start(Clerk::new(path.clone(), logger.clone()), report()) {
                    Ok(lane) => {
                        self.lanes.insert(path.clone(), lane);
                    }
                    Err(error) => {
                        let text = format!("could not start a thread for an event spool: {error}");
                        logger.log(Level::Error, text);
                        return false;
                    }
                }
            }
        }
        let is_last = matches!(order, SpoolOrder::Save { .. });
        let path = self.paths.get(&spool);
        let lane = path.and_then(|path| self.lanes.get(path));
        let job = Job::Order {
            ticket,
            spool,
            order,
        };
        // One that has panicked takes no order any more; what becomes of it is found out in a moment.
        let is_there = lane.is_some_and(|lane| lane.send(job).is_ok() || crash::happened());
        if let Some(path) = path.filter(|_| is_there) {
            self.orders.insert(ticket, path.clone());
        }
        if is_last {
            self.paths.remove(&spool);
        }
        is_there
    }

    /// An order was answered.
    pub(crate) fn answered(&mut self, ticket: Ticket) {
        self.orders.remove(&ticket);
    }
}

fn start(clerk: Clerk, report: Report) -> io::Result<Sender<Job>> {
    let (sender, jobs) = channel();
    Builder::new()
        .name("spool".to_owned())
        .spawn(move || clerk.work(&jobs, &report))?;
    Ok(sender)
}

/// What an `Open` order said.
#[derive(Clone, Debug)]
struct Known {
    spool: SpoolId,
    pool: Arc<str>,
    maxbytes: u64,
}

/// Who works with the file of one path.
struct Clerk {
    path: PathBuf,
    logger: Logger,
    /// The last order failed, which is told once.
    failing: bool,
    open: Option<SpoolFile>,
    known: Option<Known>,
    /// A thread before this one broke down with the file open.
    lost: bool,
}

impl Clerk {
    fn new(path: PathBuf, logger: Logger) -> Self {
        Self {
            path,
            logger,
            failing: false,
            open: None,
            known: None,
            lost: false,
        }
    }

    fn work(mut self, jobs: &Receiver<Job>, report: &Report) {
        for job in jobs {
            let (ticket, spool, order) = match job {
                Job::Order {
                    ticket,
                    spool,
                    order,
                } => (ticket, spool, order),
                Job::HandOver(told) => {
                    // Nobody may be waiting any more.
                    let _ = told.send(self.into_carried());
                    return;
                }
            };
            crash::point("spool");
            let deed = deed(&order);
            let answer = match self.obey(spool, order) {
                Ok(answer) => {
                    self.recovered();
                    Ok(answer)
                }
                Err(error) => {
                    self.failed(deed, &error);
                    Err(SpoolProblem)
                }
            };
            report(Done::Errand(Errand::Spooled { ticket, answer }));
        }
    }

    fn obey(&mut self, spool: SpoolId, order: SpoolOrder) -> io::Result<SpoolAnswer> {
        let (is_open, is_save) = match &order {
            SpoolOrder::Open { .. } => (true, false),
            SpoolOrder::Save { .. } => (false, true),
            SpoolOrder::Append { .. } | SpoolOrder::Read { .. } | SpoolOrder::Mark { .. } => {
                (false, false)
            }
        };
        if self.lost && !is_open && !is_save {
            return Ok(SpoolAnswer::Lost);
        }
        self.lost = false;
        match order {
            SpoolOrder::Open { pool, maxbytes, .. } => {
                let known = Known {
                    spool,
                    pool,
                    maxbytes,
                };
                self.known = Some(known.clone());
                let file = self.open(&known)?;
                let answer = SpoolAnswer::Opened {
                    events: file.unread(),
                    bytes: file.bytes(),
                };
                self.open = Some(file);
                Ok(answer)
            }
            SpoolOrder::Append { done, events } => {
                let file = self.file(spool)?;
                file.done(done)?;
                let taken = file.append(&events)?;
                let bytes = file.bytes();
                Ok(SpoolAnswer::Appended { taken, bytes })
            }
            SpoolOrder::Read { done, max } => {
                let pool = self.pool();
                let file = self.file(spool)?;
                file.done(done)?;
                let events = file.read(&pool, max)?;
                let (left, bytes) = (file.unread(), file.bytes());
                Ok(SpoolAnswer::Read {
                    events,
                    left,
                    bytes,
                })
            }
            SpoolOrder::Mark { done } => {
                let file = self.file(spool)?;
                file.done(done)?;
                let bytes = file.bytes();
                Ok(SpoolAnswer::Marked { bytes })
            }
            SpoolOrder::Save {
                first,
                from,
                unsure,
                last,
            } => self
                .save(spool, &first, from, unsure, last)
                .map(|()| SpoolAnswer::Saved),
        }
    }

    fn open(&self, known: &Known) -> io::Result<SpoolFile> {
        SpoolFile::open(&self.path, known.maxbytes, self.teller(known))
    }

    /// Tells the operator what there is to say about a file.
    fn teller(&self, known: &Known) -> Tell {
        let (logger, pool) = (self.logger.clone(), known.pool.clone());
        Box::new(move |level, text: String| logger.log(level, format!("pool {pool}: {text}")))
    }

    fn pool(&self) -> Arc<str> {
        self.known
            .as_ref()
            .map_or_else(|| Arc::from(""), |known| known.pool.clone())
    }

    /// The file, which must belong to this spool.
    fn file(&mut self, spool: SpoolId) -> io::Result<&mut SpoolFile> {
        let is_ours = self
            .known
            .as_ref()
            .is_some_and(|known| known.spool == spool);
        self.open
            .as_mut()
            .filter(|_| is_ours)
            .ok_or_else(|| io::Error::other("it is not open"))
    }

    fn save(
        &mut self,
        spool: SpoolId,
        first: &[Envelope],
        from: u64,
        unsure: Vec<Envelope>,
        last: Vec<Envelope>,
    ) -> io::Result<()> {
        let Some(known) = self.known.take().filter(|known| known.spool == spool) else {
            return Err(io::Error::other("it was never opened"));
        };
        let count = first.len() + unsure.len() + last.len();
        let outcome = match self.open.take() {
            Some(file) => file.save(first, Some(from), unsure, last),
            None if count == 0 => Ok(()),
            // It could not be opened before. What is in it, if anything is, is older than all that we have.
            None => self.open(&known).and_then(|file| {
                file.save(&[], None, Vec::new(), [first, &unsure, &last].concat())
            }),
        };
        if outcome.is_err() && count > 0 {
            let text = format!(
                "pool {}: {count} events that waited in memory are lost",
                known.pool
            );
            self.logger.log(Level::Error, text);
        }
        outcome
    }

    fn failed(&mut self, deed: &str, error: &io::Error) {
        if !std::mem::replace(&mut self.failing, true) {
            let text = format!(
                "pool {}: could not {deed} the event spool {}: {error}; events wait in memory as far as there is room, \
                 and it is tried again",
                self.pool(),
                self.path.display()
            );
            self.logger.log(Level::Error, text);
        }
    }

    fn recovered(&mut self) {
        if std::mem::take(&mut self.failing) {
            let text = format!(
                "pool {}: the event spool {} works again",
                self.pool(),
                self.path.display()
            );
            self.logger.log(Level::Info, text);
        }
    }
}

/// What an order is for, in a sentence.
fn deed(order: &SpoolOrder) -> &'static str {
    match order {
        SpoolOrder::Open { .. } => "open",
        SpoolOrder::Append { .. } => "write to",
        SpoolOrder::Read { .. } => "read from",
        SpoolOrder::Mark { .. } => "mark what is done in",
        SpoolOrder::Save { .. } => "save events in",
    }
}

/// The name of a file beside the spool.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
