//! Chores of the project: `cargo xtask <task>`.
//!
//! One task is one module; this file only finds it. Nothing hides in shell scripts.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the person who started it"
)]

mod bench;
mod browser;
mod ecosystem;
mod generate;
mod oracle;
mod plugins;
mod rooms;
mod schemathesis;
mod soak;
mod stamp;
mod suites;
mod test;
mod tools;

use std::process::ExitCode;

/// The tasks, each with the line `cargo xtask help` shows.
const TASKS: &[(&str, &str)] = &[
    (
        "setup",
        "install what the tests need: upstream Supervisor into target/oracle, software written for it into \
         target/ecosystem, Schemathesis into target/schemathesis, a checker of pages into target/web, missing commands \
         of the system",
    ),
    (
        "test",
        "set up, then run every check: format, lints, build, tests, rooms, generated files",
    ),
    (
        "suites",
        "run the tests alone, `cargo xtask suites [WORD...]` those whose package and name contain the words",
    ),
    (
        "rooms",
        "check that crates, files and unsafe code keep to ARCHITECTURE.md",
    ),
    (
        "gen",
        "write the reference and man pages from the tables in the code; --check compares only",
    ),
    (
        "screenshots",
        "write pictures of the pages into docs/images",
    ),
    (
        "bench",
        "measure Provost beside upstream, its peers and a reference: `cargo xtask bench --help`",
    ),
    (
        "soak",
        "everything at once on a release build, `cargo xtask soak [--hours N]`: memory and descriptors must stay",
    ),
    ("help", "this list"),
];

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let passed = match task.as_str() {
        "setup" => setup(),
        "test" => test::run(),
        "suites" => suites::run(&std::env::args().skip(2).collect::<Vec<_>>()),
        "gen" => generate::run(std::env::args().any(|argument| argument == "--check")),
        "screenshots" => browser::screenshots(),
        "bench" => bench::run(),
        "soak" => soak::run(),
        "rooms" => rooms::main() == ExitCode::SUCCESS,
        "help" => {
            print_tasks();
            true
        }
        other => {
            eprintln!("error: no task named `{other}`");
            print_tasks();
            false
        }
    };
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Everything that the tests need.
fn setup() -> bool {
    let tools = tools::run();
    let oracle = oracle::run();
    let ecosystem = ecosystem::run();
    let schemathesis = schemathesis::run();
    let browser = browser::run();
    tools && oracle && ecosystem && schemathesis && browser
}

fn print_tasks() {
    println!("usage: cargo xtask <task>\n");
    for (name, text) in TASKS {
        println!("  {name:<11} {text}");
    }
}
