//! Streams of events: what comes in which order and how soon, what a client that comes back gets, and that nothing is
//! done while nobody looks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use provost_e2e::{
    Daemon, EventStream, Hang, PATIENCE, Side, Start, Target, Told, free_port,
    sleeps_without_timer, threads, wait_until,
};
use serde_json::Value as Json;

const EVENTS: &str = "/api/v1/events";

const PROGRAMS: &str = "\
[program:a]
command=/bin/cat
startsecs=0

[program:b]
command=/bin/cat
startsecs=0
autostart=false
";

fn daemon() -> Daemon {
    let daemon = Start::new(Side::Ours, PROGRAMS).start();
    daemon.wait_state("a", "RUNNING");
    daemon
}

fn act(daemon: &Daemon, path: &str) {
    let answer = Target::of(daemon).act(path, "", "");
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
}

fn is_in(told: &Told, name: &str, state: &str) -> bool {
    told.name == "process" && told.data["name"] == name && told.data["state"] == state
}

#[test]
fn changes_come_in_order_behind_a_snapshot() {
    let daemon = daemon();
    let mut stream = EventStream::open(&Target::of(&daemon), EVENTS, "");
    let snapshot = stream.next(PATIENCE).expect("a snapshot");
    assert_eq!(snapshot.name, "snapshot");
    let processes = snapshot.data["processes"].as_array().unwrap();
    assert_eq!(processes.len(), 2);
    assert_eq!(processes[0]["state"], "RUNNING");
    act(&daemon, "/api/v1/processes/b/b/start");
    act(&daemon, "/api/v1/processes/b/b/stop");
    let mut states = Vec::new();
    while states.last().is_none_or(|state| state != "STOPPED") {
        let told = stream.next(PATIENCE).expect("what happened");
        assert_eq!(
            (told.name.as_str(), &told.data["name"]),
            ("process", &Json::from("b"))
        );
        assert!(!told.id.is_empty());
        states.push(told.data["state"].as_str().unwrap().to_owned());
    }
    // The second STARTING tells of the child's birth.
    states.dedup();
    assert_eq!(states, ["STARTING", "RUNNING", "STOPPING", "STOPPED"]);
}

#[test]
fn a_change_is_told_well_below_a_tenth_of_a_second() {
    let port = free_port();
    let config = format!("[inet_http_server]\nport=127.0.0.1:{port}\n{PROGRAMS}");
    let daemon = Start::new(Side::Ours, &config).start();
    daemon.wait_state("a", "RUNNING");
    let mut stream = EventStream::open(&Target::Port(port), EVENTS, "");
    stream.next(PATIENCE).expect("a snapshot");
    let hearing = std::thread::spawn(move || {
        let (mut best, mut stops) = (u64::MAX, 0);
        while stops < 10 {
            let told = stream.until("a change of b", |told| told.data["name"] == "b");
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let now = u64::try_from(now.expect("after 1970").as_millis()).expect("it fits");
            let since = told.data["since"].as_u64().expect("it changed");
            best = best.min(now.saturating_sub(since));
            stops += usize::from(told.data["state"] == "STOPPED");
        }
        best
    });
    for _ in 0..10 {
        act(&daemon, "/api/v1/processes/b/b/start");
        act(&daemon, "/api/v1/processes/b/b/stop");
    }
    // The best of some: the machine may be busy.
    let best = hearing.join().expect("all came");
    assert!(best < 50, "{best} ms");
}

#[test]
fn the_last_change_before_the_end_is_told() {
    let mut daemon = daemon();
    let mut stream = EventStream::open(&Target::of(&daemon), EVENTS, "");
    stream.next(PATIENCE).expect("a snapshot");
    act(&daemon, "/api/v1/shutdown");
    stream.until("STOPPED", |told| is_in(told, "a", "STOPPED"));
    assert_eq!(daemon.wait_end(), Some(0));
}

