//! What clients have asked for and not been told yet.
//!
//! Waiting is data: a batch knows what is open in it, a watch on a process knows which batch to tell. A client that leaves
//! takes its watches along.

mod batch;
mod sound;
mod start;
mod stop;
#[cfg(test)]
mod tests;
mod tickets;
mod upkeep;
#[cfg(test)]
mod upkeep_tests;
#[cfg(test)]
mod watch_tests;

use crate::deadlines::Timer;
use crate::supervisor::Core;
use crate::turn::Turn;
use serde::{Deserialize, Serialize};
use tickets::{LOAD_PATIENCE, SOCKET_PATIENCE};
pub(crate) use tickets::{Purpose, Tickets};

use batch::{Batch, Item, Outcome, Watch, Wish, verdict};
use provost_model::fault::{Fault, FaultCode};
use provost_model::spawn::SocketProblem;
use provost_model::{ProcId, ProcessState, Reply, RequestId, Run, Signal, Ticket};
use std::collections::{BTreeMap, BTreeSet};

/// What a client asks of one or many processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Deed {
    Start { wait: bool },
    Stop { wait: bool },
    Signal { signal: String, manner: Manner },
    Clear,
}

/// By whose rules a signal is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Manner {
    /// Those of `signalProcess`.
    Signal,
    /// Those of `killProcess` of `mr.laforge`: only what counts as running gets one, and refusals have other codes.
    Kill,
}

/// A signal that was ordered for a client and may yet fail.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Sent {
    request: RequestId,
    index: usize,
    signal: Signal,
}

/// All of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Jobs {
    /// Requests that are to be answered.
    unanswered: BTreeSet<RequestId>,
    batches: BTreeMap<RequestId, Batch>,
    watches: BTreeMap<ProcId, Vec<Watch>>,
    sent: BTreeMap<Run, Vec<Sent>>,
}

impl Jobs {
    /// A request came.
    pub(crate) fn open(&mut self, id: RequestId) {
        self.unanswered.insert(id);
    }

    /// A request is answered. Tells whether its client still waits.
    pub(crate) fn close(&mut self, id: RequestId) -> bool {
        self.unanswered.remove(&id)
    }

    /// A client left. Tells the processes for which nobody waits any more.
    pub(crate) fn leave(&mut self, id: RequestId) -> Vec<ProcId> {
        let mut alone = Vec::new();
        self.unanswered.remove(&id);
        let Some(batch) = self.batches.get_mut(&id) else {
            return alone;
        };
        for (index, item) in batch.items.iter_mut().enumerate() {
            let is_begun = !matches!(batch.deed, Deed::Start { .. }) || index < batch.next;
            if !is_begun || item.is_done {
                continue;
            }
            item.is_done = true;
            batch.open = batch.open.saturating_sub(1);
            if let Some(watches) = self.watches.get_mut(&item.proc) {
                watches.retain(|watch| watch.request != id);
                if watches.is_empty() {
                    self.watches.remove(&item.proc);
                    alone.push(item.proc);
                }
            }
        }
        if let Deed::Start { wait } = &mut batch.deed {
            *wait = false;
        }
        if batch.open == 0 {
            self.batches.remove(&id);
        }
        alone
    }

    fn watch(&mut self, proc: ProcId, watch: Watch) {
        self.watches.entry(proc).or_default().push(watch);
    }

    /// Takes the watches on `proc` away for which `verdict` has an outcome.
    fn fired(
        &mut self,
        proc: ProcId,
        verdict: impl Fn(Wish) -> Option<Outcome>,
    ) -> Vec<(Watch, Outcome)> {
        let Some(watches) = self.watches.get_mut(&proc) else {
            return Vec::new();
        };
        let mut fired = Vec::new();
        watches.retain(|watch| match verdict(watch.wish) {
            Some(outcome) => {
                fired.push((*watch, outcome));
                false
            }
            None => true,
        });
        if watches.is_empty() {
            self.watches.remove(&proc);
        }
        fired
    }

