//! The table for people.

use std::fmt::Write as _;

use super::{Cell, Line, Verdict};
use crate::rows::{Limit, grouped};

/// The columns, if anybody has figures in them.
const COLUMNS: &[(&str, &str)] = &[
    ("provost", "Provost"),
    ("reference", "reference"),
    ("supervisor", "Supervisor"),
    ("runit", "runit"),
    ("s6", "s6"),
    ("horust", "Horust"),
];

/// Medians, spreads in brackets where they are wide, limits and verdicts.
pub(crate) fn table(lines: &[Line], programs: usize) -> String {
    let columns: Vec<_> = COLUMNS
        .iter()
        .filter(|(who, _)| lines.iter().any(|line| line.cells.contains_key(who)))
        .collect();
    let mut text = "| what |".to_owned();
    for (_, title) in &columns {
        let _ = write!(text, " {title} |");
    }
    text.push_str(" limit | |\n|---|");
    text.push_str(&"--:|".repeat(columns.len()));
    text.push_str("---|---|\n");
    for line in lines {
        let unit = match line.row.unit {
            "" => String::new(),
            unit => format!(", {unit}"),
        };
        let _ = write!(text, "| {}{unit} |", line.row.title(programs));
        for (who, _) in &columns {
            let cell = line.cells.get(who).map_or("–".to_owned(), shown);
            let _ = write!(text, " {cell} |");
        }
        let _ = writeln!(text, " {} | {} |", limit(line), verdict(line));
    }
    text
}

/// The median, with the least and the most.
fn shown(cell: &Cell) -> String {
    let median = short(cell.median);
    if cell.samples.len() < 2 {
        return median;
    }
    format!("{median} ({}–{})", short(cell.least), short(cell.most))
}

/// Three digits that count.
pub(crate) fn short(figure: f64) -> String {
    match figure.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.1 => format!("{figure:.3}"),
        size if size < 10.0 => format!("{figure:.2}"),
        size if size < 100.0 => format!("{figure:.1}"),
        size if size < 10_000.0 => format!("{figure:.0}"),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "figures are neither so large nor below zero"
        )]
        _ => grouped(figure.round() as usize),
    }
}

fn limit(line: &Line) -> String {
    let unit = line.row.unit;
    match line.row.limit {
        Limit::None => String::new(),
        Limit::TimesReference(times) => format!("≤ {times} × reference"),
        Limit::OfReference(part) => format!("≥ {part} × reference"),
        Limit::AtMostPeer(peer) => format!("≤ {peer}"),
        Limit::OfBest(part) => format!("≥ {part} × the best"),
        Limit::AtMost(bound) => format!("≤ {} {unit}", short(bound)).trim_end().to_owned(),
        Limit::AtLeast(bound) => format!("≥ {} {unit}", short(bound)).trim_end().to_owned(),
    }
}

fn verdict(line: &Line) -> String {
    match &line.verdict {
        Verdict::None => String::new(),
        Verdict::Missing(who) => format!("{who} is missing"),
        Verdict::Judged { bound, met } => {
            let ours = line
                .cells
                .get("provost")
                .map_or(f64::NAN, |cell| cell.median);
            let word = if *met { "met" } else { "**not met**" };
            // Of a bound of nothing there is no part.
            if *bound == 0.0 {
                return word.to_owned();
            }
            format!("{word}, {:.0} % of it", ours * 100.0 / bound)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let shown = [0.0, 0.012_3, 1.234, 12.34, 123.4, 1_234.0, 123_456.0].map(short);
        assert_eq!(
            shown,
            ["0", "0.012", "1.23", "12.3", "123", "1234", "123,456"]
        );
    }
}
