//! One listener pool: the events that wait, and the listeners that can take them.

use super::ack::{Ack, Answering, Heard};
use super::bus::Serials;
use crate::Effect;
use crate::turn::Turn;
use provost_model::spec::{PoolSpec, ResultHandler};
use provost_model::{Envelope, Event, Notice, ProcId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A listener process.
#[derive(Clone, Debug)]
struct Listener {
    proc: ProcId,
    name: Arc<str>,
    ack: Ack,
    /// Its process is RUNNING.
    is_up: bool,
    /// Its stdin is closed: it can take no event until it starts again.
    is_deaf: bool,
}

impl Listener {
    /// Whether it can take an event now.
    fn is_ready(&self) -> bool {
        self.is_up && !self.is_deaf && self.ack == Ack::Ready
    }
}

/// A pool in service.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    name: Arc<str>,
    handler: ResultHandler,
    buffer_size: usize,
    buffer: VecDeque<Envelope>,
    serials: Serials,
    listeners: Vec<Listener>,
    slots: BTreeMap<ProcId, usize>,
    /// Listeners that can take an event now, in the order of the pool.
    ready: BTreeSet<usize>,
}

impl Pool {
    /// A pool without events whose listeners have not started.
    pub(crate) fn new(name: Arc<str>, spec: &PoolSpec, procs: &[(ProcId, Arc<str>, i64)]) -> Self {
        let listener = |(proc, name, _): &(ProcId, Arc<str>, i64)| Listener {
            proc: *proc,
            name: name.clone(),
            ack: Ack::fresh(),
            is_up: false,
            is_deaf: false,
        };
        Self {
            name,
            handler: spec.result_handler,
            buffer_size: spec.buffer_size.max(1),
            buffer: VecDeque::new(),
            serials: Serials::default(),
            listeners: procs.iter().map(listener).collect(),
            slots: procs
                .iter()
                .enumerate()
                .map(|(slot, (proc, _, _))| (*proc, slot))
                .collect(),
            ready: BTreeSet::new(),
        }
    }

    /// Forgets a listener of which nothing runs.
    pub(crate) fn dismiss(&mut self, proc: ProcId) {
        self.listeners.retain(|listener| listener.proc != proc);
        let slots = self.listeners.iter().enumerate();
        self.slots = slots.map(|(slot, one)| (one.proc, slot)).collect();
        let all = self.listeners.iter().enumerate();
        let ready = all.filter(|(_, listener)| listener.is_ready());
        self.ready = ready.map(|(slot, _)| slot).collect();
    }

    /// Takes an event behind those that wait.
    pub(crate) fn accept(&mut self, turn: &mut Turn<'_>, serial: u64, event: &Arc<Event>) {
        let pool_serial = self.serials.take();
        self.make_room(turn);
        let pool = self.name.clone();
        self.buffer.push_back(Envelope {
            serial,
            pool,
            pool_serial,
            event: event.clone(),
        });
    }

    /// A full buffer loses its oldest event.
    fn make_room(&mut self, turn: &mut Turn<'_>) {
        if self.buffer.len() >= self.buffer_size
            && let Some(lost) = self.buffer.pop_front()
        {
            turn.notice(Notice::PoolOverflow {
                pool: self.name.clone(),
                serial: lost.serial,
            });
        }
    }

    /// Puts an event that was refused before those that wait.
    fn rebuffer(&mut self, turn: &mut Turn<'_>, envelope: Envelope) {
        turn.notice(Notice::PoolRebuffered {
            pool: self.name.clone(),
            serial: envelope.serial,
            size: self.buffer.len(),
            max: self.buffer_size,
        });
        self.make_room(turn);
        self.buffer.push_front(envelope);
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
        let old = self.with(proc, |listener| {
            listener.is_up = false;
            std::mem::replace(&mut listener.ack, Ack::fresh())
        });
        if let Some(envelope) = old.and_then(Ack::into_event) {
            self.rebuffer(turn, envelope);
        }
    }

    /// The listener wrote to its stdout.
    pub(crate) fn said(&mut self, turn: &mut Turn<'_>, proc: ProcId, data: &[u8]) {
        let handler = self.handler;
        let Some((name, heard)) = self.with(proc, |listener| {
            (listener.name.clone(), listener.ack.hear(data, handler))
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
                Heard::Processed => turn.notice(Notice::EventProcessed { name }),
                Heard::Printed(text) => turn.out.push(Effect::Print { text }),
                Heard::Rejected => turn.notice(Notice::EventRejected { name }),
                Heard::Failed => turn.notice(Notice::EventFailed { name }),
                Heard::BadLine(line) => turn.notice(Notice::BadResultLine { name, line }),
                Heard::Returned(envelope) => self.rebuffer(turn, envelope),
            }
        }
    }

    /// The event could not be written: the listener closed its stdin. The event goes to the next one.
    pub(crate) fn deaf(&mut self, turn: &mut Turn<'_>, proc: ProcId, serial: u64) {
        let returned = self.with(proc, |listener| {
            let old = std::mem::replace(&mut listener.ack, Ack::Ready);
            match old {
                Ack::Busy { envelope, .. } if envelope.serial == serial => {
                    listener.is_deaf = true;
                    Some((listener.name.clone(), envelope))
                }
                Ack::Busy { .. } | Ack::Acknowledged { .. } | Ack::Ready | Ack::Unknown => {
                    listener.ack = old;
                    None
                }
            }
        });
        if let Some((name, envelope)) = returned.flatten() {
            turn.notice(Notice::EventPipeBroken { name, serial });
            self.make_room(turn);
            self.buffer.push_front(envelope);
        }
    }

    /// Takes all events that wait.
    #[cfg(test)]
    pub(crate) fn drain(&mut self) -> Vec<Envelope> {
        self.buffer.drain(..).collect()
    }

    /// The oldest event and the first listener that can take it; that listener is BUSY from now on.
    pub(crate) fn next_delivery(&mut self) -> Option<(ProcId, Arc<str>, Envelope)> {
        let slot = *self.ready.first()?;
        let listener = self.listeners.get(slot)?;
        let (proc, name) = (listener.proc, listener.name.clone());
        let envelope = self.buffer.pop_front()?;
        let copy = envelope.clone();
        self.with(proc, |listener| {
            listener.ack = Ack::Busy {
                envelope: copy,
                answer: Answering::Line(Vec::new()),
            };
        });
        Some((proc, name, envelope))
    }
}
