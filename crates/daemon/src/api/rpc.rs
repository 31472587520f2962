//! XML-RPC over HTTP: a body to a call, the call to an answer, the answer to a body.

use super::caller::Caller;
use super::shares::{Share, Spent};
use super::watch::Watch;
use super::{Context, SHORT_ANSWER, body, clock, files, helper, record, respond};
use crate::meters;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use provost_model::access::Verb;
use provost_model::{Fault, FaultCode, Level, Reply};
use provost_wire::answer;
use provost_wire::methods::{API_VERSION, Invocation, SUPERVISOR_VERSION};
use provost_wire::xmlrpc::{self, Call, DecodeError, Problem, Value, WireFault};
use respond::Outgoing;
use std::time::Instant;

/// Bytes of text in the answer to one `system.multicall`.
const ANSWER: usize = 64 * 1024 * 1024;

/// Calls of one `system.multicall` that are made before others get their turn.
const CALLS_A_TURN: usize = 64;

/// Answers a call whose body may have `limit` bytes.
pub(super) async fn answer(
    context: &Context,
    caller: &Caller,
    watch: &Watch,
    request: Request<Incoming>,
    limit: usize,
) -> Response<Outgoing> {
    // Its share is held until there is an answer.
    let (body, _share) = match body::read(context, caller, request, limit).await {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    watch.answering();
    let begun = Instant::now();
    let answer = match xmlrpc::read_call(&body) {
        Ok(call) => {
            let bytes = match run(context, caller, call).await {
                Ok(value) => xmlrpc::into_response(value),
                Err(fault) => xmlrpc::write_fault(fault.code, &fault.text),
            };
            respond::with(StatusCode::OK, "text/xml", context.spare.lend(bytes))
        }
        Err(error) => {
            complain(context, &body, &error);
            respond::error(StatusCode::BAD_REQUEST, &error.to_string())
        }
    };
    meters::XML_CALLS.observe(begun.elapsed());
    answer
}

/// Runs a call and leaves its trace in the log.
async fn run(context: &Context, caller: &Caller, call: Call) -> Result<Value, WireFault> {
    let method = printable(&call.method);
    context.trace(|| format!("XML-RPC method called: {method}()"));
    let result = match context.methods.decode(&call) {
        Ok(Invocation::Multicall(calls)) => {
            multicall(context, caller, calls).await.map_err(Into::into)
        }
        decoded => one(context, caller, &call, decoded).await,
    };
    context.trace(|| match &result {
        Ok(_) => format!("XML-RPC method {method}() returned successfully"),
        Err(fault) => {
            let text = printable(&fault.text);
            format!(
                "XML-RPC method {method}() returned fault: [{}] {text}",
                fault.code
            )
        }
    });
    result
}

/// Runs calls in order. A fault takes the place of its result.
async fn multicall(
    context: &Context,
    caller: &Caller,
    calls: Vec<Result<Call, Fault>>,
) -> Result<Value, Fault> {
    let (done, mut size) = {
        let results = &caller.tape().progress().results;
        (
            results.len(),
            results.iter().map(Value::text_len).sum::<usize>(),
        )
    };
    let mut held = None;
    // Those before it were made by an earlier image.
    for (index, call) in calls.into_iter().enumerate().skip(done) {
        if index % CALLS_A_TURN == CALLS_A_TURN - 1 {
            tokio::task::yield_now().await;
        }
        let result = match call {
            Ok(call) => one(context, caller, &call, context.methods.decode(&call)).await,
            Err(fault) => Err(fault.into()),
        };
        let value = result.unwrap_or_else(|fault| answer::fault(&fault));
        size = size.saturating_add(value.text_len());
        if size > ANSWER {
            return Err(Fault::about(
                FaultCode::Failed,
                format!("the answer has more than {ANSWER} bytes"),
            ));
        }
        if size > SHORT_ANSWER && !keep(context, caller, &mut held, size) {
            return Err(Fault::about(
                FaultCode::Failed,
                "your answers under way have as many bytes as they may have; try again when one of them is read",
            ));
        }
        let mut progress = caller.tape().progress();
        progress.results.push(value);
        progress.next_call();
    }
    Ok(Value::Array(std::mem::take(
        &mut caller.tape().progress().results,
    )))
}

/// Takes as much of the caller's share as its results need; false when it has no more.
fn keep(context: &Context, caller: &Caller, held: &mut Option<Share<String>>, size: usize) -> bool {
    if let Some(share) = held {
        return share.resize(size);
    }
    match context.user_answers.of_bytes(caller, size) {
        Ok(share) => {
            *held = share;
            true
        }
        Err(Spent) => false,
    }
}

/// Runs one call that holds no others; the table's methods first, then those of helpers.
async fn one(
    context: &Context,
    caller: &Caller,
    call: &Call,
    decoded: Result<Invocation, Fault>,
) -> Result<Value, WireFault> {
    let invocation = decoded.as_ref().ok();
    let deed = || record::Deed {
        verb: verb(context, call).unwrap_or(Verb::Login),
        method: &call.method,
        target: invocation.and_then(Invocation::object),
        args: context.methods.shown_args(call),
    };
    if let Err(fault) = permit(context, caller, call, invocation) {
        record::denied(context, caller, deed(), &fault).await;
        return Err(fault.into());
    }
    let entry = record::begin(context, caller, deed()).await?;
    let known = caller.tape().progress().result.take();
    let result = match (known, decoded, context.methods.foreign(&call.method)) {
        (Some(known), ..) => known,
        (None, Ok(invocation), _) => single(context, caller, invocation)
            .await
            .map_err(Into::into),
        (None, Err(_), Some(name)) => helper::call(context, caller, name, &call.params).await,
        (None, Err(fault), None) => Err(fault.into()),
    };
    let code = result.as_ref().err().map(|fault: &WireFault| fault.code);
    // It is not made twice, however long its line takes.
    caller.tape().progress().result = Some(result);
    entry.end(code).await;
    let result = caller.tape().progress().result.take();
    result.unwrap_or_else(|| Err(Fault::bare(FaultCode::Failed).into()))
}

/// The right that a call needs; none for a method that nobody has.
fn verb(context: &Context, call: &Call) -> Option<Verb> {
    match context.methods.find(&call.method) {
        Some(method) => Some(method.verb),
        None => context.methods.foreign(&call.method).map(|_| Verb::Helper),
    }
}

/// Refuses a call that its caller has no right to. A method that nobody has stays unknown to everybody.
fn permit(
    context: &Context,
    caller: &Caller,
    call: &Call,
    invocation: Option<&Invocation>,
) -> Result<(), Fault> {
    let Some(verb) = verb(context, call) else {
        return Ok(());
    };
    let object = invocation.and_then(Invocation::object);
    caller.permit(verb, object)?;
    match invocation.and_then(Invocation::signal) {
        Some(signal) => caller.permit_signal(signal, object),
        None => Ok(()),
    }
}

/// Runs one call of the table that holds no others.
async fn single(
    context: &Context,
    caller: &Caller,
    invocation: Invocation,
) -> Result<Value, Fault> {
    match invocation {
        Invocation::Core(request) => {
            let reply = caller.ask(request).await?;
            let room = || context.spare.take();
            Ok(answer::reply(&reply, &clock::short_local, room))
        }
        Invocation::Tell(text) => while_serving(caller, Value::text(text)).await,
        Invocation::Refuse(fault) => while_serving(caller, Value::Nil).await.and(Err(fault)),
        Invocation::ApiVersion => while_serving(caller, Value::text(API_VERSION)).await,
        Invocation::SupervisorVersion => {
            while_serving(caller, Value::text(SUPERVISOR_VERSION)).await
        }
        Invocation::Pid => while_serving(caller, Value::Int(std::process::id().into())).await,
        Invocation::ReadMainLog(range) => {
            while_serving(caller, Value::Nil).await?;
            files::read(context, context.main_log.clone(), range)
                .await
                .map(Value::Str)
        }
        Invocation::ReadLog {
            name,
            channel,
            range,
        } => {
            let path = log_path(caller, provost_model::Request::LogPath { name, channel }).await?;
            files::read(context, path, range).await.map(Value::Str)
        }
        Invocation::TailLog {
            name,
            channel,
            range,
        } => {
            let path = log_path(caller, provost_model::Request::LogPath { name, channel }).await?;
            let tail = files::tail(context, path, range).await?;
            Ok(Value::Array(vec![
                Value::Str(tail.text),
                Value::Int(tail.offset),
                Value::Bool(tail.overflow),
            ]))
        }
        Invocation::Logs => logs(context, caller).await,
        Invocation::OwnVersion => Ok(Value::text(env!("CARGO_PKG_VERSION"))),
        Invocation::ListMethods => {
            let mut names = context.methods.list();
            names.extend(helper::names(context, caller).await);
            names.sort();
            Ok(Value::Array(names.into_iter().map(Value::Str).collect()))
        }
        Invocation::MethodHelp(name) => match helper::find(context, caller, &name).await {
            Some(method) => Ok(Value::Str(method.help)),
            None => context.methods.help(&name),
        },
        Invocation::MethodSignature(name) => match helper::find(context, caller, &name).await {
            Some(method) => helper::signature(method),
            None => context.methods.signature(&name),
        },
        // The caller runs these; a call inside one is refused where it is decoded.
        Invocation::Multicall(_) => Err(Fault::bare(FaultCode::IncorrectParameters)),
    }
}

/// `value`, unless the daemon is stopping.
async fn while_serving(caller: &Caller, value: Value) -> Result<Value, Fault> {
    let checked = caller.tape().ask(provost_model::Request::Check).await;
    checked.map(|_| value)
}

/// How the logs of processes stand.
async fn logs(context: &Context, caller: &Caller) -> Result<Value, Fault> {
    let Reply::Infos(infos) = caller
        .ask(provost_model::Request::GetAllProcessInfo)
        .await?
    else {
        return Ok(Value::Array(Vec::new()));
    };
    let mut rows = Vec::new();
    for info in &infos {
        let logs = [
            (provost_model::Channel::Stdout, &info.stdout_logfile),
            (provost_model::Channel::Stderr, &info.stderr_logfile),
        ];
        for (channel, path) in logs {
            let Some(path) = path else {
                continue;
            };
            let loss = context.board.loss(path);
            let count = |count: u64| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
            let members = [
                ("group", Value::text(&*info.group)),
                ("name", Value::text(&*info.name)),
                ("channel", Value::text(channel.to_string())),
                ("path", Value::text(path.to_string_lossy())),
                ("failing", Value::text(loss.failing.unwrap_or_default())),
                ("dropped_bytes", count(loss.dropped.bytes)),
                ("dropped_lines", count(loss.dropped.lines)),
            ];
            let members = members.map(|(name, value)| (name.to_owned(), value));
            rows.push(Value::Struct(members.into()));
        }
    }
    Ok(Value::Array(rows))
}

/// Where a process logs; none when it does not.
pub(super) async fn log_path(
    caller: &Caller,
    request: provost_model::Request,
) -> Result<Option<std::path::PathBuf>, Fault> {
    match caller.ask(request).await? {
        Reply::Log(path) => Ok(path),
        _ => Ok(None),
    }
}

/// Writes down that a request could not be understood. Not the request: it may hold what nobody should read in a log.
fn complain(context: &Context, body: &[u8], error: &DecodeError) {
    let why = match error.problem {
        Problem::Missing("<methodName>") => "no method name".to_owned(),
        _ => format!("unmarshallable ({error})"),
    };
    let line = format!(
        "XML-RPC request data of {} bytes is invalid: {why}",
        body.len()
    );
    context.logger.log(Level::Error, line);
}

/// Foreign text for a line of the log: what could end or fake a line is written as an escape.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
