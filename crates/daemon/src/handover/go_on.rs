//! Taking up everything where the image before left off.

use super::SavedSocket;
use super::state::{SavedChild, SavedProcess, SavedRun};
use crate::children::{Child, Entry, Phase};
use crate::logs::{HeldLog, Order, SavedCount};
use crate::shell::{Shell, token};
use crate::spool::{CarriedSpool, Report};
use crate::stdin::ChildStdin;
use provost_core::{Effect, Input};
use provost_model::{Answer, Level, Mono, RequestId, Run, Ticket};
use provost_os::pidfd::PidFd;
use provost_os::reactor::Interest;
use provost_wire::runs::RunRecord;
use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::AsFd;

/// What the control thread goes on with.
pub(crate) struct Paused {
    pub(crate) ticket: Option<Ticket>,
    /// When there were panics lately.
    pub(crate) panics: Vec<u64>,
    /// What they were.
    pub(crate) causes: Vec<String>,
    /// What the core has not been told yet.
    pub(crate) inputs: Vec<Input>,
    /// Why it was not another program that went on.
    pub(crate) refused: Option<String>,
    pub(crate) orders: Vec<Effect>,
    pub(crate) processes: Vec<SavedProcess>,
    pub(crate) children: Vec<SavedChild>,
    pub(crate) records: HashMap<Run, RunRecord>,
    pub(crate) sockets: Vec<SavedSocket>,
    pub(crate) spools: Vec<CarriedSpool>,
    pub(crate) outputs: Vec<SavedRun>,
    pub(crate) held: Vec<HeldLog>,
    /// What was written to each log.
    pub(crate) log_bytes: Vec<SavedCount>,
    /// Requests of clients who go on waiting.
    pub(crate) requests: Vec<RequestId>,
    pub(crate) answers: Vec<(RequestId, Answer)>,
}

impl Shell {
    /// Takes everything up, then does what was put aside, then hears what has happened since.
    pub(crate) fn go_on(&mut self, paused: Paused) {
        self.panics = paused.panics;
        for cause in paused.causes {
            self.log(Level::Critical, cause);
        }
        self.logs.counts().resume(paused.log_bytes);
        for process in paused.processes {
            self.resume_process(process);
        }
        let with_output: HashSet<Run> = paused.outputs.iter().map(|output| output.run).collect();
        let mut records = paused.records;
        for child in paused.children {
            let (run, record) = (child.run, records.remove(&child.run));
            if let Err(error) = self.resume_child(child) {
                let text = format!("a process' pipe was lost on the way: {error}");
                self.log(Level::Critical, text);
            }
            let Some(record) = record else { continue };
            if !with_output.contains(&run) && !self.logs.may_have(run) {
                // The logs thread could not hand it over.
                self.take_up_output(run, &record);
            }
            self.runs.adopted(run, record);
        }
        for saved in paused.sockets {
            if let Err(error) = self.sockets.resume(saved) {
                let text = format!("a shared socket was lost on the way: {error}");
                self.log(Level::Critical, text);
            }
        }
        for carried in paused.spools {
            self.resume_spool(carried);
        }
        let outputs = paused.outputs.iter().flat_map(|run| &run.channels);
        let logs = outputs.filter_map(|channel| channel.path.clone());
        let held = paused.held.iter().map(|held| held.path.clone());
        self.logs.look_ahead(held.chain(logs).collect());
        for held in paused.held {
            self.logs.order(Order::ResumeLog(Box::new(held)));
        }
        for output in paused.outputs {
            self.resume_output(output);
        }
        self.logs.forget_ahead();
        self.answers.expect(paused.requests);
        for (id, answer) in paused.answers {
            self.answers.reply(id, answer);
        }
        self.mind_orphans();
        for order in paused.orders {
            self.perform(order);
        }
        for input in paused.inputs {
            self.tell(input);
        }
        let version = env!("CARGO_PKG_VERSION");
        match (paused.ticket, paused.refused) {
            (Some(ticket), None) => {
                let result = Ok(version.to_owned());
                self.tell(Input::HandedOver { ticket, result });
            }
            (Some(ticket), Some(reason)) => {
                let result = Err(reason);
                self.tell(Input::HandedOver { ticket, result });
            }
            (None, refused) => {
                let more = refused.map_or_else(String::new, |refused| format!(" ({refused})"));
                let text = format!(
                    "supervisord began anew after an internal error{more}; no program was restarted. Please report it with \
                     the lines above."
                );
                self.log(Level::Critical, text);
            }
        }
        // The signals that told of them may have been read by the image before.
        self.child_quit = true;
        self.reap();
        self.tell_child_quit();
    }

