//! Requests about logs and stdin of processes, and about supervisord's own log.

use super::Purpose;
use crate::group::Target;
use crate::supervisor::Core;
use crate::turn::Turn;
use crate::{ClearProblem, Effect, StdinProblem};
use provost_model::fault::{Fault, FaultCode};
use provost_model::{ProcId, ProcessState, Reply, RequestId, Ticket};

impl Core {
    pub(super) fn clear_all(&mut self, turn: &mut Turn<'_>, request: RequestId, procs: &[ProcId]) {
        for (index, &proc) in procs.iter().enumerate() {
            self.order(turn, Purpose::Clear { request, index }, |ticket| {
                Effect::ClearLogs { ticket, proc }
            });
        }
    }

    /// Logs were cleared, or not. That there is none is as good.
    pub(crate) fn logs_cleared(
        &mut self,
        turn: &mut Turn<'_>,
        ticket: Ticket,
        result: &Result<(), ClearProblem>,
    ) {
        match self.redeem(ticket) {
            Some(Purpose::Clear { request, index }) => {
                let asked = self
                    .jobs
                    .asked(request, index)
                    .unwrap_or_default()
                    .to_owned();
                let outcome = match result {
                    Ok(()) | Err(ClearProblem::NoFile(_)) => Ok(()),
                    Err(ClearProblem::Failed(_)) => Err(Fault::about(FaultCode::Failed, asked)),
                };
                self.finish(turn, (request, index), outcome, true);
            }
            Some(Purpose::ClearMain { request }) => {
                let answer = match result {
                    Ok(()) => Ok(Reply::Done),
                    Err(ClearProblem::NoFile(_)) => Err(Fault::bare(FaultCode::NoFile)),
                    Err(ClearProblem::Failed(_)) => Err(Fault::bare(FaultCode::Failed)),
                };
                self.reply(turn, request, answer);
            }
            Some(
                Purpose::Probe { .. }
                | Purpose::Fence { .. }
                | Purpose::Stdin { .. }
                | Purpose::Load { .. }
                | Purpose::LoadForRestart
                | Purpose::TrySocket { .. }
                | Purpose::Program { .. }
                | Purpose::Spool { .. }
                | Purpose::SaveSpool { .. }
                | Purpose::Rehearse { .. }
                | Purpose::HandOver { .. },
            ) => turn.anomaly("cleared logs answer another order"),
            None => {}
        }
    }

    /// Writes to a living child that is not being stopped.
    pub(crate) fn send_stdin(
        &mut self,
        turn: &mut Turn<'_>,
        id: RequestId,
        asked: String,
        chars: String,
    ) {
        let proc = match Target::parse(&asked) {
            Target::One { group, process } => self.find_in_reach(group, process),
            Target::Whole { .. } => None,
        };
        let Some(process) = proc.and_then(|proc| self.procs.get(proc)) else {
            self.reply(turn, id, Err(Fault::about(FaultCode::BadName, asked)));
            return;
        };
        if self.helpers.is_one(process.home) {
            let text = format!("standard input of {asked} carries the calls to a helper");
            self.reply(turn, id, Err(Fault::about(FaultCode::Failed, text)));
            return;
        }
        let is_stopping = process.published() == ProcessState::Stopping;
        let Some(child) = process.child().filter(|_| !is_stopping) else {
            self.reply(turn, id, Err(Fault::about(FaultCode::NotRunning, asked)));
            return;
        };
        let (run, data) = (child.run, chars.into_bytes());
        self.order(turn, Purpose::Stdin { request: id, asked }, |ticket| {
            Effect::WriteStdin { ticket, run, data }
        });
    }

    /// The bytes were taken, or not.
    pub(crate) fn stdin_written(
        &mut self,
        turn: &mut Turn<'_>,
        ticket: Ticket,
        result: Result<(), StdinProblem>,
    ) {
        let Some(Purpose::Stdin { request, asked }) = self.redeem(ticket) else {
            return;
        };
        let answer = match result {
            Ok(()) => Ok(Reply::Done),
            Err(StdinProblem::Closed) => Err(Fault::about(FaultCode::NoFile, asked)),
            Err(StdinProblem::Full) => Err(Fault::about(FaultCode::Failed, "stdin buffer full")),
        };
        self.reply(turn, request, answer);
    }
}
