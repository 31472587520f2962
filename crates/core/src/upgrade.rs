//! Upgrade in place: another program takes over this state, and whoever asked for it hears what came of it.
//!
//! | step | ordered | answered by | then |
//! |---|---|---|---|
//! | rehearsal | `Rehearse` | `Rehearsed` | a hand-over, unless it failed or everything is to stop |
//! | hand-over | `HandOver` | `HandedOver`, by the new program, or by this one when it has to go on | the answer |
//!
//! The order to hand over is part of the state that is handed over, and so is the client who waits. A client who leaves
//! changes nothing.

use crate::Effect;
use crate::job::Purpose;
use crate::supervisor::Core;
use crate::turn::Turn;
use provost_model::fault::{Fault, FaultCode};
use provost_model::{Notice, Reply, RequestId, Ticket};
use std::time::Duration;

/// Longest wait for either step: the new program may lie on a hung mount.
pub(crate) const UPGRADE_PATIENCE: Duration = Duration::from_mins(1);

/// Why a second one is refused.
const UNDER_WAY: &str = "an upgrade is under way";

/// Why one that was not asked for by a client does not go on.
const STOPPING: &str = "supervisord is stopping";

impl Core {
    /// The operator asks by a signal.
    pub(crate) fn upgrade_asked(&mut self, turn: &mut Turn<'_>) {
        turn.notice(Notice::UpgradeRequested);
        if self.phase.is_over() {
            self.upgrade_fails(turn, None, Fault::bare(FaultCode::ShutdownState));
        } else {
            self.upgrade(turn, None, None);
        }
    }

    /// Begins an upgrade, if none is under way.
    pub(crate) fn upgrade(
        &mut self,
        turn: &mut Turn<'_>,
        request: Option<RequestId>,
        binary: Option<String>,
    ) {
        if self.tickets.any(Purpose::is_upgrade) {
            // The one under way has its own notice.
            let fault = Fault::about(FaultCode::Failed, UNDER_WAY);
            match request {
                Some(request) => self.reply(turn, request, Err(fault)),
                None => self.upgrade_fails(turn, None, fault),
            }
            return;
        }
        self.order(turn, Purpose::Rehearse { request }, |ticket| {
            Effect::Rehearse { ticket, binary }
        });
    }

    /// The new program can take over, or not.
    pub(crate) fn rehearsed(
        &mut self,
        turn: &mut Turn<'_>,
        ticket: Ticket,
        result: Result<String, String>,
    ) {
        match self.redeem(ticket) {
            Some(Purpose::Rehearse { request }) => match result {
                Err(reason) => {
                    let fault = Fault::about(FaultCode::Failed, reason);
                    self.upgrade_fails(turn, request, fault);
                }
                // A restart that waits for its configuration is one that was asked for.
                Ok(_) if self.phase.is_over() || self.restart_load.is_some() => {
                    let fault = Fault::bare(FaultCode::ShutdownState);
                    self.upgrade_fails(turn, request, fault);
                }
                Ok(_) => {
                    let purpose = Purpose::HandOver { request };
                    self.order(turn, purpose, |ticket| Effect::HandOver { ticket });
                }
            },
            Some(_) => turn.anomaly("a rehearsal answers another order"),
            None => {}
        }
    }

    /// The new program has taken over, or this one has to go on.
    pub(crate) fn handed_over(
        &mut self,
        turn: &mut Turn<'_>,
        ticket: Ticket,
        result: Result<String, String>,
    ) {
        match self.redeem(ticket) {
            Some(Purpose::HandOver { request }) => match result {
                Ok(version) => {
                    turn.notice(Notice::Upgraded {
                        version: version.clone(),
                    });
                    if let Some(request) = request {
                        self.reply(turn, request, Ok(Reply::Text(version)));
                    }
                }
                Err(reason) => {
                    let fault = Fault::about(FaultCode::Failed, reason);
                    self.upgrade_fails(turn, request, fault);
                }
            },
            Some(_) => turn.anomaly("a hand-over answers another order"),
            None => {}
        }
    }

    /// One of its steps takes too long.
    pub(crate) fn upgrade_overdue(&mut self, turn: &mut Turn<'_>, request: Option<RequestId>) {
        let secs = UPGRADE_PATIENCE.as_secs();
        let text = format!("the new program did not take over within {secs} seconds");
        self.upgrade_fails(turn, request, Fault::about(FaultCode::Failed, text));
    }

    /// Everything goes on as before.
    fn upgrade_fails(&mut self, turn: &mut Turn<'_>, request: Option<RequestId>, fault: Fault) {
        let reason = fault.extra.clone();
        turn.notice(Notice::UpgradeFailed {
            reason: reason.unwrap_or_else(|| STOPPING.to_owned()),
        });
        if let Some(request) = request {
            self.reply(turn, request, Err(fault));
        }
    }
}

#[cfg(test)]
mod tests;
