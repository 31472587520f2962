//! The states of one process, and what each fact about it does.
//!
//! | state | has | leaves it by |
//! |---|---|---|
//! | STOPPED | nothing | a start: STARTING |
//! | STARTING, child awaited | run | `Spawned`: child alive (RUNNING at once when `startsecs` is 0, STOPPING when a stop came meanwhile); `SpawnFailed`: BACKOFF |
//! | STARTING, child alive | run, pid, point of success | that point: RUNNING; exit before it: BACKOFF; exit at or after it: RUNNING, EXITED; stop: STOPPING |
//! | RUNNING | run, pid | exit: EXITED; stop: STOPPING |
//! | BACKOFF | point of retry | that point: STARTING; too many tries: FATAL at once; stop: STOPPED; shutdown: FATAL |
//! | STOPPING | run, pid, point of SIGKILL | exit: STOPPED; that point: SIGKILL, and again each `stopwaitsecs` |
//! | EXITED | perhaps a point of respawn | that point, or at once: STARTING; a start: STARTING |
//! | FATAL | nothing | a start: STARTING |
//! | UNKNOWN | run, pid | exit after a stop request: STOPPED; any other exit: EXITED; shutdown: STOPPING |
//!
//! A child that lives while a signal cannot be sent to it makes UNKNOWN. Only the monotonic clock decides.
//! This file has the states and the way up, `stop.rs` the way down, `end.rs` the exits.

use super::past::Past;
use super::restart;
use crate::Effect;
use crate::group::GroupId;
use crate::turn::{Act, Happening};
use provost_model::spawn::SpawnProblem;
use provost_model::{Event, Mono, Notice, Pid, ProcId, ProcessSpec, ProcessState, Run, Wall};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// A child and the run that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Child {
    pub(crate) run: Run,
    pub(crate) pid: Pid,
}

/// The state with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Stopped,
    /// Ordered, and no answer yet. `stop`: a stop request is to be carried out as soon as there is a child.
    Awaited {
        run: Run,
        stop: bool,
    },
    /// Published as STARTING, too.
    Starting {
        child: Child,
        up_at: Mono,
    },
    Running {
        child: Child,
    },
    Backoff {
        retry_at: Option<Mono>,
    },
    Stopping {
        child: Child,
        kill_at: Mono,
    },
    Exited {
        again_at: Option<Mono>,
    },
    Fatal,
    Unknown {
        child: Child,
        stop_wished: bool,
    },
}

/// A configured process and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) id: ProcId,
    /// Saved with the specifications, as are group and specification.
    #[serde(skip)]
    pub(crate) name: Arc<str>,
    #[serde(skip)]
    pub(crate) group: Arc<str>,
    pub(crate) home: GroupId,
    #[serde(skip, default = "crate::saved::no_spec")]
    pub(crate) spec: Arc<ProcessSpec>,
    pub(super) state: State,
    /// Early ends since it was last up or started by hand.
    pub(super) tries: u32,
    /// Spawns in a row that failed for a shortage.
    pub(super) shortages: u32,
    /// The operator knows that it ends as soon as it runs.
    pub(super) told_respawning: bool,
    #[serde(default)]
    pub(super) respawns: restart::Respawns,
    pub(super) spawnerr: String,
    pub(super) exitstatus: Option<i32>,
    /// Stop requests so far: a start that was asked for before one of them is no longer wanted.
    pub(crate) stop_requests: u64,
    /// The last start on both clocks; set again when the child exists.
    pub(super) started: Option<(Mono, Wall)>,
    /// The last end of a child.
    pub(super) ended: Option<Wall>,
    /// Paths of AUTO logs, as the edge chose them.
    #[serde(with = "provost_model::saved::maybe_path")]
    pub(crate) auto_stdout: Option<Arc<Path>>,
    #[serde(with = "provost_model::saved::maybe_path")]
    pub(crate) auto_stderr: Option<Arc<Path>>,
    #[serde(default)]
    pub(super) past: Past,
}

impl Process {
    /// A process that never started.
    pub(crate) fn new(id: ProcId, home: GroupId, group: Arc<str>, spec: Arc<ProcessSpec>) -> Self {
        Self {
            id,
            name: Arc::from(spec.name.as_str()),
            group,
            home,
            spec,
            state: State::Stopped,
            tries: 0,
            shortages: 0,
            told_respawning: false,
            respawns: restart::Respawns::default(),
            spawnerr: String::new(),
            exitstatus: None,
            stop_requests: 0,
            started: None,
            ended: None,
            auto_stdout: None,
            auto_stderr: None,
            past: Past::default(),
        }
    }

