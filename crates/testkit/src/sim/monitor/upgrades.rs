//! Upgrades in place: one at a time, rehearsed before anything is handed over, and each answered (I45).

use super::Monitor;
use provost_core::Effect;
use provost_model::fault::{Fault, FaultCode};
use provost_model::{Mono, Notice, Reply, RequestId, Ticket};
use std::time::Duration;

/// The longest wait for either step.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is known of upgrades.
#[derive(Clone, Debug, Default)]
pub(super) struct Upgrades {
    /// The step under way: its order, who waits, since when, and whether it is the hand-over.
    step: Option<Step>,
    /// The step that must be ordered now, and for whom.
    due: Option<(bool, Option<RequestId>)>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    ticket: Ticket,
    request: Option<RequestId>,
    began: Mono,
    is_last: bool,
}

impl Monitor {
    /// Somebody wants one: a client, or the operator by a signal.
    pub(super) fn upgrade_asked(&mut self, request: Option<RequestId>) {
        if request.is_none() {
            self.notices.push(Notice::UpgradeRequested);
        }
        if request.is_none() && self.mood.is_stopping() {
            self.upgrade_fails(None, Fault::bare(FaultCode::ShutdownState));
        } else if self.upgrades.step.is_some() {
            let fault = Fault::about(FaultCode::Failed, "an upgrade is under way");
            match request {
                Some(request) => self.expect(request, Err(fault)),
                None => self.upgrade_fails(None, fault),
            }
        } else {
            self.upgrades.due = Some((false, request));
        }
    }

    /// Sees an order.
    pub(super) fn upgrade_ordered(&mut self, effect: &Effect) {
        let (ticket, is_last) = match effect {
            Effect::Rehearse { ticket, .. } => (*ticket, false),
            Effect::HandOver { ticket } => (*ticket, true),
            _ => return,
        };
        self.tickets.insert(ticket);
        let due = self.upgrades.due.take();
        let due = due.filter(|(last, _)| *last == is_last);
        self.check(due.is_some(), "I45", || format!("{effect:?} for no reason"));
        self.upgrades.step = due.map(|(_, request)| Step {
            ticket,
            request,
            began: self.now.mono,
            is_last,
        });
    }

    /// A step was taken, or not.
    pub(super) fn upgrade_step(
        &mut self,
        ticket: Ticket,
        is_last: bool,
        result: &Result<String, String>,
    ) {
        self.tickets.remove(&ticket);
        let fits = |step: &Step| step.ticket == ticket && step.is_last == is_last;
        let Some(step) = self.upgrades.step.filter(fits) else {
            return;
        };
        self.upgrades.step = None;
        let reads_for_restart = self.loads.values().any(|(_, purpose)| purpose.is_none());
        match result {
            Err(reason) => {
                let fault = Fault::about(FaultCode::Failed, reason.as_str());
                self.upgrade_fails(step.request, fault);
            }
            Ok(version) if is_last => {
                let version = version.clone();
                self.notices.push(Notice::Upgraded {
                    version: version.clone(),
                });
                if let Some(request) = step.request {
                    self.expect(request, Ok(Reply::Text(version)));
                }
            }
            Ok(_) if self.mood.is_stopping() || reads_for_restart => {
                self.upgrade_fails(step.request, Fault::bare(FaultCode::ShutdownState));
            }
            Ok(_) => self.upgrades.due = Some((true, step.request)),
        }
    }

    /// A step takes too long.
    pub(super) fn upgrade_deadline(&mut self) {
        let now = self.now.mono;
        let is_over = |step: &Step| now.since(step.began) >= PATIENCE;
        if let Some(step) = self.upgrades.step.filter(is_over) {
            self.upgrades.step = None;
            self.tickets.remove(&step.ticket);
            let text = "the new program did not take over within 60 seconds";
            self.upgrade_fails(step.request, Fault::about(FaultCode::Failed, text));
        }
    }

    fn upgrade_fails(&mut self, request: Option<RequestId>, fault: Fault) {
        let reason = fault.extra.clone();
        self.notices.push(Notice::UpgradeFailed {
            reason: reason.unwrap_or_else(|| "supervisord is stopping".to_owned()),
        });
        if let Some(request) = request {
            self.expect(request, Err(fault));
        }
    }

    /// What had to be ordered was.
    pub(super) fn upgrades_at_rest(&mut self) {
        let due = self.upgrades.due.take();
        self.check(due.is_none(), "I45", || {
            "an upgrade does not go on".to_owned()
        });
    }
}
