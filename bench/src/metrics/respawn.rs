//! From the last instruction of a program that ends to the first one of its next process.

use super::{Bench, Figures, Turn};
use crate::peers::Contestant;
use crate::plan::{Capture, Plan};
use crate::run::Run;
use crate::stamps::{self, Stamp, millis};

/// It lives longer than the second after which everybody starts a program again at once, and takes it for a good one.
pub(super) const LIFE: u32 = 1_200;

/// Deaths of one run.
const DEATHS: usize = 3;

pub(super) fn alone(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    measure(bench, contestant, turn, 0).map(|figure| vec![("respawn", figure)])
}

pub(super) fn beside(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    measure(bench, contestant, turn, turn.programs.saturating_sub(1))
        .map(|figure| vec![("respawn.beside", figure)])
}

fn measure(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    others: usize,
) -> Result<f64, String> {
    let capture = if contestant.captures() {
        Capture::Files
    } else {
        Capture::No
    };
    let mut deaths = std::path::PathBuf::new();
    let run = Run::start(bench, contestant, |children| {
        deaths = children.place.join("deaths");
        let mut plan = Plan::of(children.crasher(LIFE, &deaths, capture));
        if others > 0 {
            plan.groups.insert(0, children.idle(others, capture));
        }
        plan
    })?;
    run.starts(others)?;
    // Deaths while the others were started are not what is asked for.
    let skipped = if others > 0 {
        ends(&stamps::read(&deaths)) + 1
    } else {
        0
    };
    let deaths_wanted = if turn.warm_up { 1 } else { DEATHS } + skipped;
    let all = stamps::wait_for(&deaths, 2 * deaths_wanted + 1)?;
    let mut took: Vec<f64> = gaps(&all).into_iter().skip(skipped).collect();
    took.sort_by(f64::total_cmp);
    took.get(took.len() / 2)
        .copied()
        .ok_or_else(|| "it was never started again".to_owned())
}

fn ends(stamps: &[Stamp]) -> usize {
    stamps.iter().filter(|stamp| !stamp.start).count()
}

/// Milliseconds between each end and the start that follows it.
pub(super) fn gaps(stamps: &[Stamp]) -> Vec<f64> {
    stamps
        .windows(2)
        .filter_map(|pair| match pair {
            [end, start] if !end.start && start.start => Some(millis(end.at, start.at)),
            _ => None,
        })
        .collect()
}
