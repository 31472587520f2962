//! Figures for Prometheus, read from the state of things when somebody asks.

use super::look::now_ms;
use super::unkept;
use crate::api::Context;
use crate::api::caller::Caller;
use crate::api::respond::{self, Outgoing};
use crate::meters;
use hyper::{Response, StatusCode};
use provost_model::info::{PoolInfo, ProcessView};
use provost_model::{Fault, FaultCode, Pid, ProcessState, Reply, Request};
use provost_os::proc;
use provost_wire::methods::SUPERVISOR_VERSION;
use provost_wire::metrics::{self, Family, Metrics, from_count};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The whole page.
pub(super) async fn page(context: &Context, caller: &Caller) -> Result<Response<Outgoing>, Fault> {
    let failed = || Fault::bare(FaultCode::Failed);
    let look = |request| caller.look(&context.control, request);
    let Reply::Views { views, .. } = look(Request::GetAllViews).await? else {
        return Err(failed());
    };
    let Reply::Pools(pools) = look(Request::GetEventPools).await? else {
        return Err(failed());
    };
    let Reply::State(state) = look(Request::GetState).await? else {
        return Err(failed());
    };
    let mut out = Metrics::default();
    processes(&mut out, &views);
    logs(&mut out, context, &views);
    events(&mut out, &pools);
    let mut calls = out.family(metrics::CALLS);
    calls.histogram(&[("interface", "xmlrpc")], &meters::XML_CALLS);
    calls.histogram(&[("interface", "json")], &meters::JSON_CALLS);
    out.family(metrics::SPAWNS).histogram(&[], &meters::SPAWNS);
    out.family(metrics::RESPAWNS)
        .histogram(&[], &meters::RESPAWNS);
    let streams = count(context.streams.get());
    out.one(metrics::STREAMS, from_count(streams));
    out.one(metrics::SUPERVISOR, f64::from(state.code()));
    own(&mut out);
    let text = out.text();
    Ok(unkept(respond::with(
        StatusCode::OK,
        metrics::CONTENT_TYPE,
        text,
    )))
}

type Value = fn(&ProcessView) -> Option<f64>;

/// Figures of each process, and what they are of it.
const OF_PROCESSES: &[(Family, Value)] = &[
    (metrics::UP, |view| Some(f64::from(u8::from(is_up(view))))),
    (metrics::STATE, |view| {
        Some(f64::from(view.info.state.code()))
    }),
    (metrics::EXIT_STATUS, |view| {
        Some(f64::from(view.info.exitstatus))
    }),
    (metrics::START_TIME, |view| {
        is_up(view).then(|| seconds(view.info.start))
    }),
    (metrics::STARTS, |view| Some(f64::from(view.starts))),
    (metrics::RESTARTS, |view| Some(f64::from(view.restarts))),
    (metrics::SPAWN_FAILURES, |view| {
        Some(f64::from(view.spawn_failures))
    }),
    (metrics::STATE_SINCE, |view| {
        let since = Duration::from_millis(view.since_ms?);
        Some(since.as_secs_f64())
    }),
    (metrics::EXIT_EXPECTED, |view| {
        let exit = view.last_exit?;
        Some(f64::from(u8::from(exit.expected)))
    }),
];

/// As `node_exporter` understands it.
fn is_up(view: &ProcessView) -> bool {
    matches!(
        view.info.state,
        ProcessState::Starting | ProcessState::Running | ProcessState::Stopping
    )
}

fn seconds(at: i64) -> f64 {
    from_count(u64::try_from(at).unwrap_or(0))
}

fn processes(out: &mut Metrics, views: &[ProcessView]) {
    for (family, value) in OF_PROCESSES {
        let mut samples = out.family(*family);
        for view in views {
            if let Some(value) = value(view) {
                let labels = [("name", &*view.info.name), ("group", &*view.info.group)];
                samples.add(&labels, value);
            }
        }
    }
}

fn logs(out: &mut Metrics, context: &Context, views: &[ProcessView]) {
    let mut rows = Vec::new();
    for view in views {
        let info = &view.info;
        let logs = [
            ("stdout", &info.stdout_logfile),
            ("stderr", &info.stderr_logfile),
        ];
        for (stream, path) in logs {
            if let Some(path) = path {
                rows.push((view, stream, path, context.board.loss(path)));
            }
        }
    }
    let written = meters::LOG_BYTES.load(Ordering::Relaxed);
    out.one(metrics::LOG_BYTES, from_count(written));
    let mut samples = out.family(metrics::LOG_OF_STREAM);
    for (view, stream, path, _) in &rows {
        let bytes = context.board.counts().written(path);
        samples.add(&of_stream(view, stream), from_count(bytes));
    }
    for (family, which) in [
        (metrics::LOG_DROPPED_BYTES, 0),
        (metrics::LOG_DROPPED_LINES, 1),
        (metrics::LOG_FAILING, 2),
    ] {
        let mut samples = out.family(family);
        for (view, stream, _, loss) in &rows {
            let value = match which {
                0 => from_count(loss.dropped.bytes),
                1 => from_count(loss.dropped.lines),
                _ => f64::from(u8::from(loss.failing.is_some())),
            };
            samples.add(&of_stream(view, stream), value);
        }
    }
}

/// The labels of a log.
fn of_stream<'a>(view: &'a ProcessView, stream: &'a str) -> [(&'static str, &'a str); 3] {
    [
        ("name", &*view.info.name),
        ("group", &*view.info.group),
        ("stream", stream),
    ]
}

type Count = fn(&PoolInfo) -> Option<u64>;

/// Figures of each pool, and what they are of it.
const OF_POOLS: &[(Family, Count)] = &[
    (metrics::QUEUE, |pool| Some(count(pool.queued))),
    (metrics::QUEUE_SIZE, |pool| Some(count(pool.buffer_size))),
    (metrics::SPOOLED, |pool| {
        pool.spool.as_ref().map(|spool| spool.events)
    }),
    (metrics::DELIVERED, |pool| Some(pool.delivered)),
    (metrics::REJECTED, |pool| Some(pool.rejected)),
    (metrics::DROPPED, |pool| Some(pool.dropped)),
];

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn events(out: &mut Metrics, pools: &[PoolInfo]) {
    for (family, value) in OF_POOLS {
        let mut samples = out.family(*family);
        for pool in pools {
            if let Some(value) = value(pool) {
                samples.add(&[("pool", &pool.name)], from_count(value));
            }
        }
    }
}

/// What supervisord itself takes.
fn own(out: &mut Metrics) {
    let labels = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("supervisor_version", SUPERVISOR_VERSION),
    ];
    out.family(metrics::BUILD).add(&labels, 1.0);
    let us = Pid(i32::try_from(std::process::id()).unwrap_or(0));
    let usage = proc::usage_of(us).unwrap_or_default();
    out.one(metrics::CPU, usage.cpu.as_secs_f64());
    out.one(metrics::MEMORY, from_count(usage.rss_bytes));
    out.one(metrics::DESCRIPTORS, from_count(proc::own_descriptors()));
    let age = proc::start_ticks(us).map_or(Duration::ZERO, proc::age_of);
    let begun = Duration::from_millis(now_ms()).saturating_sub(age);
    out.one(metrics::BEGUN, begun.as_secs_f64());
}
