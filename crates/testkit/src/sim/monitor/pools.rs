//! Listener pools: where each event is, and whether it may be where the core sends it (I14, I15, I16, I28).

use super::listener::{Ears, Verdict};
use super::{Report, same_event};
use provost_model::spec::{PoolSpec, ResultHandler};
use provost_model::{Envelope, Event, EventKind, ProcId, Run};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

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
}

impl Pool {
    pub(super) fn new(name: &str, spec: &PoolSpec) -> Self {
        Self {
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

    /// All events of the step are known; `serials` are the global numbers the step may have given.
    pub(super) fn close_step(&mut self, serials: (u64, u64)) {
        if self.pending.is_empty() {
            return;
        }
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
                Verdict::Done(_) => self.finished += 1,
                Verdict::Printed(_, text) => {
                    self.finished += 1;
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

    /// An event did not get through.
    pub(super) fn deaf(&mut self, run: Run, serial: u64) {
        let Some(ears) = self.ears.get_mut(&run) else {
            return;
        };
        if let Some(event) = ears.event()
            && self.serials.get(&event) == Some(&serial)
        {
            *ears = Ears::Deaf;
            self.refused.push(event);
        }
    }

    fn waiting(&self) -> u64 {
        self.refused.len() as u64 + self.accepted.saturating_sub(self.front)
    }

    /// The core says that the oldest event was thrown away.
    pub(super) fn overflowed(&mut self, serial: u64, report: &mut Report<'_>) {
        let full = self.waiting() > self.size;
        report.check(full, "I14", || {
            format!("pool {} lost event {serial} with room left", self.name)
        });
        self.lost += 1;
        let known = self
            .refused
            .iter()
            .position(|event| self.serials.get(event) == Some(&serial));
        if let Some(place) = known {
            self.refused.remove(place);
        } else {
            let front = self.front;
            if let Some(batch) = self.batch_of(front) {
                batch.holed = true;
                let fits = batch.serials.0 <= serial && serial < batch.serials.1;
                report.check(fits, "I14", || {
                    format!("event {serial} was lost before older ones")
                });
            }
            self.front += 1;
        }
    }

    fn batch_of(&mut self, event: u64) -> Option<&mut Batch> {
        self.batches
            .iter_mut()
            .find(|batch| (batch.first..batch.first + batch.events.len() as u64).contains(&event))
    }

    /// The core sends an event to a listener.
    pub(super) fn delivered(&mut self, run: Run, envelope: &Envelope, report: &mut Report<'_>) {
        let (event, serial) = (envelope.pool_serial, envelope.serial);
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
            let same = self.serials.get(&event) == Some(&serial);
            report.check(same, "I15", || {
                format!("event {event} came back as number {serial}")
            });
            return;
        }
        let refused = self.refused.is_empty();
        report.check(refused, "I14", || {
            format!("event {event} overtook a refused one")
        });
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
        if self.serials.len() > 4 * BATCHES_KEPT {
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
            if subject.is_some() && self::subject(earlier) == subject {
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
        report.check(waiting <= size, "I28", || {
            format!(
                "pool {} holds {waiting} events, {size} are allowed",
                self.name
            )
        });
        let idle = self
            .ears
            .iter()
            .find(|(run, ears)| **ears == Ears::Ready && is_up(**run));
        report.check(waiting == 0 || idle.is_none(), "I16", || {
            format!(
                "pool {} holds {waiting} events back from a listener that is ready",
                self.name
            )
        });
        let with_listeners = self
            .ears
            .values()
            .filter(|ears| ears.event().is_some())
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

/// The process that an event is about.
fn subject(event: &Event) -> Option<&Arc<str>> {
    match event {
        Event::ProcessState { process, .. } => Some(process),
        _ => None,
    }
}

/// All pools, and the numbers they share.
#[derive(Clone, Debug, Default)]
pub(super) struct Pools {
    pub(super) by_group: BTreeMap<String, Pool>,
    /// Events that at least one pool accepted.
    next_serial: u64,
    /// The same at the beginning of the step.
    first_of_step: u64,
    pub(super) home: BTreeMap<ProcId, String>,
}

impl Pools {
    /// The numbers of a next life go on where the former ended.
    pub(super) fn after(former: &Self) -> Self {
        let next_serial = former.next_serial;
        Self {
            next_serial,
            first_of_step: next_serial,
            ..Self::default()
        }
    }

    /// Something happened that listeners may hear of.
    pub(super) fn emit(&mut self, event: &Event) {
        let mut heard = false;
        for pool in self
            .by_group
            .values_mut()
            .filter(|pool| pool.hears(event.kind()))
        {
            pool.accept(event.clone());
            heard = true;
        }
        self.next_serial += u64::from(heard);
    }

    /// Whether any pool wants this kind.
    pub(super) fn anyone_hears(&self, kind: EventKind) -> bool {
        self.by_group.values().any(|pool| pool.hears(kind))
    }

    /// The events of the step are complete.
    pub(super) fn close_step(&mut self) {
        let serials = (self.first_of_step, self.next_serial);
        self.first_of_step = self.next_serial;
        for pool in self.by_group.values_mut() {
            pool.close_step(serials);
        }
    }

    /// The pool that a process listens for.
    pub(super) fn of(&mut self, proc: ProcId) -> Option<&mut Pool> {
        self.by_group.get_mut(self.home.get(&proc)?)
    }
}
