//! Helpers: calls of clients to processes that serve a namespace, and what those processes say.
//!
//! Every call is answered once: by its helper, or by a fault when the helper ends, breaks the protocol, is stopped or
//! takes too long. A helper that breaks the protocol is killed, and its end then counts like any other end that came
//! by itself: `autorestart`, `startretries` and FATAL say what follows.

mod line;
mod sound;
#[cfg(test)]
mod tests;

pub(crate) use line::Helper;
use line::{Line, Match, Waiting};
use serde::{Deserialize, Serialize};

use crate::deadlines::Timer;
use crate::group::GroupId;
use crate::program::Process;
use crate::supervisor::Core;
use crate::turn::Turn;
use crate::{Effect, StdinProblem};
use provost_model::fault::{Fault, FaultCode};
use provost_model::helper::{HelperAnswer, HelperMethod, HelperWord};
use provost_model::{Answer, Notice, ProcId, ProcessState, Reply, RequestId, Run, Wall};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a helper may live on after it has closed its standard input or output. One that ends closes both a moment
/// before.
const HUNG_UP_GRACE: Duration = Duration::from_secs(1);

/// All helpers in service, and where the calls of clients are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Helpers {
    all: BTreeMap<GroupId, Helper>,
    /// The helper of a call, and the number of the call once it was sent.
    calls: BTreeMap<RequestId, (GroupId, Option<u64>)>,
}

impl Helpers {
    /// Takes a helper into service.
    pub(crate) fn add(&mut self, home: GroupId, helper: Helper) {
        self.all.insert(home, helper);
    }

    /// Whether the group is one of a helper.
    pub(crate) fn is_one(&self, home: GroupId) -> bool {
        self.all.contains_key(&home)
    }

    /// All that are in service.
    pub(crate) fn all(&self) -> impl Iterator<Item = (GroupId, &Helper)> {
        self.all.iter().map(|(home, helper)| (*home, helper))
    }

    /// Whether the call of this client is open.
    pub(crate) fn is_calling(&self, id: RequestId) -> bool {
        self.calls.contains_key(&id)
    }

    /// Clients whose calls are open.
    pub(crate) fn calling(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.calls.keys().copied()
    }

    /// Puts in place what is not saved.
    pub(crate) fn restore(&mut self) {
        self.all.values_mut().for_each(Helper::restore);
    }

    /// What helpers have announced, by namespace.
    fn methods(&self) -> Vec<(Arc<str>, Arc<[HelperMethod]>)> {
        let helpers = self.all.values();
        let mut methods: Vec<_> = helpers
            .map(|helper| (helper.name.clone(), helper.methods.clone()))
            .collect();
        methods.sort_by(|(a, _), (b, _)| a.cmp(b));
        methods
    }
}

fn failed(text: impl Into<String>) -> Answer {
    Err(Fault::about(FaultCode::Failed, text))
}

impl Core {
    /// A client asks what helpers have announced.
    pub(crate) fn helper_methods(&self) -> Reply {
        Reply::HelperMethods(self.helpers.methods())
    }

    /// A client calls a method of a helper.
    pub(crate) fn call_helper(
        &mut self,
        turn: &mut Turn<'_>,
        id: RequestId,
        (namespace, method): (&str, String),
        body: Vec<u8>,
    ) {
        let home = self.groups.named(namespace).map(|(home, _)| home);
        let Some((home, helper)) =
            home.and_then(|home| Some((home, self.helpers.all.get_mut(&home)?)))
        else {
            return self.reply(turn, id, Err(Fault::bare(FaultCode::UnknownMethod)));
        };
        if self.phase.is_over() {
            return self.reply(turn, id, Err(Fault::bare(FaultCode::ShutdownState)));
        }
        let process = self.procs.get(helper.proc);
        if !process.is_some_and(Process::comes_up) {
            let fault = not_up(&helper.name, process);
            return self.reply(turn, id, fault);
        }
        if let Some(why) = helper.is_full(&body) {
            return self.reply(turn, id, failed(why));
        }
        let timeout = Duration::from_secs(helper.timeout_secs);
        let deadline = turn.now.mono.plus(timeout);
        let until = later(turn.now.wall, helper.timeout_secs);
        let call = Waiting {
            method,
            body,
            deadline,
            until,
        };
        self.deadlines.set(Timer::Call(id), Some(deadline));
        self.helpers.calls.insert(id, (home, None));
        if helper.takes_calls() {
            self.send_call(turn, home, id, call);
        } else {
            helper.wait(id, call);
        }
    }

