//! What processes take, and took in the last minutes.

use std::time::Duration;

use provost_e2e::{
    Daemon, EventStream, PATIENCE, Side, Start, Target, free_port, sleeps_without_timer, wait_for,
    wait_until,
};
use serde_json::Value as Json;

const PROGRAMS: &str = "\
[program:busy]
command=/bin/sh -c 'while :; do :; done'
startsecs=0

[program:cat]
command=/bin/cat
startsecs=0
";

fn daemon(settings: &str) -> Daemon {
    let daemon = Start::new(Side::Ours, &format!("{settings}{PROGRAMS}")).start();
    daemon.wait_state("cat", "RUNNING");
    daemon.wait_state("busy", "RUNNING");
    daemon
}

fn usage(daemon: &Daemon, query: &str) -> Json {
    let answer = Target::of(daemon).get(&format!("/api/v1/usage{query}"), "");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()
}

fn names(usage: &Json) -> Vec<&str> {
    let processes = usage["processes"].as_array().unwrap().iter();
    processes.map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn what_a_stream_was_told_of_is_kept_while_there_is_one() {
    let daemon = daemon("");
    let none = usage(&daemon, "");
    assert_eq!(
        (none["step_ms"].as_u64(), names(&none).len()),
        (Some(2000), 0)
    );
    let mut stream = EventStream::open(&Target::of(&daemon), "/api/v1/events?usage=1", "");
    for _ in 0..2 {
        let told = stream.until("usage", |told| told.name == "usage");
        let row = &told.data["processes"][1];
        assert_eq!(row["name"], "cat");
        // Three pipes at least; older systems do not tell.
        assert!(row["open_fds"].as_u64().is_none_or(|fds| fds >= 3), "{row}");
    }
    let kept = usage(&daemon, "");
    assert_eq!(names(&kept), ["busy", "cat"]);
    let busy = &kept["processes"][0];
    let cpu = busy["cpu"].as_array().unwrap();
    assert!(cpu.len() >= 2 && cpu[0].is_null(), "{busy}");
    assert!(cpu[1].as_f64().unwrap() > 1.0, "{busy}");
    assert!(busy["rss"][0].as_u64().unwrap() > 4096);
    assert_eq!(busy["fds"].as_array().unwrap().len(), cpu.len());
    assert_eq!(names(&usage(&daemon, "?group=cat&name=cat")), ["cat"]);
    assert!(names(&usage(&daemon, "?group=cat&name=busy")).is_empty());
    drop(stream);
    wait_until(PATIENCE, "the samples to be gone", || {
        names(&usage(&daemon, "")).is_empty()
    });
    let rests = || sleeps_without_timer(daemon.pid(), "api");
    wait_until(PATIENCE, "no timer for samples", rests);
}

/// Samples are ten seconds apart, or more on a machine that has much to do.
fn assert_step(usage: &Json) {
    let step = usage["step_ms"].as_u64();
    assert!(
        step.is_some_and(|step| (9_000..30_000).contains(&step)),
        "{step:?}"
    );
}

#[test]
fn with_history_samples_are_kept_for_everyone() {
    const ONLY_CAT: &str = "Authorization: Basic Yjpi\r\n";
    let port = free_port();
    let config = format!(
        "history=10m\n[inet_http_server]\nport=127.0.0.1:{port}\n[user:root]\nrole=admin\nunix_user=root\n\
         [user:b]\nrole=viewer\nprograms=cat\npassword=b\n"
    );
    let daemon = daemon(&config);
    let first = wait_for(PATIENCE, "a sample", || {
        Some(usage(&daemon, "")).filter(|it| !names(it).is_empty())
    });
    assert_step(&first);
    let target = Target::Port(port);
    let seen = wait_for(PATIENCE, "a sample of cat", || {
        let seen = target.get("/api/v1/usage", ONLY_CAT).json();
        (names(&seen) == ["cat"]).then_some(seen)
    });
    assert!(seen["processes"][0]["pid"].as_u64().is_some());
    // A stream has its samples at once and twice as often as always, and what is kept has its step all the same.
    let mut stream = EventStream::open(&target, "/api/v1/events?usage=1", ONLY_CAT);
    let first = stream.until("usage", |told| told.name == "usage").at;
    let second = stream.until("usage", |told| told.name == "usage").at;
    assert!(second.duration_since(first) < Duration::from_secs(6));
    let kept = usage(&daemon, "?group=cat")["processes"][0]["rss"].clone();
    assert!(kept.as_array().unwrap().len() <= 2, "{kept}");
    // Who comes after an upgrade begins anew.
    daemon.upgrade();
    let again = wait_for(PATIENCE, "a sample", || {
        Some(usage(&daemon, "")).filter(|it| names(it).len() == 2)
    });
    assert_step(&again);
}