#[test]
fn who_comes_back_gets_what_was_missed_and_nothing_twice() {
    let daemon = daemon();
    let mut stream = EventStream::open(&Target::of(&daemon), EVENTS, "");
    let snapshot = stream.next(PATIENCE).expect("a snapshot");
    drop(stream);
    act(&daemon, "/api/v1/processes/b/b/start");
    let back = format!("Last-Event-ID: {}\r\n", snapshot.id);
    let mut stream = EventStream::open(&Target::of(&daemon), EVENTS, &back);
    let first = stream.next(PATIENCE).expect("what was missed");
    assert!(is_in(&first, "b", "STARTING"), "{first:?}");
    let running = stream.until("RUNNING", |told| is_in(told, "b", "RUNNING"));
    drop(stream);
    act(&daemon, "/api/v1/processes/b/b/stop");
    let back = format!("Last-Event-ID: {}\r\n", running.id);
    let mut stream = EventStream::open(&Target::of(&daemon), EVENTS, &back);
    let first = stream.next(PATIENCE).expect("what was missed");
    assert!(is_in(&first, "b", "STOPPING"), "{first:?}");
    // What nobody can know of begins anew.
    for id in ["0-1", "x", "abc-99999999999999999999"] {
        let back = format!("Last-Event-ID: {id}\r\n");
        let mut stream = EventStream::open(&Target::of(&daemon), EVENTS, &back);
        assert_eq!(stream.next(PATIENCE).expect("an event").name, "snapshot");
    }
}

#[test]
fn programs_that_come_and_go_are_told_of() {
    let daemon = daemon();
    let mut stream = EventStream::open(&Target::of(&daemon), EVENTS, "");
    stream.next(PATIENCE).expect("a snapshot");
    let text = std::fs::read_to_string(daemon.config()).unwrap();
    std::fs::write(daemon.config(), text.replace("[program:b]", "[program:c]")).unwrap();
    act(&daemon, "/api/v1/update");
    let removed = stream.until("removed", |told| told.name == "removed");
    assert_eq!(
        (&removed.data["group"], &removed.data["name"]),
        (&"b".into(), &"b".into())
    );
    let added = stream.until("added", |told| told.name == "added");
    assert_eq!(
        (&added.data["name"], &added.data["state"]),
        (&"c".into(), &"STOPPED".into())
    );
}

#[test]
fn i33_streams_tell_of_programs_in_scope_only() {
    const ONLY_B: &str = "Authorization: Basic Yjpi\r\n";
    let port = free_port();
    let config = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\n\
         [user:root]\nrole=admin\nunix_user=root\n\
         [user:b]\nrole=viewer\nprograms=b\npassword=b\n{PROGRAMS}"
    );
    let daemon = Start::new(Side::Ours, &config).start();
    daemon.wait_state("a", "RUNNING");
    let target = Target::Port(port);
    let mut stream = EventStream::open(&target, "/api/v1/events?usage=1", ONLY_B);
    let snapshot = stream.next(PATIENCE).expect("a snapshot");
    assert_eq!(snapshot.data["processes"].as_array().unwrap().len(), 1);
    act(&daemon, "/api/v1/processes/a/a/restart");
    act(&daemon, "/api/v1/processes/b/b/start");
    stream.until("RUNNING", |told| {
        let text = told.data.to_string();
        assert!(!text.contains("\"name\":\"a\""), "{text}");
        is_in(told, "b", "RUNNING")
    });
}

#[test]
fn usage_is_measured_while_somebody_looks_and_then_no_more() {
    let daemon = daemon();
    let mut stream = EventStream::open(&Target::of(&daemon), "/api/v1/events?usage=1", "");
    stream.next(PATIENCE).expect("a snapshot");
    let first = stream.until("usage", |told| told.name == "usage");
    let row = &first.data["processes"][0];
    assert_eq!(row["name"], "a");
    assert!(row["rss_bytes"].as_u64().unwrap() > 0);
    assert_eq!(
        row["cpu_percent"],
        Json::Null,
        "there is nothing to compare with"
    );
    let second = stream.until("usage", |told| told.name == "usage");
    assert!(second.data["processes"][0]["cpu_percent"].is_number());
    let span = second.at.duration_since(first.at);
    assert!(span > Duration::from_secs(1), "{span:?}");
    let rests = || sleeps_without_timer(daemon.pid(), "api");
    assert!(!rests(), "it has the next sample to wait for");
    drop(stream);
    wait_until(PATIENCE, "no timer for samples or heartbeats", rests);
}

