//! What changes something.
//!
//! After a hand-over a request is read once more, so whatever is done leaves a note (see [`crate::api::carry`]): the whole
//! answer once it is made, and half-way marks of what has more than one step.

use super::look::plan;
use super::{Asked, deed, findings, json, method};
use crate::api::caller::Caller;
use crate::api::respond::Outgoing;
use crate::api::web::lasting;
use crate::api::{Context, record};
use hyper::Response;
use provost_model::{Answer, Fault, FaultCode, Reply, Request};
use provost_wire::rest::shapes::{
    Done, Failure, Outcome, Outcomes, Plan, Refusal, Updated, to_json,
};
use provost_wire::rest::{self, Operation, Whom};
use std::rc::Rc;

/// A status, and text in JSON.
type Made = (u16, String);

/// Does what is asked, and tells how it went.
pub(super) async fn answer(
    context: &Rc<Context>,
    caller: &Rc<Caller>,
    asked: Asked,
) -> Response<Outgoing> {
    let object = asked.object();
    let method = method(&asked);
    let deed = deed(&asked, &method, object.as_deref());
    let entry = match record::begin(context, caller, deed).await {
        Ok(entry) => entry,
        Err(fault) => return json(503, to_json(&Failure::of_fault(&fault))),
    };
    let noted = caller.tape().progress().message.clone();
    let (status, text) = match noted.as_deref().map(unpack) {
        Some(made) => made,
        None => run(context, caller, &asked).await,
    };
    caller.tape().progress().message = Some(pack(&(status, text.clone())));
    // The answer tells a failure in words; the line has the common code for one.
    let failed = status >= 300;
    entry.end(failed.then(|| FaultCode::Failed.code())).await;
    caller.tape().progress().message.take();
    json(status, text)
}

fn pack((status, text): &Made) -> String {
    format!("{status} {text}")
}

fn unpack(packed: &str) -> Made {
    let (status, text) = packed.split_once(' ').unwrap_or_default();
    (status.parse().unwrap_or(500), text.to_owned())
}

fn good(shape: &impl serde::Serialize) -> Made {
    (200, String::from_utf8_lossy(&to_json(shape)).into_owned())
}

