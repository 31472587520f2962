//! A thousand programs: they all run, answer, restart and end, and the daemon is no bigger for it.

#![expect(clippy::print_stdout, reason = "the figures are part of the result")]

use std::time::{Duration, Instant};

use provost_e2e::{
    Daemon, PATIENCE, Side, children, descriptors, is_alive, own_bytes, start_many,
    wait_all_running, wait_until,
};

const PROGRAMS: usize = 1_000;

/// Rounds of restarts whose memory is compared.
const ROUNDS: usize = 6;

/// How much bigger the daemon may be after the last round than after the second, four rounds before: what allocators keep
/// to themselves, and the copy of the state that is renewed now and then; a kilobyte that each of the four
/// thousand starts would leave behind, and an eighth of what one would whose stack is not given back.
const GROWTH_MAX: u64 = 4 * 1024 * 1024;

#[test]
fn a_thousand_programs_run_restart_and_end_without_leaving_anything_behind() {
    let begun = Instant::now();
    let mut daemon = start_many(PROGRAMS);
    report("all RUNNING", begun);
    assert_eq!(children(daemon.pid()).len(), PROGRAMS);
    assert_status_lists_all(&daemon);

    let before = settled_descriptors(&daemon, None);
    let mut memory = Vec::new();
    for round in 1..=ROUNDS {
        restart_all(&daemon, round);
        settled_descriptors(&daemon, Some(before));
        memory.push(own_bytes(daemon.pid()));
    }
    println!("descriptors: {before}, own bytes after each round of restarts: {memory:?}");
    let (first, last) = (memory[1], memory[ROUNDS - 1]);
    assert!(
        last < first + GROWTH_MAX,
        "the daemon grows: {memory:?} bytes after each round"
    );

    let all = children(daemon.pid());
    let begun = Instant::now();
    let shutdown = daemon.ctl(Side::Ours, &["shutdown"]);
    assert_eq!(shutdown.stdout, "Shut down\n");
    assert_eq!(daemon.wait_end(), Some(0));
    report("all ended", begun);
    let left: Vec<u32> = all.into_iter().filter(|pid| is_alive(*pid)).collect();
    assert!(left.is_empty(), "processes outlive the daemon: {left:?}");
    assert_eq!(
        daemon.place().list("."),
        ["daemon.err", "daemon.out", "main.log", "supervisord.conf"]
            .into_iter()
            .map(str::to_owned)
            .chain(auto_logs(&daemon))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>(),
        "only logs stay behind"
    );
}

/// The AUTO logs, which stay for the next start to clean up.
fn auto_logs(daemon: &Daemon) -> Vec<String> {
    let mut names = daemon.place().list(".");
    names.retain(|name| name.starts_with("idle_") && name.contains("---supervisor-"));
    names
}

fn assert_status_lists_all(daemon: &Daemon) {
    let status = daemon.ctl(Side::Ours, &["status"]);
    assert_eq!(status.code, Some(0), "{}{}", status.stdout, status.stderr);
    let lines: Vec<&str> = status.stdout.lines().collect();
    assert_eq!(lines.len(), PROGRAMS);
    for (number, line) in lines.iter().enumerate() {
        assert!(
            line.starts_with(&format!("idle:idle_{number:04}")) && line.contains("RUNNING   pid "),
            "line {number} is {line:?}"
        );
    }
}

fn restart_all(daemon: &Daemon, round: usize) {
    let old = children(daemon.pid());
    let begun = Instant::now();
    let restart = daemon.ctl(Side::Ours, &["restart", "all"]);
    report(&format!("restart all, round {round}"), begun);
    assert_eq!(restart.code, Some(0), "{}", restart.stderr);
    assert_eq!(restart.stdout.matches(": stopped\n").count(), PROGRAMS);
    assert_eq!(restart.stdout.matches(": started\n").count(), PROGRAMS);
    wait_all_running(&daemon.rpc(), PROGRAMS);
    let kept: Vec<u32> = old.into_iter().filter(|pid| is_alive(*pid)).collect();
    assert!(kept.is_empty(), "not restarted: {kept:?}");
    assert_eq!(children(daemon.pid()).len(), PROGRAMS);
}

/// The number of open descriptors while no client is connected; waits until it is the one wanted.
fn settled_descriptors(daemon: &Daemon, wanted: Option<usize>) -> usize {
    let mut last = usize::MAX;
    wait_until(
        PATIENCE,
        &format!("the number of descriptors to be {wanted:?}"),
        || {
            let now = descriptors(daemon.pid());
            let settled = wanted.map_or(now == last, |wanted| now == wanted);
            last = now;
            settled
        },
    );
    last
}

fn report(what: &str, begun: Instant) {
    let took: Duration = begun.elapsed();
    println!("{PROGRAMS} programs, {what}: {} ms", took.as_millis());
}
