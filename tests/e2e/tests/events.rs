//! Event listeners that misbehave cost nobody else anything, and events are not lost in silence.

#![expect(clippy::print_stdout, reason = "the figures are part of the result")]

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use provost_e2e::{
    Daemon, PATIENCE, Place, Side, Start, Value, kill_tree, own_bytes, python, scripts,
    send_signal, sleeps, wait_for, wait_until,
};
use rustix::process::Signal;

/// A listener that runs a script of the tests.
fn listener(script: &str, arguments: &str, keys: &str) -> String {
    format!(
        "[eventlistener:mail]\ncommand={} {}/{script} {arguments}\nstartsecs=0\n{keys}\n",
        python().display(),
        scripts().display()
    )
}

/// A program that does nothing.
const OTHER: &str = "[program:other]\ncommand=/bin/cat\nstartsecs=0\n";

fn start(config: &str) -> Daemon {
    Start::new(Side::Ours, config).start()
}

fn send(daemon: &Daemon, kind: &str, data: &str) {
    let method = "supervisor.sendRemoteCommEvent";
    let sent = daemon.rpc().call(method, &[kind.into(), data.into()]);
    assert_eq!(sent.to_string(), "true");
}

fn call(daemon: &Daemon, method: &str, name: &str) {
    let done = daemon
        .rpc()
        .call(&format!("supervisor.{method}"), &[name.into()]);
    assert_eq!(done.to_string(), "true", "{method} {name}");
}

/// What `provost.getEventPools` tells of the pool `mail`.
fn mail(daemon: &Daemon) -> Value {
    let pools = daemon.rpc().call("provost.getEventPools", &[]).value();
    let is_mail = |pool: &&Value| pool.get("name").map(Value::text) == Some("mail");
    pools
        .items()
        .iter()
        .find(is_mail)
        .expect("it is there")
        .clone()
}

fn count(pool: &Value, name: &str) -> i64 {
    pool.get(name).expect("the member is there").int()
}

/// The last word of each line: the data of remote events.
fn data(place: &Place, name: &str) -> Vec<String> {
    let text = place.read(name);
    let last = |line: &str| {
        line.rsplit(['|', ' '])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    text.lines().map(last).collect()
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| format!("n{number}")).collect()
}

fn assert_other_is_well(daemon: &Daemon) {
    let restart = daemon.ctl(Side::Ours, &["restart", "other"]);
    assert_eq!(restart.stdout, "other: stopped\nother: started\n");
}

#[test]
fn f47_a_listener_that_dies_within_a_frame_leaves_the_next_one_a_whole_frame() {
    let script = "import os, sys\n\
        if not os.path.exists('half'):\n\
        \x20   open('half', 'w').close()\n    os.write(1, b'READY\\n')\n    os.read(0, 1000)\n    sys.exit(1)\n\
        os.execv(sys.executable, [sys.executable, sys.argv[1], 'rec'])\n";
    let config = format!(
        "[eventlistener:mail]\ncommand={} %(here)s/half.py {}/recorder.py\nevents=REMOTE_COMMUNICATION\nstartsecs=0\n\
         directory=%(here)s\n{OTHER}",
        python().display(),
        scripts().display()
    );
    let daemon = Start::new(Side::Ours, &config)
        .file("half.py", script)
        .start();
    // More than the pipe holds: the daemon is in the middle of the frame when the listener dies.
    let long = "long".repeat(100_000);
    send(&daemon, "first", &long);
    // So long a line is not written at once.
    wait_until(PATIENCE, "the whole record", || {
        daemon.place().read("rec").ends_with("'\n")
    });
    let record = daemon.place().read("rec");
    let whole = format!("b'type:first\\n{long}'\n");
    assert!(record.ends_with(&whole), "{} bytes", record.len());
    assert_eq!(record.matches("ver:3.0").count(), 1);
    assert_other_is_well(&daemon);
}

#[test]
fn f45_a_listener_that_never_reads_and_one_that_spews_harm_nobody() {
    let config = format!(
        "[eventlistener:mail]\ncommand=/bin/sh -c 'echo READY; exec sleep 1000'\nevents=REMOTE_COMMUNICATION\n\
         buffer_size=3\nstartsecs=0\n\
         [eventlistener:spew]\ncommand=/bin/sh -c 'echo READY; exec yes'\nevents=PROCESS_STATE\nstartsecs=0\n\
         stdout_logfile=NONE\n{OTHER}"
    );
    let daemon = start(&config);
    daemon.wait_log("spew: has entered the UNKNOWN state");
    let long = "x".repeat(300_000);
    wait_until(PATIENCE, "the listener to have an event", || {
        send(&daemon, "first", &long);
        count(&mail(&daemon), "queued") == 3
    });
    for _ in 0..20 {
        send(&daemon, "more", &long);
    }
    assert!(count(&mail(&daemon), "dropped") >= 20);
    assert_other_is_well(&daemon);
    // What was dropped takes no memory, and what is spewed none either.
    let resident = own_bytes(daemon.pid());
    assert!(resident < 100 << 20, "{resident} bytes");
    let status = daemon.ctl(Side::Ours, &["status", "-v", "spew"]).stdout;
    assert!(
        status.contains("listener spew: RUNNING UNKNOWN"),
        "{status}"
    );
}

