//! All that this image has, put together for the next one.

use super::doing::{Broken, interrupted};
use super::state::{
    SavedChild, SavedChunk, SavedConnection, SavedProcess, SavedRun, SavedServer, SavedStdin,
};
use super::{Kept, SavedState};
use crate::api::Carried;
use crate::children::{Child, Children, Phase};
use crate::crash;
use crate::done::{Done, Errand};
use crate::shell::{Ending, Shell};
use provost_core::{Core, Effect, Input, SpoolAnswer};
use provost_model::fault::{Fault, FaultCode};
use provost_model::{Answer, Level, RequestId, Run};
use provost_os::clock;
use provost_wire::runs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a thread may take to leave what it has. Nothing is read or written for it.
const LEAVE_MAX: Duration = Duration::from_secs(1);

/// How long a new program is on probation.
const PROBATION: Duration = Duration::from_secs(30);

/// How long a panic counts against the next one.
const PANICS_COUNT: Duration = Duration::from_mins(1);

impl Shell {
    /// Ends this image's life in good order: all is quiet, and another program goes on.
    pub(crate) fn into_ending(mut self, carried: Carried) -> Result<Ending, String> {
        let Some(rehearsed) = self.rehearsed.take() else {
            return Err("no program was tried that could take over".to_owned());
        };
        let mut state = self.into_state(carried);
        state.probation_until = Some(clock::mono().plus(PROBATION).0);
        Ok(Ending::HandOver(Box::new(state), rehearsed))
    }

    /// Ends this image's life after a panic. What was under way is given up: the core hears of it as of failures.
    pub(crate) fn into_failure(mut self, carried: Carried) -> Ending {
        let shown = self.journal.shown();
        let mut answers: Vec<(RequestId, Answer)> = Vec::new();
        let mut inputs = Vec::new();
        if std::mem::take(&mut self.deciding) {
            let journal = std::mem::replace(&mut self.journal, super::Journal::new(&self.core));
            // It went well before; if it does not now, the core as it is must do.
            let rebuilt = catch_unwind(AssertUnwindSafe(|| journal.before_last()));
            if let Ok((core, last)) = rebuilt {
                self.core = core;
                match last {
                    Some(Input::Requested { id, .. }) => answers.push((id, Err(internal()))),
                    // The first time everything is told once more, since nothing that has happened should be left out.
                    Some(fact) if self.panics.is_empty() || is_of_a_process(&fact) => {
                        inputs.push(fact);
                    }
                    Some(_) | None => {}
                }
            }
        }
        let mut orders: Vec<_> = std::mem::take(&mut self.effects).into();
        match std::mem::take(&mut self.doing).broken() {
            Broken::Nothing => {}
            // A run that had begun is given up with the others.
            Broken::Told(Input::SpawnFailed { run, .. })
                if self.children.runs.contains_key(&run) || self.births.has(run) => {}
            Broken::Told(input) => inputs.push(input),
            Broken::Unanswered(id) => answers.push((id, Err(internal()))),
            Broken::Again(effect) => orders.insert(0, effect),
            Broken::Signal(run, effect) => {
                // Until it is reaped its pid is nobody else's. The end of one that was is told anyway.
                let child = self.children.runs.get(&run);
                if child.is_some_and(|child| child.pid.is_some()) {
                    orders.insert(0, effect);
                }
            }
            Broken::Deliver(run, envelope) => {
                let child = self.children.runs.get(&run);
                let stdin = child.and_then(|child| child.stdin.as_ref());
                if stdin.is_none_or(|stdin| stdin.newest() != Some(envelope.serial)) {
                    orders.insert(0, Effect::Deliver { run, envelope });
                }
            }
        }
        inputs.extend(std::mem::take(&mut self.inputs));
        inputs.extend(given_up(&mut self.children));
        let panics = std::mem::take(&mut self.panics);
        let mut state = self.into_state(carried);
        state.orders.extend(orders);
        state.answers.extend(answers);
        if let Some(ticket) = state.ticket.take() {
            // It was on its way, and this is no other program that goes on.
            let result = Err("an internal error came in between".to_owned());
            inputs.push(Input::HandedOver { ticket, result });
        }
        state.inputs.splice(0..0, inputs);
        let now = clock::mono();
        state.panics = panics;
        state
            .panics
            .retain(|&then| now.0.saturating_sub(then) < as_nanos(PANICS_COUNT));
        state.panics.push(now.0);
        state.causes = crash::take();
        state
            .causes
            .push(format!("what the core was told last:\n{shown}"));
        Ending::Failed(Box::new(state))
    }