    fn asked(&self, request: RequestId, index: usize) -> Option<&str> {
        let item = self.batches.get(&request)?.items.get(index)?;
        Some(&item.asked)
    }
}

impl Core {
    /// Begins a deed to these processes, each with its name in refusals.
    pub(crate) fn begin_job(
        &mut self,
        turn: &mut Turn<'_>,
        id: RequestId,
        procs: Vec<(ProcId, String)>,
        is_many: bool,
        deed: Deed,
    ) {
        let mut items = Vec::with_capacity(procs.len());
        for (proc, asked) in procs {
            let Some(process) = self.procs.get(proc) else {
                continue;
            };
            items.push(Item {
                proc,
                name: process.name.clone(),
                group: process.group.clone(),
                asked,
                stops_before: process.stop_requests,
                probed: None,
                is_done: false,
            });
        }
        if items.is_empty() {
            self.reply(turn, id, Ok(Reply::Results(Vec::new())));
            return;
        }
        let targets: Vec<ProcId> = items.iter().map(|item| item.proc).collect();
        let (early, late) = (BTreeMap::new(), Vec::new());
        let open = items.len();
        let batch = Batch {
            deed: deed.clone(),
            is_many,
            items,
            open,
            next: 0,
            early,
            late,
        };
        self.jobs.batches.insert(id, batch);
        match deed {
            Deed::Start { .. } => self.probe_all(turn, id, &targets),
            Deed::Stop { wait } => self.stop_all(turn, id, &targets, wait),
            Deed::Signal { signal, manner } => {
                self.signal_all(turn, id, &targets, &signal, manner);
            }
            Deed::Clear => self.clear_all(turn, id, &targets),
        }
    }

    /// A deed to those of many processes that it concerns.
    pub(crate) fn on_many(
        &mut self,
        turn: &mut Turn<'_>,
        id: RequestId,
        members: Vec<ProcId>,
        deed: Deed,
    ) {
        if matches!(deed, Deed::Stop { .. }) {
            self.supersede_starts(&members);
        }
        let concerns = |state: ProcessState| match deed {
            Deed::Start { .. } => !state.is_running(),
            Deed::Stop { .. }
            | Deed::Signal {
                manner: Manner::Kill,
                ..
            } => state.is_running(),
            Deed::Signal {
                manner: Manner::Signal,
                ..
            } => state.is_signallable(),
            Deed::Clear => true,
        };
        let procs = members
            .into_iter()
            .filter_map(|proc| self.procs.get(proc))
            .filter(|process| concerns(process.published()))
            .map(|process| (process.id, process.spec.namespec()))
            .collect();
        self.begin_job(turn, id, procs, true, deed);
    }

    /// One process of a batch is done with; the last one answers the client.
    fn finish(
        &mut self,
        turn: &mut Turn<'_>,
        (request, index): (RequestId, usize),
        outcome: Outcome,
        early: bool,
    ) {
        let Some(batch) = self.jobs.batches.get_mut(&request) else {
            return;
        };
        let Some(item) = batch.items.get_mut(index).filter(|item| !item.is_done) else {
            return;
        };
        item.is_done = true;
        batch.open = batch.open.saturating_sub(1);
        if early {
            batch.early.insert(index, outcome);
        } else {
            batch.late.push((index, outcome));
        }
        if batch.open > 0 {
            return;
        }
        let Some(batch) = self.jobs.batches.remove(&request) else {
            return;
        };
        self.reply(turn, request, batch.answer());
    }

