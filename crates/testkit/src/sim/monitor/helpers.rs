//! Helpers: every call is answered once and in time (I44), and the conversation follows the protocol (I43).

use super::requests::Asked;
use super::{Monitor, Report};
use provost_model::fault::{Fault, FaultCode};
use provost_model::helper::{HelperAnswer, HelperMethod, HelperSpec, HelperWord};
use provost_model::{Answer, Mono, ProcId, ProcessState, Reply, Request, RequestId, Run, Signal};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How many calls may be open with a helper.
const OPEN_MAX: usize = 64;

/// How long a helper may live on that has closed a pipe.
const CLOSED_MAX: Duration = Duration::from_secs(1);

/// How far a conversation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Down,
    Greeting,
    Serving,
    Broken,
}

/// A helper in service.
#[derive(Clone, Debug)]
struct Helper {
    proc: ProcId,
    timeout: Duration,
    methods: Vec<HelperMethod>,
    line: Line,
    /// When it must have ended, having closed a pipe.
    closed: Option<Mono>,
    /// When it must have said hello.
    greets_by: Option<Mono>,
    is_closed: bool,
    /// Calls sent and not answered; none where nobody waits.
    open: BTreeMap<u64, Option<RequestId>>,
    last: u64,
}

/// A call that is not answered.
#[derive(Clone, Debug)]
struct Call {
    helper: String,
    method: String,
    until: Mono,
    /// Its number once it was sent.
    sent: Option<u64>,
}

/// All helpers, and what is asked of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Helpers {
    all: BTreeMap<String, Helper>,
    calls: BTreeMap<RequestId, Call>,
    /// Calls that must be answered with FAILED in this step.
    failing: BTreeSet<RequestId>,
    /// Runs whose conversation must be ended in this step.
    hang_ups: Vec<Run>,
}

impl Helpers {
    pub(super) fn add(&mut self, name: &str, spec: &HelperSpec, proc: ProcId) {
        let helper = Helper {
            proc,
            timeout: Duration::from_secs(spec.call_timeout_secs),
            methods: Vec::new(),
            line: Line::Down,
            closed: None,
            greets_by: None,
            is_closed: false,
            open: BTreeMap::new(),
            last: 0,
        };
        self.all.insert(name.to_owned(), helper);
    }

    /// A helper goes out of service.
    pub(super) fn remove(&mut self, name: &str) {
        if self.all.remove(name).is_some() {
            let gone = self.calls.iter().filter(|(_, call)| call.helper == name);
            self.failing.extend(gone.map(|(id, _)| *id));
        }
    }

    /// A process goes out of service that does not run: nobody may wait for it to come up.
    pub(super) fn loses(&mut self, proc: ProcId) {
        if let Some(name) = self.named(proc) {
            let unsent = self.unsent(&name);
            self.failing.extend(unsent);
        }
    }

    /// Everything has stopped: nothing is waited for any more.
    pub(super) fn rest(&mut self) {
        for helper in self.all.values_mut() {
            (helper.closed, helper.greets_by) = (None, None);
        }
    }

    /// When the core must wake for them.
    pub(super) fn dues(&self) -> impl Iterator<Item = Mono> + '_ {
        let all = self.all.values();
        let pauses = all.flat_map(|helper| [helper.closed, helper.greets_by]);
        pauses
            .flatten()
            .chain(self.calls.values().map(|call| call.until))
    }

    fn named(&self, proc: ProcId) -> Option<String> {
        let mut all = self.all.iter();
        all.find(|(_, helper)| helper.proc == proc)
            .map(|(name, _)| name.clone())
    }

    /// The client of a call does not wait any more.
    fn forget(&mut self, id: RequestId) {
        if let Some(call) = self.calls.remove(&id)
            && let Some(helper) = self.all.get_mut(&call.helper)
            && let Some(open) = call.sent.and_then(|number| helper.open.get_mut(&number))
        {
            *open = None;
        }
    }

    fn unsent(&self, name: &str) -> Vec<RequestId> {
        let calls = self.calls.iter();
        calls
            .filter(|(_, call)| call.helper == name && call.sent.is_none())
            .map(|(id, _)| *id)
            .collect()
    }
}

