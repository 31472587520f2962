//! Start requests: first a look at the command, then the tests in upstream's order, then the spawn.
//!
//! The processes of a group are started in ascending priority: each waits for the looks at those before it.

use super::batch::{Outcome, Watch, Wish};
use super::{Deed, Purpose};
use crate::Effect;
use crate::program::Process;
use crate::supervisor::Core;
use crate::turn::Turn;
use provost_model::fault::{Fault, FaultCode};
use provost_model::spawn::SpawnProblem;
use provost_model::{ProcId, ProcessState, RequestId, Ticket};

impl Core {
    /// Orders the looks at the commands.
    pub(super) fn probe_all(&mut self, turn: &mut Turn<'_>, request: RequestId, procs: &[ProcId]) {
        for (index, &proc) in procs.iter().enumerate() {
            self.order(turn, Purpose::Probe { request, index }, |ticket| {
                Effect::Probe { ticket, proc }
            });
        }
    }

    /// A look was answered.
    pub(crate) fn probed(
        &mut self,
        turn: &mut Turn<'_>,
        ticket: Ticket,
        result: Result<(), SpawnProblem>,
    ) {
        if let Some(Purpose::Probe { request, index }) = self.redeem(ticket) {
            self.probe_answered(turn, request, index, result);
        }
    }

    /// Notes an answer and starts whatever it was that others waited for.
    pub(super) fn probe_answered(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        index: usize,
        result: Result<(), SpawnProblem>,
    ) {
        if let Some(batch) = self.jobs.batches.get_mut(&request)
            && let Some(item) = batch.items.get_mut(index)
        {
            item.probed = Some(result);
        }
        while let Some(batch) = self.jobs.batches.get_mut(&request) {
            let index = batch.next;
            let Deed::Start { wait } = batch.deed else {
                return;
            };
            let Some(item) = batch.items.get_mut(index) else {
                return;
            };
            let Some(result) = item.probed.take() else {
                return;
            };
            let (proc, asked) = (item.proc, item.asked.clone());
            let stops_before = item.stops_before;
            batch.next = index.saturating_add(1);
            let is_left = !self.jobs.unanswered.contains(&request);
            match self.start_one(turn, (proc, stops_before), asked, result, wait) {
                Step::Done { outcome, early } => {
                    self.finish(turn, (request, index), outcome, early);
                }
                Step::Begun if is_left => self.finish(turn, (request, index), Ok(()), true),
                Step::Begun => {
                    let wish = if wait { Wish::Up } else { Wish::Born };
                    self.jobs.watch(
                        proc,
                        Watch {
                            request,
                            index,
                            wish,
                        },
                    );
                }
            }
        }
    }

    /// Somebody wants these stopped: starts of them that still wait for a look are not wanted any more.
    pub(crate) fn supersede_starts(&mut self, procs: &[ProcId]) {
        for proc in procs {
            if let Some(process) = self.procs.get_mut(*proc) {
                process.stop_requests = process.stop_requests.saturating_add(1);
            }
        }
    }

    fn start_one(
        &mut self,
        turn: &mut Turn<'_>,
        (proc, stops_before): (ProcId, u64),
        asked: String,
        looked: Result<(), SpawnProblem>,
        wait: bool,
    ) -> Step {
        let refused = |fault| Step::Done {
            outcome: Err(fault),
            early: true,
        };
        if !self.may_start() {
            return refused(Fault::bare(FaultCode::ShutdownState));
        }
        let Some(process) = self.procs.get(proc) else {
            return refused(Fault::about(FaultCode::BadName, asked));
        };
        if let Err(problem) = looked
            && let Some(code) = refusal(&problem)
        {
            return refused(Fault::about(code, problem.sentence(&process.name)));
        }
        match process.published() {
            ProcessState::Starting | ProcessState::Running | ProcessState::Backoff => {
                return refused(Fault::about(FaultCode::AlreadyStarted, asked));
            }
            ProcessState::Unknown => {
                let text = format!("{asked} is in an unknown process state");
                return refused(Fault::about(FaultCode::Failed, text));
            }
            ProcessState::Stopping
            | ProcessState::Stopped
            | ProcessState::Exited
            | ProcessState::Fatal => {}
        }
        if process.published() == ProcessState::Stopping {
            self.with_process(turn, proc, Process::start_by_hand);
            // Upstream starts nothing here, and tells only those who wait.
            let fault = Fault::about(FaultCode::AbnormalTermination, asked);
            let outcome = if wait { Err(fault) } else { Ok(()) };
            let early = !wait;
            return Step::Done { outcome, early };
        }
        if process.stop_requests != stops_before {
            // As if it had been started at once, and stopped then.
            return refused(Fault::about(FaultCode::AbnormalTermination, asked));
        }
        self.with_process(turn, proc, Process::start_by_hand);
        self.settle(turn, true);
        Step::Begun
    }
}

/// What came of a start request for one process.
enum Step {
    Done { outcome: Outcome, early: bool },
    Begun,
}

/// The refusal for a command that cannot be executed; none for problems that only a spawn can meet.
fn refusal(problem: &SpawnProblem) -> Option<FaultCode> {
    match problem {
        SpawnProblem::NotFound { .. } => Some(FaultCode::NoFile),
        SpawnProblem::BadCommand { .. }
        | SpawnProblem::EmptyCommand
        | SpawnProblem::IsDirectory { .. }
        | SpawnProblem::NotExecutable { .. }
        | SpawnProblem::NoPermission { .. } => Some(FaultCode::NotExecutable),
        SpawnProblem::TooManyFiles
        | SpawnProblem::Dispatchers { .. }
        | SpawnProblem::Log { .. }
        | SpawnProblem::Socket(_)
        | SpawnProblem::TooManyProcesses
        | SpawnProblem::Record { .. }
        | SpawnProblem::Fork { .. } => None,
    }
}
