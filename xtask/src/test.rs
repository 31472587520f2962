//! `cargo xtask test`: everything that must hold, in one command.
//!
//! Every step runs even when an earlier one failed, so that one run tells all there is to mend; the last lines say
//! which steps passed and how long each took.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::{bench, generate, rooms, suites};

struct Outcome {
    name: &'static str,
    passed: bool,
    took: Duration,
}

/// Runs all steps and prints the summary. Answers whether all of them passed.
pub(crate) fn run() -> bool {
    let mut outcomes = Vec::new();
    step(&mut outcomes, "setup", crate::setup);
    step(&mut outcomes, "rooms", || {
        rooms::main() == ExitCode::SUCCESS
    });
    step(&mut outcomes, "format", || {
        cargo(&["fmt", "--all", "--check"])
    });
    step(&mut outcomes, "lints", || {
        cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ])
    });
    step(&mut outcomes, "generated", || generate::run(true));
    step(&mut outcomes, "build", || {
        // Of the whole workspace, as the tests are: with the same features nothing is compiled twice.
        cargo(&["build", "--quiet", "--workspace", "--bins"])
    });
    step(&mut outcomes, "tests", || suites::run(&[]));
    step(&mut outcomes, "examples", suites::examples);
    step(&mut outcomes, "counts", || {
        bench::count(std::iter::once("--check"))
    });
    summarise(&outcomes)
}

fn step(outcomes: &mut Vec<Outcome>, name: &'static str, run: impl FnOnce() -> bool) {
    println!("== {name}");
    let begun = Instant::now();
    let passed = run();
    outcomes.push(Outcome {
        name,
        passed,
        took: begun.elapsed(),
    });
}

fn cargo(arguments: &[&str]) -> bool {
    match suites::cargo(arguments).status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("error: cannot start cargo: {error}");
            false
        }
    }
}

fn summarise(outcomes: &[Outcome]) -> bool {
    println!("\n== summary");
    for outcome in outcomes {
        let verdict = if outcome.passed { "ok" } else { "FAILED" };
        println!(
            "  {:<10} {verdict:<7} {:>6.1} s",
            outcome.name,
            outcome.took.as_secs_f64()
        );
    }
    let total: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    let passed = outcomes.iter().all(|outcome| outcome.passed);
    println!(
        "  {:<10} {:<7} {:>6.1} s",
        "total",
        if passed { "ok" } else { "FAILED" },
        total.as_secs_f64()
    );
    passed
}