#[test]
fn f44_a_burst_of_losses_makes_two_lines_and_is_counted() {
    let config = listener(
        "counter.py",
        "%(here)s/seen",
        "events=REMOTE_COMMUNICATION\nautostart=false\nbuffer_size=3",
    );
    let daemon = start(&config);
    for number in numbers(0..10) {
        send(&daemon, "t", &number);
    }
    let status = daemon.ctl(Side::Ours, &["status", "-v"]);
    let block = "\nevent pool mail\n  events: REMOTE_COMMUNICATION\n  buffer: 3 of 3\n  \
                 delivered: 0, rejected: 0, dropped: 7\n  listener mail: STOPPED\n";
    assert!(status.stdout.ends_with(block), "{}", status.stdout);
    call(&daemon, "startProcess", "mail");
    daemon.wait_file("seen", "n9");
    assert_eq!(data(daemon.place(), "seen"), numbers(7..10));
    daemon.wait_log("discarded 6 more events (event 6 was the last)");
    let log = daemon.main_log();
    assert_eq!(log.matches("overflowed").count(), 2, "{log}");
    assert!(log.contains("ERRO pool mail event buffer overflowed, discarding event 0\n"));
    wait_until(PATIENCE, "the last one to be done", || {
        count(&mail(&daemon), "delivered") == 3
    });
}

/// A pool with a spool outside of the daemon's own place, so that another daemon can go on with it.
fn spooled(shared: &Place, autostart: bool) -> String {
    listener(
        "counter.py",
        &format!("{}/seen", shared.text()),
        &format!(
            "events=REMOTE_COMMUNICATION\nautostart={autostart}\nbuffer_size=2\nevent_spool={}/%(program_name)s.events",
            shared.text()
        ),
    )
}

/// Waits until that many events are in the file of the spool.
fn wait_spooled(daemon: &Daemon, events: i64) {
    wait_until(PATIENCE, &format!("{events} events on disk"), || {
        let spool = mail(daemon).get("spool").expect("a spool").clone();
        count(&spool, "spooled") == events
    });
}

#[test]
fn events_wait_on_disk_until_the_listener_comes() {
    let shared = Place::new();
    let daemon = start(&spooled(&shared, false));
    for number in numbers(0..200) {
        send(&daemon, "t", &number);
    }
    wait_spooled(&daemon, 198);
    call(&daemon, "startProcess", "mail");
    wait_until(PATIENCE, "all events", || {
        data(&shared, "seen").len() >= 200
    });
    assert_eq!(data(&shared, "seen"), numbers(0..200));
    // Written down is not yet answered.
    wait_until(PATIENCE, "the last one to be done", || {
        count(&mail(&daemon), "delivered") == 200
    });
    let pool = mail(&daemon);
    assert_eq!((count(&pool, "dropped"), count(&pool, "queued")), (0, 0));
    assert!(!daemon.main_log().contains("overflowed"));
}

#[test]
fn events_survive_shutdown_and_a_restart() {
    let shared = Place::new();
    let mut daemon = start(&spooled(&shared, false));
    for number in numbers(0..50) {
        send(&daemon, "t", &number);
    }
    daemon.signal(Signal::HUP);
    daemon.wait_log("50 events wait in its spool from an earlier time");
    daemon.wait_ready();
    for number in numbers(50..60) {
        send(&daemon, "t", &number);
    }
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    let daemon = start(&spooled(&shared, true));
    wait_until(PATIENCE, "all events", || data(&shared, "seen").len() >= 60);
    assert_eq!(data(&shared, "seen"), numbers(0..60));
    // All is done: the file goes with the daemon.
    wait_until(PATIENCE, "the last one to be done", || {
        count(&mail(&daemon), "delivered") == 60
    });
    let mut daemon = daemon;
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    assert!(!shared.join("mail.events").exists());
}

#[test]
fn what_was_written_survives_a_daemon_that_is_killed() {
    let shared = Place::new();
    let daemon = start(&spooled(&shared, false));
    for number in numbers(0..50) {
        send(&daemon, "t", &number);
    }
    wait_spooled(&daemon, 48);
    kill_tree(daemon.pid());
    drop(daemon);
    let _daemon = start(&spooled(&shared, true));
    wait_until(PATIENCE, "what was on disk", || {
        data(&shared, "seen").len() >= 48
    });
    assert_eq!(data(&shared, "seen"), numbers(2..50));
}

