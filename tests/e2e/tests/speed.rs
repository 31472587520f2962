//! What commands cost. The limits are many times what is measured on a quiet machine; the figures are printed.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::time::{Duration, Instant};

use provost_e2e::{Daemon, Side, start_many};

/// Runs of each command. The best one counts: it tells what the command costs, where the others may tell what else the
/// machine does.
const RUNS: usize = 15;

fn best_of(daemon: &Daemon, arguments: &[&str], lines: usize) -> Duration {
    let times = (0..RUNS).map(|_| {
        let begun = Instant::now();
        let end = daemon.ctl(Side::Ours, arguments);
        let took = begun.elapsed();
        assert_eq!(
            (end.code, end.stdout.lines().count()),
            (Some(0), lines),
            "{}",
            end.stderr
        );
        took
    });
    times.min().expect("it was run")
}

/// Runs the commands against one daemon and prints what each took.
fn measure(programs: usize, commands: &[(&[&str], usize, u64)]) {
    let daemon = start_many(programs);
    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    for (arguments, lines, limit_ms) in commands {
        let took = best_of(&daemon, arguments, *lines);
        let words = arguments.join(" ");
        println!(
            "{programs} programs, {profile} build, supervisorctl {words}: {:.1} ms",
            took.as_secs_f64() * 1e3
        );
        assert!(
            took < Duration::from_millis(*limit_ms),
            "{words} took {took:?}"
        );
    }
}

#[test]
fn commands_take_milliseconds() {
    measure(
        1,
        &[
            (&["status"], 1, 250),
            (&["pid"], 1, 250),
            (&["restart", "all"], 2, 500),
        ],
    );
    measure(
        1_000,
        &[
            (&["status"], 1_000, 2_000),
            (&["status", "idle:idle_0500"], 1, 2_000),
            (&["pid", "idle:idle_0500"], 1, 250),
            (&["restart", "idle:idle_0500"], 2, 500),
        ],
    );
}
