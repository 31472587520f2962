//! Orders of the core, done.

use crate::adopt;
use crate::births::Ordered;
use crate::children::{Early, Entry, Known, Phase};
use crate::crash;
use crate::done::{Done, Errand};
use crate::handover::Doing;
use crate::logs::{Order, Place, auto_log_path, locate};
use crate::messages;
use crate::prepare;
use crate::runs::digest;
use crate::shell::{BIRTH_MAX, Shell, token};
use crate::spawn_order::{Prepared, Ready};
use crate::spool::Report;
use crate::stdin::Flushed;
use provost_core::{Effect, Input, SpoolProblem, StdinProblem};
use provost_model::spawn::SpawnProblem;
use provost_model::{Channel, Envelope, Errno, Level, Mono, ProcId, Run, Signal, Ticket};
use provost_os::clock;
use provost_os::reactor::Interest;
use provost_wire::events;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
impl Shell {
    /// Does one order.
    pub(crate) fn perform(&mut self, effect: Effect) {
        let effect = match &mut self.handing_over {
            Some(handing) => handing.put_aside(effect),
            None => Some(effect),
        };
        if let Some(effect) = effect {
            self.perform_now(effect);
        }
    }

    fn perform_now(&mut self, effect: Effect) {
        match effect {
            Effect::ProcessAdded { proc, spec, group } => {
                let (daemon, adopted) = (&self.daemon, &self.adopted);
                let entry = Entry::new(spec, group, |spec, channel| {
                    let (dir, name) = (&daemon.childlogdir, &daemon.identifier);
                    let kept = adopted.auto_log(spec, channel);
                    kept.unwrap_or_else(|| auto_log_path(dir, &spec.name, channel, name))
                });
                self.announce_logs(proc, &entry);
                self.children.entries.insert(proc, entry);
                self.logs.expect(self.children.entries.len());
                self.mind_orphans();
                self.show_added(proc);
            }
            Effect::ProcessRemoved { proc } => {
                let removed = self.children.entries.remove(&proc);
                let logs = removed.iter().flat_map(|entry| entry.log_paths());
                for path in logs.flatten() {
                    self.logs.counts().forget(path);
                }
                self.mind_orphans();
                self.show_removed(removed);
                self.logs.order(Order::Forget { proc });
            }
            Effect::Changed { proc, state } => self.show_changed(proc, state),
            Effect::OpenSocket { socket, spec } => self.open_socket(socket, spec),
            Effect::CloseSocket { socket } => self.close_socket(socket),
            Effect::TrySocket { ticket, spec } => self.try_socket(ticket, spec),
            Effect::Spawn { proc, run, socket } => {
                let just_ended = self.just_ended.filter(|(ended, _)| *ended == proc);
                self.births.order(Ordered {
                    proc,
                    run,
                    socket,
                    at: clock::mono(),
                    follows: just_ended.map(|(_, at)| at),
                });
                self.begin_births();
            }
            Effect::Adopt { proc, run, pid } => self.take_over(proc, run, pid),
            Effect::Kill {
                run,
                signal,
                whole_group,
            } => self.kill(run, signal, whole_group),
            Effect::KillTree { run, signal } => self.kill_tree(run, signal),
            Effect::Fence { ticket } => self.tell(Input::Fenced { ticket }),
            Effect::Probe { ticket, proc } => self.probe(ticket, proc),
            Effect::WriteStdin { ticket, run, data } => self.write_stdin(ticket, run, data),
            Effect::Deliver { run, envelope } => self.deliver(run, &envelope),
            Effect::CallHelper {
                run,
                call,
                until,
                body,
            } => self.call_helper(run, call, until, &body),
            Effect::HangUp { run } => self.hang_up(run),
            Effect::Print { text } => self.logs.order(Order::Print { text }),
            Effect::Spool {
                ticket,
                spool,
                order,
            } => {
                let (sender, waker) = (self.done_sender.clone(), self.waker.clone());
                let report = move || -> Report {
                    Box::new(move |done| {
                        if sender.send(done).is_ok() {
                            waker.wake();
                        }
                    })
                };
                let logger = &self.logger;
                if self.spools.order(ticket, spool, order, logger, report) {
                    self.errands += 1;
                } else {
                    let answer = Err(SpoolProblem);
                    self.tell(Input::SpoolAnswered { ticket, answer });
                }
            }
            Effect::ClearLogs { ticket, proc } => {
                let paths = self
                    .children
                    .entries
                    .get(&proc)
                    .map(Entry::logs)
                    .unwrap_or_default();
                let paths: Vec<_> = paths.into_iter().flatten().collect();
                let report = self.reporter();
                self.errands += 1;
                self.workers.submit(move || {
                    let mut found = paths.iter().map(|path| locate(path));
                    let places = std::array::from_fn(|_| found.next().unwrap_or_default());
                    report(Done::Errand(Errand::Located {
                        ticket,
                        paths,
                        places,
                    }));
                });
            }
            Effect::ClearMainLog { ticket } => {
                self.errands += 1;
                self.logs.order(Order::ClearMain { ticket });
            }
            Effect::ReserveSerials { until } => self.runs.reserve(until),
            Effect::ReopenLogs => self.logs.order(Order::Reopen),
            Effect::LoadConfig {
                ticket,
                for_restart,
            } => {
                let (readings, report) = (Arc::clone(&self.readings), self.reporter());
                self.errands += 1;
                self.workers.submit(move || {
                    readings.load(for_restart, |result| {
                        report(Done::Errand(Errand::Loaded {
                            ticket,
                            for_restart,
                            result: Box::new(result),
                        }));
                    });
                });
            }
            Effect::ReadProgram {
                ticket,
                group,
                program,
                options,
            } => self.read_program(ticket, group, program, options),
            Effect::Reply { id, answer } => self.answers.reply(id, self.complete(answer)),
            Effect::Notice(notice)
                if messages::is_routine(&notice) && !self.logger.enabled(Level::Debug) => {}
            Effect::Notice(notice) => {
                let (level, text) = messages::render(&notice);
                self.log(level, text);
            }
            Effect::Rehearse { ticket, binary } => self.rehearse(ticket, binary),
            Effect::HandOver { ticket } => self.begin_handing_over(ticket),
            Effect::Exit { restart } => self.ending = Some(restart),
        }
    }

