//! One listener pool: the events that wait, and the listeners that can take them.

use serde::{Deserialize, Serialize};
mod sound;

use super::ack::{Ack, Answering, Heard};
use super::bus::Serials;
use super::losses::Losses;
use super::reserve::Reserve;
use super::spool::{Spool, Waiting};
use crate::turn::Turn;
use crate::{Effect, SpoolAnswer, SpoolOrder, SpoolProblem};
use provost_model::info::{ListenerInfo, PoolInfo};
use provost_model::spec::{PoolSpec, ResultHandler};
use provost_model::{Envelope, Event, EventKind, Mono, Notice, ProcId, ProcessState, SpoolId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A listener process.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Listener {
    proc: ProcId,
    name: Arc<str>,
    ack: Ack,
    /// Its process is RUNNING.
    is_up: bool,
    /// Its stdin is closed: it can take no event until it starts again.
    is_deaf: bool,
    /// The record in the spool of the event it works on.
    record: Option<u64>,
}

impl Listener {
    /// Takes the event that it works on away from it.
    fn drop_event(&mut self, next: Ack) -> Option<Waiting> {
        let envelope = std::mem::replace(&mut self.ack, next).into_event()?;
        let record = self.record.take();
        Some(Waiting { envelope, record })
    }

    /// Whether it can take an event now.
    fn is_ready(&self) -> bool {
        self.is_up && !self.is_deaf && self.ack == Ack::Ready
    }
}

/// A pool in service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pool {
    name: Arc<str>,
    handler: ResultHandler,
    events: Vec<EventKind>,
    buffer_size: usize,
    buffer: VecDeque<Waiting>,
    /// What comes behind the buffer.
    spool: Option<Spool>,
    serials: Serials,
    losses: Losses,
    delivered: u64,
    rejected: u64,
    listeners: Vec<Listener>,
    /// Follows from the listeners.
    #[serde(skip)]
    slots: BTreeMap<ProcId, usize>,
    /// Listeners that can take an event now, in the order of the pool. Follows from them.
    #[serde(skip)]
    ready: BTreeSet<usize>,
}

impl Pool {
    /// A pool without events whose listeners have not started. `spool_id` is for its spool, should it have one, `reserve`
    /// knows the number that it begins with.
    pub(crate) fn new(
        name: Arc<str>,
        spec: &PoolSpec,
        procs: &[(ProcId, Arc<str>, i64)],
        spool_id: SpoolId,
        reserve: Reserve,
    ) -> Self {
        let listener = |(proc, name, _): &(ProcId, Arc<str>, i64)| Listener {
            proc: *proc,
            name: name.clone(),
            ack: Ack::fresh(),
            is_up: false,
            is_deaf: false,
            record: None,
        };
        let spool = spec.spool.clone();
        Self {
            spool: spool.map(|spec| Spool::new(spool_id, name.clone(), spec)),
            name,
            handler: spec.result_handler,
            events: spec.events.clone(),
            buffer_size: spec.buffer_size.max(1),
            buffer: VecDeque::new(),
            serials: reserve.for_pool(spec.spool.is_some()),
            losses: Losses::default(),
            delivered: 0,
            rejected: 0,
            listeners: procs.iter().map(listener).collect(),
            slots: procs
                .iter()
                .enumerate()
                .map(|(slot, (proc, _, _))| (*proc, slot))
                .collect(),
            ready: BTreeSet::new(),
        }
    }

    /// Puts in place what is not saved.
    pub(crate) fn restore(&mut self) {
        self.index();
        if let Some(spool) = &mut self.spool {
            let listeners = self.listeners.iter();
            let given = listeners.filter_map(|one| one.record.zip(one.ack.event()));
            let waiting = self.buffer.iter();
            let waiting = waiting.filter_map(|one| Some((one.record?, &one.envelope)));
            spool.restore(given.chain(waiting));
        }
    }

    /// What it subscribes to.
    pub(crate) fn events(&self) -> &[EventKind] {
        &self.events
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its spool.
    pub(crate) fn spool_id(&self) -> Option<SpoolId> {
        self.spool.as_ref().map(|spool| spool.id)
    }

    /// The processes of its listeners.
    pub(crate) fn members(&self) -> impl Iterator<Item = ProcId> + '_ {
        self.listeners.iter().map(|listener| listener.proc)
    }

