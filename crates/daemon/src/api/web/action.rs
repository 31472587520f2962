//! What the links of the status page do, and what they say about it.

use crate::api::caller::Caller;
use crate::api::carry::tape::Tape;
use crate::api::shares::Spent;
use crate::api::{Context, USER_RESTARTS, clock};
use provost_model::access::Verb;
use provost_model::info::ProcessResult;
use provost_model::spec::namespec;
use provost_model::{Answer, Fault, FaultCode, Reply, Request};
use std::cell::RefCell;
use std::rc::Rc;

/// Processes that a message about many names, so that it fits into the address that carries it.
const NAMED: usize = 10;

/// Characters of a reason in such a message, for the same reason.
const REASON: usize = 200;

/// Restarts under way. They go on when their client leaves, so that what was stopped is started again; and nobody may
/// pile up more of them than a person would.
const RESTARTS: usize = 64;

/// An action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Changes nothing.
    Refresh,
    /// Stops every process.
    StopAll,
    /// Stops every process, then starts every process.
    RestartAll,
    /// Starts one.
    Start,
    /// Stops one.
    Stop,
    /// Stops one if it runs, then starts it.
    Restart,
    /// Empties the logs of one.
    ClearLog,
}

impl Action {
    /// The action of that name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "refresh" => Self::Refresh,
            "stopall" => Self::StopAll,
            "restartall" => Self::RestartAll,
            "start" => Self::Start,
            "stop" => Self::Stop,
            "restart" => Self::Restart,
            "clearlog" => Self::ClearLog,
            _ => return None,
        })
    }

    /// The right that it needs.
    pub(super) fn verb(self) -> Verb {
        match self {
            Self::Refresh => Verb::Status,
            Self::StopAll | Self::Stop => Verb::Stop,
            Self::RestartAll | Self::Restart => Verb::Restart,
            Self::Start => Verb::Start,
            Self::ClearLog => Verb::ClearLog,
        }
    }
}

/// Does it, waits for its end and says how it went, in upstream's words. Fails when there is nothing that could be done.
pub(super) async fn run(
    context: &Rc<Context>,
    caller: &Rc<Caller>,
    action: Option<Action>,
    name: Option<&str>,
) -> Result<String, &'static str> {
    const UNKNOWN: &str = "There is no such action.";
    match action {
        Some(Action::Refresh) => return Ok(format!("Page refreshed at {}", clock::long_local())),
        Some(Action::StopAll) => return Ok(stop_all(caller).await),
        Some(Action::RestartAll) => {
            return Ok(restarting(context, caller, "All", restart_all).await);
        }
        _ => {}
    }
    let Some(name) = name else {
        return Err(match action {
            Some(_) => "This action needs the name of a process.",
            None => UNKNOWN,
        });
    };
    let known = Request::GetProcessInfo {
        name: name.to_owned(),
    };
    let was_known = caller.tape().progress().known;
    if !was_known
        && let Err(fault) = caller.ask(known).await
        && fault.code == FaultCode::BadName
    {
        return Ok(format!("No such process named {name}"));
    }
    caller.tape().progress().known = true;
    Ok(match action {
        Some(Action::Start) => match start(caller, name).await {
            Ok(_) => format!("Process {name} started"),
            Err(fault) => failed(name, &fault),
        },
        Some(Action::Stop) => match stop(caller, name).await {
            Ok(_) => format!("Process {name} stopped"),
            Err(fault) => unexpected(&fault),
        },
        Some(Action::Restart) => {
            let owned = name.to_owned();
            restarting(context, caller, name, |caller| restart(caller, owned)).await
        }
        Some(Action::ClearLog) => {
            let name = name.to_owned();
            let message = format!("Log for {name} cleared");
            match caller.ask(Request::ClearProcessLogs { name }).await {
                Ok(_) => message,
                Err(fault) => unexpected(&fault),
            }
        }
        Some(Action::Refresh | Action::StopAll | Action::RestartAll) | None => return Err(UNKNOWN),
    })
}

async fn start(caller: &Caller, name: &str) -> Answer {
    let (name, wait) = (name.to_owned(), true);
    let request = Request::StartProcess { name, wait };
    caller.ask(request).await
}

async fn stop(caller: &Caller, name: &str) -> Answer {
    let (name, wait) = (name.to_owned(), true);
    let request = Request::StopProcess { name, wait };
    caller.ask(request).await
}

async fn restart(caller: Rc<Caller>, name: String) -> String {
    let was_stopped = caller.tape().progress().stopped.is_some();
    let stopped = if was_stopped {
        Ok(Reply::Done)
    } else {
        stop(&caller, &name).await
    };
    let started = match stopped {
        Err(fault) if fault.code != FaultCode::NotRunning => Err(fault),
        _ => {
            caller.tape().progress().stopped = Some(Vec::new());
            start(&caller, &name).await
        }
    };
    match started {
        Ok(_) => format!("Process {name} restarted"),
        Err(fault) => failed(&name, &fault),
    }
}

async fn stop_all(caller: &Caller) -> String {
    let stopped = caller.ask(Request::StopAllProcesses { wait: true }).await;
    summary("stopped", &failures(stopped, FaultCode::NotRunning))
}

