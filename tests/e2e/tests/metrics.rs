//! Figures and probes of the real daemon, looked at as monitors look at them.

use std::collections::{BTreeMap, BTreeSet};

use provost_e2e::{Daemon, PATIENCE, Side, Start, Target, send_signal, wait_for, wait_until};
use rustix::process::Signal;

const PROGRAMS: &str = "\
[program:web]
command=/bin/cat
process_name=w%(process_num)s
numprocs=2
startsecs=0

[program:once]
command=/bin/sh -c 'echo ten bytes; exit 3'
autorestart=false
startsecs=0
exitcodes=3

[program:odd]
command=/bin/cat
autostart=false

[eventlistener:ear]
command=/bin/cat
events=PROCESS_STATE
buffer_size=7
startsecs=0
";

fn daemon() -> Daemon {
    let daemon = Start::new(Side::Ours, PROGRAMS).start();
    daemon.wait_state("once", "EXITED");
    daemon.wait_state("web:w0", "RUNNING");
    daemon.wait_state("web:w1", "RUNNING");
    daemon
}

/// Samples by name and labels, as text.
type Samples = BTreeMap<String, f64>;

/// Reads a page, and holds it to what `promtool check metrics` asks for: each family once, with HELP and TYPE before its
/// samples, no sample twice, names of characters that are allowed, counters that end in `_total` and others that do not.
fn read(page: &str) -> Samples {
    let (mut families, mut samples) = (BTreeMap::new(), Samples::new());
    let mut current = String::new();
    assert!(page.ends_with('\n'));
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a name and a text");
            assert!(!help.is_empty() && !families.contains_key(name), "{name}");
            name.clone_into(&mut current);
            families.insert(current.clone(), "");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a kind");
            assert_eq!(name, current);
            let is_total = name.ends_with("_total");
            assert_eq!(kind == "counter", is_total, "{line}");
            families.insert(current.clone(), Box::leak(kind.to_owned().into_boxed_str()));
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            let bare = name.split('{').next().unwrap_or_default();
            let kind = families[&current];
            let stem = match kind {
                "histogram" => ["_bucket", "_sum", "_count"]
                    .iter()
                    .find_map(|suffix| bare.strip_suffix(suffix))
                    .unwrap_or(bare),
                _ => bare,
            };
            assert_eq!(stem, current, "{line}");
            assert!(!kind.is_empty(), "TYPE comes first: {line}");
            assert!(
                bare.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{line}"
            );
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(samples.insert(name.to_owned(), value).is_none(), "{line}");
        }
    }
    samples
}

fn scrape(daemon: &Daemon) -> Samples {
    let answer = Target::of(daemon).get("/metrics", "");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    read(&answer.text())
}

#[test]
fn figures_are_those_of_node_exporter_and_ours() {
    let daemon = daemon();
    let samples = scrape(&daemon);
    let of = |name: &str| {
        let found = samples.get(name);
        *found.unwrap_or_else(|| panic!("{name} is missing in {samples:#?}"))
    };
    let web = "{name=\"w0\",group=\"web\"}";
    let once = "{name=\"once\",group=\"once\"}";
    assert!((of(&format!("node_supervisord_up{web}")) - 1.0).abs() < 0.1);
    assert!((of(&format!("node_supervisord_state{web}")) - 20.0).abs() < 0.1);
    assert!(of(&format!("node_supervisord_start_time_seconds{web}")) > 1.7e9);
    assert!(of(&format!("node_supervisord_up{once}")).abs() < 0.1);
    assert!((of(&format!("node_supervisord_exit_status{once}")) - 3.0).abs() < 0.1);
    assert!(!samples.contains_key(&format!("node_supervisord_start_time_seconds{once}")));
    assert!((of(&format!("provost_process_starts_total{once}")) - 1.0).abs() < 0.1);
    assert!((of(&format!("provost_process_last_exit_expected{once}")) - 1.0).abs() < 0.1);
    assert!(of("provost_log_written_bytes_total") >= 10.0);
    assert!((of("provost_event_queue_capacity{pool=\"ear\"}") - 7.0).abs() < 0.1);
    assert!(
        of("provost_event_queue_length{pool=\"ear\"}") > 0.0,
        "nobody takes them"
    );
    assert!(of("provost_spawn_duration_seconds_count") >= 4.0);
    assert!(of("provost_request_duration_seconds_count{interface=\"xmlrpc\"}") > 0.0);
    assert!(of("process_resident_memory_bytes") > 1e6);
    assert!(of("process_open_fds") > 5.0);
    assert!(of("process_start_time_seconds") > 1.7e9);
    let series: BTreeSet<_> = samples
        .keys()
        .filter(|name| name.starts_with("provost_build_info{version=\""))
        .collect();
    assert_eq!(series.len(), 1);
}

