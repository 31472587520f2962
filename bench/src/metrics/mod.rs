//! The metrics: each starts one supervisor, measures, and gives figures for rows of the table.

mod config;
mod events;
mod fleet;
mod logs;
mod respawn;
mod rpc;
mod watched;

use crate::args::Args;
use crate::peers::Contestant;
use crate::tools::Tools;

/// What all metrics need.
pub(crate) struct Bench {
    pub(crate) tools: Tools,
    pub(crate) args: Args,
}

/// One measurement of one supervisor.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// The round before those that count. System calls are counted in it, because that slows down what it watches.
    pub(crate) warm_up: bool,
    pub(crate) programs: usize,
}

/// Figures of one measurement, by rows.
pub(crate) type Figures = Vec<(&'static str, f64)>;

type Measure = fn(&Bench, &dyn Contestant, Turn, &[&'static str]) -> Result<Figures, String>;

/// Rows that come from the same run of a supervisor.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    /// Prefixes of the ids of its rows.
    pub(crate) rows: &'static [&'static str],
    /// Who can be measured.
    pub(crate) fits: fn(&dyn Contestant) -> bool,
    /// Whether the number of programs plays a part.
    pub(crate) scales: bool,
    pub(crate) measure: Measure,
}

const fn everybody(_: &dyn Contestant) -> bool {
    true
}

fn who_captures(contestant: &dyn Contestant) -> bool {
    contestant.captures()
}

fn who_is_supervisor(contestant: &dyn Contestant) -> bool {
    contestant.as_supervisor().is_some()
}

/// Those who look after many programs; Horust needs minutes for a thousand.
fn who_has_fleets(contestant: &dyn Contestant) -> bool {
    contestant.name() != "horust"
}

/// All metrics, in the order in which they are measured.
pub(crate) const METRICS: &[Metric] = &[
    Metric {
        name: "one",
        rows: &["start1", "memory1"],
        fits: everybody,
        scales: false,
        measure: fleet::one,
    },
    Metric {
        name: "fleet",
        rows: &[
            "start", "memory", "idle", "state", "infos", "status", "restart", "stop", "shutdown",
        ],
        fits: who_has_fleets,
        scales: true,
        measure: fleet::fleet,
    },
    Metric {
        name: "respawn",
        rows: &["respawn"],
        fits: everybody,
        scales: false,
        measure: respawn::alone,
    },
    Metric {
        name: "respawn.beside",
        rows: &["respawn.beside"],
        fits: who_has_fleets,
        scales: true,
        measure: respawn::beside,
    },
    Metric {
        name: "watched",
        rows: &["watched"],
        fits: watched::fits,
        scales: true,
        measure: watched::respawn,
    },
    Metric {
        name: "bulk1",
        rows: &["bulk1"],
        fits: who_captures,
        scales: false,
        measure: logs::bulk_of_one,
    },
    Metric {
        name: "bulk8",
        rows: &["bulk8"],
        fits: who_captures,
        scales: false,
        measure: logs::bulk_of_eight,
    },
    Metric {
        name: "lines",
        rows: &["lines"],
        fits: who_captures,
        scales: false,
        measure: logs::lines,
    },
    Metric {
        name: "ticks",
        rows: &["ticks"],
        fits: who_captures,
        scales: false,
        measure: logs::ticks,
    },
    Metric {
        name: "beside",
        rows: &["beside"],
        fits: |contestant| contestant.captures() && who_has_fleets(contestant),
        scales: true,
        measure: logs::beside,
    },
    Metric {
        name: "events",
        rows: &["events.rate"],
        fits: events::fits,
        scales: true,
        measure: events::rate,
    },
    Metric {
        name: "burst",
        rows: &["events.lost", "events.unannounced"],
        fits: who_is_supervisor,
        scales: true,
        measure: events::burst,
    },
    Metric {
        name: "config",
        rows: &["config"],
        fits: config::fits,
        scales: true,
        measure: config::of_fleet,
    },
    Metric {
        name: "config10000",
        rows: &["config10000"],
        fits: config::fits,
        scales: false,
        measure: config::of_ten_thousand,
    },
];

/// A number of things as a divisor.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts and sizes far below 2^52"
)]
pub(crate) fn ratio(of: u64) -> f64 {
    of as f64
}