async fn restart_all(caller: Rc<Caller>) -> String {
    let noted = caller.tape().progress().stopped.clone();
    let mut all = if let Some(all) = noted {
        all
    } else {
        let request = Request::StopAllProcesses { wait: true };
        let all = failures(caller.ask(request).await, FaultCode::NotRunning);
        caller.tape().progress().stopped = Some(all.clone());
        all
    };
    let request = Request::StartAllProcesses { wait: true };
    let started = caller.ask(request).await;
    all.extend(failures(started, FaultCode::AlreadyStarted));
    // Both halves may have the same to say.
    all.dedup();
    summary("restarted", &all)
}

/// Work that goes on when its client leaves.
#[derive(Default)]
pub(in crate::api) struct Works(RefCell<Vec<Rc<Tape>>>);

impl Works {
    /// Whether all of it waits for the core, and for nothing else.
    pub(in crate::api) fn are_at_rest(&self) -> bool {
        let works = self.0.borrow();
        works
            .iter()
            .all(|tape| tape.is_taken() || tape.is_at_rest())
    }

    /// That whose client has left.
    pub(in crate::api) fn left_behind(&self) -> Vec<Rc<Tape>> {
        let works = self.0.borrow();
        let left = works.iter().filter(|tape| !tape.is_taken());
        left.cloned().collect()
    }
}

/// A restart, which is such work.
async fn restarting<W, F>(context: &Rc<Context>, caller: &Rc<Caller>, what: &str, work: W) -> String
where
    W: FnOnce(Rc<Caller>) -> F,
    F: Future<Output = String> + 'static,
{
    let done = lasting(context, caller, work).await;
    done.unwrap_or_else(|why| format!("ERROR: {what} not restarted: {why}"))
}

/// Does work that must not end half way because its client leaves.
///
/// An error says why it was not begun, or how it was broken off.
pub(in crate::api) async fn lasting<W, F>(
    context: &Rc<Context>,
    caller: &Rc<Caller>,
    work: W,
) -> Result<String, String>
where
    W: FnOnce(Rc<Caller>) -> F,
    F: Future<Output = String> + 'static,
{
    struct Counted(Rc<Context>, Rc<Tape>);
    impl Drop for Counted {
        fn drop(&mut self) {
            let mut works = self.0.works.0.borrow_mut();
            works.retain(|tape| !Rc::ptr_eq(tape, &self.1));
        }
    }
    let works = &context.works.0;
    let was_begun = caller.tape().progress().lasts;
    let share = context.user_restarts.of(caller);
    let many = match share {
        _ if was_begun => None,
        _ if works.borrow().len() >= RESTARTS => Some(format!("{RESTARTS} restarts")),
        Err(Spent) => Some(format!("{USER_RESTARTS} restarts of yours")),
        Ok(_) => None,
    };
    if let Some(many) = many {
        return Err(format!(
            "{many} are under way, try again when they are done"
        ));
    }
    caller.tape().progress().lasts = true;
    let tape = &caller.peer.tape;
    works.borrow_mut().push(Rc::clone(tape));
    let counted = Counted(Rc::clone(context), Rc::clone(tape));
    let work = work(Rc::clone(caller));
    let task = tokio::task::spawn_local(async move {
        let (_counted, _share) = (counted, share);
        work.await
    });
    task.await.map_err(|_| "supervisord is stopping".to_owned())
}

/// What went wrong, one entry a process. A process that was there already is no failure.
fn failures(answer: Answer, fine: FaultCode) -> Vec<String> {
    let failed = |result: &ProcessResult| ![FaultCode::Success, fine].contains(&result.status);
    match answer {
        Ok(Reply::Results(results)) => results
            .iter()
            .filter(|result| failed(result))
            .map(|result| {
                let reason: String = result.description.chars().take(REASON).collect();
                format!("{} ({reason})", namespec(&result.group, &result.name))
            })
            .collect(),
        Ok(_) => Vec::new(),
        Err(fault) => vec![unexpected(&fault)],
    }
}

fn summary(done: &str, failures: &[String]) -> String {
    let now = clock::long_local();
    if failures.is_empty() {
        return format!("All {done} at {now}");
    }
    let named: Vec<&str> = failures.iter().take(NAMED).map(String::as_str).collect();
    let more = match failures.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("ERROR: not all {done} at {now}: {}{more}", named.join(", "))
}

fn failed(name: &str, fault: &Fault) -> String {
    let why = match fault.code {
        FaultCode::NoFile => "no such file".to_owned(),
        FaultCode::NotExecutable => "file not executable".to_owned(),
        FaultCode::AlreadyStarted => "already started".to_owned(),
        FaultCode::SpawnError => "spawn error".to_owned(),
        FaultCode::AbnormalTermination => "abnormal termination".to_owned(),
        _ => unexpected(fault),
    };
    format!("ERROR: Process {name}: {why}")
}

/// A fault that no action has words for.
pub(super) fn unexpected(fault: &Fault) -> String {
    format!("unexpected rpc fault [{}] {fault}", fault.code.code())
}
