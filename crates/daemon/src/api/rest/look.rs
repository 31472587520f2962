//! What reads.

use super::{Asked, figures, history, json, probe, refused, shown, unkept};
use crate::api::caller::Caller;
use crate::api::readers::TIME;
use crate::api::respond::{self, Outgoing};
use crate::api::{Context, clock, files, rpc};
use hyper::{Response, StatusCode};
use provost_config::Written;
use provost_model::access::Verb;
use provost_model::{Channel, Fault, FaultCode, Pid, Reply, Request};
use provost_os::proc;
use provost_wire::methods::SUPERVISOR_VERSION;
use provost_wire::rest::shapes::{
    Around, Change, Daemon, LogPiece, Origin, Plan, Pool, Process, ProcessDetail, Processes, Sight,
};
use provost_wire::rest::{self, Operation};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Bytes of a piece of a log.
const PIECE: i64 = 1024 * 1024;

/// Answers what changes nothing.
pub(super) async fn answer(
    context: &Rc<Context>,
    caller: &Rc<Caller>,
    asked: &Asked,
) -> Response<Outgoing> {
    let done = match asked.endpoint.operation {
        Operation::Daemon => daemon(context, caller).await.map(|it| shown(&it)),
        Operation::Processes => processes(context, caller).await.map(|it| shown(&it)),
        Operation::Process => process(context, caller, asked).await.map(|it| shown(&it)),
        Operation::History => history::answer(context, caller, asked)
            .await
            .map(|it| shown(&it)),
        Operation::Usage => Ok(shown(&context.usage.history(
            caller,
            asked.param("group"),
            asked.param("name"),
        ))),
        Operation::Log => log(context, caller, asked).await.map(|it| shown(&it)),
        Operation::MainLog => {
            let path = context.main_log.clone();
            piece(context, path, asked).await.map(|it| shown(&it))
        }
        Operation::Plan => plan(context, caller).await.map(|it| shown(&it)),
        Operation::OpenApi => Ok(json(200, rest::openapi())),
        Operation::Health => Ok(probe::health(caller).await),
        Operation::Ready => Ok(probe::readiness(caller, asked).await),
        Operation::Metrics => figures::page(context, caller).await,
        // They are answered elsewhere.
        Operation::Events
        | Operation::LogFile
        | Operation::MainLogFile
        | Operation::LogEvents
        | Operation::MainLogEvents
        | Operation::Start(_)
        | Operation::Stop(_)
        | Operation::Restart(_)
        | Operation::Signal
        | Operation::ClearLog
        | Operation::Reread
        | Operation::Update
        | Operation::Shutdown
        | Operation::Reload => Err(Fault::bare(FaultCode::UnknownMethod)),
    };
    done.unwrap_or_else(|fault| refused(&fault))
}

impl Around for Context {
    fn local(&self, at: i64) -> String {
        clock::short_local(at)
    }

    fn log_bytes(&self, path: &Path) -> u64 {
        self.board.counts().written(path)
    }
}

/// Now, in milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

async fn processes(context: &Context, caller: &Caller) -> Result<Processes, Fault> {
    let Reply::Views { views, .. } = caller.ask(Request::GetAllViews).await? else {
        return Err(Fault::bare(FaultCode::Failed));
    };
    let views = views.iter();
    Ok(Processes {
        now: now_ms(),
        processes: views.map(|view| Process::new(view, context)).collect(),
    })
}

async fn process(
    context: &Context,
    caller: &Caller,
    asked: &Asked,
) -> Result<ProcessDetail, Fault> {
    let name = asked.process();
    let Reply::Detail(detail) = caller.ask(Request::GetProcessDetail { name }).await? else {
        return Err(Fault::bare(FaultCode::Failed));
    };
    let sight = if !caller.may(Verb::Config) {
        Sight::Status
    } else if caller.may(Verb::Define) {
        Sight::Everything
    } else {
        Sight::Config
    };
    let mut shown = ProcessDetail::new(&detail, sight, context);
    if sight != Sight::Status {
        shown.origins = origins(context, detail.spec.program.clone()).await;
    }
    Ok(shown)
}