#[test]
fn a_restart_is_counted_and_how_long_it_took() {
    let daemon = daemon();
    let restarts = "provost_process_restarts_total{name=\"w0\",group=\"web\"}";
    let respawns = "provost_respawn_duration_seconds_count";
    let before = scrape(&daemon);
    assert!(before[restarts].abs() < 0.1 && before[respawns].abs() < 0.1);
    let list = Target::of(&daemon)
        .get("/api/v1/processes/web/w0", "")
        .json();
    let pid = list["process"]["pid"].as_u64().expect("it runs");
    // Restarts come at once only of what has been there for a moment.
    let since = list["process"]["since"].as_u64().expect("it runs");
    wait_until(PATIENCE, "it to have been there for a moment", || {
        let now = Target::of(&daemon).get("/api/v1/processes", "").json()["now"].as_u64();
        now.is_some_and(|now| now > since + 1_500)
    });
    send_signal(u32::try_from(pid).expect("a pid"), Signal::KILL);
    let after = wait_for(PATIENCE, "the restart", || {
        let samples = scrape(&daemon);
        (samples[restarts] > 0.5).then_some(samples)
    });
    let counted = wait_for(PATIENCE, "its birth", || {
        let samples = scrape(&daemon);
        (samples[respawns] > 0.5).then_some(samples)
    });
    assert!((after[restarts] - 1.0).abs() < 0.1);
    assert!(counted["provost_respawn_duration_seconds_sum"] > 0.0);
    assert!(counted["provost_respawn_duration_seconds_sum"] < 5.0);
}

#[test]
fn names_are_escaped() {
    let config = "[program:a]\ncommand=/bin/cat\nprocess_name=quo\"te\\d\nstartsecs=0\n";
    let daemon = Start::new(Side::Ours, config).start();
    let name = "node_supervisord_state{name=\"quo\\\"te\\\\d\",group=\"a\"}";
    assert!(scrape(&daemon).contains_key(name), "{:#?}", scrape(&daemon));
}

#[test]
fn probes_say_what_is_not_ready_and_why() {
    let mut daemon = Start::new(
        Side::Ours,
        &format!("{PROGRAMS}[program:bad]\ncommand=/bin/false\nstartretries=0\nautostart=false\n"),
    )
    .start();
    let probe = |path: &str| {
        let answer = Target::of(&daemon).get(path, "");
        (answer.status(), answer.text())
    };
    assert_eq!(probe("/healthz"), (200, "ok\n".to_owned()));
    wait_until(PATIENCE, "everything to be ready", || {
        probe("/readyz").0 == 200
    });
    assert_eq!(probe("/readyz"), (200, "ready\n".to_owned()));
    for ready in ["web", "w0", "web:w1", "once"] {
        assert_eq!(probe(&format!("/readyz?program={ready}")).0, 200, "{ready}");
    }
    assert_eq!(
        probe("/readyz?program=odd"),
        (503, "odd STOPPED not started\n".to_owned())
    );
    assert_eq!(probe("/readyz?program=none").0, 404);
    let stopped = Target::of(&daemon).act("/api/v1/processes/web/w1/stop", "", "");
    assert_eq!(stopped.status(), 200);
    assert_eq!(
        probe("/readyz"),
        (503, "web:w1 STOPPED terminated by SIGTERM\n".to_owned())
    );
    assert_eq!(probe("/readyz?program=w0").0, 200);
    Target::of(&daemon).act("/api/v1/processes/bad/bad/start", "", "");
    daemon.wait_state("bad", "FATAL");
    let (status, why) = probe("/readyz?program=bad");
    assert_eq!(status, 503);
    assert!(why.starts_with("bad FATAL Exited too quickly"), "{why}");
    daemon.signal(Signal::TERM);
    daemon.wait_end();
}