    /// Gives everything to the state. What cannot be had because a thread does not answer is told.
    fn into_state(self, carried: Carried) -> SavedState {
        let Self {
            core,
            mut children,
            mut adopted,
            runs,
            spools,
            sockets,
            logs,
            loader,
            handing_over,
            logger,
            daemon,
            environment,
            mut life,
            mut answers,
            done,
            births,
            ..
        } = self;
        let records = runs.hand_over().unwrap_or_else(|| {
            let file = provost_wire::runs::path_beside(&daemon.pidfile);
            logger.log(
                Level::Warn,
                format!("the run records are read again from {}", file.display()),
            );
            read_again(&file)
        });
        let (spools, lost) = spools.hand_over();
        let mut unanswered = Vec::new();
        for spool in lost {
            let what = if spool.is_in_use {
                "the file is opened anew"
            } else {
                "what it was to save of a pool that has gone may be lost"
            };
            let path = spool.path.display();
            let text = format!("the thread of the event spool {path} broke down; {what}");
            logger.log(Level::Error, text);
            unanswered.extend(spool.orders);
        }
        // Their threads have done all that was ordered; nobody has heard of the last of it yet.
        let inputs = done.try_iter().filter_map(|done| match done {
            Done::Errand(Errand::Spooled { ticket, answer }) => {
                Some(Input::SpoolAnswered { ticket, answer })
            }
            _ => None,
        });
        let unanswered = unanswered.into_iter().map(|ticket| Input::SpoolAnswered {
            ticket,
            answer: Ok(SpoolAnswer::Lost),
        });
        let inputs = inputs.chain(unanswered).collect();
        let mut saved_children: Vec<SavedChild> = Vec::new();
        for (run, child) in std::mem::take(&mut children.runs) {
            let process = adopted.take(run).map(Kept::new);
            saved_children.extend(save(run, *child, process));
        }
        saved_children.sort_by_key(|child| child.run);
        // Each rests, or has panicked and answers all the same; or it hangs on a disk.
        let board = logs.board();
        let logs = logs.hand_over(LEAVE_MAX);
        let outputs = logs.runs.into_iter().map(|run| {
            let known = children.entries.get(&run.proc).map(|entry| &entry.spec);
            SavedRun::of(run, known)
        });
        let outputs = outputs.collect();
        life.daemon = daemon;
        life.environment = environment.to_vec();
        let mut orders: Vec<Effect> = births.into_orders().collect();
        let ticket = handing_over.map(|handing| {
            orders.extend(handing.orders);
            handing.ticket
        });
        SavedState {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ticket,
            probation_until: None,
            panics: Vec::new(),
            causes: Vec::new(),
            inputs,
            source: loader.saved(),
            life,
            processes: processes(&core, children),
            core,
            orders,
            children: saved_children,
            records,
            sockets: sockets.into_saved(),
            spools,
            outputs,
            held: logs.held,
            log_bytes: board.counts().saved(),
            stuck: logs.stuck,
            servers: carried
                .servers
                .into_iter()
                .map(|server| SavedServer {
                    spec: server.spec,
                    socket: Kept::new(server.listener),
                })
                .collect(),
            socket_files: Vec::new(),
            connections: carried
                .connections
                .into_iter()
                .map(SavedConnection::of)
                .collect(),
            next_request: carried.next_request,
            answers: answers.take_early().into_iter().collect(),
            pidfile: None,
        }
    }
}

fn as_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What a client hears whose request was not survived.
fn internal() -> Fault {
    Fault::about(
        FaultCode::Failed,
        "internal error; the main log of supervisord tells more",
    )
}

/// Whether an input tells what has become of a process, which the core cannot do without.
fn is_of_a_process(input: &Input) -> bool {
    matches!(
        input,
        Input::Spawned { .. } | Input::SpawnFailed { .. } | Input::Exited { .. }
    )
}

/// Takes out the runs that cannot go on, and what the core is to hear of each.
fn given_up(children: &mut Children) -> Vec<Input> {
    let mut told = Vec::new();
    let runs: Vec<Run> = children.runs.keys().copied().collect();
    for run in runs {
        let input = match children.runs.get(&run).map(|child| &child.phase) {
            None | Some(Phase::Alive) => continue,
            Some(Phase::Draining { status, .. }) => Input::Exited {
                run,
                status: *status,
                why: None,
            },
            Some(
                Phase::Preparing(_) | Phase::Opening(_) | Phase::Reopening(_) | Phase::Recording(_),
            ) => Input::SpawnFailed {
                run,
                problem: interrupted(),
            },
        };
        children.give_up(run);
        children.forget(run);
        told.push(input);
    }
    told
}

/// A living child; none for another one.
fn save(run: Run, child: Child, adopted: Option<Kept>) -> Option<SavedChild> {
    Some(SavedChild {
        run,
        proc: child.proc,
        pid: child.pid?,
        socket: child.socket,
        stdin: child.stdin.map(|stdin| {
            let (pipe, waiting) = stdin.into_parts();
            let waiting = waiting.map(|(rest, serial)| SavedChunk { rest, serial });
            SavedStdin {
                pipe: Kept::new(pipe),
                waiting: waiting.collect(),
            }
        }),
        listener: child.listener.map(Kept::new),
        frames: child.frames.map(|frames| *frames),
        killed: child.killed,
        why: child.why.map(str::into_string),
        adopted,
    })
}

/// Processes in service. What the core has of them is not written twice.
fn processes(core: &Core, children: Children) -> Vec<SavedProcess> {
    let saved = children.entries.into_iter().map(|(proc, entry)| {
        let [stdout, stderr] = entry.logs();
        let exits = entry.exits;
        let spec = Some(entry.spec).filter(|spec| {
            core.spec(proc)
                .is_none_or(|known| !Arc::ptr_eq(known, spec))
        });
        let group = Some(entry.group).filter(|group| {
            core.group_spec(proc)
                .is_none_or(|known| !Arc::ptr_eq(known, group))
        });
        SavedProcess {
            proc,
            spec,
            group,
            stdout,
            stderr,
            exits,
        }
    });
    let mut saved: Vec<_> = saved.collect();
    saved.sort_by_key(|process| process.proc);
    saved
}

/// The records as they stand in the file, when the thread that keeps them does not answer.
fn read_again(file: &Path) -> Vec<(Run, String)> {
    let bytes = std::fs::read(file).unwrap_or_default();
    let records = runs::read(&bytes).running.into_iter();
    let lines = records.filter_map(|record| Some((Run(record.run), runs::started(&record)?)));
    lines.collect()
}