    /// Makes AUTO logs and tells the core what they are called.
    fn announce_logs(&mut self, proc: ProcId, entry: &Entry) {
        for channel in [Channel::Stdout, Channel::Stderr] {
            if let Some(path) = entry.auto_log(channel).map(Path::to_path_buf) {
                if !adopt::is_kept(&self.adopted, &entry.spec, channel) {
                    self.logs.order(Order::CreateAuto { path: path.clone() });
                }
                self.tell(Input::AutoLogNamed {
                    proc,
                    channel,
                    path,
                });
            }
        }
    }

    /// When births may begin that others hold up. None begins while another image is to go on.
    pub(crate) fn next_birth(&self) -> Option<Mono> {
        let waits = self.handing_over.is_none();
        waits.then(|| self.births.next_deadline()).flatten()
    }

    /// Lets as many begin as may be on their way together.
    pub(crate) fn begin_births(&mut self) {
        if self.handing_over.is_some() {
            return;
        }
        while let Some(ordered) = self.births.next(clock::mono()) {
            self.prepare(ordered);
        }
    }

    fn prepare(&mut self, ordered: Ordered) {
        let Ordered {
            proc, run, socket, ..
        } = ordered;
        let Some(entry) = self.children.entries.get(&proc) else {
            return self.births.done(run);
        };
        let (spec, surroundings, report) = (
            Arc::clone(&entry.spec),
            Arc::clone(&self.surroundings),
            self.reporter(),
        );
        let logs = entry.logs();
        let known = entry.known.as_deref().copied();
        let now = clock::mono();
        self.children.begin(proc, run, socket, now.plus(BIRTH_MAX));
        self.children.decided(run, ordered.at, ordered.follows);
        self.spawns.ordered(run, now);
        self.settling.started();
        self.workers.submit(move || {
            report(Done::Prepared {
                run,
                result: prepare::plan(&spec, &surroundings).map(|plan| {
                    let places = logs.map(|log| log.map_or(Place::Anywhere, |log| locate(&log)));
                    Box::new(Ready {
                        plan,
                        places,
                        digest: known.map_or_else(|| digest(&spec), |known| known.digest),
                    })
                }),
            });
        });
        // Where they were, they nearly always are: the two threads work side by side.
        if let Some(Known { places, .. }) = known {
            self.open_logs(run, places);
            self.set_phase(run, Phase::Preparing(Early::Asked(places)));
        }
    }

    /// The plan is there: the logs are next.
    pub(crate) fn prepared(&mut self, run: Run, result: Prepared) {
        let Some(child) = self.children.runs.get_mut(&run) else {
            return;
        };
        let Phase::Preparing(early) =
            std::mem::replace(&mut child.phase, Phase::Preparing(Early::No))
        else {
            return;
        };
        let ready = match result {
            Ok(ready) => ready,
            Err(problem) => {
                if !matches!(early, Early::No) {
                    self.logs.order(Order::Abandon { run });
                }
                return self.spawn_failed(run, problem);
            }
        };
        let places = ready.places;
        if let Some(entry) = self.children.entries.get_mut(&child.proc) {
            entry.learn(Known {
                places,
                digest: ready.digest,
            });
        }
        match early {
            Early::No => {
                self.open_logs(run, places);
                self.set_phase(run, Phase::Opening(ready));
            }
            Early::Asked(before) if before == places => {
                self.set_phase(run, Phase::Opening(ready));
            }
            Early::Asked(_) => self.set_phase(run, Phase::Reopening(ready)),
            Early::Done(before, result) if before == places => {
                self.set_phase(run, Phase::Opening(ready));
                self.opened(run, result.map_err(|problem| *problem));
            }
            Early::Done(..) => self.reopen(run, ready),
        }
    }