impl Monitor {
    /// A client asks something of helpers. False when it asks something else.
    pub(super) fn asks_helper(&mut self, id: RequestId, request: &Request) -> bool {
        match request {
            Request::HelperMethods => {
                let all = self.helpers.all.iter();
                let methods = all
                    .map(|(name, helper)| (Arc::from(name.as_str()), Arc::from(&*helper.methods)));
                let answer = Ok(Reply::HelperMethods(methods.collect()));
                self.expect(id, answer);
            }
            Request::HelperMisspoke { run, .. } => {
                self.expect(id, Ok(Reply::Done));
                if let Some(name) = self.speaker(*run)
                    && self.helpers.all[&name].line == Line::Serving
                {
                    self.breach(&name);
                }
            }
            Request::CallHelper {
                namespace, method, ..
            } => self.calls_helper(id, namespace, method),
            _ => return false,
        }
        true
    }

    fn calls_helper(&mut self, id: RequestId, name: &str, method: &str) {
        let unknown = Err(Fault::bare(FaultCode::UnknownMethod));
        let Some(helper) = self.helpers.all.get(name) else {
            return self.expect(id, unknown);
        };
        if self.mood.is_stopping() {
            return self.expect(id, Err(Fault::bare(FaultCode::ShutdownState)));
        }
        let count = helper.open.len() + self.helpers.unsent(name).len();
        if !self.comes_up(helper.proc) || count >= OPEN_MAX {
            self.helpers.failing.insert(id);
            return;
        }
        let serves = helper.line == Line::Serving && !helper.is_closed;
        let known = helper.methods.iter().any(|known| known.name == method);
        if serves && !known {
            return self.expect(id, unknown);
        }
        let call = Call {
            helper: name.to_owned(),
            method: method.to_owned(),
            until: self.now.mono.plus(helper.timeout),
            sent: None,
        };
        self.helpers.calls.insert(id, call);
    }

    /// Whether a helper is up or will be without anybody's asking.
    fn comes_up(&self, id: ProcId) -> bool {
        self.procs.get(&id).is_some_and(|proc| match proc.state {
            ProcessState::Starting => proc.pid.is_some() || !proc.stop_wished,
            ProcessState::Running | ProcessState::Backoff => true,
            ProcessState::Exited => proc.due.is_some() || proc.must_start,
            _ => false,
        })
    }

    /// The client of a call left.
    pub(super) fn caller_left(&mut self, id: RequestId) {
        self.helpers.forget(id);
    }

    /// The helper whose living child has this run.
    fn speaker(&self, run: Run) -> Option<String> {
        let proc = self.procs.get(self.runs.get(&run)?)?;
        proc.pid.filter(|_| proc.run == Some(run))?;
        self.helpers.named(proc.id)
    }

    /// A helper said something.
    pub(super) fn helper_said(&mut self, run: Run, word: &HelperWord) {
        let Some(name) = self.speaker(run) else {
            return;
        };
        let Some(helper) = self.helpers.all.get_mut(&name) else {
            return;
        };
        match (helper.line, word) {
            (Line::Down | Line::Broken, _) => {}
            (Line::Greeting, HelperWord::Hello(methods)) => {
                helper.line = Line::Serving;
                helper.greets_by = None;
                helper.methods.clone_from(methods);
                if !helper.is_closed {
                    self.refuse_unknown(&name, methods);
                }
            }
            (Line::Serving, HelperWord::Answer { call, kind, body }) => {
                match helper.open.remove(call) {
                    Some(Some(id)) => {
                        let (kind, body) = (*kind, body.clone());
                        let answer = HelperAnswer { run, kind, body };
                        self.expect(id, Ok(Reply::Helper(answer)));
                        self.helpers.calls.remove(&id);
                    }
                    Some(None) => {}
                    None => self.breach(&name),
                }
            }
            _ => self.breach(&name),
        }
    }

    fn refuse_unknown(&mut self, name: &str, methods: &[HelperMethod]) {
        for id in self.helpers.unsent(name) {
            let call = &self.helpers.calls[&id];
            // One whose time is over is ended, not sent.
            let in_time = call.until > self.now.mono;
            let method = &call.method;
            if in_time && methods.iter().all(|known| known.name != *method) {
                self.helpers.calls.remove(&id);
                self.expect(id, Err(Fault::bare(FaultCode::UnknownMethod)));
            }
        }
    }