#[test]
fn a_control_thread_that_hangs_is_told_of_and_so_is_its_return() {
    let daemon = daemon();
    let target = Target::of(&daemon);
    let open = |headers: &str| EventStream::open(&target, EVENTS, headers);
    let mut stream = open("");
    let snapshot = stream.next(PATIENCE).expect("a snapshot");
    let hang = Hang::of_control(&daemon);
    let stalled = stream.until("a word", |told| told.name == "stalled");
    assert_eq!(target.get("/healthz", "").status(), 503);
    // Who comes now learns it, too, with a snapshot to come and without.
    let back = format!("Last-Event-ID: {}\r\n", snapshot.id);
    let mut others = [open(""), open(&back)];
    for other in &mut others {
        let told = other.next(PATIENCE).expect("a word");
        assert_eq!((&told.name, &told.data), (&stalled.name, &stalled.data));
    }
    drop(hang);
    for other in [&mut stream].into_iter().chain(&mut others) {
        let told = other.until("its return", |told| told.name == "recovered");
        assert_eq!(told.data, stalled.data);
    }
    act(&daemon, "/api/v1/processes/b/b/start");
    for other in [&mut stream].into_iter().chain(&mut others) {
        other.until("RUNNING", |told| is_in(told, "b", "RUNNING"));
    }
    drop((stream, others));
    let rests = || sleeps_without_timer(daemon.pid(), "api");
    wait_until(PATIENCE, "no timer for questions", rests);
}

#[test]
fn streams_end_at_an_upgrade_and_their_clients_come_back() {
    let daemon = daemon();
    let mut stream = EventStream::open(&Target::of(&daemon), EVENTS, "");
    let snapshot = stream.next(PATIENCE).expect("a snapshot");
    daemon.upgrade();
    wait_until(PATIENCE, "the stream to end", || stream.has_ended());
    let back = format!("Last-Event-ID: {}\r\n", snapshot.id);
    let mut stream = EventStream::open(&Target::of(&daemon), EVENTS, &back);
    let again = stream.next(PATIENCE).expect("an event");
    assert_eq!(again.name, "snapshot");
    assert_eq!(
        again.data["processes"][0]["pid"], snapshot.data["processes"][0]["pid"],
        "and what runs runs on"
    );
    assert_eq!(
        again.data["processes"][0]["since"],
        snapshot.data["processes"][0]["since"]
    );
}

#[test]
fn a_client_that_reads_late_learns_the_last_state() {
    let daemon = daemon();
    let mut slow = EventStream::open(&Target::of(&daemon), EVENTS, "");
    slow.next(PATIENCE).expect("a snapshot");
    // A thousand changes and more, of which it reads none.
    for _ in 0..220 {
        act(&daemon, "/api/v1/processes/b/b/start");
        act(&daemon, "/api/v1/processes/b/b/stop");
    }
    let mut snapshots = 0;
    let last = slow.until("the end", |told| {
        snapshots += usize::from(told.name == "snapshot");
        let process = &told.data["processes"][1];
        let row = if told.name == "snapshot" {
            process
        } else {
            &told.data
        };
        row["starts"] == 220 && row["state"] == "STOPPED"
    });
    assert!(!last.id.is_empty());
    assert!(snapshots <= 2, "{snapshots}");
}

#[test]
fn forty_streams_hear_of_a_change_and_need_no_thread() {
    let config = format!("minfds=2048\n{PROGRAMS}");
    let daemon = Start::new(Side::Ours, &config).start();
    let mut streams = Vec::new();
    // The unix socket has 64 places for connections; streams take them like others.
    for _ in 0..40 {
        let mut stream = EventStream::open(&Target::of(&daemon), EVENTS, "");
        stream.next(PATIENCE).expect("a snapshot");
        streams.push(stream);
    }
    let before = threads(daemon.pid()).len();
    act(&daemon, "/api/v1/processes/b/b/start");
    for stream in &mut streams {
        stream.until("RUNNING", |told| is_in(told, "b", "RUNNING"));
    }
    assert_eq!(
        threads(daemon.pid()).len(),
        before,
        "no thread for a stream"
    );
}