/// Where the options of a program stand. The files are looked at once more: nothing is kept for the few who ask.
async fn origins(context: &Context, program: String) -> Option<BTreeMap<String, Origin>> {
    let loader = context.loader.clone()?;
    let main = loader.path().to_owned();
    let read = context
        .readers
        .in_time(&main, Instant::now() + TIME, move |_| {
            Ok(loader.origins(&program))
        });
    let written = read.await.ok()??;
    let origin = |written: Written| Origin {
        file: written.file.to_string_lossy().into_owned(),
        line: u64::try_from(written.line).unwrap_or(0),
    };
    let all = written.into_iter();
    Some(all.map(|(name, written)| (name, origin(written))).collect())
}

/// supervisord itself.
pub(in crate::api) async fn daemon(context: &Context, caller: &Caller) -> Result<Daemon, Fault> {
    let look = |request| caller.look(&context.control, request);
    let Reply::State(state) = look(Request::GetState).await? else {
        return Err(Fault::bare(FaultCode::Failed));
    };
    let Reply::Text(identifier) = look(Request::GetIdentification).await? else {
        return Err(Fault::bare(FaultCode::Failed));
    };
    let Reply::Pools(pools) = look(Request::GetEventPools).await? else {
        return Err(Fault::bare(FaultCode::Failed));
    };
    let pid = std::process::id();
    let us = Pid(i32::try_from(pid).unwrap_or(0));
    let uptime = proc::start_ticks(us).map_or(Duration::ZERO, proc::age_of);
    let usage = proc::usage_of(us).unwrap_or_default();
    let sees_config = caller.may(Verb::Config) && caller.sees_all();
    let (config_files, warnings) = if sees_config {
        (context.about.files.clone(), context.about.warnings.clone())
    } else {
        (Vec::new(), Vec::new())
    };
    Ok(Daemon {
        version: env!("CARGO_PKG_VERSION"),
        supervisor_version: SUPERVISOR_VERSION,
        pid,
        state: state.name(),
        identifier,
        start: now_ms().saturating_sub(millis(uptime)),
        uptime_seconds: uptime.as_secs(),
        config_files,
        warnings,
        cpu_seconds: usage.cpu.as_secs_f64(),
        rss_bytes: usage.rss_bytes,
        open_fds: proc::own_descriptors(),
        pools: pools.iter().map(Pool::new).collect(),
    })
}

async fn log(context: &Context, caller: &Caller, asked: &Asked) -> Result<LogPiece, Fault> {
    let path = log_path(caller, asked).await?;
    piece(context, path, asked).await
}

/// Where the log is that somebody asked for.
pub(super) async fn log_path(caller: &Caller, asked: &Asked) -> Result<Option<PathBuf>, Fault> {
    let channel = match asked.param("stream") {
        Some("stderr") => Channel::Stderr,
        _ => Channel::Stdout,
    };
    let name = asked.process();
    rpc::log_path(caller, Request::LogPath { name, channel }).await
}

async fn piece(context: &Context, path: Option<PathBuf>, asked: &Asked) -> Result<LogPiece, Fault> {
    let length = match asked.int("length") {
        length @ 1..=PIECE => length,
        _ => PIECE,
    };
    let length = u64::try_from(length).unwrap_or(0);
    let excerpt = files::excerpt(context, path, asked.int("offset"), length).await?;
    Ok(LogPiece {
        text: excerpt.text,
        offset: excerpt.offset,
        next_offset: excerpt.end,
        size: excerpt.size,
    })
}

/// What differs between the configuration in service and the one that was read last.
pub(super) async fn plan(context: &Context, caller: &Caller) -> Result<Plan, Fault> {
    let looked = caller
        .look(&context.control, Request::GetDifferences)
        .await?;
    let Reply::Differences(differences) = looked else {
        return Err(Fault::bare(FaultCode::Failed));
    };
    Ok(Plan {
        changes: differences.into_iter().map(Change::new).collect(),
    })
}

/// Plain text.
pub(super) fn text(status: StatusCode, text: impl Into<bytes::Bytes>) -> Response<Outgoing> {
    unkept(respond::with(status, "text/plain; charset=utf-8", text))
}
