//! From open logs to a living child: pipes, fork, the record of the run, and the word to go on.

use crate::children::{Early, Entry, Newborn, Phase};
use crate::gate::Gate;
use crate::logs::Order;
use crate::meters;
use crate::prepare;
use crate::runs::Birth;
use crate::shell::{Shell, token};
use crate::spawn_order::Ready;
use crate::stdin::ChildStdin;
use provost_core::Input;
use provost_model::spawn::SpawnProblem;
use provost_model::{Channel, Errno, Level, Mono, Pid, Run};
use provost_os::clock;
use provost_os::reactor::Interest;
use provost_os::spawn::{self, Line, Stdio};
use provost_os::{pipe, users};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long after its birth it is looked whether a child has executed its program: most take a part of it.
const LOOK_AFTER: Duration = Duration::from_millis(1);

/// Until when another thread counts on that: a margin between its clock and ours.
const COUNTED_ON: Duration = Duration::from_micros(900);

/// The descriptors of a new child: its ends, and ours.
struct Pipes {
    child: Stdio,
    /// None for a child whose standard input is a socket.
    stdin: Option<OwnedFd>,
    stdout: OwnedFd,
    stderr: Option<OwnedFd>,
}

impl Shell {
    /// The logs are open: fork.
    pub(crate) fn opened(&mut self, run: Run, result: Result<(), (PathBuf, Errno)>) {
        let Some(child) = self.children.runs.get_mut(&run) else {
            // It was given up while its logs hung.
            return self.logs.order(Order::Abandon { run });
        };
        let ready = match std::mem::replace(&mut child.phase, Phase::Preparing(Early::No)) {
            Phase::Opening(ready) => ready,
            Phase::Reopening(ready) => return self.reopen(run, ready),
            Phase::Preparing(Early::Asked(places)) => {
                let result = result.map_err(Box::new);
                child.phase = Phase::Preparing(Early::Done(places, result));
                return;
            }
            other => {
                child.phase = other;
                return;
            }
        };
        if let Err((path, errno)) = result {
            return self.spawn_failed(run, prepare::log_problem(path, errno));
        }
        let Ready { plan, digest, .. } = *ready;
        let socket = child.socket;
        let redirect = self
            .children
            .entry_of(run)
            .is_some_and(|entry| entry.spec.redirect_stderr);
        let socket = socket.map(|socket| self.sockets.copy(socket)).transpose();
        let spawned = socket
            .and_then(|socket| pipes(redirect, socket))
            .map_err(|error| prepare::problem_of(Errno::of(&error)))
            .and_then(
                |Pipes {
                     child,
                     stdin,
                     stdout,
                     stderr,
                 }| {
                    let spawned = self.spawner.spawn(plan, child).map_err(spawn::problem)?;
                    Ok((spawned, stdin, stdout, stderr))
                },
            );
        match spawned {
            Ok((spawned, stdin, stdout, stderr)) => {
                let newborn = Newborn {
                    stdin,
                    stdout,
                    stderr,
                    gate: Arc::new(Gate::new(spawned.report.shared())),
                    report: spawned.report,
                    ended: None,
                };
                let birth = self.birth_of(run, spawned.pid, digest, &newborn);
                self.children.born(run, spawned.pid, newborn);
                self.record(birth, run);
            }
            Err(problem) => {
                self.logs.order(Order::Abandon { run });
                self.spawn_failed(run, problem);
            }
        }
    }

    /// Has a new child written down.
    ///
    /// One that comes to life alone is to have the processor when it goes on, as its first instruction is waited for, and not
    /// us: we look a moment later, when it executes its program.
    fn record(&mut self, birth: Option<Birth>, run: Run) {
        let now = clock::mono();
        let is_alone = self.births.is_alone();
        let begun = birth.is_some_and(|mut birth| {
            birth.is_heard_after = is_alone.then(|| now.plus(COUNTED_ON));
            self.runs.begin(birth)
        });
        if !begun {
            self.recorded(run, Ok(now));
        } else if is_alone {
            self.births.leave_alone(run, now.plus(LOOK_AFTER));
        }
    }

    /// What is to be written down of a new child.
    fn birth_of(&self, run: Run, pid: Pid, digest: u64, newborn: &Newborn) -> Option<Birth> {
        let entry = self.children.entry_of(run)?;
        let number = |fd: &OwnedFd| pipe::number(fd.as_fd());
        let auto = |channel| entry.auto_log(channel).map(Path::to_path_buf);
        Some(Birth {
            run,
            pid,
            uid: entry.spec.uid.unwrap_or_else(users::current_euid),
            spec: Arc::clone(&entry.spec),
            digest,
            pipes: [
                newborn.stdin.as_ref().and_then(number),
                number(&newborn.stdout),
                newborn.stderr.as_ref().and_then(number),
            ],
            auto_logs: [auto(Channel::Stdout), auto(Channel::Stderr)],
            gate: Arc::clone(&newborn.gate),
            is_heard_after: None,
        })
    }