#[test]
fn an_event_that_was_not_done_comes_again_after_a_kill() {
    let shared = Place::new();
    let config = listener(
        "recorder.py",
        &format!("{}/seen MUTE", shared.text()),
        &format!(
            "events=REMOTE_COMMUNICATION\nbuffer_size=1\nautorestart=false\nevent_spool={}/mail.events",
            shared.text()
        ),
    );
    let daemon = start(&config);
    send(&daemon, "t", "n0");
    wait_until(PATIENCE, "the first to be with the listener", || {
        shared.read("seen").contains("n0")
    });
    for number in numbers(1..5) {
        send(&daemon, "t", &number);
    }
    // One is with the listener, one in the buffer, three on disk or read ahead from there.
    wait_spooled(&daemon, 3);
    kill_tree(daemon.pid());
    drop(daemon);
    let daemon = start(&spooled(&shared, true));
    daemon.wait_state("mail", "RUNNING");
    wait_until(PATIENCE, "the three", || shared.read("seen").contains("n4"));
    let seen = data(&shared, "seen");
    assert_eq!(seen.get(1..), Some(&numbers(2..5)[..]));
}

#[test]
fn a_spool_that_is_no_spool_is_set_aside_and_the_pool_goes_on() {
    let shared = Place::new();
    shared.write("mail.events", "this is a shopping list\n");
    let daemon = start(&spooled(&shared, true));
    daemon.wait_log("it is no event spool; it is set aside as");
    assert_eq!(shared.read("mail.events.bad"), "this is a shopping list\n");
    send(&daemon, "t", "n0");
    wait_until(PATIENCE, "the event", || data(&shared, "seen") == ["n0"]);
}

#[test]
fn without_a_usable_spool_the_pool_is_as_without_one() {
    let shared = Place::new();
    fs::create_dir(shared.join("mail.events")).expect("the place is writable");
    let daemon = start(&spooled(&shared, false));
    daemon.wait_log("could not open the event spool");
    for number in numbers(0..5) {
        send(&daemon, "t", &number);
    }
    daemon.wait_log("discarding event 0");
    call(&daemon, "startProcess", "mail");
    wait_until(PATIENCE, "the last two", || {
        data(&shared, "seen") == numbers(3..5)
    });
}

#[test]
fn two_daemons_cannot_share_a_spool() {
    let shared = Place::new();
    let _first = start(&spooled(&shared, false));
    let second = start(&spooled(&shared, false));
    second.wait_log("another supervisord uses it");
}

#[test]
fn waiting_events_wake_nobody() {
    let shared = Place::new();
    let daemon = start(&spooled(&shared, false));
    for number in numbers(0..20) {
        send(&daemon, "t", &number);
    }
    wait_spooled(&daemon, 18);
    // Three seconds without a wake-up, within the time that a quiet daemon needs to come to rest.
    wait_until(PATIENCE, "three seconds in which no thread wakes", || {
        let before = sleeps(daemon.pid());
        thread::sleep(Duration::from_secs(3));
        before == sleeps(daemon.pid())
    });
}

/// Lines of `counter.py`: serial, number within the pool, kind, process.
fn transitions(place: &Place) -> Vec<(u64, u64, String, String)> {
    let text = place.read("seen");
    let read = |line: &str| {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let serials = (
            word().parse().unwrap_or(u64::MAX),
            word().parse().unwrap_or(u64::MAX),
        );
        (serials.0, serials.1, word(), word())
    };
    text.lines().map(read).collect()
}

/// Starts that a main log tells of, one by one or, where many are alike, by their number.
fn told_starts(log: &str) -> usize {
    let summed_up = |line: &str| {
        let (head, _) = line.split_once(" like this in 10 seconds: spawned: ")?;
        let number = head.split_once(" INFO ")?.1.split(' ').next()?;
        number.parse::<usize>().ok()
    };
    let singly = log.matches("INFO spawned: ").count();
    singly + log.lines().filter_map(summed_up).sum::<usize>()
}

