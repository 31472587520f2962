//! What came out: medians, their spread, and what the limits say to them.

pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod svg;

use std::collections::BTreeMap;

use crate::rounds::Samples;
use crate::rows::{Limit, ROWS, Row};

/// The middle of what was measured.
pub(crate) fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (
        sorted.get(sorted.len().checked_sub(1)? / 2)?,
        sorted.get(sorted.len() / 2)?,
    );
    Some(f64::midpoint(*low, *high))
}

/// Figures of one contestant in one row.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) samples: Vec<f64>,
}

/// What the limit says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// There is no limit, or Provost was not measured.
    None,
    /// Somebody is missing whose figure is the limit.
    Missing(&'static str),
    /// The figure that must be kept, and whether it is.
    Judged { bound: f64, met: bool },
}

/// A row with everybody's figures.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) row: &'static Row,
    pub(crate) cells: BTreeMap<&'static str, Cell>,
    pub(crate) verdict: Verdict,
}

/// All rows that have been measured.
pub(crate) fn lines(samples: &Samples) -> Vec<Line> {
    ROWS.iter()
        .filter_map(|row| {
            let cells: BTreeMap<_, _> = samples
                .get(row.id)?
                .iter()
                .filter_map(|(who, figures)| Some((*who, cell(figures)?)))
                .collect();
            let verdict = judge(row, &cells);
            Some(Line {
                row,
                cells,
                verdict,
            })
        })
        .collect()
}

fn cell(figures: &[f64]) -> Option<Cell> {
    Some(Cell {
        median: median(figures)?,
        least: figures.iter().copied().reduce(f64::min)?,
        most: figures.iter().copied().reduce(f64::max)?,
        samples: figures.to_vec(),
    })
}

fn judge(row: &Row, cells: &BTreeMap<&'static str, Cell>) -> Verdict {
    let figure = |who: &str| cells.get(who).map(|cell| cell.median);
    let Some(ours) = figure("provost") else {
        return Verdict::None;
    };
    let at_most = |bound: f64| Verdict::Judged {
        bound,
        met: ours <= bound,
    };
    let at_least = |bound: f64| Verdict::Judged {
        bound,
        met: ours >= bound,
    };
    let of = |who: &'static str, judged: &dyn Fn(f64) -> Verdict| {
        figure(who).map_or(Verdict::Missing(who), judged)
    };
    match row.limit {
        Limit::None => Verdict::None,
        Limit::TimesReference(times) => of("reference", &|theirs| at_most(theirs * times)),
        Limit::OfReference(part) => of("reference", &|theirs| at_least(theirs * part)),
        Limit::AtMostPeer(peer) => of(peer, &at_most),
        Limit::OfBest(part) => {
            let others = cells.iter().filter(|(who, _)| **who != "provost");
            others
                .map(|(_, cell)| cell.median)
                .reduce(f64::max)
                .map_or(Verdict::Missing("reference"), |best| at_least(best * part))
        }
        Limit::AtMost(bound) => at_most(bound),
        Limit::AtLeast(bound) => at_least(bound),
    }
}

/// Whether nothing that was measured breaks its limit.
pub(crate) fn all_met(lines: &[Line]) -> bool {
    !lines
        .iter()
        .any(|line| matches!(line.verdict, Verdict::Judged { met: false, .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(row: &'static str, figures: &[(&'static str, &[f64])]) -> Samples {
        let cells = figures
            .iter()
            .map(|&(who, figures)| (who, figures.to_vec()))
            .collect();
        Samples::from([(row, cells)])
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[9.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_limit_is_kept_or_broken_by_medians() {
        let kept = samples(
            "start1",
            &[("provost", &[2.9, 9.0, 1.0]), ("reference", &[1.0])],
        );
        assert!(all_met(&lines(&kept)));
        let broken = samples("start1", &[("provost", &[3.1]), ("reference", &[1.0])]);
        assert!(!all_met(&lines(&broken)));
        let best = samples(
            "bulk1.rate",
            &[
                ("provost", &[94.0]),
                ("reference", &[80.0]),
                ("horust", &[100.0]),
            ],
        );
        assert!(!all_met(&lines(&best)));
    }

    #[test]
    fn who_is_missing_is_told() {
        let alone = samples("status", &[("provost", &[2.0])]);
        assert_eq!(lines(&alone)[0].verdict, Verdict::Missing("runit"));
    }
}