    /// Sends a call to a helper that takes calls.
    fn send_call(&mut self, turn: &mut Turn<'_>, home: GroupId, id: RequestId, call: Waiting) {
        let Some(helper) = self.helpers.all.get_mut(&home) else {
            return;
        };
        if !helper.has(&call.method) {
            return self.end_call(turn, id, Err(Fault::bare(FaultCode::UnknownMethod)));
        }
        let Some(child) = self.procs.get(helper.proc).and_then(Process::child) else {
            turn.anomaly(format!("helper {} serves without a child", helper.name));
            return self.end_call(turn, id, Err(Fault::bare(FaultCode::Failed)));
        };
        let number = helper.send(id, call.method);
        self.helpers.calls.insert(id, (home, Some(number)));
        turn.out.push(Effect::CallHelper {
            run: child.run,
            call: number,
            until: call.until,
            body: call.body,
        });
    }

    /// Answers the client of a call.
    fn end_call(&mut self, turn: &mut Turn<'_>, id: RequestId, answer: Answer) {
        self.helpers.calls.remove(&id);
        self.deadlines.set(Timer::Call(id), None);
        self.reply(turn, id, answer);
    }

    /// The client of a call has left.
    pub(crate) fn leave_call(&mut self, id: RequestId) {
        self.deadlines.set(Timer::Call(id), None);
        if let Some((home, call)) = self.helpers.calls.remove(&id)
            && let Some(helper) = self.helpers.all.get_mut(&home)
        {
            helper.leave(id, call);
        }
    }

    /// A call was not answered in time.
    pub(crate) fn call_overdue(&mut self, turn: &mut Turn<'_>, id: RequestId) {
        let call = self.helpers.calls.get(&id).copied();
        let Some((home, number)) = call else {
            return;
        };
        let Some(helper) = self.helpers.all.get_mut(&home) else {
            return;
        };
        let (name, secs) = (helper.name.clone(), helper.timeout_secs);
        let fault = match helper.leave(id, number) {
            Some(method) => {
                let text = format!("{name}.{method} did not answer within {secs} seconds");
                turn.notice(Notice::HelperOverdue { name, method, secs });
                failed(text)
            }
            None if helper.line == Line::Greeting => failed(format!(
                "{name} runs, but did not say which methods it has within {secs} seconds"
            )),
            None => failed(format!("{name} was not ready within {secs} seconds")),
        };
        self.end_call(turn, id, fault);
    }

    /// The helper whose run this is, while that run is its living child.
    fn helper_of(&mut self, run: Run) -> Option<(GroupId, &mut Helper)> {
        let proc = self.runs.process(run)?;
        let process = self.procs.get(proc)?;
        process.child().filter(|child| child.run == run)?;
        let home = process.home;
        Some((home, self.helpers.all.get_mut(&home)?))
    }

    /// A helper said something.
    pub(crate) fn helper_said(&mut self, turn: &mut Turn<'_>, run: Run, word: HelperWord) {
        let Some((home, helper)) = self.helper_of(run) else {
            return;
        };
        match (helper.line, word) {
            (Line::Down | Line::Broken, _) => {}
            (Line::Greeting | Line::Serving, HelperWord::Nonsense(what)) => {
                self.helper_broke(turn, home, what);
            }
            (Line::Greeting, HelperWord::Hello(methods)) => {
                self.helper_ready(turn, home, methods);
            }
            (Line::Greeting, HelperWord::Answer { .. }) => {
                let what = "it answered before it said hello".to_owned();
                self.helper_broke(turn, home, what);
            }
            (Line::Serving, HelperWord::Hello(_)) => {
                self.helper_broke(turn, home, "it said hello twice".to_owned());
            }
            (Line::Serving, HelperWord::Answer { call, kind, body }) => {
                match helper.answered(call) {
                    Match::For(id) => {
                        let answer = HelperAnswer { run, kind, body };
                        self.end_call(turn, id, Ok(Reply::Helper(answer)));
                    }
                    Match::Late => {}
                    Match::Nothing => {
                        let what = format!("it answered call {call}, which is not open");
                        self.helper_broke(turn, home, what);
                    }
                }
            }
        }
    }