    /// Forgets a listener of which nothing runs.
    pub(crate) fn dismiss(&mut self, proc: ProcId) {
        self.listeners.retain(|listener| listener.proc != proc);
        self.index();
    }

    /// Puts down where each listener is, and which are ready.
    fn index(&mut self) {
        let slots = self.listeners.iter().enumerate();
        self.slots = slots.map(|(slot, one)| (one.proc, slot)).collect();
        let all = self.listeners.iter().enumerate();
        let ready = all.filter(|(_, listener)| listener.is_ready());
        self.ready = ready.map(|(slot, _)| slot).collect();
    }

    /// Whether a listener has lost our trust.
    pub(crate) fn distrusts(&self, proc: ProcId) -> bool {
        let slot = self.slots.get(&proc);
        let listener = slot.and_then(|&slot| self.listeners.get(slot));
        listener.is_some_and(|listener| listener.ack == Ack::Unknown)
    }

    /// Takes an event behind those that wait.
    pub(crate) fn accept(&mut self, turn: &mut Turn<'_>, serial: u64, event: &Arc<Event>) {
        let envelope = Envelope {
            serial,
            pool: self.name.clone(),
            pool_serial: self.serials.take(),
            event: event.clone(),
        };
        let is_full = self.buffer.len() >= self.buffer_size;
        match &mut self.spool {
            Some(spool) if spool.is_out_of_service() => self.append(turn, envelope),
            Some(spool) if spool.holds_any() || is_full => {
                if let Err(envelope) = spool.push(envelope) {
                    self.losses.lost(turn, &self.name, envelope.serial);
                }
            }
            Some(_) | None => self.append(turn, envelope),
        }
    }

    /// Puts an event at the end of the buffer.
    fn append(&mut self, turn: &mut Turn<'_>, envelope: Envelope) {
        self.make_room(turn);
        let record = None;
        self.buffer.push_back(Waiting { envelope, record });
    }

    /// A full buffer loses its oldest event.
    fn make_room(&mut self, turn: &mut Turn<'_>) {
        if self.buffer.len() >= self.buffer_size
            && let Some(Waiting { envelope, record }) = self.buffer.pop_front()
        {
            self.losses.lost(turn, &self.name, envelope.serial);
            if let Some(spool) = &mut self.spool {
                spool.done(record);
                spool.missed();
            }
        }
    }

    /// Fills the buffer with what comes behind it.
    fn refill(&mut self) {
        let Some(spool) = &mut self.spool else {
            return;
        };
        while self.buffer.len() < self.buffer_size
            && let Some(waiting) = spool.pop()
        {
            self.buffer.push_back(waiting);
        }
    }

    /// Puts an event that was refused before those that wait.
    fn rebuffer(&mut self, turn: &mut Turn<'_>, waiting: Waiting) {
        turn.notice(Notice::PoolRebuffered {
            pool: self.name.clone(),
            serial: waiting.envelope.serial,
            size: self.buffer.len(),
            max: self.buffer_size,
        });
        self.put_back(turn, waiting);
    }

    /// The same without a word. With a spool the buffer may hold one more for each listener: there is no order of
    /// events in which the one at its end could go back to the disk.
    fn put_back(&mut self, turn: &mut Turn<'_>, waiting: Waiting) {
        if self.spool.as_ref().is_none_or(Spool::is_out_of_service) {
            self.make_room(turn);
        }
        self.buffer.push_front(waiting);
    }

    /// Changes one listener and keeps the set of ready ones right.
    fn with<R>(&mut self, proc: ProcId, change: impl FnOnce(&mut Listener) -> R) -> Option<R> {
        let slot = *self.slots.get(&proc)?;
        let listener = self.listeners.get_mut(slot)?;
        let result = change(listener);
        if listener.is_ready() {
            self.ready.insert(slot);
        } else {
            self.ready.remove(&slot);
        }
        Some(result)
    }

