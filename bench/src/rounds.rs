//! Rounds: everybody in turns, one after the other, so that what happens to the machine happens to all.

use std::collections::BTreeMap;

use crate::metrics::{Bench, METRICS, Metric, Turn};
use crate::peers::Contestant;
use crate::rows::{self, ROWS};

/// All samples: by the row, then by who it is.
pub(crate) type Samples = BTreeMap<&'static str, BTreeMap<&'static str, Vec<f64>>>;

/// The rows of a metric that somebody asked for: all, or those whose id is one of the words or begins with it.
pub(crate) fn wanted_rows(metric: &Metric, words: &[String]) -> Vec<&'static str> {
    let belongs = |id: &str, to: &str| {
        id == to
            || id
                .strip_prefix(to)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    ROWS.iter()
        .map(|row| row.id)
        .filter(|id| owner(id) == Some(metric.name))
        .filter(|id| {
            words.is_empty()
                || words
                    .iter()
                    .any(|word| belongs(id, word) || word == metric.name)
        })
        .collect()
}

/// The metric that gives a row: the one with the longest prefix.
fn owner(id: &str) -> Option<&'static str> {
    let length = |metric: &Metric| {
        let fitting = metric.rows.iter().filter(|&&prefix| {
            id == prefix
                || id
                    .strip_prefix(prefix)
                    .is_some_and(|rest| rest.starts_with('.'))
        });
        fitting.map(|prefix| prefix.len()).max()
    };
    METRICS
        .iter()
        .filter_map(|metric| Some((length(metric)?, metric.name)))
        .max_by_key(|&(length, _)| length)
        .map(|(_, name)| name)
}

/// Whether a word on the command line means anything here.
pub(crate) fn is_known(word: &str) -> bool {
    let word = [word.to_owned()];
    METRICS
        .iter()
        .any(|metric| !wanted_rows(metric, &word).is_empty())
}

/// Measures the metrics that are asked for, with so many programs. What fails is told and left out.
#[expect(
    clippy::print_stderr,
    reason = "it takes minutes, and one wants to see it go on"
)]
pub(crate) fn measure(
    bench: &Bench,
    contestants: &[Box<dyn Contestant>],
    programs: usize,
    only_scaling: bool,
) -> Samples {
    let mut samples = Samples::new();
    for metric in METRICS {
        let wanted = wanted_rows(metric, &bench.args.words);
        if wanted.is_empty() || only_scaling && !metric.scales {
            continue;
        }
        let mut able: Vec<&dyn Contestant> = contestants
            .iter()
            .map(AsRef::as_ref)
            .filter(|&contestant| (metric.fits)(contestant))
            .collect();
        for round in 0..=bench.args.rounds {
            let turn = Turn {
                warm_up: round == 0,
                programs,
            };
            able.retain(|contestant| {
                eprintln!(
                    "{} with {programs}, round {round}: {}",
                    metric.name,
                    contestant.name()
                );
                match (metric.measure)(bench, *contestant, turn, &wanted) {
                    Ok(figures) => {
                        keep(&mut samples, contestant.name(), turn, &wanted, figures);
                        true
                    }
                    Err(reason) => {
                        eprintln!("error: {} of {}: {reason}", metric.name, contestant.name());
                        false
                    }
                }
            });
        }
        // Whoever ends it before the end has what there is.
        let mut so_far = samples.clone();
        so_far.retain(|row, _| wanted.contains(row));
        let lines = crate::report::lines(&so_far);
        eprintln!("{}", crate::report::markdown::table(&lines, programs));
    }
    add_growth(&mut samples, programs);
    samples
}

fn keep(
    samples: &mut Samples,
    who: &'static str,
    turn: Turn,
    wanted: &[&'static str],
    figures: Vec<(&'static str, f64)>,
) {
    for (row, figure) in figures {
        // What the warm-up counts is all that it is good for.
        if wanted.contains(&row) && turn.warm_up == rows::is_count(row) {
            samples
                .entry(row)
                .or_default()
                .entry(who)
                .or_default()
                .push(figure);
        }
    }
}

/// What each program costs in memory beyond the first.
fn add_growth(samples: &mut Samples, programs: usize) {
    if programs < 2 {
        return;
    }
    let (Some(all), Some(one)) = (samples.get("memory"), samples.get("memory1")) else {
        return;
    };
    let others = crate::metrics::ratio(programs as u64 - 1);
    let growth = all
        .iter()
        .filter_map(|(who, figures)| {
            let one = crate::report::median(one.get(who)?)?;
            let each = figures.iter().map(|all| (all - one) / others).collect();
            Some((*who, each))
        })
        .collect();
    samples.insert("memory.each", growth);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_belongs_to_a_metric() {
        for row in ROWS {
            assert!(owner(row.id).is_some(), "{}", row.id);
        }
        assert_eq!(owner("respawn.beside"), Some("respawn.beside"));
        assert_eq!(owner("start1"), Some("one"));
    }

    #[test]
    fn a_word_selects_a_metric_or_its_rows() {
        assert!(is_known("idle") && is_known("idle.calls") && is_known("fleet"));
        assert!(!is_known("idl") && !is_known("idle.cal"));
    }
}
