//! Programs that write: how quickly it comes into their logs, and what that costs.

use std::time::Duration;

use super::{Bench, Figures, Turn, ratio};
use crate::peers::Contestant;
use crate::plan::{Capture, Children, Plan};
use crate::process::{SystemCalls, Usage};
use crate::run::Run;
use crate::stamps::{millis, now, wait_until};

const MIB: u64 = 1 << 20;
const GIB: f64 = 1_073_741_824.0;
const LINE: u64 = 100;

/// How long the reference rests: long enough for a full pipe of one quick writer, and for some lines of many slow ones.
const REST_OF_ONE: u32 = 1_000;
const REST_OF_MANY: u32 = 5_000;

/// Rows of one kind of load.
struct Rows {
    rate: &'static str,
    cpu: &'static str,
    calls: &'static str,
    switches: &'static str,
}

/// What was seen of one load.
struct Seen {
    bytes: u64,
    secs: f64,
    used: Usage,
    calls: Option<f64>,
}

pub(super) fn bulk_of_one(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    let rows = Rows {
        rate: "bulk1.rate",
        cpu: "bulk1.cpu",
        calls: "bulk1.calls",
        switches: "bulk1.switches",
    };
    bulk(bench, contestant, turn, (1, 512 * MIB), &rows)
}

pub(super) fn bulk_of_eight(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    let rows = Rows {
        rate: "bulk8.rate",
        cpu: "bulk8.cpu",
        calls: "bulk8.calls",
        switches: "bulk8.switches",
    };
    bulk(bench, contestant, turn, (8, 64 * MIB), &rows)
}

fn bulk(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    (children, bytes): (usize, u64),
    rows: &Rows,
) -> Result<Figures, String> {
    let seen = load(bench, contestant, turn, children as u64 * bytes, |made| {
        Plan::of(made.spew(children, bytes, 65_536))
    })?;
    Ok(seen.figures(rows, ratio(seen.bytes) / ratio(MIB), seen.cpu_a_gib()))
}

pub(super) fn lines(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    let bytes = 512_000 * LINE;
    let seen = load(bench, contestant, turn, bytes, |made| Plan {
        batch: REST_OF_ONE,
        ..Plan::of(made.spew(1, bytes, 100))
    })?;
    let rows = Rows {
        rate: "lines.rate",
        cpu: "lines.cpu",
        calls: "lines.calls",
        switches: "lines.switches",
    };
    Ok(seen.figures(&rows, ratio(seen.bytes / LINE) / 1_000.0, seen.cpu_a_gib()))
}

pub(super) fn ticks(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    const CHILDREN: u64 = 100;
    const LINES: u64 = 500;
    let bytes = CHILDREN * LINES * LINE;
    let seen = load(bench, contestant, turn, bytes, |made| Plan {
        batch: REST_OF_MANY,
        ..Plan::of(made.tick(100, 10_000, LINES))
    })?;
    let rows = Rows {
        rate: "",
        cpu: "ticks.cpu",
        calls: "ticks.calls",
        switches: "ticks.switches",
    };
    let lines = ratio(CHILDREN * LINES);
    Ok(seen.figures(&rows, lines, seen.used.cpu * 1e6 / lines))
}

pub(super) fn beside(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    let bytes = 128 * MIB;
    let seen = load(bench, contestant, turn, bytes, |made| {
        let mut plan = Plan::of(made.spew(1, bytes, 65_536));
        plan.groups.push(made.idle(turn.programs, Capture::Files));
        plan
    })?;
    let rows = Rows {
        rate: "beside.rate",
        cpu: "beside.cpu",
        calls: "",
        switches: "",
    };
    Ok(seen.figures(&rows, 1.0, seen.cpu_a_gib()))
}

impl Seen {
    fn cpu_a_gib(&self) -> f64 {
        self.used.cpu * GIB / ratio(self.bytes)
    }

    /// Calls are told for each of so many units.
    fn figures(&self, rows: &Rows, units: f64, cpu: f64) -> Figures {
        let mut figures = Vec::new();
        if let Some(calls) = self.calls {
            figures.push((rows.calls, calls / units));
        } else {
            let switches = self.used.waits + self.used.evictions;
            figures.push((rows.rate, ratio(self.bytes) / 1e6 / self.secs));
            figures.push((rows.cpu, cpu));
            figures.push((rows.switches, switches / units));
        }
        figures.retain(|(row, _)| !row.is_empty());
        figures
    }
}

/// Lets the programs begin and waits until everything is in the logs.
fn load(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    bytes: u64,
    plan: impl FnOnce(&Children<'_>) -> Plan,
) -> Result<Seen, String> {
    let run = Run::start(bench, contestant, plan)?;
    run.population(run.plan.programs())?;
    run.settle(Duration::from_millis(700));
    let supervisors = run.supervisors();
    let counted = if turn.warm_up {
        SystemCalls::count(&supervisors)
    } else {
        None
    };
    let before = run.usage(&supervisors)?;
    let begun = now();
    let gate = run.open_gate()?;
    wait_until(
        || run.logged("spew") >= bytes,
        || {
            format!(
                "only {} of {bytes} bytes are in the logs",
                run.logged("spew")
            )
        },
    )?;
    let ended = now();
    // What a supervisor does a little later belongs to the load, too.
    run.settle(Duration::from_millis(100));
    let used = run.usage(&supervisors)?.since(before);
    drop(gate);
    Ok(Seen {
        bytes,
        secs: millis(begun, ended) / 1_000.0,
        used,
        calls: counted.and_then(SystemCalls::finish),
    })
}