    /// The state as clients see it.
    pub(crate) fn published(&self) -> ProcessState {
        match self.state {
            State::Stopped => ProcessState::Stopped,
            State::Awaited { .. } | State::Starting { .. } => ProcessState::Starting,
            State::Running { .. } => ProcessState::Running,
            State::Backoff { .. } => ProcessState::Backoff,
            State::Stopping { .. } => ProcessState::Stopping,
            State::Exited { .. } => ProcessState::Exited,
            State::Fatal => ProcessState::Fatal,
            State::Unknown { .. } => ProcessState::Unknown,
        }
    }

    /// The living child.
    pub(crate) fn child(&self) -> Option<Child> {
        match self.state {
            State::Starting { child, .. }
            | State::Running { child }
            | State::Stopping { child, .. }
            | State::Unknown { child, .. } => Some(child),
            State::Stopped
            | State::Awaited { .. }
            | State::Backoff { .. }
            | State::Exited { .. }
            | State::Fatal => None,
        }
    }

    /// The run that has not ended, its child born or awaited.
    pub(crate) fn run(&self) -> Option<Run> {
        match self.state {
            State::Awaited { run, .. } => Some(run),
            State::Starting { child, .. }
            | State::Running { child }
            | State::Stopping { child, .. }
            | State::Unknown { child, .. } => Some(child.run),
            State::Stopped | State::Backoff { .. } | State::Exited { .. } | State::Fatal => None,
        }
    }

    /// Whether it is up, or will be started without anybody's asking.
    pub(crate) fn comes_up(&self) -> bool {
        match self.state {
            State::Awaited { stop, .. } => !stop,
            State::Starting { .. } | State::Running { .. } | State::Backoff { .. } => true,
            State::Exited { again_at } => again_at.is_some(),
            State::Stopped | State::Stopping { .. } | State::Fatal | State::Unknown { .. } => false,
        }
    }