    /// A call did not get through.
    pub(super) fn call_lost(&mut self, run: Run, call: u64, closed: bool) {
        let Some(name) = self.speaker(run) else {
            return;
        };
        let open = self.helpers.all.get_mut(&name);
        if let Some(id) = open.and_then(|helper| helper.open.remove(&call)).flatten() {
            self.helpers.calls.remove(&id);
            self.helpers.failing.insert(id);
        }
        if closed {
            self.helper_closed(run);
        }
    }

    /// A helper closed a pipe.
    pub(super) fn helper_closed(&mut self, run: Run) {
        let now = self.now.mono;
        let Some(name) = self.speaker(run) else {
            return;
        };
        if let Some(helper) = self.helpers.all.get_mut(&name)
            && !std::mem::replace(&mut helper.is_closed, true)
            && helper.line != Line::Broken
        {
            helper.closed = Some(now.plus(CLOSED_MAX));
        }
    }

    /// A helper broke the protocol: its calls fail, and it is killed.
    fn breach(&mut self, name: &str) {
        let Some(helper) = self.helpers.all.get_mut(name) else {
            return;
        };
        helper.line = Line::Broken;
        helper.closed = None;
        helper.greets_by = None;
        let open = std::mem::take(&mut helper.open);
        let proc = self.procs.get(&helper.proc);
        for id in open.into_values().flatten() {
            self.helpers.calls.remove(&id);
            self.helpers.failing.insert(id);
        }
        let Some((proc, run)) = proc.and_then(|proc| Some((proc, proc.run?))) else {
            return;
        };
        self.helpers.hang_ups.push(run);
        if matches!(proc.state, ProcessState::Starting | ProcessState::Running) {
            self.kills.push((run, Signal::KILL, proc.spec.killasgroup));
        }
    }

    /// A process changed its state; perhaps it is a helper's.
    pub(super) fn helper_changed(&mut self, id: ProcId, to: ProcessState) {
        let Some(name) = self.helpers.named(id) else {
            return;
        };
        let Some(helper) = self.helpers.all.get_mut(&name) else {
            return;
        };
        match to {
            ProcessState::Starting => {
                helper.line = Line::Greeting;
                helper.greets_by = Some(self.now.mono.plus(helper.timeout));
                helper.is_closed = false;
            }
            ProcessState::Running => {}
            ProcessState::Stopping | ProcessState::Unknown => {
                let unsent = self.helpers.unsent(&name);
                self.helpers.failing.extend(unsent);
            }
            ProcessState::Stopped
            | ProcessState::Backoff
            | ProcessState::Exited
            | ProcessState::Fatal => {
                helper.line = Line::Down;
                helper.closed = None;
                helper.greets_by = None;
                for id in std::mem::take(&mut helper.open).into_values().flatten() {
                    self.helpers.calls.remove(&id);
                    self.helpers.failing.insert(id);
                }
            }
        }
    }

    /// What is due by now.
    pub(super) fn helper_deadlines(&mut self) {
        let now = self.now.mono;
        let calls = self.helpers.calls.iter();
        let late: Vec<RequestId> = calls
            .filter(|(_, call)| call.until <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            self.helpers.forget(id);
            self.helpers.failing.insert(id);
        }
        let all = self.helpers.all.iter();
        let closed: Vec<String> = all
            .filter(|(_, helper)| helper.closed.is_some_and(|at| at <= now))
            .map(|(name, _)| name.clone())
            .collect();
        for name in closed {
            self.breach(&name);
        }
        self.greetings_due();
    }

    /// A helper that has said nothing for as long as a call may take is at fault, but not before it was born.
    fn greetings_due(&mut self) {
        let now = self.now.mono;
        let mut silent = Vec::new();
        for (name, helper) in &mut self.helpers.all {
            if helper.greets_by.is_none_or(|at| at > now) {
                continue;
            }
            let proc = self.procs.get(&helper.proc);
            if proc.is_some_and(|proc| proc.pid.is_some()) {
                silent.push(name.clone());
            } else {
                helper.greets_by = Some(now.plus(helper.timeout));
            }
        }
        for name in silent {
            self.breach(&name);
        }
    }

