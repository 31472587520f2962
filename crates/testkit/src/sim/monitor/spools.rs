//! Spools: a second reading of where each event is that a pool's buffer could not hold. None may be lost while there is
//! room, none may be called done before it is, and the end leaves on disk what nobody has done (I14).

use super::Report;
use provost_core::{SpoolAnswer, SpoolOrder, SpoolProblem};
use provost_model::{Envelope, Ticket};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::path::PathBuf;

/// Global numbers of the events in a file.
pub(super) type Serials = Vec<u64>;

/// What is in files that no pool has open, and what will be in those that are being saved.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    closed: BTreeMap<PathBuf, Serials>,
    /// Files that were saved before anybody knew what was in them, or have an event twice, which may be given once or twice.
    unclear: BTreeSet<PathBuf>,
    /// For each order under way: the path, and what will be there.
    saving: BTreeMap<Ticket, (PathBuf, Serials)>,
}

impl Files {
    /// Files that a supervisord which was killed had open, and what is in them.
    pub(super) fn after_kill(closed: BTreeMap<PathBuf, Serials>) -> Self {
        let has_twice = |content: &Serials| {
            let distinct: BTreeSet<&u64> = content.iter().collect();
            distinct.len() < content.len()
        };
        let (twice, closed): (BTreeMap<_, _>, _) = closed
            .into_iter()
            .partition(|(_, content)| has_twice(content));
        Self {
            closed,
            unclear: twice.into_keys().collect(),
            ..Self::default()
        }
    }

    /// A file was saved, or not.
    pub(super) fn saved(&mut self, ticket: Ticket, answer: &Result<SpoolAnswer, SpoolProblem>) {
        if let Some((path, content)) = self.saving.remove(&ticket) {
            if matches!(answer, Ok(SpoolAnswer::Saved)) {
                self.closed.insert(path, content);
            } else {
                // What was done and could not be marked may be there still.
                self.unclear.insert(path);
            }
        }
    }
}

#[derive(Clone, Debug)]
enum UnderWay {
    Open,
    Append(Serials),
    Read,
    Mark,
}

/// The spool of one pool.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    path: PathBuf,
    is_open: bool,
    /// What was in it at the beginning is not known.
    pub(super) is_unclear: bool,
    /// It could not be opened at some time: then the order of old and new events is free.
    pub(super) was_out: bool,
    under_way: Option<(Ticket, UnderWay)>,
    failed: bool,
    /// Numbers and global numbers of records that are not done.
    disk: VecDeque<(u64, u64)>,
    next: u64,
    /// The last try to write failed.
    refused: bool,
    /// Events for which the disk had no room.
    pub(super) homeless: u64,
    /// Events from an earlier time, in order.
    pub(super) old: VecDeque<u64>,
    /// Of those, how many the buffer lost while the file could not be opened.
    pub(super) old_lost: u64,
    /// Events that listeners have done.
    finished: BTreeSet<u64>,
    /// The number behind that of the record that was read last.
    read_to: u64,
    /// What whoever had the file open knew of it.
    loss: Loss,
}

/// The file was lost once or more, and opened anew.
#[derive(Clone, Debug, Default)]
struct Loss {
    happened: bool,
    /// Not all that it holds has been read again.
    is_unread: bool,
    /// Events that had been read or were lost from memory: whatever the disk still has of them need not come again.
    in_memory: BTreeSet<u64>,
    /// Events of this life that others came before while it could not be opened, by their numbers within the pool.
    late: BTreeSet<u64>,
}

