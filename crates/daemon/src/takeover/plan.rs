//! The rehearsal: what would become of each process that the old daemon has, under the configuration given.

use super::state::State;
use provost_core::adopt::{Reason, obstacle};
use provost_model::spec::namespec;
use provost_model::{FcgiSpec, GroupSpec, Pid, ProcessSpec, ProcessState};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// The widest column of names in the table; the standard library formats none that is wider than 65,535.
const NAME_WIDTH_MAX: usize = 4096;

/// What becomes of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It runs on.
    Kept(Pid),
    /// It is stopped, and started anew where it is configured to.
    Stopped(Pid, Reason),
    /// It does not run, and rests on.
    Rests,
    /// It does not run, and is not configured.
    Forgotten,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// As the old daemon lists them.
    pub(super) rows: Vec<(State, Fate)>,
    /// Why it cannot be done.
    pub(super) problems: Vec<String>,
    /// What somebody should know.
    pub(super) warnings: Vec<String>,
}

/// Looks for each process in the configuration. `has_socket` tells whether the old daemon has a socket that processes share.
pub(super) fn rehearse(
    groups: &[Arc<GroupSpec>],
    states: Vec<State>,
    has_socket: &dyn Fn(&FcgiSpec) -> bool,
) -> Plan {
    let mut plan = Plan::default();
    let known: BTreeSet<(String, String)> = states
        .iter()
        .map(|state| (state.group.clone(), state.name.clone()))
        .collect();
    for state in states {
        let name = state.namespec();
        let spec = spec_of(groups, &state.group, &state.name);
        let reason = obstacle(groups, &state.group, &state.name).filter(|reason| {
            let shared = spec.and_then(|spec| spec.socket.as_ref());
            *reason != Reason::Socket || !shared.is_some_and(|shared| has_socket(shared))
        });
        let fate = match (state.phase, state.pid) {
            (ProcessState::Running | ProcessState::Starting, Some(pid)) => match reason {
                None => Fate::Kept(pid),
                Some(Reason::Unknown) => {
                    plan.problems.push(format!(
                        "'{name}' runs with pid {pid} and is not in the configuration; stop it, or give the configuration \
                         that the old supervisord has"
                    ));
                    continue;
                }
                Some(reason) => Fate::Stopped(pid, reason),
            },
            (
                ProcessState::Stopped
                | ProcessState::Exited
                | ProcessState::Fatal
                | ProcessState::Backoff,
                None,
            ) => match spec {
                Some(_) => Fate::Rests,
                None => Fate::Forgotten,
            },
            (ProcessState::Stopping, _) => {
                plan.problems.push(format!(
                    "'{name}' is being stopped; try again when it has stopped"
                ));
                continue;
            }
            (other, pid) => {
                let pid = pid.map_or_else(|| "no pid".to_owned(), |pid| format!("pid {pid}"));
                plan.problems.push(format!(
                    "'{name}' is {other} with {pid}; stop it or start it, and try again"
                ));
                continue;
            }
        };
        if let (Fate::Kept(_), Some(spec)) = (fate, spec)
            && (spec.stdout.capture_maxbytes > 0 || spec.stderr.capture_maxbytes > 0)
        {
            plan.warnings.push(format!(
                "'{name}' has a capture_maxbytes: what the old supervisord holds back of it, a capture under way or the \
                 beginning of a token, stays with it"
            ));
        }
        if fate == Fate::Forgotten {
            plan.warnings.push(format!(
                "'{name}' is {} and is not in the configuration; it is forgotten",
                state.phase
            ));
        }
        plan.rows.push((state, fate));
    }
    for spec in groups.iter().flat_map(|group| &group.processes) {
        if !known.contains(&(spec.group.clone(), spec.name.clone())) {
            let when = if spec.autostart {
                "is started"
            } else {
                "stays STOPPED"
            };
            plan.warnings.push(format!(
                "'{}' is new to the old supervisord; it {when}",
                spec.namespec()
            ));
        }
    }
    plan
}