fn bad(fault: &Fault) -> Made {
    let text = to_json(&Failure::of_fault(fault));
    (
        rest::status(fault.code),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// The answer of the core as an answer of ours.
fn made(answer: Answer) -> Made {
    match answer {
        Ok(Reply::Results(results)) => good(&Outcomes {
            results: results.iter().map(Outcome::new).collect(),
        }),
        Ok(_) => good(&Done { result: "ok" }),
        Err(fault) => bad(&fault),
    }
}

async fn run(context: &Rc<Context>, caller: &Rc<Caller>, asked: &Asked) -> Made {
    let wait = asked.flag("wait");
    let request = match asked.endpoint.operation {
        Operation::Start(whom) => start(whom, asked.target(whom), wait),
        Operation::Stop(whom) => stop(whom, asked.target(whom), wait),
        Operation::Restart(whom) => {
            let target = asked.target(whom);
            return last(context, caller, |caller| {
                restart(caller, whom, target, wait)
            })
            .await;
        }
        Operation::Reread => {
            return match reread(context, caller).await {
                Ok(plan) => good(&plan),
                Err(fault) => unread(context, caller, &fault).await,
            };
        }
        Operation::Update => {
            let here = Rc::clone(context);
            let work = |caller: Rc<Caller>| async move {
                match update(&caller).await {
                    Ok(updated) => good(&updated),
                    Err(fault) => unread(&here, &caller, &fault).await,
                }
            };
            return last(context, caller, work).await;
        }
        Operation::Signal => Request::SignalProcess {
            name: asked.process(),
            signal: asked.signal.clone(),
        },
        Operation::ClearLog => Request::ClearProcessLogs {
            name: asked.process(),
        },
        Operation::Shutdown => Request::Shutdown,
        Operation::Reload => {
            return match caller.ask(Request::Restart).await {
                Err(fault) => unread(context, caller, &fault).await,
                answer => made(answer),
            };
        }
        _ => return bad(&Fault::bare(FaultCode::UnknownMethod)),
    };
    made(caller.ask(request).await)
}

impl Asked {
    /// The name that requests to the core have for it; nothing for all.
    fn target(&self, whom: Whom) -> String {
        match whom {
            Whom::Process => self.process(),
            Whom::Group | Whom::All => self.group.clone(),
        }
    }
}

fn start(whom: Whom, name: String, wait: bool) -> Request {
    match whom {
        Whom::Process => Request::StartProcess { name, wait },
        Whom::Group => Request::StartProcessGroup { name, wait },
        Whom::All => Request::StartAllProcesses { wait },
    }
}

fn stop(whom: Whom, name: String, wait: bool) -> Request {
    match whom {
        Whom::Process => Request::StopProcess { name, wait },
        Whom::Group => Request::StopProcessGroup { name, wait },
        Whom::All => Request::StopAllProcesses { wait },
    }
}

/// Does work that goes on when its client leaves.
async fn last<W, F>(context: &Rc<Context>, caller: &Rc<Caller>, work: W) -> Made
where
    W: FnOnce(Rc<Caller>) -> F,
    F: Future<Output = Made> + 'static,
{
    let work = |caller| {
        let work = work(caller);
        async move { pack(&work.await) }
    };
    match lasting(context, caller, work).await {
        Ok(packed) => unpack(&packed),
        Err(why) => {
            let failure = to_json(&Failure::new("TOO_MANY_RESTARTS", why));
            (503, String::from_utf8_lossy(&failure).into_owned())
        }
    }
}

async fn restart(caller: Rc<Caller>, whom: Whom, target: String, wait: bool) -> Made {
    let was_stopped = caller.tape().progress().stopped.is_some();
    if !was_stopped {
        // What cannot be stopped is told of by the start.
        match caller.ask(stop(whom, target.clone(), true)).await {
            Err(fault) if fault.code != FaultCode::NotRunning => return bad(&fault),
            _ => {}
        }
        caller.tape().progress().stopped = Some(Vec::new());
    }
    made(caller.ask(start(whom, target, wait)).await)
}

/// The steps of an update, each a letter and a group: stop, remove, add.
fn steps(removed: &[String], changed: &[String], added: &[String]) -> Vec<String> {
    let mut steps = Vec::new();
    for (letters, groups) in [("SR", removed), ("sra", changed), ("A", added)] {
        for group in groups {
            steps.extend(letters.chars().map(|letter| format!("{letter}{group}")));
        }
    }
    steps
}

/// Reads the configuration again. Done twice, after a hand-over, it is as good.
pub(in crate::api) async fn reread(context: &Context, caller: &Caller) -> Result<Plan, Fault> {
    caller.ask(Request::ReloadConfig).await?;
    plan(context, caller).await
}

/// The failure of what reads the configuration, with what is to be mended in it.
async fn unread(context: &Context, caller: &Caller, fault: &Fault) -> Made {
    if fault.code != FaultCode::CantReread {
        return bad(fault);
    }
    let refusal = Refusal::new(fault, findings::of(context, caller).await);
    let (_, text) = good(&refusal);
    (rest::status(fault.code), text)
}

/// Reads the configuration again and does what differs.
pub(in crate::api) async fn update(caller: &Caller) -> Result<Updated, Fault> {
    let is_known = caller.tape().progress().steps.is_some();
    if !is_known {
        match caller.ask(Request::ReloadConfig).await {
            Ok(Reply::Reload {
                added,
                changed,
                removed,
            }) => {
                let steps = steps(&removed, &changed, &added);
                caller.tape().progress().steps = Some((steps, Vec::new()));
            }
            Ok(_) => return Err(Fault::bare(FaultCode::Failed)),
            Err(fault) => return Err(fault),
        }
    }
    loop {
        let step = {
            let progress = caller.tape().progress();
            let steps = progress.steps.as_ref();
            steps.and_then(|(steps, _)| steps.first().cloned())
        };
        let Some(step) = step else {
            break;
        };
        let name = step.get(1..).unwrap_or_default().to_owned();
        let is_stop = step.starts_with(['S', 's']);
        let request = if is_stop {
            stop(Whom::Group, name, true)
        } else if step.starts_with(['R', 'r']) {
            Request::RemoveProcessGroup { name }
        } else {
            Request::AddProcessGroup { name }
        };
        match caller.ask(request).await {
            // A group without processes cannot be stopped, and need not be.
            Err(fault) if !is_stop => return Err(fault),
            _ => {}
        }
        if let Some((steps, done)) = &mut caller.tape().progress().steps {
            done.push(steps.remove(0));
        }
    }
    let done = caller.tape().progress().steps.take();
    let done = done.map(|(_, done)| done).unwrap_or_default();
    let of = |letter: char| {
        let groups = done.iter().filter_map(|step| step.strip_prefix(letter));
        groups.map(str::to_owned).collect()
    };
    Ok(Updated {
        added: of('A'),
        restarted: of('a'),
        removed: of('R'),
    })
}
