//! A failing seed made small: fewer inputs, fewer kinds of faults, fewer programs, as long as it fails the same way.

use super::run::Outcome;
use super::settings::Settings;

/// Rounds over everything that may be left out. The last one finds nothing more; few are needed, and this many never were.
const ROUNDS_MAX: usize = 20;

/// Shrinks what was found. `run` runs the same subject through the same seed. The result is an outcome of it, or what was
/// found where nothing can be left out.
pub fn shrink(found: Outcome, run: impl Fn(Settings) -> Outcome) -> Outcome {
    let Some(rule) = found.violations.first().map(|violation| violation.rule) else {
        return found;
    };
    let mut best = found;
    for _ in 0..ROUNDS_MAX {
        let before = best.settings;
        // Takes what fails by the same rule with these settings.
        let attempt = |best: &mut Outcome, settings: Settings| {
            if settings == best.settings {
                return false;
            }
            let outcome = run(settings);
            let is_same = outcome.violations.iter().any(|seen| seen.rule == rule);
            if is_same {
                *best = outcome;
            }
            is_same
        };
        loop {
            let steps = best.settings.steps.min(best.steps) / 2;
            let settings = best.settings;
            if steps == 0 || !attempt(&mut best, Settings { steps, ..settings }) {
                break;
            }
        }
        // Nothing comes after the step that failed.
        let (settings, steps) = (best.settings, best.settings.steps.min(best.steps));
        attempt(&mut best, Settings { steps, ..settings });
        for kind in best.kinds.each() {
            let settings = best.settings;
            let without = settings.without.and(kind);
            attempt(
                &mut best,
                Settings {
                    without,
                    ..settings
                },
            );
        }
        let settings = best.settings;
        let fewer = |programs| Settings {
            programs: Some(programs),
            ..settings
        };
        let _ = (1..best.programs).any(|programs| attempt(&mut best, fewer(programs)));
        if best.settings == before {
            break;
        }
    }
    best
}