    /// The process is being started.
    pub(crate) fn started(&mut self, proc: ProcId) {
        self.with(proc, |listener| {
            listener.ack = Ack::fresh();
            listener.is_up = false;
            listener.is_deaf = false;
        });
    }

    /// The process is, or is no longer, RUNNING.
    pub(crate) fn set_up(&mut self, proc: ProcId, is_up: bool) {
        self.with(proc, |listener| listener.is_up = is_up);
    }

    /// The process ended; the event it had goes back.
    pub(crate) fn ended(&mut self, turn: &mut Turn<'_>, proc: ProcId) {
        let returned = self.with(proc, |listener| {
            listener.is_up = false;
            listener.drop_event(Ack::fresh())
        });
        if let Some(waiting) = returned.flatten() {
            self.rebuffer(turn, waiting);
        }
    }

    /// The listener wrote to its stdout.
    pub(crate) fn said(&mut self, turn: &mut Turn<'_>, proc: ProcId, data: &[u8]) {
        let handler = self.handler;
        let Some((name, heard, mut record)) = self.with(proc, |listener| {
            let heard = listener.ack.hear(data, handler);
            let is_busy = matches!(listener.ack, Ack::Busy { .. });
            let record = if is_busy {
                None
            } else {
                listener.record.take()
            };
            (listener.name.clone(), heard, record)
        }) else {
            return;
        };
        for heard in heard {
            let name = name.clone();
            match heard {
                Heard::Changed { from, to } => {
                    turn.notice(Notice::ListenerState {
                        name: name.clone(),
                        from,
                        to,
                    });
                    if to == Ack::Unknown.name() {
                        turn.notice(Notice::ListenerUnknown { name });
                    }
                }
                Heard::Processed => {
                    self.delivered = self.delivered.saturating_add(1);
                    if let Some(spool) = &mut self.spool {
                        spool.done(record.take());
                    }
                    turn.notice(Notice::EventProcessed { name });
                }
                Heard::Rejected => {
                    self.rejected = self.rejected.saturating_add(1);
                    turn.notice(Notice::EventRejected { name });
                }
                Heard::Printed(text) => turn.out.push(Effect::Print { text }),
                Heard::Failed => {
                    self.rejected = self.rejected.saturating_add(1);
                    turn.notice(Notice::EventFailed { name });
                }
                Heard::BadLine(line) => {
                    self.rejected = self.rejected.saturating_add(1);
                    turn.notice(Notice::BadResultLine { name, line });
                }
                Heard::Returned(envelope) => {
                    let record = record.take();
                    self.rebuffer(turn, Waiting { envelope, record });
                }
            }
        }
    }

    /// The event could not be written: the listener closed its stdin. The event goes to the next one.
    pub(crate) fn deaf(&mut self, turn: &mut Turn<'_>, proc: ProcId, serial: u64) {
        let returned = self.with(proc, |listener| match &listener.ack {
            Ack::Busy { envelope, .. } if envelope.serial == serial => {
                listener.is_deaf = true;
                let waiting = listener.drop_event(Ack::Ready)?;
                Some((listener.name.clone(), waiting))
            }
            Ack::Busy { .. } | Ack::Acknowledged { .. } | Ack::Ready | Ack::Unknown => None,
        });
        if let Some((name, waiting)) = returned.flatten() {
            turn.notice(Notice::EventPipeBroken { name, serial });
            self.put_back(turn, waiting);
        }
    }

    /// Takes all events that wait.
    #[cfg(test)]
    pub(crate) fn drain(&mut self) -> Vec<Envelope> {
        self.buffer
            .drain(..)
            .map(|waiting| waiting.envelope)
            .collect()
    }

    /// The oldest event and the first listener that can take it; that listener is BUSY from now on.
    pub(crate) fn next_delivery(
        &mut self,
        turn: &mut Turn<'_>,
    ) -> Option<(ProcId, Arc<str>, Envelope)> {
        self.refill();
        let slot = *self.ready.first()?;
        let listener = self.listeners.get(slot)?;
        let (proc, name) = (listener.proc, listener.name.clone());
        let Waiting { envelope, record } = self.buffer.pop_front()?;
        self.refill();
        let copy = envelope.clone();
        self.with(proc, |listener| {
            listener.record = record;
            listener.ack = Ack::Busy {
                envelope: copy,
                answer: Answering::Line(Vec::new()),
            };
        });
        self.losses.end(turn, &self.name);
        Some((proc, name, envelope))
    }

