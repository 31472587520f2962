//! The page about performance: its tables and pictures are made of results that are kept in `bench/results/`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::metrics::Bench;
use crate::report::{self, json as kept, markdown, svg};
use crate::rounds::{self, Samples};
use crate::rows::ROWS;
use crate::{peers, tools};

const PAGE: &str = "docs/performance.md";
const LIMITS: &str = "bench/results/limits.json";
const SCALE: &str = "bench/results/scale.json";

/// Samples for each number of programs.
type Sizes = Vec<(usize, Samples)>;

/// Everything, then the page.
pub(crate) fn measure(bench: &Bench) -> Result<bool, String> {
    let contestants = peers::present(&bench.tools, &bench.args);
    let programs = bench.args.programs;
    let samples = rounds::measure(bench, &contestants, programs, false);
    let lines = report::lines(&samples);
    let report = with_machine(kept::report(&lines, programs), bench);
    put(&tools::root().join(LIMITS), &format!("{report:#}\n"))?;
    let sizes = scale(bench)?;
    keep_sizes(bench, &sizes)?;
    write()?;
    Ok(report::all_met(&lines))
}

/// The metrics in which the number of programs plays a part, for each number.
#[expect(clippy::print_stdout, reason = "the person waits for the tables")]
pub(crate) fn scale(bench: &Bench) -> Result<Sizes, String> {
    let contestants = peers::present(&bench.tools, &bench.args);
    let mut sizes = Sizes::new();
    for &programs in &bench.args.sizes {
        let samples = rounds::measure(bench, &contestants, programs, true);
        println!("{}", markdown::table(&report::lines(&samples), programs));
        sizes.push((programs, samples));
    }
    if let Some(file) = &bench.args.json {
        put(file, &format!("{:#}\n", of_sizes(&sizes, bench)))?;
    }
    Ok(sizes)
}

fn of_sizes(sizes: &Sizes, bench: &Bench) -> Value {
    let reports: Vec<Value> = sizes
        .iter()
        .map(|(programs, samples)| kept::report(&report::lines(samples), *programs))
        .collect();
    with_machine(json!({ "sizes": reports }), bench)
}

fn keep_sizes(bench: &Bench, sizes: &Sizes) -> Result<(), String> {
    let text = format!("{:#}\n", of_sizes(sizes, bench));
    put(&tools::root().join(SCALE), &text)
}

fn with_machine(mut report: Value, bench: &Bench) -> Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo").lines().find_map(|line| {
        Some(
            line.split_once("model name")?
                .1
                .trim_matches([' ', '\t', ':'])
                .to_owned(),
        )
    });
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    report["machine"] = json!({
        "cores": cores,
        "processor": processor,
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "rounds": bench.args.rounds,
    });
    report
}

/// Rewrites what stands between the marks of the page, and the pictures.
pub(crate) fn write() -> Result<(), String> {
    let root = tools::root();
    let file = root.join(PAGE);
    let mut page = fs::read_to_string(&file).map_err(|error| format!("{PAGE}: {error}"))?;
    if let Some(report) = read(&root.join(LIMITS))? {
        let (programs, samples) = kept::samples(&report);
        let lines = report::lines(&samples);
        let table = markdown::table(&lines, programs);
        page = between(&page, "table", &(machine(&report) + &table))?;
        put(&image("performance"), &svg::bars(&lines, programs))?;
    }
    if let Some(report) = read(&root.join(SCALE))? {
        let sizes: Sizes = report["sizes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(kept::samples)
            .collect();
        page = between(&page, "scale", &(machine(&report) + &curves(&sizes)?))?;
    }
    put(&file, &page)
}

/// A picture for each row that has figures for more than one number of programs, and a table of Provost's.
fn curves(sizes: &Sizes) -> Result<String, String> {
    let mut text = "| what |".to_owned();
    for (programs, _) in sizes {
        let _ = write!(text, " {} |", crate::rows::grouped(*programs));
    }
    text += "\n|---|";
    text += &"--:|".repeat(sizes.len());
    text.push('\n');
    let mut pictures = String::new();
    for row in ROWS {
        let points: Vec<_> = sizes
            .iter()
            .filter_map(|(programs, samples)| Some((*programs, samples.get(row.id)?)))
            .collect();
        if points.len() < 2 {
            continue;
        }
        let title = row.title.replace("{}", "N");
        let unit = if row.unit.is_empty() {
            String::new()
        } else {
            format!(", {}", row.unit)
        };
        let _ = write!(text, "| {title}{unit} |");
        for (_, samples) in sizes {
            let ours = samples
                .get(row.id)
                .and_then(|figures| report::median(figures.get("provost")?));
            let _ = write!(text, " {} |", ours.map_or("–".to_owned(), markdown::short));
        }
        text.push('\n');
        let name = format!("scale-{}", row.id.replace('.', "-"));
        put(
            &image(&name),
            &svg::curve(&format!("{title}{unit}"), &points),
        )?;
        let _ = write!(pictures, "\n![{title}](images/{name}.svg)\n");
    }
    Ok(text + &pictures)
}

fn machine(report: &Value) -> String {
    let machine = &report["machine"];
    format!(
        "Measured on {} cores of {}, Linux {}, medians of {} rounds, least and most in brackets.\n\n",
        machine["cores"],
        machine["processor"]
            .as_str()
            .unwrap_or("an unknown processor"),
        machine["kernel"]
            .as_str()
            .unwrap_or("of an unknown release"),
        machine["rounds"]
    )
}

fn image(name: &str) -> PathBuf {
    tools::root().join(format!("docs/images/{name}.svg"))
}

fn read(file: &Path) -> Result<Option<Value>, String> {
    let Ok(text) = fs::read_to_string(file) else {
        return Ok(None);
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| format!("{}: {error}", file.display()))
}

/// The page with another text between two marks.
fn between(page: &str, mark: &str, text: &str) -> Result<String, String> {
    let (begin, end) = (
        format!("<!-- begin {mark} -->"),
        format!("<!-- end {mark} -->"),
    );
    let missing = || format!("{PAGE} has no place for {mark}");
    let (before, rest) = page.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!(
        "{before}{begin}\n{}\n{end}{after}",
        text.trim_end()
    ))
}

/// Writes a file and the directories above it.
pub(crate) fn put(file: &Path, text: &str) -> Result<(), String> {
    let directory = file
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty());
    directory
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(file, text))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page = "a\n<!-- begin table -->\nold\n<!-- end table -->\nz\n";
        let new = between(page, "table", "new\n");
        assert_eq!(
            new.as_deref(),
            Ok("a\n<!-- begin table -->\nnew\n<!-- end table -->\nz\n")
        );
        assert!(between(page, "scale", "").is_err());
    }
}
