//! Many programs that do nothing: starting them, keeping them, asking about them, ending them.

use std::time::Duration;

use super::{Bench, Figures, Turn, ratio, rpc};
use crate::peers::{Contestant, Deed};
use crate::plan::{Capture, Plan};
use crate::process::{self, SystemCalls};
use crate::run::Run;
use crate::stamps::millis;

/// Longer than the second for which runit and s6 hold back a program that has just been started.
const ALIVE: Duration = Duration::from_millis(1_300);

/// What still happens after a start has happened by then.
const REST: Duration = Duration::from_secs(2);

fn capture(contestant: &dyn Contestant) -> Capture {
    if contestant.captures() {
        Capture::Files
    } else {
        Capture::No
    }
}

/// One program.
pub(super) fn one(
    bench: &Bench,
    contestant: &dyn Contestant,
    _turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    let run = Run::start(bench, contestant, |children| {
        Plan::of(children.idle(1, capture(contestant)))
    })?;
    let first = run.starts(1)?;
    let start = millis(run.begun, first.first().copied().unwrap_or(run.begun));
    run.settle(REST);
    let memory = process::memory(&run.supervisors())?;
    Ok(vec![("start1", start), ("memory1", memory)])
}

/// As many as were asked for.
pub(super) fn fleet(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    wanted: &[&'static str],
) -> Result<Figures, String> {
    let programs = turn.programs;
    let wants = |rows: &[&str]| wanted.iter().any(|row| rows.contains(row));
    let run = Run::start(bench, contestant, |children| {
        Plan::of(children.idle(programs, capture(contestant)))
    })?;
    let starts = run.starts(programs)?;
    let last = starts.iter().max().copied().unwrap_or(run.begun);
    let mut figures = vec![("start", millis(run.begun, last))];
    if turn.warm_up && !wants(&["idle.calls"]) {
        return Ok(figures);
    }
    run.settle(REST);
    let supervisors = run.supervisors();
    if wants(&["memory", "memory.each"]) {
        figures.push(("memory", process::memory(&supervisors)?));
    }
    if wants(&["idle.cpu", "idle.wakeups", "idle.calls"]) {
        figures.extend(idle(bench, &run, &supervisors, turn.warm_up)?);
    }
    if turn.warm_up {
        return Ok(figures);
    }
    if let Some(socket) = contestant.socket(&run.place) {
        for (method, rows) in rpc::METHODS {
            if wants(rows) {
                figures.extend(rpc::measure(&run, &socket, method, &supervisors)?);
            }
        }
    }
    if wants(&["status"]) {
        let mut took = Vec::new();
        for _ in 0..5 {
            took.extend(run.client(Deed::Status)?);
        }
        took.sort_by(f64::total_cmp);
        figures.extend(took.get(took.len() / 2).map(|&middle| ("status", middle)));
    }
    let mut started = programs;
    if wants(&["restart"]) {
        let before = crate::stamps::now();
        if run.client(Deed::RestartAll)?.is_some() {
            started += programs;
            let starts = run.starts(started)?;
            let last = starts.iter().max().copied().unwrap_or(before);
            let returned = crate::stamps::now();
            figures.push(("restart", millis(before, last.max(returned))));
        }
    }
    if wants(&["stop"]) {
        run.settle(ALIVE);
        if let Some(took) = run.client(Deed::StopAll)? {
            figures.push(("stop", took));
            run.client(Deed::StartAll)?;
            started += programs;
            run.starts(started)?;
        }
    }
    if wants(&["shutdown"]) {
        run.settle(ALIVE);
        figures.push(("shutdown", run.end()?));
    }
    Ok(figures)
}

/// A while in which nothing happens. What the watcher itself costs is left out: it does not wake anybody.
fn idle(
    bench: &Bench,
    run: &Run<'_>,
    supervisors: &[u32],
    count_calls: bool,
) -> Result<Figures, String> {
    let time = Duration::from_secs(bench.args.idle.max(1));
    let a_minute = 60.0 / ratio(time.as_secs());
    if count_calls {
        let calls = SystemCalls::count(supervisors);
        std::thread::sleep(time);
        let calls = calls.and_then(SystemCalls::finish);
        return Ok(calls
            .map(|calls| ("idle.calls", calls * a_minute))
            .into_iter()
            .collect());
    }
    let before = run.usage(supervisors)?;
    std::thread::sleep(time);
    let used = run.usage(supervisors)?.since(before);
    Ok(vec![
        ("idle.cpu", used.cpu * 1_000.0 * a_minute),
        ("idle.wakeups", used.waits * a_minute),
    ])
}