/// The configuration of a process.
pub(super) fn spec_of<'a>(
    groups: &'a [Arc<GroupSpec>],
    group: &str,
    name: &str,
) -> Option<&'a Arc<ProcessSpec>> {
    let group = groups.iter().find(|spec| spec.name == group)?;
    group.processes.iter().rfind(|spec| spec.name == name)
}

impl Plan {
    /// The pids that the old daemon has given out.
    pub(super) fn pids(&self) -> Vec<Pid> {
        self.rows
            .iter()
            .filter_map(|(state, _)| state.pid)
            .collect()
    }

    /// How many there are of each kind, in words.
    pub(super) fn summary(&self) -> String {
        let count = |of: fn(&Fate) -> bool| self.rows.iter().filter(|(_, fate)| of(fate)).count();
        let kept = count(|fate| matches!(fate, Fate::Kept(_)));
        let stopped = count(|fate| matches!(fate, Fate::Stopped(..)));
        let rest = count(|fate| matches!(fate, Fate::Rests));
        format!("{kept} processes run on, {rest} rest, {stopped} are stopped and start anew")
    }

    /// The lines about processes, for people.
    pub(super) fn table(&self) -> String {
        let width = self
            .rows
            .iter()
            .map(|(state, _)| state.namespec().chars().count())
            .max();
        let width = width.unwrap_or(0).min(NAME_WIDTH_MAX);
        let mut text = String::new();
        for (state, fate) in &self.rows {
            let name = namespec(&state.group, &state.name);
            let what = match fate {
                Fate::Kept(pid) => format!("runs on: {}, pid {pid}", state.phase),
                Fate::Stopped(pid, reason) => {
                    format!("stopped (pid {pid}) and started anew: {reason}")
                }
                Fate::Rests => format!("stays {}", state.phase),
                Fate::Forgotten => "forgotten".to_owned(),
            };
            let _ = writeln!(text, "{name:width$}  {what}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::state;
    use super::*;
    use crate::takeover::testing::group;

    fn fates(plan: &Plan) -> Vec<(String, Fate)> {
        let rows = plan.rows.iter();
        rows.map(|(state, fate)| (state.namespec(), *fate))
            .collect()
    }

    #[test]
    fn what_runs_runs_on_and_what_rests_rests() {
        let groups = [group("a"), group("b"), group("c"), group("new")];
        let states = vec![
            state("a", ProcessState::Running, 7),
            state("b", ProcessState::Fatal, 0),
            state("c", ProcessState::Starting, 8),
            state("gone", ProcessState::Stopped, 0),
        ];
        let plan = rehearse(&groups, states, &|_| false);
        assert_eq!(plan.problems, Vec::<String>::new());
        let expected = [
            ("a", Fate::Kept(Pid(7))),
            ("b", Fate::Rests),
            ("c", Fate::Kept(Pid(8))),
            ("gone", Fate::Forgotten),
        ];
        let expected = expected.map(|(name, fate)| (name.to_owned(), fate));
        assert_eq!(fates(&plan), expected);
        assert_eq!(plan.warnings.len(), 2, "{:?}", plan.warnings);
        assert!(
            plan.table().contains("a     runs on: RUNNING, pid 7\n"),
            "{}",
            plan.table()
        );
    }

    #[test]
    fn what_cannot_be_is_a_problem() {
        let groups = [group("a")];
        for (state, what) in [
            (
                state("x", ProcessState::Running, 7),
                "is not in the configuration",
            ),
            (state("a", ProcessState::Stopping, 7), "is being stopped"),
            (
                state("a", ProcessState::Unknown, 7),
                "is UNKNOWN with pid 7",
            ),
            (
                state("a", ProcessState::Running, 0),
                "is RUNNING with no pid",
            ),
        ] {
            let plan = rehearse(&groups, vec![state], &|_| false);
            assert_eq!(plan.problems.len(), 1);
            assert!(plan.problems[0].contains(what), "{:?}", plan.problems);
        }
    }
}
