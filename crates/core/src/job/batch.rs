//! A deed to one or many processes for one client, and what is still open in it.

use super::Deed;
use provost_model::fault::{Fault, FaultCode};
use provost_model::info::ProcessResult;
use provost_model::spawn::SpawnProblem;
use provost_model::{ProcId, ProcessState, Reply, RequestId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a deed ended for one process.
pub(super) type Outcome = Result<(), Fault>;

/// One process of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) proc: ProcId,
    pub(super) name: Arc<str>,
    pub(super) group: Arc<str>,
    /// The name in refusals.
    pub(super) asked: String,
    /// Stop requests to the process before this one.
    pub(super) stops_before: u64,
    /// The answer to the probe before a start.
    pub(super) probed: Option<Result<(), SpawnProblem>>,
    pub(super) is_done: bool,
}

/// A deed to one or many processes, for one client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Batch {
    pub(super) deed: Deed,
    /// The client gets an array.
    pub(super) is_many: bool,
    pub(super) items: Vec<Item>,
    pub(super) open: usize,
    /// The first item that a start has not come to.
    pub(super) next: usize,
    /// Outcomes known at once, in the order of the items.
    pub(super) early: BTreeMap<usize, Outcome>,
    /// Outcomes that were waited for, as they came.
    pub(super) late: Vec<(usize, Outcome)>,
}

/// A batch that wants to know what becomes of a process.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) request: RequestId,
    pub(super) index: usize,
    pub(super) wish: Wish,
}

/// What a watch waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wish {
    /// A child.
    Born,
    /// RUNNING.
    Up,
    /// An end.
    Ended,
}

/// What a new state means for a wish; a refusal gets its text later.
pub(super) fn verdict(wish: Wish, to: ProcessState) -> Option<Outcome> {
    let refused = |code| Some(Err(Fault::bare(code)));
    match wish {
        Wish::Born | Wish::Up => match to {
            ProcessState::Running if wish == Wish::Up => Some(Ok(())),
            ProcessState::Starting | ProcessState::Running => None,
            ProcessState::Backoff => refused(FaultCode::SpawnError),
            ProcessState::Stopping
            | ProcessState::Stopped
            | ProcessState::Exited
            | ProcessState::Fatal
            | ProcessState::Unknown => refused(FaultCode::AbnormalTermination),
        },
        Wish::Ended => to.is_stopped().then_some(Ok(())),
    }
}

impl Batch {
    /// The answer when nothing is open.
    pub(super) fn answer(self) -> Result<Reply, Fault> {
        let mut outcomes = self.early.into_iter().chain(self.late);
        if !self.is_many {
            return outcomes
                .try_for_each(|(_, outcome)| outcome)
                .map(|()| Reply::Done);
        }
        let mut results = Vec::with_capacity(self.items.len());
        for (index, outcome) in outcomes {
            let Some(item) = self.items.get(index) else {
                continue;
            };
            let (status, description) = match outcome {
                Ok(()) => (FaultCode::Success, "OK".to_owned()),
                Err(fault) => (fault.code, fault.to_string()),
            };
            let (name, group) = (item.name.to_string(), item.group.to_string());
            results.push(ProcessResult {
                name,
                group,
                status,
                description,
            });
        }
        Ok(Reply::Results(results))
    }
}