/// Programs that end as soon as they run, ten thousand changes of state and more: the listener hears of each.
fn ten_thousand_transitions(keys: &str) {
    const WANTED: usize = 10_000;
    let config = listener(
        "counter.py",
        "%(here)s/seen",
        &format!("events=PROCESS_STATE\n{keys}"),
    ) + "[program:p]\ncommand=/bin/true\nautorestart=true\nstartsecs=0\nnumprocs=20\n\
           process_name=p%(process_num)d\nstdout_logfile=NONE\nstderr_logfile=NONE\n";
    let daemon = start(&config);
    let waiting = |pool: &Value| {
        let spool = pool.get("spool").and_then(|spool| spool.get("events"));
        count(pool, "queued") + spool.map_or(0, Value::int)
    };
    wait_until(PATIENCE * 5, "enough transitions", || {
        let pool = mail(&daemon);
        usize::try_from(waiting(&pool) + count(&pool, "delivered")).unwrap_or(0) > WANTED
    });
    // One that has just ended is not running, so it is not stopped and comes again: it is asked until all have stopped.
    wait_until(PATIENCE, "all to have stopped", || {
        let stopped = daemon
            .rpc()
            .call("supervisor.stopProcessGroup", &["p".into()]);
        stopped.value();
        (0..20).all(|number| daemon.rpc().state(&format!("p:p{number}")) == "STOPPED")
    });
    let begun = Instant::now();
    let seen = wait_for(PATIENCE * 5, "the listener to have heard all", || {
        let pool = mail(&daemon);
        let seen = transitions(daemon.place());
        (waiting(&pool) == 0 && Ok(seen.len()) == usize::try_from(count(&pool, "delivered")))
            .then_some(seen)
    });
    println!(
        "{} transitions, the last after {:?}",
        seen.len(),
        begun.elapsed()
    );
    let pool = mail(&daemon);
    assert_eq!(count(&pool, "dropped"), 0);
    for (expected, (serial, pool_serial, ..)) in (0..).zip(&seen) {
        assert_eq!((*serial, *pool_serial), (expected, expected));
    }
    // As many starts as the log tells of, and each process by the rules.
    let starts = seen
        .iter()
        .filter(|(_, _, kind, _)| kind == "PROCESS_STATE_STARTING")
        .count();
    wait_until(PATIENCE, "the log to tell of as many starts", || {
        told_starts(&daemon.main_log_with_backups()) == starts
    });
    let mut states: BTreeMap<&str, &str> = BTreeMap::new();
    for (serial, _, kind, process) in &seen {
        let before = states
            .insert(process, kind)
            .unwrap_or("PROCESS_STATE_EXITED");
        let legal = match kind.as_str() {
            "PROCESS_STATE_STARTING" => before == "PROCESS_STATE_EXITED",
            "PROCESS_STATE_RUNNING" => before == "PROCESS_STATE_STARTING",
            "PROCESS_STATE_EXITED" => before == "PROCESS_STATE_RUNNING",
            "PROCESS_STATE_STOPPING" => {
                ["PROCESS_STATE_RUNNING", "PROCESS_STATE_STARTING"].contains(&before)
            }
            "PROCESS_STATE_STOPPED" => before == "PROCESS_STATE_STOPPING",
            _ => false,
        };
        assert!(legal, "{serial}: {process} {before} > {kind}");
    }
}

#[test]
fn a_large_buffer_loses_nothing_over_ten_thousand_transitions() {
    ten_thousand_transitions("buffer_size=200000");
}

#[test]
fn a_spool_loses_nothing_over_ten_thousand_transitions() {
    ten_thousand_transitions("buffer_size=10\nevent_spool=%(here)s/mail.events");
}

/// How long it takes until a program that was killed runs again, in the middle of several times.
fn respawn(daemon: &Daemon) -> Duration {
    const TIMES: usize = 41;
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let pid = daemon.rpc().pid("other");
            send_signal(pid, Signal::KILL);
            let begun = Instant::now();
            while matches!(daemon.rpc().pid("other"), next if next == 0 || next == pid) {
                assert!(begun.elapsed() < PATIENCE, "it does not come again");
            }
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[TIMES / 2]
}

#[test]
fn f44_a_hung_listener_costs_no_other_program_anything() {
    let other =
        "[program:other]\ncommand=/bin/cat\nstartsecs=0\nautorestart=true\nstdout_logfile=NONE\n";
    let hung = "[eventlistener:mail]\ncommand=/bin/sh -c 'echo READY; exec sleep 1000'\nevents=EVENT\nstartsecs=0\n";
    let quiet = start(other);
    let full = start(&format!("{hung}{other}"));
    let long = "x".repeat(200_000);
    for daemon in [&quiet, &full] {
        daemon.wait_state("other", "RUNNING");
    }
    wait_until(PATIENCE, "the buffer to overflow", || {
        send(&full, "fill", &long);
        count(&mail(&full), "dropped") > 0
    });
    // In turns, so that a busy machine is busy for both.
    let mut pairs: Vec<(Duration, Duration)> =
        (0..5).map(|_| (respawn(&quiet), respawn(&full))).collect();
    pairs.sort_by_key(|(quiet, full)| full.saturating_sub(*quiet));
    let (without, with) = pairs[2];
    println!("respawn {without:?} without, {with:?} with a hung listener");
    assert!(
        with < without * 2 + Duration::from_millis(20),
        "{without:?} {with:?}"
    );
}