    /// When the state wants attention without anything having happened.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        match self.state {
            State::Starting { up_at, .. } => Some(up_at),
            State::Backoff { retry_at } => retry_at,
            State::Stopping { kill_at, .. } => Some(kill_at),
            State::Exited { again_at } => again_at,
            State::Stopped
            | State::Awaited { .. }
            | State::Running { .. }
            | State::Fatal
            | State::Unknown { .. } => None,
        }
    }

    /// A client starts it: with the full number of retries, whatever happened before.
    pub(crate) fn start_by_hand(&mut self, act: &mut Act<'_, '_>) {
        match self.state {
            State::Stopped | State::Exited { .. } | State::Fatal => {
                self.tries = 0;
                self.shortages = 0;
                self.told_respawning = false;
                self.respawns = restart::Respawns::default();
                self.begin(act);
            }
            State::Awaited { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Backoff { .. }
            | State::Stopping { .. }
            | State::Unknown { .. } => {
                act.turn.notice(Notice::AlreadyRunning {
                    name: self.name.clone(),
                });
            }
        }
    }

    /// It comes into service and starts with the daemon.
    pub(crate) fn start_automatically(&mut self, act: &mut Act<'_, '_>) {
        match self.state {
            State::Stopped if self.spec.autostart && self.started.is_none() && act.may_start => {
                self.begin(act);
            }
            State::Stopped
            | State::Awaited { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Backoff { .. }
            | State::Stopping { .. }
            | State::Exited { .. }
            | State::Fatal
            | State::Unknown { .. } => {}
        }
    }

    /// As [`Process::begin`], and nobody has asked for it.
    pub(super) fn begin_again(&mut self, act: &mut Act<'_, '_>) {
        self.past.restarts = self.past.restarts.saturating_add(1);
        self.begin(act);
    }

    /// STARTING, and the order to spawn.
    pub(super) fn begin(&mut self, act: &mut Act<'_, '_>) {
        self.spawnerr.clear();
        self.exitstatus = None;
        self.started = Some((act.turn.now.mono, act.turn.now.wall));
        let run = act.runs.begin(self.id);
        let shared = self.spec.socket.as_ref();
        let socket = shared.map(|spec| act.sockets.take(act.turn, spec, run));
        self.change(act, State::Awaited { run, stop: false });
        act.turn.out.push(Effect::Spawn {
            proc: self.id,
            run,
            socket,
        });
    }

    /// The child exists.
    pub(crate) fn spawned(&mut self, act: &mut Act<'_, '_>, run: Run, pid: Pid) {
        match self.state {
            State::Awaited { run: awaited, stop } if awaited == run => {
                let now = act.turn.now;
                self.started = Some((now.mono, now.wall));
                self.past.starts = self.past.starts.saturating_add(1);
                act.turn.notice(Notice::Spawned {
                    name: self.name.clone(),
                    pid,
                });
                let up_at = now.mono.plus(restart::seconds(self.spec.startsecs));
                self.state = State::Starting {
                    child: Child { run, pid },
                    up_at,
                };
                act.happened.push_back(Happening::Born { proc: self.id });
                if stop {
                    self.stop(act);
                } else if up_at <= now.mono {
                    self.succeed(act);
                }
            }
            State::Awaited { .. }
            | State::Stopped
            | State::Starting { .. }
            | State::Running { .. }
            | State::Backoff { .. }
            | State::Stopping { .. }
            | State::Exited { .. }
            | State::Fatal
            | State::Unknown { .. } => self.unexpected(act, "a child was born"),
        }
    }

    /// There will be no child.
    pub(crate) fn spawn_failed(&mut self, act: &mut Act<'_, '_>, run: Run, problem: &SpawnProblem) {
        match self.state {
            State::Awaited { run: awaited, stop } if awaited == run => {
                act.runs.end(run);
                if let SpawnProblem::Socket(_) = problem {
                    act.sockets.failed(run);
                }
                let text = problem.sentence(&self.name);
                act.turn.notice(Notice::SpawnFailed {
                    name: self.name.clone(),
                    text: text.clone(),
                });
                self.spawnerr = text;
                self.past.spawn_failures = self.past.spawn_failures.saturating_add(1);
                let now = act.turn.now.mono;
                if restart::is_shortage(problem) {
                    self.shortages = self.shortages.saturating_add(1);
                    let retry_at = now.plus(restart::shortage_delay(self.shortages));
                    self.change(
                        act,
                        State::Backoff {
                            retry_at: Some(retry_at),
                        },
                    );
                } else {
                    self.back_off(act);
                }
                act.sockets.leave(act.turn, run);
                if stop {
                    self.stop(act);
                } else if !restart::is_shortage(problem) {
                    self.give_up_if_spent(act);
                }
            }
            State::Awaited { .. }
            | State::Stopped
            | State::Starting { .. }
            | State::Running { .. }
            | State::Backoff { .. }
            | State::Stopping { .. }
            | State::Exited { .. }
            | State::Fatal
            | State::Unknown { .. } => self.unexpected(act, "a spawn failed"),
        }
    }

    /// Its deadline has come.
    pub(crate) fn due(&mut self, act: &mut Act<'_, '_>) {
        match self.state {
            State::Starting { .. } => self.succeed(act),
            State::Stopping { child, .. } => self.kill_hard(act, child),
            State::Backoff { .. } => {
                if act.may_start {
                    self.begin_again(act);
                } else {
                    self.state = State::Backoff { retry_at: None };
                }
            }
            State::Exited { .. } => {
                if act.may_start {
                    self.begin_again(act);
                } else {
                    self.state = State::Exited { again_at: None };
                }
            }
            State::Stopped
            | State::Awaited { .. }
            | State::Running { .. }
            | State::Fatal
            | State::Unknown { .. } => self.unexpected(act, "a deadline came"),
        }
    }

    /// STARTING to RUNNING, because it stayed up.
    fn succeed(&mut self, act: &mut Act<'_, '_>) {
        let Some(child) = self.child() else { return };
        self.tries = 0;
        self.shortages = 0;
        self.change(act, State::Running { child });
        let startsecs = self.spec.startsecs;
        act.turn.notice(Notice::EnteredRunning {
            name: self.name.clone(),
            startsecs,
        });
    }

    /// Enters `next` and tells of it.
    pub(super) fn change(&mut self, act: &mut Act<'_, '_>, next: State) {
        let from = self.published();
        let old_child = self.child();
        self.state = next;
        let to = self.published();
        self.past.note(to, act.turn.now.wall);
        let pid = self.child().or(old_child).map_or(0, |child| child.pid.0);
        let expected = to == ProcessState::Exited
            && self
                .exitstatus
                .is_some_and(|code| self.spec.exitcodes.contains(&code));
        let event = Event::ProcessState {
            process: self.name.clone(),
            group: self.group.clone(),
            from,
            to,
            tries: self.tries,
            pid,
            expected,
        };
        act.happened.push_back(Happening::Changed {
            proc: self.id,
            from,
            to,
            event,
        });
    }

    /// A fact that does not fit the state: written down, and the state stays.
    pub(super) fn unexpected(&self, act: &mut Act<'_, '_>, what: &str) {
        let state = self.published();
        act.turn.anomaly(format!(
            "{what} for {} while it is {state}",
            self.spec.namespec()
        ));
    }
}
