//! What must hold when a step is over.

use super::answers::LOAD_PATIENCE;
use super::orders::rule_of;
use super::shutdown::Mood;
use super::{Monitor, Report};
use provost_model::{Mono, ProcessState, Signal};

impl Monitor {
    /// Compares what had to happen in the step with what happened.
    pub(super) fn at_rest(&mut self, next_deadline: Option<Mono>) {
        for (run, signal, _) in std::mem::take(&mut self.kills) {
            let rule = match (signal == Signal::KILL, self.mood.is_stopping()) {
                (true, _) => "I07",
                (false, true) => "I25",
                (false, false) => "I09",
            };
            self.fail(rule, format!("{signal} was not sent to {run:?}"));
        }
        for (run, signal) in std::mem::take(&mut self.trees) {
            self.fail(
                "I09",
                format!("{signal} was not sent to the tree of {run:?}"),
            );
        }
        self.orphans_at_rest();
        let reserved = self.pools.keep_to_reserved();
        self.check(reserved, "I15", || {
            "an event got a number that is not reserved".to_owned()
        });
        for notice in std::mem::take(&mut self.notices) {
            self.fail(rule_of(&notice), format!("did not say: {notice:?}"));
        }
        let now = self.now.mono;
        self.loads
            .retain(|_, (began, _)| now.since(*began) < LOAD_PATIENCE);
        self.programs
            .retain(|_, (began, ..)| now.since(*began) < LOAD_PATIENCE);
        self.forget_old_looks();
        self.signalled_in_turn();
        self.starts_done();
        for (id, _, name) in std::mem::take(&mut self.introduced) {
            self.fail("I24", format!("{name} ({id:?}) came into service unasked"));
        }
        for id in std::mem::take(&mut self.dismissed) {
            self.fail("I24", format!("{id:?} did not go out of service"));
        }
        let due = self.may_leave();
        self.check(!due, "I25", || {
            "everything is stopped, but it did not leave".to_owned()
        });
        self.sockets_at_rest();
        self.upgrades_at_rest();
        if !matches!(self.mood, Mood::Ended { .. }) {
            self.answers_given();
            self.sleeps_rightly(next_deadline);
            self.pools_at_rest();
            self.helpers_at_rest();
        }
    }

    fn starts_done(&mut self) {
        self.start_order.clear();
        let late = self.procs.values_mut().filter(|proc| proc.must_start);
        let mut names = Vec::new();
        for proc in late {
            proc.must_start = false;
            names.push(format!("{} in {}", proc.spec.namespec(), proc.state));
        }
        for name in names {
            self.fail("I21", format!("was not started: {name}"));
        }
        for proc in self.procs.values() {
            let has_pid = matches!(
                proc.state,
                ProcessState::Running | ProcessState::Stopping | ProcessState::Unknown
            );
            let may_have = has_pid || proc.state == ProcessState::Starting;
            let sound = (!has_pid || proc.pid.is_some()) && (may_have || proc.pid.is_none());
            Report(&mut self.violations).check(sound, "I03", || format!("{proc:?}"));
        }
    }

    /// I19: it wakes after now, never later than something is due, and never for nothing.
    fn sleeps_rightly(&mut self, next_deadline: Option<Mono>) {
        let now = self.now.mono;
        let later = next_deadline.is_none_or(|at| at > now);
        self.check(later, "I19", || {
            format!("wants to wake at {next_deadline:?}, it is {now:?}")
        });
        // Nothing starts while everything stops, whatever was planned.
        let starts = |state| matches!(state, ProcessState::Backoff | ProcessState::Exited);
        let serving = self.mood == Mood::Serving;
        let dues = self
            .procs
            .values()
            .filter(|proc| serving || !starts(proc.state));
        let dues = dues.filter_map(|proc| proc.due);
        let dues = dues.chain(self.helpers.dues());
        let due = dues.chain(self.ticks.values().copied()).min();
        let in_time = match (next_deadline, due) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(at), Some(due)) => at <= due,
        };
        self.check(in_time, "I21", || {
            format!("sleeps until {next_deadline:?}, due is {due:?}")
        });
        // Reports on waits and patience with answers need deadlines of their own.
        let quiet =
            self.mood == Mood::Serving && self.requests.is_empty() && self.tickets.is_empty();
        let timed = self
            .pools
            .by_group
            .values()
            .any(super::pools::Pool::needs_a_timer);
        let exact = !quiet || timed || next_deadline == due;
        self.check(exact, "I19", || {
            format!("wakes at {next_deadline:?} for nothing, due is {due:?}")
        });
    }

    fn pools_at_rest(&mut self) {
        let (runs, procs) = (&self.runs, &self.procs);
        let mut report = Report(&mut self.violations);
        for pool in self.pools.by_group.values() {
            let is_up = |run| {
                let proc = runs.get(&run).and_then(|id| procs.get(id));
                proc.is_some_and(|proc| proc.state == ProcessState::Running)
            };
            pool.at_rest(is_up, &mut report);
        }
    }
}