    /// Logs that were opened where they lay before are closed again, and opened where they lie.
    pub(crate) fn reopen(&mut self, run: Run, ready: Box<Ready>) {
        self.logs.order(Order::Abandon { run });
        self.open_logs(run, ready.places);
        self.set_phase(run, Phase::Opening(ready));
    }

    fn set_phase(&mut self, run: Run, phase: Phase) {
        if let Some(child) = self.children.runs.get_mut(&run) {
            child.phase = phase;
        }
    }

    /// Has the logs of a run opened that lie there.
    fn open_logs(&mut self, run: Run, places: [Place; 2]) {
        let Some(proc) = self.children.runs.get(&run).map(|child| child.proc) else {
            return;
        };
        let Some(entry) = self.children.entries.get(&proc) else {
            return;
        };
        let [stdout, stderr] = entry.logs();
        let order = Order::Open {
            run,
            proc,
            spec: Arc::clone(&entry.spec),
            stdout,
            stderr,
            listener: entry.is_listener() || entry.is_helper(),
        };
        self.logs.order_at(order, places);
    }

    pub(crate) fn spawn_failed(&mut self, run: Run, problem: SpawnProblem) {
        self.births.done(run);
        // A late answer about a run that was given up tells nothing new.
        if self.children.forget(run).is_none() {
            return;
        }
        self.tell(Input::SpawnFailed { run, problem });
    }

    fn kill(&mut self, run: Run, signal: Signal, whole_group: bool) {
        const ESRCH: Errno = Errno(3);
        let child = self.children.runs.get_mut(&run);
        let child = child.map(|child| {
            child.killed |= signal == Signal::KILL;
            &*child
        });
        if child
            .and_then(|child| child.tree.as_ref())
            .is_some_and(|tree| tree.holds_exit)
        {
            // It has ended, and the rest of its tree has had the signal.
            return;
        }
        let pid = child.and_then(|child| child.pid);
        crash::point("signal");
        let sent = match (pid, self.adopted.process(run)) {
            (None, _) => Err(ESRCH),
            (Some(_), Some(process)) => process.signal(signal, whole_group),
            (Some(pid), None) => provost_os::kill::kill(pid, signal, whole_group),
        };
        // If this goes wrong from here on, the signal is not sent again.
        self.doing = Doing::Nothing;
        crash::point("signalled");
        if let Err(errno) = sent {
            self.tell(Input::KillFailed { run, errno, signal });
        }
    }

    fn probe(&mut self, ticket: Ticket, proc: ProcId) {
        let Some(entry) = self.children.entries.get(&proc) else {
            return self.tell(Input::Probed {
                ticket,
                result: Ok(()),
            });
        };
        let (spec, surroundings, report) = (
            Arc::clone(&entry.spec),
            Arc::clone(&self.surroundings),
            self.reporter(),
        );
        self.errands += 1;
        self.workers.submit(move || {
            let result = prepare::look_up(&spec, &surroundings).map(|_| ());
            report(Done::Errand(Errand::Probed { ticket, result }));
        });
    }

    fn write_stdin(&mut self, ticket: Ticket, run: Run, data: Vec<u8>) {
        let stdin = self
            .children
            .runs
            .get_mut(&run)
            .and_then(|child| child.stdin.as_mut());
        let result = match stdin.map(|stdin| stdin.push(data, None)) {
            Some(false) => Err(StdinProblem::Full),
            Some(true) if self.flush_stdin(run) => Ok(()),
            Some(true) | None => Err(StdinProblem::Closed),
        };
        self.tell(Input::StdinWritten { ticket, result });
    }

    fn deliver(&mut self, run: Run, envelope: &Envelope) {
        let frame = events::frame(self.core.identifier(), envelope);
        let stdin = self
            .children
            .runs
            .get_mut(&run)
            .and_then(|child| child.stdin.as_mut());
        if stdin.is_some_and(|stdin| stdin.push(frame, Some(envelope.serial))) {
            self.event_sent = self.flush_stdin(run);
        } else {
            self.tell(Input::ListenerDeaf {
                run,
                serial: envelope.serial,
            });
        }
    }

    /// Writes what waits; false when the child has closed its end.
    pub(crate) fn flush_stdin(&mut self, run: Run) -> bool {
        let Some(stdin) = self
            .children
            .runs
            .get_mut(&run)
            .and_then(|child| child.stdin.as_mut())
        else {
            return false;
        };
        let flushed = stdin.flush();
        let wanted = flushed == Flushed::Waiting;
        if wanted != stdin.watched {
            let token = token::of(run, token::STDIN);
            let done = if wanted {
                self.reactor.add(stdin.as_fd(), token, Interest::Write)
            } else {
                self.reactor.remove(stdin.as_fd())
            };
            stdin.watched = wanted && done.is_ok();
        }
        if let Flushed::Broken(lost) = flushed {
            if let Some(child) = self.children.runs.get_mut(&run) {
                child.stdin = None;
            }
            let is_helper = self.is_helper(run);
            for serial in lost {
                if is_helper {
                    self.call_lost(run, serial, StdinProblem::Closed);
                } else {
                    self.tell(Input::ListenerDeaf { run, serial });
                }
            }
            return false;
        }
        true
    }
}