impl Watch {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            is_open: false,
            is_unclear: false,
            was_out: false,
            under_way: None,
            failed: false,
            disk: VecDeque::new(),
            next: 0,
            refused: false,
            homeless: 0,
            old: VecDeque::new(),
            old_lost: 0,
            finished: BTreeSet::new(),
            read_to: 0,
            loss: Loss::default(),
        }
    }

    /// A listener has done this event.
    pub(super) fn finish(&mut self, serial: u64) {
        self.finished.insert(serial);
        // After a loss one event may have been written twice; then it comes twice in the next life after a kill.
        if let Some(place) = self.old.iter().position(|old| *old == serial) {
            self.old.remove(place);
        }
    }

    /// How many events wait that others came before.
    pub(super) fn late(&self) -> u64 {
        self.loss.late.len() as u64
    }

    /// Whether this event is one of those. It is not from now on.
    pub(super) fn comes_late(&mut self, event: u64) -> bool {
        self.loss.late.remove(&event)
    }

    /// Whether these events may come later than the next one: they are in a file that could not be opened anew, or lost.
    pub(super) fn may_skip(&mut self, events: Range<u64>) -> bool {
        let may = !events.is_empty() && self.was_out && self.loss.happened;
        if may {
            self.loss.late.extend(events);
        }
        may
    }

    /// An event from an earlier time is lost.
    pub(super) fn lose_old(&mut self, serial: u64) {
        self.finish(serial);
        self.old_lost += 1;
    }

    /// An event of this life is lost from memory, and somebody was told. If the disk has it all the same, it is done there.
    pub(super) fn give_up(&mut self, serial: u64) {
        self.loss.in_memory.insert(serial);
    }

    /// The file is opened anew: of what is in it we know what is read again.
    fn lose(&mut self) {
        if !self.is_open {
            return;
        }
        self.loss.happened = true;
        self.loss.is_unread = true;
        let read = self
            .disk
            .iter()
            .filter(|(number, _)| *number < self.read_to);
        self.loss.in_memory.extend(read.map(|(_, serial)| *serial));
        self.disk.clear();
        self.is_open = false;
        self.refused = false;
        (self.next, self.read_to) = (0, 0);
    }

    /// Whether a loss has a reason.
    pub(super) fn may_lose(&mut self) -> bool {
        if !self.is_open && self.was_out {
            return true;
        }
        let reason = self.homeless > 0;
        self.homeless = self.homeless.saturating_sub(1);
        reason
    }

    /// Whether all that waits could be given to a listener at once.
    pub(super) fn is_at_rest(&self) -> bool {
        self.is_open && self.under_way.is_none() && !self.failed
    }

    /// Whether it wants to be called although nothing happens.
    pub(super) fn needs_a_timer(&self) -> bool {
        self.failed
    }

    fn called_done(&mut self, done: u64, report: &mut Report<'_>) {
        if self.is_unclear {
            return;
        }
        report.check(done <= self.read_to, "I14", || {
            format!("what was not read is called done (before {done})")
        });
        let is_done =
            |serial: &u64| self.finished.contains(serial) || self.loss.in_memory.contains(serial);
        let early = self
            .disk
            .iter()
            .take_while(|(number, _)| *number < done)
            .find(|(_, serial)| !is_done(serial));
        report.check(early.is_none(), "I14", || {
            format!("record {early:?} is called done (before {done}) and nobody has done it")
        });
    }

    /// The core gives an order. `undone` is how many events of this life nobody has done.
    pub(super) fn ordered(
        &mut self,
        ticket: Ticket,
        order: &SpoolOrder,
        undone: u64,
        files: &mut Files,
        report: &mut Report<'_>,
    ) {
        let busy = self.under_way.is_some();
        let is_save = matches!(order, SpoolOrder::Save { .. });
        report.check(!busy || is_save, "I14", || {
            format!("a second order for a spool: {order:?}")
        });
        let serials = |events: &[Envelope]| -> Serials {
            events.iter().map(|envelope| envelope.serial).collect()
        };
        self.failed = false;
        let under_way = match order {
            SpoolOrder::Open { .. } => UnderWay::Open,
            SpoolOrder::Append { done, events } => {
                self.called_done(*done, report);
                UnderWay::Append(serials(events))
            }
            SpoolOrder::Read { done, .. } => {
                self.called_done(*done, report);
                UnderWay::Read
            }
            SpoolOrder::Mark { done } => {
                self.called_done(*done, report);
                UnderWay::Mark
            }
            SpoolOrder::Save {
                first,
                from,
                unsure,
                last,
            } => {
                if !self.is_open || self.is_unclear {
                    files.unclear.insert(self.path.clone());
                    return;
                }
                let kept = self.disk.iter().filter(|(number, _)| *number >= *from);
                let kept: Serials = kept.map(|(_, serial)| *serial).collect();
                let unsure = if self.refused {
                    serials(unsure)
                } else {
                    Serials::new()
                };
                let under_way = match &self.under_way {
                    Some((_, UnderWay::Append(events))) => events.clone(),
                    _ => Serials::new(),
                };
                let parts = [serials(first), kept, under_way, unsure, serials(last)];
                let all: Serials = parts.concat();
                let mut seen = BTreeSet::new();
                let distinct: Serials = all
                    .into_iter()
                    .filter(|serial| seen.insert(*serial))
                    .collect();
                let known = undone + self.old.iter().collect::<BTreeSet<_>>().len() as u64;
                let is_enough = self.loss.is_unread || distinct.len() as u64 >= known;
                report.check(is_enough, "I14", || {
                    format!(
                        "{} events are saved, {known} are not done: {order:?}",
                        distinct.len()
                    )
                });
                if self.loss.happened || matches!(self.under_way, Some((_, UnderWay::Append(_)))) {
                    // How many of them the disk took nobody will tell, or some may be in it twice.
                    files.unclear.insert(self.path.clone());
                    return;
                }
                files.saving.insert(ticket, (self.path.clone(), distinct));
                return;
            }
        };
        self.under_way = Some((ticket, under_way));
    }

    /// An order was carried out, or not.
    pub(super) fn answered(
        &mut self,
        ticket: Ticket,
        answer: &Result<SpoolAnswer, SpoolProblem>,
        files: &mut Files,
    ) {
        let Some((_, under_way)) = self.under_way.take_if(|(known, _)| *known == ticket) else {
            return;
        };
        self.failed = answer.is_err();
        match (under_way, answer) {
            (_, Ok(SpoolAnswer::Lost)) => self.lose(),
            (UnderWay::Open, Err(_)) => self.was_out = true,
            (UnderWay::Open, Ok(SpoolAnswer::Opened { events, .. })) if self.loss.is_unread => {
                self.is_open = true;
                self.loss.is_unread = *events > 0;
            }
            (UnderWay::Open, Ok(_)) => {
                self.is_open = true;
                self.is_unclear = files.unclear.contains(&self.path);
                if let Some(content) = files.closed.remove(&self.path) {
                    self.disk = (0..).zip(content).collect();
                }
                self.next = self.disk.len() as u64;
                self.old = self.disk.iter().map(|(_, serial)| *serial).collect();
            }
            (UnderWay::Append(_), Err(_)) => self.refused = true,
            (UnderWay::Append(events), Ok(SpoolAnswer::Appended { taken, .. })) => {
                self.refused = false;
                self.homeless += events.len().saturating_sub(*taken) as u64;
                // Behind what is not known they are known when they are read.
                let known = events.iter().take(*taken);
                for serial in known.filter(|_| !self.loss.is_unread) {
                    self.disk.push_back((self.next, *serial));
                    self.next += 1;
                }
            }
            (UnderWay::Read, Ok(SpoolAnswer::Read { events, left, .. })) => {
                if let Some((last, _)) = events.last() {
                    self.read_to = last + 1;
                }
                if self.loss.is_unread {
                    let read = events.iter();
                    self.disk
                        .extend(read.map(|(number, event)| (*number, event.serial)));
                    self.next = self.read_to;
                    self.loss.is_unread = *left > 0;
                }
            }
            _ => {}
        }
        let finished = &self.finished;
        while self
            .disk
            .front()
            .is_some_and(|(_, serial)| finished.contains(serial))
        {
            self.disk.pop_front();
        }
    }
}
