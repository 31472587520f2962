//! Upstream's states as a table, and one process as the table tells it: written apart from the core on purpose.

use provost_model::ProcessState::{
    Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping, Unknown,
};
use provost_model::spawn::SpawnProblem;
use provost_model::{Errno, ExitStatus, Mono, Pid, ProcId, ProcessSpec, ProcessState, Run};
use std::sync::Arc;
use std::time::Duration;

/// Every change of state that upstream publishes (its documentation, "Process States", and what it was seen to do).
const CHANGES: &[(ProcessState, ProcessState)] = &[
    (Stopped, Starting),
    (Exited, Starting),
    (Fatal, Starting),
    (Backoff, Starting),
    (Unknown, Starting),
    (Starting, Running),
    (Starting, Backoff),
    (Starting, Stopping),
    (Running, Exited),
    (Running, Stopping),
    (Backoff, Fatal),
    (Backoff, Stopped),
    (Stopping, Stopped),
    (Starting, Unknown),
    (Running, Unknown),
    (Stopping, Unknown),
    (Unknown, Exited),
    (Unknown, Stopped),
    // Ours: at shutdown what could not be signalled is tried once more.
    (Unknown, Stopping),
];

/// Shortest time between two starts of a process that ends at once (ours; upstream has none).
pub(super) const RESPAWN_FLOOR: Duration = Duration::from_millis(10);

/// What one start by itself takes of the ten seconds over which they are averaged (ours; upstream has none).
pub(super) const RESPAWN_SHARE: Duration = Duration::from_millis(50);

/// How far starts by themselves may be ahead of that.
pub(super) const RESPAWN_AHEAD: Duration = Duration::from_millis(9_950);

/// Shortest time between two SIGKILLs to a process that survives them (ours; upstream has none).
const KILL_PERIOD_MIN: Duration = Duration::from_secs(1);

/// Longest wait while the system is short of something.
const SHORTAGE_DELAY_MAX_SECS: u64 = 30;

/// Whether upstream publishes this change.
pub(super) fn is_legal(from: ProcessState, to: ProcessState) -> bool {
    CHANGES.contains(&(from, to))
}

/// Whether a failed spawn says nothing about the program.
pub(super) fn is_shortage(problem: &SpawnProblem) -> bool {
    let of_system = |errno: Errno| errno.0 == 12 || errno.0 == 23;
    match problem {
        SpawnProblem::TooManyFiles
        | SpawnProblem::TooManyProcesses
        | SpawnProblem::Record { .. } => true,
        SpawnProblem::Socket(problem) => problem
            .errno
            .is_some_and(|errno| of_system(errno) || errno.0 == 24),
        SpawnProblem::Fork { errno }
        | SpawnProblem::Log { errno, .. }
        | SpawnProblem::Dispatchers { errno } => of_system(*errno),
        _ => false,
    }
}

/// Whole seconds of the configuration; what is below 0 counts as 0.
pub(super) fn secs(configured: i64) -> Duration {
    Duration::from_secs(configured.max(0).unsigned_abs())
}

/// One process as the monitor follows it.
#[derive(Clone, Debug)]
pub(super) struct Proc {
    pub(super) id: ProcId,
    pub(super) spec: Arc<ProcessSpec>,
    pub(super) name: Arc<str>,
    pub(super) group: Arc<str>,
    pub(super) state: ProcessState,
    /// States held in the step of this number.
    pub(super) held: (u64, Vec<ProcessState>),
    /// The run that was ordered and has not ended.
    pub(super) run: Option<Run>,
    /// Its pid, once it is known.
    pub(super) pid: Option<Pid>,
    /// When something is to happen by itself: up, retry, SIGKILL or respawn.
    pub(super) due: Option<Mono>,
    /// A stop is wished: before the child exists, or before signals to it failed.
    pub(super) stop_wished: bool,
    /// Early ends that count.
    pub(super) tries: u32,
    /// Shortages in a row.
    pub(super) shortages: u32,
    /// The last time a child was ordered or known to be born.
    pub(super) started: Option<Mono>,
    /// When all starts by itself would be over if they were spread, 20 a second.
    pub(super) spread_until: Mono,
    /// The last time it was started because a client asked.
    pub(super) by_hand_at: Option<Mono>,
    pub(super) exit: Option<ExitStatus>,
    /// What went wrong last (upstream's words); empty after each start.
    pub(super) spawnerr: String,
    /// A spawn must be ordered in this step.
    pub(super) must_start: bool,
}