    /// A process changed its state: clients that waited for it, or in vain, are told.
    pub(crate) fn watched_changed(
        &mut self,
        turn: &mut Turn<'_>,
        proc: ProcId,
        to: ProcessState,
        early: bool,
    ) {
        let fired = self.jobs.fired(proc, |wish| verdict(wish, to));
        for (watch, outcome) in fired {
            let asked = self
                .jobs
                .asked(watch.request, watch.index)
                .unwrap_or_default()
                .to_owned();
            let outcome = outcome.map_err(|fault| Fault::about(fault.code, asked));
            self.finish(turn, (watch.request, watch.index), outcome, early);
        }
        match to {
            ProcessState::Stopping => self.report_stop(turn, proc),
            ProcessState::Starting
            | ProcessState::Running
            | ProcessState::Backoff
            | ProcessState::Stopped
            | ProcessState::Exited
            | ProcessState::Fatal
            | ProcessState::Unknown => self.deadlines.set(Timer::StopReport(proc), None),
        }
    }

    /// A process has its child: clients that waited for no more are told.
    pub(crate) fn watched_born(&mut self, turn: &mut Turn<'_>, proc: ProcId) {
        let fired = self.jobs.fired(proc, |wish| match wish {
            Wish::Born => Some(Ok(())),
            Wish::Up | Wish::Ended => None,
        });
        for (watch, outcome) in fired {
            self.finish(turn, (watch.request, watch.index), outcome, true);
        }
    }

    /// An order was not answered in time.
    pub(crate) fn answer_overdue(&mut self, turn: &mut Turn<'_>, ticket: Ticket) {
        match self.redeem(ticket) {
            Some(Purpose::Probe { request, index }) => {
                self.probe_answered(turn, request, index, Ok(()));
            }
            Some(Purpose::Clear { request, index }) => {
                let asked = self
                    .jobs
                    .asked(request, index)
                    .unwrap_or_default()
                    .to_owned();
                let fault = Fault::about(FaultCode::Failed, asked);
                self.finish(turn, (request, index), Err(fault), true);
            }
            Some(Purpose::ClearMain { request }) => {
                self.reply(turn, request, Err(Fault::bare(FaultCode::Failed)));
            }
            Some(Purpose::Load { request }) => {
                let fault = Fault::about(FaultCode::CantReread, load_overdue());
                self.reply(turn, request, Err(fault));
            }
            Some(Purpose::LoadForRestart) => self.loaded_for_restart(turn, Err(load_overdue())),
            Some(Purpose::TrySocket { request, spec, .. }) => {
                let problem = SocketProblem {
                    url: spec.url.clone(),
                    reason: format!("it took longer than {} seconds", SOCKET_PATIENCE.as_secs()),
                    errno: None,
                };
                let fault = Fault::about(FaultCode::Failed, problem.to_string());
                self.reply(turn, request, Err(fault));
            }
            Some(Purpose::Program { request, .. }) => {
                let fault = Fault::about(FaultCode::Failed, program_overdue());
                self.reply(turn, request, Err(fault));
            }
            Some(Purpose::Rehearse { request } | Purpose::HandOver { request }) => {
                self.upgrade_overdue(turn, request);
            }
            Some(
                Purpose::Fence { .. }
                | Purpose::Stdin { .. }
                | Purpose::Spool { .. }
                | Purpose::SaveSpool { .. },
            )
            | None => {
                turn.anomaly("a deadline came for an order that has none");
            }
        }
    }

    /// The daemon leaves: whoever still waits is told so.
    pub(crate) fn jobs_end(&mut self, turn: &mut Turn<'_>) {
        let jobs = std::mem::take(&mut self.jobs);
        for id in jobs.unanswered {
            let answer = Err(Fault::bare(FaultCode::ShutdownState));
            turn.out.push(crate::Effect::Reply { id, answer });
        }
        self.tickets = self.tickets.successor();
    }
}

/// Why a program that never came is refused.
fn program_overdue() -> String {
    format!(
        "the options were not looked at within {} seconds",
        LOAD_PATIENCE.as_secs()
    )
}

/// Why a configuration that never came is refused.
fn load_overdue() -> String {
    format!(
        "the configuration was not read within {} seconds",
        LOAD_PATIENCE.as_secs()
    )
}
