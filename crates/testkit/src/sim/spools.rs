//! Simulated files of spools: what is in them, and what becomes of orders.
//!
//! An order is carried out when it is given, so that those for one path keep their order; its answer comes later. Whoever
//! has a file open may break down over an order: then it is done in part, as are none of those that follow until the core
//! hears of it.

use super::agenda::Lane;
use super::faults::Fault;
use super::rng::Rng;
use super::world::{Coming, World};
use provost_core::{Input, SpoolAnswer, SpoolOrder, SpoolProblem};
use provost_model::{Envelope, Mono, SpoolId, Ticket};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

/// What is in a file, and how far it has been read since it was opened.
#[derive(Clone, Debug, Default)]
struct Disk {
    /// The number of the first record.
    base: u64,
    records: VecDeque<Envelope>,
    /// How many of them have been read.
    read: usize,
    /// Here `maxbytes` counts events.
    room: usize,
    /// The last try to write failed.
    refused: bool,
}

/// All files.
#[derive(Clone, Debug, Default)]
pub(super) struct Disks {
    files: BTreeMap<PathBuf, Disk>,
    open: BTreeMap<SpoolId, PathBuf>,
    known: BTreeMap<SpoolId, PathBuf>,
    lanes: BTreeMap<PathBuf, u64>,
    /// Where whoever had the file open broke down, and when that has been noticed.
    broken: BTreeMap<PathBuf, Mono>,
}

impl Disk {
    fn done(&mut self, number: u64) {
        while self.base < number && self.read > 0 && self.records.pop_front().is_some() {
            self.base += 1;
            self.read -= 1;
        }
    }

    fn append(&mut self, events: &[Envelope]) -> usize {
        let room = self.room.saturating_sub(self.records.len());
        let taken = events.len().min(room);
        self.records.extend(events[..taken].iter().cloned());
        taken
    }
}

/// How much of an order is done when it is broken off.
#[derive(Clone, Copy)]
struct Reach {
    /// What is done before is marked, or the whole of what is done at once.
    begins: bool,
    /// As many of the events, of a thousand.
    events: u64,
}

impl Reach {
    fn draw(dice: &mut Rng) -> Self {
        Self {
            begins: dice.chance(500),
            events: dice.below(1_001),
        }
    }
}

impl World {
    /// Carries out an order for a spool.
    pub(super) fn spool(&mut self, ticket: Ticket, spool: SpoolId, order: SpoolOrder) {
        let fails = self.faults.strike(&mut self.dice, Fault::SpoolFails);
        let few = self.dice.chance(300);
        if let SpoolOrder::Open { path, .. } = &order {
            self.disks.known.insert(spool, path.clone());
        }
        let Some(path) = self.disks.known.get(&spool).cloned() else {
            return;
        };
        let breaks = self.faults.strike(&mut self.spool_dice, Fault::SpoolLost);
        let reach = Reach::draw(&mut self.spool_dice);
        let is_broken = self.disks.is_broken(&path, self.now);
        let answer = if is_broken {
            Ok(SpoolAnswer::Lost)
        } else if breaks {
            self.disks.break_off(spool, &path, order, reach);
            Ok(SpoolAnswer::Lost)
        } else if fails {
            if let (SpoolOrder::Append { .. }, Some(disk)) =
                (&order, self.disks.files.get_mut(&path))
            {
                disk.refused = true;
            }
            Err(SpoolProblem)
        } else {
            Ok(self.disks.obey(spool, &path, order, few))
        };
        let count = self.disks.lanes.len() as u64;
        let lane = *self.disks.lanes.entry(path.clone()).or_insert(count);
        // A disk may take much longer than anybody waits for it.
        let wait = if self.faults.strike(&mut self.dice, Fault::SpoolSlow) {
            Duration::from_millis(self.dice.between(1, 20_000))
        } else {
            Duration::from_micros(self.dice.below(3_000))
        };
        let fact = Input::SpoolAnswered { ticket, answer };
        let at = self.later_in_lane(Lane::Spool(lane), wait, Coming::Fact(fact));
        if breaks && !is_broken {
            self.disks.broken.insert(path, at);
        }
    }
}