    /// The handshake: what waited can be sent.
    fn helper_ready(&mut self, turn: &mut Turn<'_>, home: GroupId, mut methods: Vec<HelperMethod>) {
        let Some(helper) = self.helpers.all.get_mut(&home) else {
            return;
        };
        methods.sort_by(|a, b| a.name.cmp(&b.name));
        turn.notice(Notice::HelperReady {
            name: helper.name.clone(),
            methods: methods.len(),
        });
        helper.methods = Arc::from(methods);
        helper.line = Line::Serving;
        self.deadlines.set(Timer::Hello(home), None);
        if !helper.takes_calls() {
            return;
        }
        for (id, call) in helper.take_waiting() {
            if call.deadline > turn.now.mono {
                self.send_call(turn, home, id, call);
            } else if let Some(helper) = self.helpers.all.get_mut(&home) {
                // Its deadline is about to end it.
                helper.wait(id, call);
            }
        }
    }

    /// What a helper answered was not of the protocol, as found by whoever made a value of it.
    pub(crate) fn helper_misspoke(&mut self, turn: &mut Turn<'_>, run: Run, what: String) {
        if let Some((home, helper)) = self.helper_of(run)
            && helper.line == Line::Serving
        {
            self.helper_broke(turn, home, what);
        }
    }

    /// A call could not be written.
    pub(crate) fn call_not_sent(
        &mut self,
        turn: &mut Turn<'_>,
        run: Run,
        call: u64,
        problem: StdinProblem,
    ) {
        let Some((_, helper)) = self.helper_of(run) else {
            return;
        };
        let name = helper.name.clone();
        if let Match::For(id) = helper.answered(call) {
            let why = match problem {
                StdinProblem::Full => format!(
                    "{name} does not read its calls, and too many bytes of them wait; restart it if it hangs"
                ),
                StdinProblem::Closed => format!("{name} closed its standard input, or is ending"),
            };
            self.end_call(turn, id, failed(why));
        }
        if problem == StdinProblem::Closed {
            self.helper_hung_up(turn, run);
        }
    }

    /// A helper closed its standard input or output. One that ends does so, too: its end is waited for a moment.
    pub(crate) fn helper_hung_up(&mut self, turn: &mut Turn<'_>, run: Run) {
        let Some((home, helper)) = self.helper_of(run) else {
            return;
        };
        let is_first = !std::mem::replace(&mut helper.hung_up, true);
        if is_first && helper.line != Line::Broken {
            let at = turn.now.mono.plus(HUNG_UP_GRACE);
            self.deadlines.set(Timer::HungUp(home), Some(at));
        }
    }

    /// A helper that closed a pipe lives on: it cannot be talked with any more.
    pub(crate) fn hung_up_overdue(&mut self, turn: &mut Turn<'_>, home: GroupId) {
        let what = "it closed its standard input or output, and lives on".to_owned();
        self.helper_broke(turn, home, what);
    }

    /// A helper has had the time of a call to say hello, and more while its child was not born.
    pub(crate) fn hello_overdue(&mut self, turn: &mut Turn<'_>, home: GroupId) {
        let Some(helper) = self.helpers.all.get(&home) else {
            return;
        };
        if helper.line != Line::Greeting {
            return;
        }
        let secs = helper.timeout_secs;
        if self
            .procs
            .get(helper.proc)
            .and_then(Process::child)
            .is_some()
        {
            let what = format!("it did not say hello within {secs} seconds");
            self.helper_broke(turn, home, what);
        } else {
            self.await_hello(turn, home, secs);
        }
    }

    /// Nothing is awaited of this helper any more.
    fn forget_pauses(&mut self, home: GroupId) {
        self.deadlines.set(Timer::HungUp(home), None);
        self.deadlines.set(Timer::Hello(home), None);
    }