    /// A call is sent to a helper.
    pub(super) fn call_sent(&mut self, run: Run, number: u64, body: &[u8]) {
        self.must_live(run, "a call");
        let name = self.speaker(run);
        let id = std::str::from_utf8(body)
            .ok()
            .and_then(|id| id.parse().ok());
        let id = RequestId(id.unwrap_or_default());
        let (helpers, mut report) = (&mut self.helpers, Report(&mut self.violations));
        let call = helpers.calls.get_mut(&id);
        let helper = name.and_then(|name| helpers.all.get_mut(&name));
        let (Some(call), Some(helper)) = (call, helper) else {
            report.fail(
                "I43",
                format!("call {number} of {id:?}, which waits for none"),
            );
            return;
        };
        let ready = helper.line == Line::Serving && !helper.is_closed;
        report.check(ready, "I43", || {
            format!("call {number} for a helper that is {:?}", helper.line)
        });
        let known = helper.methods.iter().any(|known| known.name == call.method);
        report.check(known, "I43", || format!("a call of {}", call.method));
        let fresh = call.sent.is_none() && number > helper.last;
        report.check(fresh, "I43", || {
            format!("call {number} of {id:?} was sent again")
        });
        call.sent = Some(number);
        helper.last = number;
        helper.open.insert(number, Some(id));
    }

    /// A conversation is ended.
    pub(super) fn hung_up(&mut self, run: Run) {
        let hang_ups = &mut self.helpers.hang_ups;
        let place = hang_ups.iter().position(|expected| *expected == run);
        match place {
            Some(place) => drop(hang_ups.remove(place)),
            None => self.fail("I43", format!("hung up on {run:?} for no reason")),
        }
    }

    /// The client of a call is answered.
    pub(super) fn call_answered(&mut self, id: RequestId, asked: &Asked, answer: &Answer) {
        let failing = self.helpers.failing.remove(&id);
        let call = self.helpers.calls.get(&id);
        let helper = call.and_then(|call| self.helpers.all.get(&call.helper));
        let is_down = helper.is_some_and(|helper| !self.comes_up(helper.proc));
        let waits_in_vain = call.is_some_and(|call| call.sent.is_none()) && is_down;
        let holds = match answer {
            Err(fault) if fault.code == FaultCode::Failed => failing || waits_in_vain,
            Err(fault) if fault.code == FaultCode::ShutdownState => self.mood.is_stopping(),
            _ => asked.expect.as_ref() == Some(answer),
        };
        self.helpers.forget(id);
        self.check(holds, "I44", || {
            format!(
                "{:?} got {answer:?} in place of {:?}",
                asked.request, asked.expect
            )
        });
    }

    /// At the end of a step nobody waits in vain, and nothing is held back.
    pub(super) fn helpers_at_rest(&mut self) {
        for id in std::mem::take(&mut self.helpers.failing) {
            if self.requests.get(&id).is_some_and(Asked::waits) {
                self.fail(
                    "I44",
                    format!("{id:?} should have been told that its call failed"),
                );
            }
        }
        for run in std::mem::take(&mut self.helpers.hang_ups) {
            self.fail("I43", format!("did not hang up on {run:?}"));
        }
        let serving = self.mood == super::shutdown::Mood::Serving;
        let unsent = self.helpers.calls.iter();
        let unsent = unsent.filter(|(_, call)| call.sent.is_none());
        let mut report = Report(&mut self.violations);
        for (id, call) in unsent {
            let Some(helper) = self.helpers.all.get(&call.helper) else {
                report.fail("I44", format!("{id:?} waits for a helper that is gone"));
                continue;
            };
            let held = helper.line == Line::Serving && !helper.is_closed;
            report.check(!held, "I43", || {
                format!("the call of {id:?} is held back from {}", call.helper)
            });
            let proc = self.procs.get(&helper.proc).map(|proc| proc.state);
            let never = proc.is_none_or(|state| {
                matches!(
                    state,
                    ProcessState::Stopped | ProcessState::Fatal | ProcessState::Stopping
                )
            });
            report.check(!(serving && never), "I44", || {
                format!("{id:?} waits for {}, which is {proc:?}", call.helper)
            });
        }
    }
}
