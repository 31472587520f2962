//! Listener pools: where each event is, and whether it may be where the core sends it (I14, I15, I16, I28).

mod overflow;

use super::counts::Counts;
use super::listener::{Ears, Verdict};
use super::spools::{Files, Watch};
use super::{Report, same_event, subject};
use provost_model::spec::{PoolSpec, ResultHandler};
use provost_model::{Envelope, Event, EventKind, Run};
use std::collections::{BTreeMap, VecDeque};

/// Steps whose events are remembered although all of them have been sent once.
const BATCHES_KEPT: usize = 64;

/// What a pool accepted in one step. Within it the order between processes is free.
#[derive(Clone, Debug)]
struct Batch {
    /// Number within the pool of the first event.
    first: u64,
    /// Global numbers that the step may have given.
    serials: (u64, u64),
    /// The events, and whether each has been seen.
    events: Vec<(Event, bool)>,
    /// The oldest were thrown away unseen, so that a hole is no fault.
    holed: bool,
}

/// One pool.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    name: String,
    base: u64,
    handler: ResultHandler,
    /// What its listeners have said that is to be printed in the present step.
    prints: Vec<String>,
    size: u64,
    subscriptions: Vec<EventKind>,
    batches: VecDeque<Batch>,
    /// Events of the present step.
    pending: Vec<Event>,
    /// How many were accepted.
    accepted: u64,
    /// The first event that was never sent nor thrown away.
    front: u64,
    /// Refused events that wait, the next one last.
    refused: Vec<u64>,
    /// Global numbers of events that were sent.
    serials: BTreeMap<u64, u64>,
    last_serial: Option<u64>,
    ears: BTreeMap<Run, Ears>,
    /// Events done, and events thrown away.
    finished: u64,
    lost: u64,
    /// Of the latter, those whose place is not known yet: a spool loses the newest, not the oldest.
    unplaced: u64,
    /// Losses since the last line that summed them up, besides the first.
    unsaid: Option<u64>,
    pub(super) spool: Option<Watch>,
    /// The first global number that it may have been given.
    born: Option<u64>,
    /// It accepted an event in this step.
    is_moving: bool,
}

/// Events from an earlier life are known by their global number and this.
const OLD: u64 = 1 << 62;

impl Pool {
    /// `base` is the number that its first event gets.
    pub(super) fn new(name: &str, spec: &PoolSpec, base: u64) -> Self {
        Self {
            base,
            name: name.to_owned(),
            handler: spec.result_handler,
            prints: Vec::new(),
            size: spec.buffer_size as u64,
            subscriptions: spec.events.clone(),
            batches: VecDeque::new(),
            pending: Vec::new(),
            accepted: 0,
            front: 0,
            refused: Vec::new(),
            serials: BTreeMap::new(),
            last_serial: None,
            ears: BTreeMap::new(),
            finished: 0,
            lost: 0,
            unplaced: 0,
            unsaid: None,
            born: None,
            is_moving: false,
            spool: spec
                .spool
                .as_ref()
                .map(|spool| Watch::new(spool.path.clone())),
        }
    }

    /// Whether it wants to hear of this kind.
    pub(super) fn hears(&self, kind: EventKind) -> bool {
        self.subscriptions
            .iter()
            .any(|subscribed| subscribed.covers(kind))
    }

    /// An event happens that it hears of.
    pub(super) fn accept(&mut self, event: Event) {
        self.pending.push(event);
    }

    /// Whether an event is older than the pool.
    fn is_older(&self, serial: u64) -> bool {
        self.born.is_none_or(|born| serial < born)
    }

    /// Whether it was in the file at the beginning.
    fn is_old(&self, serial: u64) -> bool {
        let is_old = |spool: &Watch| {
            spool.old.contains(&serial) || (spool.is_unclear && self.is_older(serial))
        };
        self.spool.as_ref().is_some_and(is_old)
    }

    /// The number within the pool of its next event.
    pub(super) fn next(&self) -> u64 {
        self.base + self.accepted + self.pending.len() as u64
    }

    /// All events of the step are known; `serials` are the global numbers the step may have given.
    pub(super) fn close_step(&mut self, serials: (u64, u64)) {
        self.is_moving = !self.pending.is_empty();
        if self.pending.is_empty() {
            return;
        }
        self.born.get_or_insert(serials.0);
        let events: Vec<_> = self.pending.drain(..).map(|event| (event, false)).collect();
        let first = self.accepted;
        self.accepted += events.len() as u64;
        self.batches.push_back(Batch {
            first,
            serials,
            events,
            holed: false,
        });
        while self.batches.len() > BATCHES_KEPT
            && self
                .batches
                .front()
                .is_some_and(|old| old.first + old.events.len() as u64 <= self.front)
        {
            self.batches.pop_front();
        }
    }