    fn await_hello(&mut self, turn: &Turn<'_>, home: GroupId, secs: u64) {
        let at = turn.now.mono.plus(Duration::from_secs(secs));
        self.deadlines.set(Timer::Hello(home), Some(at));
    }

    /// A helper broke the protocol.
    fn helper_broke(&mut self, turn: &mut Turn<'_>, home: GroupId, what: String) {
        let Some(helper) = self.helpers.all.get_mut(&home) else {
            return;
        };
        let (name, proc) = (helper.name.clone(), helper.proc);
        helper.line = Line::Broken;
        let sent = helper.take_sent();
        turn.notice(Notice::HelperBroke {
            name: name.clone(),
            what,
        });
        self.forget_pauses(home);
        for call in sent {
            let text = format!(
                "{name} broke its protocol before it answered; the log of supervisord says how"
            );
            self.end_call(turn, call.request, failed(text));
        }
        if let Some(child) = self.procs.get(proc).and_then(Process::child) {
            turn.out.push(Effect::HangUp { run: child.run });
            self.with_process(turn, proc, Process::cut_off);
            self.settle(turn, false);
        }
    }

    /// The process of a helper changed its state.
    pub(crate) fn follow_helper(&mut self, turn: &mut Turn<'_>, proc: ProcId, to: ProcessState) {
        let Some(process) = self.procs.get(proc) else {
            return;
        };
        let home = process.home;
        let comes_up = process.comes_up();
        let Some(helper) = self.helpers.all.get_mut(&home) else {
            return;
        };
        match to {
            ProcessState::Starting => {
                helper.line = Line::Greeting;
                helper.hung_up = false;
                let secs = helper.timeout_secs;
                self.await_hello(turn, home, secs);
            }
            ProcessState::Running => {}
            ProcessState::Stopping | ProcessState::Unknown => self.fail_waiting(turn, home),
            ProcessState::Stopped
            | ProcessState::Backoff
            | ProcessState::Exited
            | ProcessState::Fatal => {
                helper.line = Line::Down;
                let (name, sent) = (helper.name.clone(), helper.take_sent());
                self.forget_pauses(home);
                for call in sent {
                    let text = format!("{name} ended before {name}.{} answered", call.method);
                    self.end_call(turn, call.request, failed(text));
                }
                if !comes_up {
                    self.fail_waiting(turn, home);
                }
            }
        }
    }

    /// Calls that were not sent cannot be sent any more.
    fn fail_waiting(&mut self, turn: &mut Turn<'_>, home: GroupId) {
        let Some(helper) = self.helpers.all.get_mut(&home) else {
            return;
        };
        let fault = not_up(&helper.name, self.procs.get(helper.proc));
        for id in helper.take_waiting().into_keys() {
            self.end_call(turn, id, fault.clone());
        }
    }

    /// A process goes out of service of which nothing runs. Whoever waits for it as for a helper that comes up again waits
    /// in vain.
    pub(crate) fn dismiss_helper(&mut self, turn: &mut Turn<'_>, proc: ProcId) {
        let Some(home) = self.procs.get(proc).map(|process| process.home) else {
            return;
        };
        if self
            .helpers
            .all
            .get(&home)
            .is_some_and(|helper| helper.proc == proc)
        {
            self.forget_pauses(home);
            self.fail_waiting(turn, home);
        }
    }

    /// A helper's group goes out of service.
    pub(crate) fn remove_helper(&mut self, turn: &mut Turn<'_>, home: GroupId) {
        self.forget_pauses(home);
        self.fail_waiting(turn, home);
        self.helpers.all.remove(&home);
    }
}

/// Why a helper whose process is not on its way up cannot be called.
fn not_up(name: &str, process: Option<&Process>) -> Answer {
    let state = process.map_or(ProcessState::Stopped, Process::published);
    failed(format!(
        "{name} is {state} and serves no calls; `supervisorctl start {name}` starts it"
    ))
}

/// The wall clock some seconds on.
fn later(wall: Wall, secs: u64) -> Wall {
    let secs = i64::try_from(secs).unwrap_or(i64::MAX);
    Wall {
        secs: wall.secs.saturating_add(secs),
        ..wall
    }
}
