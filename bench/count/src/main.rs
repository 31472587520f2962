//! `cargo xtask bench count`: how many instructions single steps take, by valgrind's callgrind.
//!
//! A count does not depend on what else the machine does, so it can fail a build where a time cannot. It depends on the
//! compiler and on the profile `count`; numbers of another compiler are not compared.
//!
//! This program is both sides: without the word `run` it starts itself under valgrind, once for each case.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to the person who started it"
)]

mod cases;
mod inputs;
mod kept;

use std::process::{Command, ExitCode, Stdio};

use cases::CASES;
use kept::Numbers;

/// So much more than the number kept is a regression.
const TOLERANCE: f64 = 0.05;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["run", case] => return run(case),
        [] => count_all().map(|numbers| compare(&numbers, false)),
        ["--check"] => count_all().map(|numbers| compare(&numbers, true)),
        ["--keep"] => count_all()
            .and_then(|numbers| kept::write(&numbers))
            .map(|()| true),
        _ => Err("usage: cargo xtask bench count [--check | --keep]".to_owned()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::from(2)
        }
    }
}

/// One case, in the process that valgrind watches.
fn run(name: &str) -> ExitCode {
    let Some(case) = CASES.iter().find(|case| case.name == name) else {
        eprintln!("error: no case named {name}");
        return ExitCode::from(2);
    };
    (case.run)();
    ExitCode::SUCCESS
}

fn count_all() -> Result<Numbers, String> {
    CASES
        .iter()
        .map(|case| Ok((case.name.to_owned(), count(case.name)?)))
        .collect()
}

/// The instructions between entering and leaving `cases::measured`.
fn count(case: &str) -> Result<u64, String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--collect-atstart=no",
            "--toggle-collect=*measured*",
        ])
        .arg(exe)
        .args(["run", case])
        // What the environment holds must not move anything.
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .map_err(|error| {
            format!("cannot start valgrind: {error}; on Debian: apt-get install valgrind")
        })?;
    let text = String::from_utf8_lossy(&output.stderr);
    let number = text
        .lines()
        .find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match number {
        Some(number) if number > 0 && output.status.success() => Ok(number),
        _ => Err(format!("{case} was not counted: {text}")),
    }
}

/// Prints the numbers beside those kept. Answers whether none is too large, where that is to be checked.
fn compare(numbers: &Numbers, check: bool) -> bool {
    let kept = match kept::read() {
        Ok(kept) => kept,
        Err(reason) => {
            eprintln!("bench: {reason}");
            None
        }
    };
    if kept.is_none() {
        println!(
            "count: the numbers kept are of another compiler, C library or processor, so nothing is compared"
        );
        println!("  help: cargo xtask bench count --keep");
    }
    let mut fine = true;
    for (name, number) in numbers {
        let Some(before) = kept.as_ref().and_then(|kept| kept.get(name)) else {
            println!("  {name:<40} {number:>12}");
            // A case without a number would never fail.
            fine &= kept.is_none();
            continue;
        };
        let change = ratio(*number) / ratio(*before) - 1.0;
        let verdict = if change > TOLERANCE {
            fine = false;
            "TOO MANY"
        } else if change < -TOLERANCE {
            "fewer: keep the new number"
        } else {
            ""
        };
        println!(
            "  {name:<40} {number:>12} {:>+8.2} % {verdict}",
            change * 100.0
        );
    }
    fine || !check
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn ratio(number: u64) -> f64 {
    number as f64
}