    fn resume_process(&mut self, saved: SavedProcess) {
        let proc = saved.proc;
        let spec = saved.spec.or_else(|| self.core.spec(proc).cloned());
        let group = saved.group.or_else(|| self.core.group_spec(proc).cloned());
        let (Some(spec), Some(group)) = (spec, group) else {
            return;
        };
        let logs = [saved.stdout, saved.stderr];
        let mut entry = Entry::with_logs(spec, group, logs);
        entry.exits = saved.exits;
        self.children.entries.insert(proc, entry);
        self.logs.expect(self.children.entries.len());
    }

    fn resume_child(&mut self, saved: SavedChild) -> io::Result<()> {
        let run = saved.run;
        let stdin = saved.stdin.map(|stdin| {
            let waiting = stdin.waiting.into_iter();
            let pipe = stdin.pipe.take()?;
            Ok::<_, io::Error>(ChildStdin::resume(
                pipe,
                waiting.map(|chunk| (chunk.rest, chunk.serial)),
            ))
        });
        let listener = saved.listener.map(super::Kept::take).transpose();
        let (stdin, stdin_lost) = split(stdin.transpose());
        let (listener, listener_lost) = split(listener);
        let mut lost = stdin_lost.or(listener_lost);
        if let Some(listener) = &listener {
            let token = token::of(run, token::LISTENER);
            let added = self.reactor.add(listener.as_fd(), token, Interest::Read);
            lost = lost.or(added.err());
        }
        let child = Child {
            proc: saved.proc,
            phase: Phase::Alive,
            until: None,
            pid: Some(saved.pid),
            socket: saved.socket,
            stdin,
            listener,
            frames: saved.frames.map(Box::new),
            tree: None,
            killed: saved.killed,
            is_closed: [false; 2],
            why: saved.why.map(String::into_boxed_str),
            report: None,
            ordered: Mono::default(),
            follows: None,
        };
        self.children.resume(run, child);
        if let Some(process) = saved.adopted {
            match process.take() {
                Ok(process) => self.watch_adopted(run, PidFd::from_parts(saved.pid, process)),
                Err(error) => lost = lost.or(Some(error)),
            }
        }
        self.flush_stdin(run);
        lost.map_or(Ok(()), Err)
    }

    fn resume_output(&mut self, saved: SavedRun) {
        let proc = saved.proc;
        let known = self.children.entries.get(&proc).map(|entry| &entry.spec);
        match saved.into_carried(known) {
            Ok(Some(carried)) => self.logs.order(Order::Resume(Box::new(carried))),
            Ok(None) => {}
            Err(error) => {
                let text = format!("the output of a process was lost on the way: {error}");
                self.log(Level::Critical, text);
            }
        }
    }

    fn resume_spool(&mut self, carried: CarriedSpool) {
        let report: Report = Box::new(self.reporter());
        if let Err(error) = self.spools.resume(carried, &self.logger, report) {
            let text = format!("an event spool was lost on the way: {error}");
            self.log(Level::Critical, text);
        }
    }
}

fn split<T, E>(result: Result<Option<T>, E>) -> (Option<T>, Option<E>) {
    match result {
        Ok(value) => (value, None),
        Err(error) => (None, Some(error)),
    }
}