    /// Whether it keeps on disk what its buffer cannot hold.
    pub(crate) fn has_spool(&self) -> bool {
        self.spool.is_some()
    }

    /// What is to be done next with the spool.
    pub(crate) fn spool_order(&mut self, now: Mono) -> Option<(SpoolId, SpoolOrder)> {
        let spool = self.spool.as_mut()?;
        let order = spool.next_order(now)?;
        Some((spool.id, order))
    }

    /// When to look after the spool again although nothing happens.
    pub(crate) fn spool_deadline(&self) -> Option<Mono> {
        self.spool.as_ref().and_then(Spool::deadline)
    }

    /// The spool's order was carried out, or not.
    pub(crate) fn spool_answered(
        &mut self,
        turn: &mut Turn<'_>,
        answer: Result<SpoolAnswer, SpoolProblem>,
    ) {
        let Some(spool) = &mut self.spool else {
            return turn.anomaly("an answer for a pool without a spool");
        };
        let aftermath = spool.answered(turn.now.mono, answer);
        if aftermath.is_lost {
            let with_listeners = self.listeners.iter_mut().map(|one| &mut one.record);
            let waiting = self.buffer.iter_mut().map(|one| &mut one.record);
            with_listeners
                .chain(waiting)
                .for_each(|record| *record = None);
        }
        if aftermath.is_odd {
            turn.anomaly("a spool answers what it was not asked");
        }
        if aftermath.found > 0 {
            turn.notice(Notice::SpoolFound {
                pool: self.name.clone(),
                events: aftermath.found,
            });
        }
        for envelope in aftermath.lost {
            self.losses.lost(turn, &self.name, envelope.serial);
        }
        for envelope in aftermath.returned {
            self.append(turn, envelope);
        }
    }

    /// The pool goes: what is left for the disk, if it has a spool.
    pub(crate) fn leave(
        &mut self,
        turn: &mut Turn<'_>,
        reserve: &mut Reserve,
    ) -> Option<(SpoolId, SpoolOrder)> {
        self.losses.end(turn, &self.name);
        let spool = self.spool.as_mut()?;
        // A listener that nobody could end may still have an event.
        let held = self.listeners.iter_mut();
        let mut left: Vec<Waiting> = held
            .filter_map(|listener| listener.drop_event(Ack::Unknown))
            .collect();
        left.extend(self.buffer.drain(..));
        let is_empty = left.is_empty() && spool.is_empty();
        reserve.pool_leaves(self.serials.peek(), is_empty);
        Some((spool.id, spool.save(left)))
    }

    /// When to sum up a burst of losses.
    pub(crate) fn losses_deadline(&self) -> Option<Mono> {
        self.losses.deadline()
    }

    /// A burst of losses may be over.
    pub(crate) fn losses_due(&mut self, turn: &mut Turn<'_>) {
        self.losses.end_if_due(turn, &self.name);
    }

    /// For clients; `state` tells state and pid of a process.
    pub(crate) fn info(&self, state: impl Fn(ProcId) -> (ProcessState, i32)) -> PoolInfo {
        let listener = |listener: &Listener| {
            let (state, pid) = state(listener.proc);
            let event = match &listener.ack {
                Ack::Busy { envelope, .. } => Some((envelope.serial, envelope.event.kind())),
                Ack::Acknowledged { .. } | Ack::Ready | Ack::Unknown => None,
            };
            ListenerInfo {
                name: listener.name.clone(),
                state,
                pid,
                listener_state: if pid == 0 { "" } else { listener.ack.name() },
                event,
            }
        };
        PoolInfo {
            name: self.name.clone(),
            events: self.events.clone(),
            buffer_size: self.buffer_size,
            queued: self.buffer.len(),
            delivered: self.delivered,
            rejected: self.rejected,
            dropped: self.losses.total(),
            spool: self.spool.as_ref().map(Spool::info),
            listeners: self.listeners.iter().map(listener).collect(),
        }
    }
}
