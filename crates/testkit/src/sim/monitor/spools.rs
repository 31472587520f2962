//! Spools: a second reading of where each event is that a pool's buffer could not hold. None may be lost while there is
//! room, none may be called done before it is, and the end leaves on disk what nobody has done (I14).

use super::Report;
use provost_core::{SpoolAnswer, SpoolOrder, SpoolProblem};
use provost_model::{Envelope, Ticket};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

/// Global numbers of the events in a file.
pub(super) type Serials = Vec<u64>;

/// What is in files that no pool has open, and what will be in those that are being saved.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    closed: BTreeMap<PathBuf, Serials>,
    /// Files that were saved before anybody knew what was in them.
    unclear: BTreeSet<PathBuf>,
    /// For each order under way: the path, and what will be there.
    saving: BTreeMap<Ticket, (PathBuf, Serials)>,
}

impl Files {
    /// Files that a supervisord which was killed had open, and what is in them.
    pub(super) fn after_kill(closed: BTreeMap<PathBuf, Serials>) -> Self {
        Self {
            closed,
            ..Self::default()
        }
    }

    /// A file was saved, or not.
    pub(super) fn saved(&mut self, ticket: Ticket, succeeded: bool) {
        if let Some((path, content)) = self.saving.remove(&ticket) {
            if succeeded {
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
    /// What was in it is not known.
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
    /// Events that listeners have done.
    pub(super) finished: BTreeSet<u64>,
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
            finished: BTreeSet::new(),
        }
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
        let early = self
            .disk
            .iter()
            .take_while(|(number, _)| *number < done)
            .find(|(_, serial)| !self.finished.contains(serial));
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
                let known = undone + self.old.len() as u64;
                report.check(distinct.len() as u64 >= known, "I14", || {
                    format!(
                        "{} events are saved, {known} are not done: {order:?}",
                        distinct.len()
                    )
                });
                if matches!(self.under_way, Some((_, UnderWay::Append(_)))) {
                    // How many of them the disk took nobody will tell.
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
            (UnderWay::Open, Err(_)) => self.was_out = true,
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
                for serial in events.iter().take(*taken) {
                    self.disk.push_back((self.next, *serial));
                    self.next += 1;
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
