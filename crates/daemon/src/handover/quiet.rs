//! Until nothing is under way: what was begun is finished, and what would begin is put aside.

use crate::api::Carried;
use crate::children::Phase;
use crate::shell::Shell;
use provost_core::{Effect, Input};
use provost_model::{Mono, Ticket};
use provost_os::clock;
use std::time::Duration;

/// How long what is under way may take. Only a hung disk, or a stop that waits for a whole tree, takes so long.
const QUIET_MAX: Duration = Duration::from_secs(5);

/// How long the logs thread may take to write what it has read.
const REST_MAX: Duration = Duration::from_secs(1);

/// An upgrade that the core has ordered.
#[derive(Debug)]
pub(crate) struct HandingOver {
    pub(super) ticket: Ticket,
    until: Mono,
    /// Orders that were put aside.
    pub(super) orders: Vec<Effect>,
}

impl HandingOver {
    /// Puts an order aside that another thread would have to answer, or that must not overtake such a one.
    pub(crate) fn put_aside(&mut self, effect: Effect) -> Option<Effect> {
        let takes_time = matches!(
            effect,
            Effect::Spawn { .. }
                | Effect::OpenSocket { .. }
                | Effect::CloseSocket { .. }
                | Effect::TrySocket { .. }
                | Effect::Probe { .. }
                | Effect::Spool { .. }
                | Effect::LoadConfig { .. }
                | Effect::ReadProgram { .. }
                | Effect::ClearLogs { .. }
                | Effect::ClearMainLog { .. }
        );
        if takes_time {
            self.orders.push(effect);
            return None;
        }
        Some(effect)
    }
}

impl Shell {
    /// The core orders that another program takes our place.
    pub(crate) fn begin_handing_over(&mut self, ticket: Ticket) {
        self.handing_over = Some(HandingOver {
            ticket,
            until: clock::mono().plus(QUIET_MAX),
            orders: Vec::new(),
        });
    }

    /// When patience with what is under way ends.
    pub(crate) fn quiet_deadline(&self) -> Option<Mono> {
        self.handing_over.as_ref().map(|handing| handing.until)
    }

    /// Whether all is ready to be handed over. Patience that has ended ends the whole attempt.
    pub(crate) fn is_ready_to_leave(&mut self) -> bool {
        let Some(handing) = &self.handing_over else {
            return false;
        };
        let until = handing.until;
        match self.under_way() {
            None => match self.logs.rest(REST_MAX) {
                Ok(()) => true,
                Err(reason) => {
                    self.stay(&reason);
                    false
                }
            },
            Some(_) if clock::mono() < until => false,
            Some(what) => {
                let text = format!(
                    "{what} took longer than {} seconds; try again when it is over",
                    QUIET_MAX.as_secs()
                );
                self.stay(&text);
                false
            }
        }
    }

    /// What is not finished.
    fn under_way(&self) -> Option<&'static str> {
        let is_begun = |phase: &Phase| !matches!(phase, Phase::Alive);
        let mut children = self.children.runs.values();
        if !self.children.held().is_empty() {
            return Some("the end of a process' tree");
        }
        if children.any(|child| is_begun(&child.phase) || child.report.is_some()) {
            return Some("the start or the end of a process");
        }
        if !self.spawns.is_empty() || self.children.awaits_unwanted() {
            return Some("the start of a process");
        }
        if self.errands > 0 {
            return Some("reading the configuration, or writing to a spool");
        }
        if !self.sockets.is_quiet() {
            return Some("the opening of a shared socket");
        }
        self.adopted
            .next_deadline()
            .map(|_| "the end of a process that was taken over")
    }

    /// Gives the attempt up and goes on.
    fn stay(&mut self, reason: &str) {
        let Some(handing) = self.handing_over.take() else {
            return;
        };
        // Those that waited before are first.
        self.begin_births();
        for effect in handing.orders {
            self.perform(effect);
        }
        let result = Err(reason.to_owned());
        let ticket = handing.ticket;
        self.tell(Input::HandedOver { ticket, result });
    }

    /// Takes what clients have asked and threads have told to the last; from now on the core hears of nothing more. Clients
    /// who are carried go on with the next image.
    pub(crate) fn take_last_words(&mut self, carried: &mut Carried) {
        let messages = carried.take_back(&self.clients);
        self.answers.expect(carried.requests());
        for message in messages {
            self.hear_client(message);
        }
        self.take_facts_to_the_last();
    }
}