    /// A listener's process is being started.
    pub(super) fn started(&mut self, run: Run) {
        self.ears.insert(run, Ears::fresh());
    }

    /// A listener's process ended.
    pub(super) fn ended(&mut self, run: Run) {
        if let Some(event) = self.ears.remove(&run).and_then(|ears| ears.event()) {
            self.refused.push(event);
        }
    }

    /// A listener wrote.
    pub(super) fn said(&mut self, run: Run, data: &[u8]) {
        let Some(ears) = self.ears.get_mut(&run) else {
            return;
        };
        for verdict in ears.hear(data, self.handler) {
            match verdict {
                Verdict::Done(event) => self.finish(event),
                Verdict::Printed(event, text) => {
                    self.finish(event);
                    self.prints.push(text);
                }
                Verdict::Refused(event) => self.refused.push(event),
            }
        }
    }

    /// The core prints something; whether it was due.
    pub(super) fn printed(&mut self, text: &str) -> bool {
        let due = self.prints.first().is_some_and(|first| first == text);
        if due {
            self.prints.remove(0);
        }
        due
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            waiting: self.waiting(),
            has_spool: self.spool.is_some(),
            is_moving: self.is_moving,
            finished: self.finished,
            lost: self.lost + self.spool.as_ref().map_or(0, |spool| spool.old_lost),
        }
    }

    fn finish(&mut self, event: u64) {
        let is_old = event >= OLD;
        let serial = if is_old {
            Some(event - OLD)
        } else {
            self.serials.get(&event).copied()
        };
        if let (Some(spool), Some(serial)) = (&mut self.spool, serial) {
            spool.finish(serial);
        }
        self.finished += u64::from(!is_old);
    }

    /// Events of this life that nobody has done.
    pub(super) fn undone(&self) -> u64 {
        self.accepted - self.finished - self.lost
    }

    /// An event did not get through.
    pub(super) fn deaf(&mut self, run: Run, serial: u64) {
        let Some(ears) = self.ears.get_mut(&run) else {
            return;
        };
        if let Some(event) = ears.event()
            && (event == OLD + serial || self.serials.get(&event) == Some(&serial))
        {
            *ears = Ears::Deaf;
            self.refused.push(event);
        }
    }

    fn waiting(&self) -> u64 {
        let refused = self.refused.iter().filter(|event| **event < OLD).count() as u64;
        let late = self.spool.as_ref().map_or(0, Watch::late);
        (refused + late + self.accepted).saturating_sub(self.front + self.unplaced)
    }

    /// Whether something is to be said although nothing happens, or a failed order to be given again.
    pub(super) fn needs_a_timer(&self) -> bool {
        self.unsaid.is_some_and(|more| more > 0)
            || self.spool.as_ref().is_some_and(Watch::needs_a_timer)
    }

    /// The core gives an order for the spool.
    pub(super) fn spool_ordered(
        &mut self,
        ticket: provost_model::Ticket,
        order: &provost_core::SpoolOrder,
        files: &mut Files,
        report: &mut Report<'_>,
    ) {
        let undone = self.undone();
        if let Some(spool) = &mut self.spool {
            spool.ordered(ticket, order, undone, files, report);
        }
    }

    fn batch_of(&mut self, event: u64) -> Option<&mut Batch> {
        self.batches
            .iter_mut()
            .find(|batch| (batch.first..batch.first + batch.events.len() as u64).contains(&event))
    }

    /// The core sends an event to a listener.
    pub(super) fn delivered(&mut self, run: Run, envelope: &Envelope, report: &mut Report<'_>) {
        let serial = envelope.serial;
        let is_old = self.is_old(serial);
        let event = if is_old {
            OLD + serial
        } else {
            envelope.pool_serial.wrapping_sub(self.base)
        };
        // A delivery ends a burst of losses; if there is something to be said, it was said before.
        let silent = self.unsaid.take().is_some_and(|more| more > 0);
        report.check(!silent, "I28", || {
            format!("pool {} does not say how many it lost", self.name)
        });
        let ready = self.ears.get(&run) == Some(&Ears::Ready);
        report.check(ready, "I16", || {
            format!(
                "event {event} of pool {} was sent to a listener that is not ready",
                self.name
            )
        });
        self.ears.insert(run, Ears::Busy(event, Vec::new()));
        if let Some(place) = self.refused.iter().rposition(|refused| *refused == event) {
            let first = place + 1 == self.refused.len();
            report.check(first, "I14", || {
                format!("refused event {event} overtook another")
            });
            self.refused.remove(place);
            let same = is_old || self.serials.get(&event) == Some(&serial);
            report.check(same, "I15", || {
                format!("event {event} came back as number {serial}")
            });
            return;
        }
        let refused = self.refused.is_empty();
        report.check(refused, "I14", || {
            format!("event {event} overtook a refused one")
        });
        if let Some(spool) = &self.spool {
            // Old ones come in their order; those before have been sent, and are refused, done or with listeners.
            let busy = |old: &u64| {
                self.ears
                    .values()
                    .any(|ears| ears.event() == Some(OLD + *old))
            };
            let earlier = spool.old.iter().take_while(|old| **old != serial);
            let overtaken: Vec<u64> = earlier.copied().filter(|old| !busy(old)).collect();
            let free = if is_old {
                // Of one that was saved to a file that nobody had read, the place in it is not known.
                overtaken.is_empty() || !spool.old.contains(&serial)
            } else {
                overtaken.is_empty() || spool.was_out
            };
            report.check(free, "I14", || {
                format!("event {serial} overtook old ones: {overtaken:?}")
            });
            if is_old {
                return;
            }
        }
        let (front, lost) = (self.front, self.unplaced);
        if let Some(spool) = &mut self.spool {
            if spool.comes_late(event) {
                self.serials.insert(event, serial);
                return;
            }
            let gap = event.saturating_sub(front);
            if spool.may_skip(front..event) {
                self.skip_to(event);
            } else if gap <= lost {
                self.unplaced -= gap;
                self.skip_to(event.max(front));
            }
        }
        let in_order = event == self.front && event < self.accepted;
        report.check(in_order, "I15", || {
            let name = &self.name;
            format!(
                "pool {name} sent event {event}, due was {} of {}",
                self.front, self.accepted
            )
        });
        if in_order {
            self.sent_first(event, envelope, report);
        }
    }

    /// The events before this one are not sent now.
    fn skip_to(&mut self, event: u64) {
        for skipped in self.front..event {
            if let Some(batch) = self.batch_of(skipped) {
                batch.holed = true;
            }
        }
        self.front = event;
    }

    /// An event is sent for the first time: it must be one that happened, with a number of its step.
    fn sent_first(&mut self, event: u64, envelope: &Envelope, report: &mut Report<'_>) {
        self.front += 1;
        let serial = envelope.serial;
        let grows = self.last_serial.is_none_or(|last| last < serial);
        report.check(grows, "I15", || {
            format!("event number {serial} after {:?}", self.last_serial)
        });
        self.last_serial = Some(serial);
        self.serials.insert(event, serial);
        if self.spool.is_none() && self.serials.len() > 4 * BATCHES_KEPT {
            self.serials.pop_first();
        }
        let name = self.name.clone();
        let Some(batch) = self.batch_of(event) else {
            return;
        };
        let fits = batch.serials.0 <= serial && serial < batch.serials.1;
        report.check(fits, "I15", || {
            format!("event number {serial} is not in {:?}", batch.serials)
        });
        let place = batch
            .events
            .iter()
            .position(|(known, seen)| !seen && same_event(known, &envelope.event));
        let Some(place) = place else {
            let what = &batch.events;
            report.fail(
                "I04",
                format!(
                    "pool {name} sent {:?}, but what happened was {what:?}",
                    envelope.event
                ),
            );
            return;
        };
        batch.events[place].1 = true;
        let subject = subject(&envelope.event);
        let skipped = batch.events[..place].iter_mut().filter(|(_, seen)| !seen);
        let mut overtaken = false;
        for (earlier, seen) in skipped {
            if subject.is_some() && super::subject(earlier) == subject {
                *seen = true;
                overtaken = true;
            }
        }
        let holed = batch.holed;
        report.check(!overtaken || holed, "I04", || {
            format!("{:?} overtook another", envelope.event)
        });
    }

    /// At the end of a step: no event waits while somebody could take it, and no more wait than may.
    pub(super) fn at_rest(&self, is_up: impl Fn(Run) -> bool, report: &mut Report<'_>) {
        report.check(self.prints.is_empty(), "I16", || {
            format!("pool {} did not print {:?}", self.name, self.prints)
        });
        let (waiting, size) = (self.waiting(), self.size);
        report.check(waiting <= size || self.spool.is_some(), "I28", || {
            format!(
                "pool {} holds {waiting} events, {size} are allowed",
                self.name
            )
        });
        let idle = self
            .ears
            .iter()
            .find(|(run, ears)| **ears == Ears::Ready && is_up(**run));
        let held = self.spool.as_ref().is_none_or(Watch::is_at_rest) && waiting > 0;
        report.check(!held || idle.is_none(), "I16", || {
            format!(
                "pool {} holds {waiting} events back from a listener that is ready",
                self.name
            )
        });
        let with_listeners = self
            .ears
            .values()
            .filter(|ears| ears.event().is_some_and(|event| event < OLD))
            .count() as u64;
        let sum = self.finished + self.lost + with_listeners + waiting;
        report.check(sum == self.accepted, "I14", || {
            format!(
                "pool {}: {} accepted, {sum} accounted for",
                self.name, self.accepted
            )
        });
    }
}