impl Proc {
    pub(super) fn new(id: ProcId, spec: Arc<ProcessSpec>) -> Self {
        Self {
            id,
            name: Arc::from(spec.name.as_str()),
            group: Arc::from(spec.group.as_str()),
            spec,
            state: Stopped,
            held: (0, Vec::new()),
            run: None,
            pid: None,
            due: None,
            stop_wished: false,
            tries: 0,
            shortages: 0,
            started: None,
            spread_until: Mono::default(),
            by_hand_at: None,
            exit: None,
            spawnerr: String::new(),
            must_start: false,
        }
    }

    /// Whether a child may be there or on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.state.is_stopped() && self.run.is_none()
    }

    /// Whether it held this state at any time in the step.
    pub(super) fn was(&self, step: u64, state: ProcessState) -> bool {
        self.state == state || (self.held.0 == step && self.held.1.contains(&state))
    }

    /// Whether any state it held in the step is such.
    pub(super) fn was_any(&self, step: u64, is_such: impl Fn(ProcessState) -> bool) -> bool {
        is_such(self.state)
            || (self.held.0 == step && self.held.1.iter().any(|held| is_such(*held)))
    }

    /// When the first retry after `tries` counted failures, or this many shortages, is due.
    pub(super) fn retry_delay(&self) -> Duration {
        if self.shortages > 0 {
            let doubled = 1_u64 << (self.shortages - 1).min(6);
            Duration::from_secs(doubled.min(SHORTAGE_DELAY_MAX_SECS))
        } else {
            Duration::from_secs(u64::from(self.tries))
        }
    }

    /// What clients read of an end that nobody asked for.
    pub(super) fn tell_end(&mut self, status: ExitStatus, why: Option<&str>) {
        if status == ExitStatus::Unknown {
            "Exit status unknown".clone_into(&mut self.spawnerr);
        } else if !self.is_expected(status) {
            let bad = format!("Bad exit code {}", status.code());
            self.spawnerr = why.map_or(bad, str::to_owned);
        }
    }

    /// Time from one SIGKILL to the next.
    pub(super) fn kill_period(&self) -> Duration {
        secs(self.spec.stopwaitsecs).max(KILL_PERIOD_MIN)
    }

    /// Whether this end is followed by a start.
    pub(super) fn restarts_after(&self, status: ExitStatus) -> bool {
        use provost_model::spec::AutoRestart;
        match self.spec.autorestart {
            AutoRestart::Never => false,
            AutoRestart::Always => true,
            AutoRestart::Unexpected => !self.is_expected(status),
        }
    }

    /// Whether the configuration lists this end.
    pub(super) fn is_expected(&self, status: ExitStatus) -> bool {
        self.spec.exitcodes.contains(&status.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_no_way_out_of_fatal_but_a_start_and_no_way_into_a_state_from_itself() {
        let all = [
            Stopped, Starting, Running, Backoff, Stopping, Exited, Fatal, Unknown,
        ];
        let after_fatal: Vec<_> = all.into_iter().filter(|to| is_legal(Fatal, *to)).collect();
        assert_eq!(after_fatal, [Starting]);
        assert!(all.into_iter().all(|state| !is_legal(state, state)));
        assert!(!is_legal(Stopped, Running) && !is_legal(Exited, Running));
    }
}
