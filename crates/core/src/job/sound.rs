//! Whether the jobs of a state that came from outside fit together.

use super::batch::Batch;
use super::{Deed, Jobs, Purpose, Tickets};
use crate::saved::{Sound, ensure};
use provost_model::{ProcId, RequestId, Run};
use std::collections::BTreeSet;

/// Orders that deeds wait for.
#[derive(Default)]
struct Orders {
    /// Looks at commands and emptied logs, by request and place in it.
    single: BTreeSet<(RequestId, usize)>,
    fences: BTreeSet<RequestId>,
}

impl Orders {
    fn of(tickets: &Tickets) -> Self {
        let mut orders = Self::default();
        for (_, purpose) in tickets.open() {
            match purpose {
                Purpose::Probe { request, index } | Purpose::Clear { request, index } => {
                    orders.single.insert((*request, *index));
                }
                Purpose::Fence { request, .. } => {
                    orders.fences.insert(*request);
                }
                Purpose::Stdin { .. }
                | Purpose::ClearMain { .. }
                | Purpose::Load { .. }
                | Purpose::LoadForRestart
                | Purpose::TrySocket { .. }
                | Purpose::Program { .. }
                | Purpose::Spool { .. }
                | Purpose::SaveSpool { .. }
                | Purpose::Rehearse { .. }
                | Purpose::HandOver { .. } => {}
            }
        }
        orders
    }
}

impl Jobs {
    /// Whether all parts fit together, these orders being under way.
    pub(crate) fn check(&self, tickets: &Tickets) -> Sound {
        let orders = Orders::of(tickets);
        for (request, batch) in &self.batches {
            let is_whole = batch.is_whole();
            ensure(is_whole, || format!("request {} is in disorder", request.0))?;
            for index in 0..batch.items.len() {
                ensure(self.goes_on(&orders, *request, batch, index), || {
                    format!("request {} waits for nothing", request.0)
                })?;
            }
        }
        for (proc, watches) in &self.watches {
            for watch in watches {
                let batch = self.batches.get(&watch.request);
                let item = batch.and_then(|batch| batch.items.get(watch.index));
                let waits = item.is_some_and(|item| item.proc == *proc && !item.is_done);
                ensure(waits, || {
                    format!("process {} is watched for nobody", proc.0)
                })?;
            }
        }
        Ok(())
    }

    /// Whether one process of a deed is done with, or something will come that goes on with it.
    fn goes_on(&self, orders: &Orders, request: RequestId, batch: &Batch, index: usize) -> bool {
        let Some(item) = batch.items.get(index).filter(|item| !item.is_done) else {
            return true;
        };
        let watches = self.watches.get(&item.proc).into_iter().flatten();
        let is_watched = || {
            let mut watches = watches;
            watches.any(|watch| (watch.request, watch.index) == (request, index))
        };
        let is_ordered = orders.single.contains(&(request, index));
        match batch.deed {
            Deed::Start { .. } if index < batch.next => is_watched(),
            Deed::Start { .. } => item.probed.is_some() || is_ordered,
            Deed::Stop { wait: true } => is_watched(),
            Deed::Stop { wait: false } | Deed::Signal { .. } => orders.fences.contains(&request),
            Deed::Clear => is_ordered,
        }
    }

    /// Requests that are to be answered.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.unanswered.iter().copied()
    }

    /// Requests whose deeds are under way.
    pub(crate) fn working(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.batches.keys().copied()
    }

    /// Processes for which somebody waits.
    pub(crate) fn watched(&self) -> impl Iterator<Item = ProcId> + '_ {
        self.watches.keys().copied()
    }

    /// The latest run to which a client's signal is on its way.
    pub(crate) fn last_signalled(&self) -> Option<Run> {
        self.sent.last_key_value().map(|(run, _)| *run)
    }
}

impl Batch {
    fn is_whole(&self) -> bool {
        let items = self.items.len();
        let open = self.items.iter().filter(|item| !item.is_done).count();
        let early = self.early.keys().copied();
        let mut places = early.chain(self.late.iter().map(|(index, _)| *index));
        open > 0 && open == self.open && self.next <= items && places.all(|place| place < items)
    }
}
