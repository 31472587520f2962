//! How the world carries out the core's orders.

use super::agenda::Lane;
use super::children::Phase;
use super::faults::Fault;
use super::listeners;
use super::scene;
use super::world::{Coming, Known, World};
use provost_core::{ClearProblem, Effect, Input, StdinProblem};
use provost_model::spawn::SpawnProblem;
use provost_model::spec::LogFile;
use provost_model::{Channel, Errno, GroupKind, ProcId, Run, Signal, SocketId};
use std::time::Duration;

/// Not permitted.
const EPERM: Errno = Errno(1);
/// No such file.
const ENOENT: Errno = Errno(2);
/// No such process.
const ESRCH: Errno = Errno(3);
/// No memory.
const ENOMEM: Errno = Errno(12);

impl World {
    /// Carries out one order; its answer comes later.
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::ProcessAdded { proc, .. } => {
                self.introduce(&effect);
                self.name_logs(proc);
            }
            Effect::ProcessRemoved { proc } => {
                self.known.remove(&proc);
            }
            Effect::OpenSocket { socket, spec } => self.open_socket(socket, &spec),
            Effect::CloseSocket { socket } => self.close_socket(socket),
            Effect::TrySocket { ticket, spec } => self.try_socket(ticket, &spec),
            Effect::Spawn { proc, run, socket } => self.spawn(proc, run, socket),
            Effect::Kill {
                run,
                signal,
                whole_group: _,
            } => self.kill(run, signal),
            Effect::Fence { ticket } => {
                let wait = Duration::from_micros(self.dice.below(1_000));
                self.later_in_lane(Lane::Signals, wait, Coming::Fact(Input::Fenced { ticket }));
            }
            Effect::Probe { ticket, proc } => {
                let fails = self.faults.strike(&mut self.dice, Fault::ProbeFails);
                let result = if fails {
                    Err(self.command_problem(proc))
                } else {
                    Ok(())
                };
                self.answer(Input::Probed { ticket, result });
            }
            Effect::WriteStdin { ticket, run, .. } => {
                let gone = self.children.alive(run).is_none();
                let refused = self.faults.strike(&mut self.dice, Fault::StdinRefused);
                let full = self.dice.chance(500);
                let result = match (gone, refused, full) {
                    (true, _, _) | (false, true, false) => Err(StdinProblem::Closed),
                    (false, true, true) => Err(StdinProblem::Full),
                    (false, false, _) => Ok(()),
                };
                self.answer(Input::StdinWritten { ticket, result });
            }
            Effect::Spool {
                ticket,
                spool,
                order,
            } => self.spool(ticket, spool, order),
            Effect::Deliver { run, envelope } => self.deliver(run, envelope.serial),
            Effect::CallHelper { run, call, .. } => self.helper_called(run, call),
            Effect::HangUp { run } => {
                self.hung_up.insert(run);
            }
            Effect::ClearLogs { ticket, .. } | Effect::ClearMainLog { ticket } => {
                let fails = self.faults.strike(&mut self.dice, Fault::ClearFails);
                let result = match (fails, self.dice.chance(500)) {
                    (false, _) => Ok(()),
                    (true, false) => Err(ClearProblem::NoFile("/var/log/x.log".to_owned())),
                    (true, true) => Err(ClearProblem::Failed("EROFS".to_owned())),
                };
                self.answer(Input::LogsCleared { ticket, result });
            }
            Effect::LoadConfig {
                ticket,
                for_restart: _,
            } => {
                let broken = self.faults.strike(&mut self.dice, Fault::BrokenConfig);
                let result = if broken {
                    Err("File contains parsing errors".to_owned())
                } else {
                    Ok(self.file.clone())
                };
                self.answer(Input::ConfigLoaded { ticket, result });
            }
            Effect::ReadProgram {
                ticket,
                group,
                program,
                ..
            } => {
                let broken = self.faults.strike(&mut self.dice, Fault::BrokenConfig);
                let result = if broken {
                    Err("not a valid boolean value: 'maybe'".to_owned())
                } else {
                    Ok(scene::draw_program(&mut self.dice, &group, &program))
                };
                self.answer(Input::ProgramRead { ticket, result });
            }
            Effect::Reply { id, answer } => {
                if let Ok(provost_model::Reply::Helper(answer)) = &answer {
                    self.helper_answered(answer);
                }
                if let Some((id, request)) = self.clients.answered(id, &answer) {
                    let wait = Duration::from_millis(self.dice.below(20));
                    self.later(wait, Coming::Ask(id, request));
                }
            }
            Effect::ReserveSerials { until } => {
                let wait = Duration::from_micros(self.kill_dice.below(3_000));
                self.agenda
                    .add(self.now.plus(wait), 0, Coming::Reserved(until));
            }
            Effect::Rehearse { ticket, .. } => self.rehearse(ticket),
            Effect::HandOver { ticket } => self.hand_over(ticket),
            Effect::Adopt { run, pid, .. } => self.adopt(run, pid),
            // Children of children are not part of this world.
            Effect::Print { .. }
            | Effect::Changed { .. }
            | Effect::KillTree { .. }
            | Effect::ReopenLogs
            | Effect::Notice(_)
            | Effect::Exit { .. } => {}
        }
    }

    fn answer(&mut self, input: Input) {
        let wait = self.answer_time();
        self.later(wait, Coming::Fact(input));
    }

    /// The core introduced a process.
    pub(super) fn introduce(&mut self, effect: &Effect) {
        if let Effect::ProcessAdded { proc, spec, group } = effect {
            let listens = match &group.kind {
                GroupKind::Pool(pool) => Some(pool.result_handler),
                _ => None,
            };
            let serves = matches!(group.kind, GroupKind::Helper(_));
            self.known.insert(
                *proc,
                Known {
                    spec: spec.clone(),
                    listens,
                    serves,
                },
            );
        }
    }

    fn name_logs(&mut self, proc: ProcId) {
        let Some(known) = self.known.get(&proc) else {
            return;
        };
        let spec = known.spec.clone();
        for (channel, output) in [
            (Channel::Stdout, &spec.stdout),
            (Channel::Stderr, &spec.stderr),
        ] {
            if output.logfile == LogFile::Auto {
                let path = format!("/tmp/{}-{channel}---supervisor-x.log", spec.name).into();
                self.answer(Input::AutoLogNamed {
                    proc,
                    channel,
                    path,
                });
            }
        }
    }

    fn command_problem(&mut self, proc: ProcId) -> SpawnProblem {
        let file = self
            .known
            .get(&proc)
            .map(|known| known.spec.command.clone())
            .unwrap_or_default();
        match self.dice.below(6) {
            0 => SpawnProblem::BadCommand {
                command: file,
                why: "No closing quotation".to_owned(),
            },
            1 => SpawnProblem::EmptyCommand,
            2 => SpawnProblem::IsDirectory { file },
            3 => SpawnProblem::NotExecutable { file },
            4 => SpawnProblem::NoPermission { file },
            _ => SpawnProblem::NotFound { file },
        }
    }

    /// What stands in the way of a spawn this time.
    fn spawn_problem(&mut self, proc: ProcId) -> Option<SpawnProblem> {
        if self.faults.strike(&mut self.dice, Fault::SpawnCommand) {
            return Some(self.command_problem(proc));
        }
        if self.faults.strike(&mut self.dice, Fault::SpawnShortage) {
            return Some(match self.dice.below(5) {
                0 => SpawnProblem::TooManyFiles,
                3 => SpawnProblem::Record {
                    path: "/run/supervisord.pid.runs".to_owned(),
                    errno: Errno(28),
                },
                1 => SpawnProblem::TooManyProcesses,
                2 => SpawnProblem::Fork { errno: ENOMEM },
                _ => SpawnProblem::Dispatchers { errno: ENOMEM },
            });
        }
        if self.faults.strike(&mut self.dice, Fault::SpawnSystem) {
            return Some(match self.dice.below(2) {
                0 => SpawnProblem::Dispatchers { errno: ENOENT },
                _ => SpawnProblem::Fork { errno: EPERM },
            });
        }
        None
    }

    fn spawn(&mut self, proc: ProcId, run: Run, socket: Option<SocketId>) {
        let slow = self.faults.strike(&mut self.dice, Fault::SlowSpawn);
        let slow_ms = self.dice.between(10, 4_000);
        let quick = Duration::from_micros(self.dice.below(2_000));
        let wait = if slow {
            Duration::from_millis(slow_ms)
        } else {
            quick
        };
        // A core that orders a spawn of something unknown gets what the edge would give: a failure.
        let Some(known) = self.known.get(&proc).cloned() else {
            let fact = Input::SpawnFailed {
                run,
                problem: SpawnProblem::EmptyCommand,
            };
            self.later(wait, Coming::Fact(fact));
            return;
        };
        let problem = self.spawn_problem(proc);
        let problem = problem.or_else(|| self.socket_problem(socket?));
        let outcome = match problem {
            Some(problem) => Err(problem),
            None => self.pids.take().ok_or(SpawnProblem::TooManyProcesses),
        };
        match outcome {
            Ok(pid) => {
                self.later_in_lane(
                    Lane::Run(run),
                    wait,
                    Coming::Fact(Input::Spawned { run, pid }),
                );
                self.birth(run, pid, &known);
            }
            Err(problem) => {
                let fact = Input::SpawnFailed { run, problem };
                self.later_in_lane(Lane::Run(run), wait, Coming::End(run, fact));
            }
        }
    }

    fn kill(&mut self, run: Run, signal: Signal) {
        // A signal that only some programs are sent does not shift what happens to the others.
        let dice = if signal == Signal::CONT {
            &mut self.kill_dice
        } else {
            &mut self.dice
        };
        let refused = self.faults.strike(dice, Fault::KillRefused);
        let Some(child) = self.children.get_mut(run) else {
            self.kill_failed(run, signal, ESRCH);
            return;
        };
        match child.phase {
            // The kernel takes signals for zombies and does nothing.
            Phase::Zombie => {}
            Phase::Reaped => self.kill_failed(run, signal, ESRCH),
            Phase::Alive if refused => {
                child.is_out_of_reach = true;
                self.kill_failed(run, signal, EPERM);
            }
            Phase::Alive => {
                let Some((after, status)) = child.reaction(signal) else {
                    return;
                };
                let at = self.now.plus(after);
                // A second signal does not keep a child alive that is dying already.
                if let Some(death) = self.children.doom(run, at, status) {
                    self.later(after, Coming::Death(death));
                }
            }
        }
    }

    fn kill_failed(&mut self, run: Run, signal: Signal, errno: Errno) {
        let wait = Duration::from_micros(self.dice.below(800));
        let fact = Input::KillFailed { run, errno, signal };
        self.later_in_lane(Lane::Signals, wait, Coming::Fact(fact));
    }

    fn deliver(&mut self, run: Run, serial: u64) {
        if self.children.alive(run).is_none() {
            // Its stdin is a broken pipe; if its end is not told yet, the edge says so first.
            if self.children.get(run).is_some() {
                self.kernel_says_deaf(run, serial);
            }
            return;
        }
        let handler = self.children.get(run).and_then(|child| child.listens);
        let deeds = listeners::answer(&mut self.dice, &self.faults, handler.unwrap_or_default());
        self.plan_deeds(run, serial, deeds.into());
    }

    fn kernel_says_deaf(&mut self, run: Run, serial: u64) {
        // Half of the time the bytes still fit into the pipe of the zombie's last descriptor holder.
        if self.dice.chance(500) {
            let wait = Duration::from_micros(self.dice.below(100));
            self.later(wait, Coming::Fact(Input::ListenerDeaf { run, serial }));
        }
    }
}
