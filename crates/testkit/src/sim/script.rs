//! How a child behaves: drawn anew for each run.

use super::faults::{Fault, Faults};
use super::rng::Rng;
use provost_model::{ExitStatus, ProcessSpec, Signal};
use std::time::Duration;

/// Longest that an obedient child takes to end; well below the shortest `stopwaitsecs` but 0.
const OBEYS_WITHIN_MS: u64 = 400;

/// How a child behaves.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// When it ends by itself after its birth, and how.
    pub(super) ends: Option<(Duration, ExitStatus)>,
    /// How long after the stop signal it ends, and how; none when it ignores the signal.
    pub(super) obeys: Option<(Duration, ExitStatus)>,
    /// How long after SIGKILL it ends.
    pub(super) dies: Duration,
    /// It is halted: signals but SIGKILL reach it once it is woken up.
    pub(super) is_halted: bool,
}

/// Draws the behaviour of one run of a program.
pub(super) fn draw(rng: &mut Rng, faults: &Faults, spec: &ProcessSpec) -> Script {
    let up = Duration::from_secs(u64::try_from(spec.startsecs).unwrap_or(0));
    let quick = faults.strike(rng, Fault::QuickExit);
    let lives_on = rng.chance(700);
    let ends = if quick {
        Some((up.mul_f64(permille(rng, 950)), status(rng)))
    } else if lives_on {
        None
    } else {
        // Some live exactly as long as it takes to count as up.
        let exactly = rng.chance(50);
        let more = if exactly {
            Duration::ZERO
        } else {
            Duration::from_millis(rng.between(0, 20_000))
        };
        Some((up + more, status(rng)))
    };
    let ignores = faults.strike(rng, Fault::IgnoresStop);
    let after = Duration::from_millis(rng.between(0, OBEYS_WITHIN_MS));
    let by_signal = ExitStatus::Signaled {
        signal: spec.stopsignal,
        core_dumped: false,
    };
    let how = if rng.chance(500) {
        by_signal
    } else {
        status(rng)
    };
    let hangs = faults.strike(rng, Fault::SurvivesKill);
    let dies = Duration::from_millis(if hangs {
        rng.between(500, 20_000)
    } else {
        rng.below(3)
    });
    Script {
        ends,
        obeys: (!ignores).then_some((after, how)),
        dies,
        is_halted: false,
    }
}

fn permille(rng: &mut Rng, max: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a number below a thousand")]
    let share = rng.below(max) as f64;
    share / 1000.0
}

/// How a child ends by itself.
fn status(rng: &mut Rng) -> ExitStatus {
    match rng.weighted(&[5, 2, 2, 1, 1]) {
        0 => ExitStatus::Code(0),
        1 => ExitStatus::Code(1),
        2 => ExitStatus::Code(2),
        3 => ExitStatus::Signaled {
            signal: Signal::from_raw(11),
            core_dumped: true,
        },
        _ => ExitStatus::Signaled {
            signal: Signal::KILL,
            core_dumped: false,
        },
    }
}