impl Disks {
    /// Nobody has a file open any more. Tells what is in them: the numbers of events.
    pub(super) fn abandon(&mut self) -> BTreeMap<PathBuf, Vec<u64>> {
        self.open.clear();
        self.known.clear();
        self.broken.clear();
        let files = self.files.iter().map(|(path, disk)| {
            let serials = disk.records.iter().map(|event| event.serial);
            (path.clone(), serials.collect())
        });
        files.collect()
    }

    /// Whether nobody does what is ordered now: whoever should has broken down, and nobody has noticed.
    fn is_broken(&self, path: &PathBuf, now: Mono) -> bool {
        self.broken.get(path).is_some_and(|until| now < *until)
    }

    /// An order is broken off, after which the file is not open any more.
    fn break_off(&mut self, spool: SpoolId, path: &PathBuf, order: SpoolOrder, reach: Reach) {
        let disk = self.files.entry(path.clone()).or_default();
        match order {
            SpoolOrder::Append { done, events } if reach.begins => {
                disk.done(done);
                let most = (events.len() as u64 * reach.events / 1_000) as usize;
                disk.append(&events[..most]);
            }
            SpoolOrder::Read { done, .. } | SpoolOrder::Mark { done } if reach.begins => {
                disk.done(done);
            }
            // A new file takes the place of the old one, or does not.
            SpoolOrder::Save { .. } if reach.begins => {
                self.obey(spool, path, order, false);
            }
            _ => {}
        }
        self.open.remove(&spool);
    }

    fn obey(
        &mut self,
        spool: SpoolId,
        path: &PathBuf,
        order: SpoolOrder,
        few: bool,
    ) -> SpoolAnswer {
        let is_open = self.open.get(&spool) == Some(path);
        let disk = self.files.entry(path.clone()).or_default();
        let count = |disk: &Disk| disk.records.len() as u64;
        match order {
            SpoolOrder::Open { maxbytes, .. } => {
                self.open.insert(spool, path.clone());
                disk.room = usize::try_from(maxbytes).unwrap_or(usize::MAX);
                (disk.base, disk.read, disk.refused) = (0, 0, false);
                SpoolAnswer::Opened {
                    events: count(disk),
                    bytes: count(disk),
                }
            }
            SpoolOrder::Append { done, events } => {
                disk.done(done);
                disk.refused = false;
                let taken = disk.append(&events);
                let bytes = count(disk);
                SpoolAnswer::Appended { taken, bytes }
            }
            SpoolOrder::Read { done, max } => {
                disk.done(done);
                let max = if few { 1 } else { max };
                let unread = disk.records.iter().skip(disk.read).take(max).cloned();
                let first = disk.base + disk.read as u64;
                let events: Vec<_> = (first..).zip(unread).collect();
                disk.read += events.len();
                SpoolAnswer::Read {
                    left: (disk.records.len() - disk.read) as u64,
                    bytes: count(disk),
                    events,
                }
            }
            SpoolOrder::Mark { done } => {
                disk.done(done);
                let bytes = count(disk);
                SpoolAnswer::Marked { bytes }
            }
            SpoolOrder::Save {
                first,
                from,
                unsure,
                last,
            } => {
                if is_open {
                    disk.done(from);
                    for event in first.into_iter().rev() {
                        disk.records.push_front(event);
                    }
                    if disk.refused {
                        disk.records.extend(unsure);
                    }
                } else {
                    disk.records.extend(first);
                    disk.records.extend(unsure);
                }
                disk.records.extend(last);
                self.open.remove(&spool);
                self.known.remove(&spool);
                SpoolAnswer::Saved
            }
        }
    }
}
