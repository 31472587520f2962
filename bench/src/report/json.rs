//! All samples for programs, and back.

use serde_json::{Value, json};

use super::{Line, Verdict};
use crate::rounds::Samples;
use crate::rows;

/// Everything that was measured with so many programs.
pub(crate) fn report(lines: &[Line], programs: usize) -> Value {
    let rows: Vec<Value> = lines
        .iter()
        .map(|line| {
            let cells: serde_json::Map<String, Value> = line
                .cells
                .iter()
                .map(|(who, cell)| {
                    let value = json!({
                        "median": cell.median, "least": cell.least, "most": cell.most, "samples": cell.samples,
                    });
                    ((*who).to_owned(), value)
                })
                .collect();
            let (bound, met) = match line.verdict {
                Verdict::Judged { bound, met } => (Some(bound), Some(met)),
                _ => (None, None),
            };
            json!({
                "id": line.row.id, "title": line.row.title(programs), "unit": line.row.unit,
                "contestants": cells, "bound": bound, "met": met,
            })
        })
        .collect();
    json!({ "programs": programs, "rows": rows })
}

/// The samples of a report; rows and contestants that are not known any more are left out.
pub(crate) fn samples(report: &Value) -> (usize, Samples) {
    let mut samples = Samples::new();
    let programs = report["programs"].as_u64().unwrap_or(0);
    for row in report["rows"].as_array().into_iter().flatten() {
        let Some(known) = row["id"].as_str().and_then(rows::find) else {
            continue;
        };
        for (who, cell) in row["contestants"].as_object().into_iter().flatten() {
            let Some(who) = NAMES.iter().find(|name| *name == who) else {
                continue;
            };
            let figures = cell["samples"].as_array().into_iter().flatten();
            let figures = figures.filter_map(Value::as_f64).collect();
            samples.entry(known.id).or_default().insert(who, figures);
        }
    }
    (usize::try_from(programs).unwrap_or(0), samples)
}

const NAMES: &[&str] = &[
    "provost",
    "reference",
    "supervisor",
    "runit",
    "s6",
    "horust",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::lines;

    #[test]
    fn samples_come_back_as_they_were() {
        let cells = [("provost", vec![1.5, 2.0]), ("runit", vec![3.0])];
        let before = Samples::from([("status", cells.into_iter().collect())]);
        let written = report(&lines(&before), 7).to_string();
        let read = serde_json::from_str(&written).expect("it is JSON");
        assert_eq!(samples(&read), (7, before));
    }
}
