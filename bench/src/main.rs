//! `cargo xtask bench`: Provost beside its peers, and beside a reference that does only what no supervisor can leave out.
//!
//! All of them look after the same programs, in turns, in one run: on a machine that others use, too, only ratios count.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to the person who started it"
)]

mod args;
mod document;
mod listener;
mod metrics;
mod peers;
mod plan;
mod process;
mod report;
mod rounds;
mod rows;
mod run;
mod stamps;
mod tools;

use std::process::ExitCode;

use crate::args::{Args, USAGE};
use crate::metrics::Bench;
use crate::tools::Tools;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some("listener") {
        let (result, ready) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        return exit(
            listener::serve(&result, &ready)
                .map(|()| true)
                .map_err(|error| error.to_string()),
        );
    }
    if std::env::args().any(|word| word == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    exit(Args::parse(std::env::args().skip(1)).and_then(run))
}

fn exit(done: Result<bool, String>) -> ExitCode {
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Answers whether all limits are kept.
fn run(args: Args) -> Result<bool, String> {
    let mut args = args;
    let task = match args.words.first().map(String::as_str) {
        Some("scale") => Task::Scale,
        Some("document") => Task::Document,
        _ => Task::Limits,
    };
    if task != Task::Limits {
        args.words.remove(0);
    }
    if let Some(word) = args.words.iter().find(|word| !rounds::is_known(word)) {
        return Err(format!("nothing named {word} can be measured\n{USAGE}"));
    }
    prepare();
    if task == Task::Document && args.from_kept {
        return document::write().map(|()| true);
    }
    let bench = Bench {
        tools: Tools::new(&args)?,
        args,
    };
    let done = match task {
        Task::Limits => limits(&bench),
        Task::Scale => document::scale(&bench).map(|_| true),
        Task::Document => document::measure(&bench),
    };
    // Each run has removed what it had there.
    let _ = std::fs::remove_dir_all(&bench.tools.place);
    done
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Limits,
    Scale,
    Document,
}

/// Measures with one number of programs, and prints the table.
fn limits(bench: &Bench) -> Result<bool, String> {
    let contestants = peers::present(&bench.tools, &bench.args);
    let programs = bench.args.programs;
    let samples = rounds::measure(bench, &contestants, programs, false);
    let lines = report::lines(&samples);
    let table = report::markdown::table(&lines, programs);
    println!("{table}");
    if let Some(file) = &bench.args.markdown {
        document::put(file, &table)?;
    }
    if let Some(file) = &bench.args.json {
        let report = report::json::report(&lines, programs);
        document::put(file, &format!("{report:#}\n"))?;
    }
    Ok(report::all_met(&lines))
}

/// Room for descriptors of all who are started, and orphans come to this process.
fn prepare() {
    use rustix::process::{Resource, Rlimit, getrlimit, set_child_subreaper, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: most,
            maximum: most,
        },
    );
    let _ = set_child_subreaper(rustix::process::Pid::from_raw(1));
}