    /// How long a birth took that was over then.
    fn measure(&self, run: Run, at: Mono) {
        let Some(child) = self.children.runs.get(&run) else {
            return;
        };
        meters::SPAWNS.observe(at.since(child.ordered));
        if let Some(ended) = child.follows {
            meters::RESPAWNS.observe(at.since(ended));
        }
    }

    /// The run is written down, or need not be: the child may go on since then. Or it could not be, and the child ends.
    pub(crate) fn recorded(&mut self, run: Run, result: Result<Mono, SpawnProblem>) {
        let at = match result {
            Ok(at) => at,
            Err(problem) => return self.not_recorded(run, problem),
        };
        let Some((pid, newborn)) = self.children.take_newborn(run) else {
            return;
        };
        let Newborn {
            stdin,
            stdout,
            stderr,
            report,
            gate,
            ended,
        } = *newborn;
        // Where no records are kept nobody has opened it.
        gate.open();
        self.children.alive(run, pid);
        self.births.done(run);
        self.measure(run, at);
        self.attach(run, stdin, stdout, stderr, report);
        self.tell(Input::Spawned { run, pid });
        self.await_report(run);
        if let Some(status) = ended {
            self.reaped(pid, status);
        }
    }

    /// The run could not be written down: its child ends without having run anything.
    pub(crate) fn not_recorded(&mut self, run: Run, problem: SpawnProblem) {
        if let Some(Phase::Recording(newborn)) =
            self.children.runs.get(&run).map(|child| &child.phase)
            && !newborn.gate.shut()
        {
            // It was written down after all, a moment ago.
            return self.recorded(run, Ok(clock::mono()));
        }
        let Some((pid, newborn)) = self.children.take_newborn(run) else {
            return;
        };
        drop(newborn);
        self.children.unwanted(pid);
        // The line may have been written all the same, or may be under way.
        self.runs.ended(run);
        self.logs.order(Order::Abandon { run });
        self.spawn_failed(run, problem);
    }

    /// Gives each pipe to whoever reads or writes it.
    fn attach(
        &mut self,
        run: Run,
        stdin: Option<OwnedFd>,
        stdout: OwnedFd,
        stderr: Option<OwnedFd>,
        report: Line,
    ) {
        let entry = self.children.entry_of(run);
        let (listener, helper) = (
            entry.is_some_and(Entry::is_listener),
            entry.is_some_and(Entry::is_helper),
        );
        let Some(child) = self.children.runs.get_mut(&run) else {
            return;
        };
        let nonblocking = stdin
            .as_ref()
            .map_or(Ok(()), |stdin| pipe::set_nonblocking(stdin.as_fd(), true));
        child.stdin = stdin.map(ChildStdin::new);
        child.report = Some(report);
        let mut watch = Ok(());
        if listener || helper {
            watch = pipe::set_nonblocking(stdout.as_fd(), true).and(self.reactor.add(
                stdout.as_fd(),
                token::of(run, token::LISTENER),
                Interest::Read,
            ));
            child.listener = Some(stdout);
            child.frames = helper.then(Box::default);
        } else {
            self.logs.order(Order::Attach {
                run,
                channel: Channel::Stdout,
                fd: stdout,
            });
        }
        if let Some(stderr) = stderr {
            self.logs.order(Order::Attach {
                run,
                channel: Channel::Stderr,
                fd: stderr,
            });
        }
        if let Err(error) = nonblocking.and(watch) {
            self.log(
                Level::Critical,
                format!("could not watch the pipes of a new child: {error}"),
            );
        }
    }
}

/// The pipes of a new child. A socket takes the place of the one to its standard input.
fn pipes(redirect_stderr: bool, socket: Option<OwnedFd>) -> io::Result<Pipes> {
    let (child_in, stdin) = if let Some(socket) = socket {
        (socket, None)
    } else {
        let (child_in, stdin) = pipe::pipe()?;
        (child_in, Some(stdin))
    };
    let (stdout, child_out) = pipe::lasting()?;
    let (stderr, child_err) = if redirect_stderr {
        (None, None)
    } else {
        let (ours, theirs) = pipe::lasting()?;
        (Some(ours), Some(theirs))
    };
    Ok(Pipes {
        child: Stdio {
            stdin: child_in,
            stdout: child_out,
            stderr: child_err,
        },
        stdin,
        stdout,
        stderr,
    })
}
