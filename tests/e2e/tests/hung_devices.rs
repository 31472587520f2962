//! Logs on several file systems, of which some hang. The names of the tests are rows of `docs/faults.md`.
//!
//! These tests mount file systems where only their daemon sees them. They need root.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use provost_e2e::means::{Dead, Frozen, can_freeze, loop_mounts};
use provost_e2e::{
    Daemon, Outcome, PATIENCE, Side, Start, Value, assert_contiguous, inside, mounting,
    send_signal, wait_for, wait_until,
};
use rustix::process::Signal;

/// What a tail of a hung log may take at least: it is waited for, and not refused at once.
const LEAST: Duration = Duration::from_millis(1900);

/// What it may take at most on a busy machine. The limit is 2 s.
const MOST: Duration = Duration::from_secs(5);

/// What anything may take that nothing hangs up, on a busy machine. What is held up takes as long as the hang.
const SOON: Duration = Duration::from_secs(2);

/// Numbered lines, about two hundred in a second.
fn counter(name: &str, log: &str) -> String {
    format!(
        "[program:{name}]\ncommand=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.005; done'\nstartsecs=0\n\
         stdout_logfile=%(here)s/{log}\nstdout_logfile_maxbytes=0\n"
    )
}

/// Three writers, two of them on file systems of their own, and programs to be restarted.
fn config() -> String {
    let (na, nb, nc) = (
        counter("na", "a/n.log"),
        counter("nb", "b/n.log"),
        counter("nc", "c.log"),
    );
    format!("{na}{nb}{nc}[program:other]\ncommand=/bin/cat\nstartsecs=0\n")
}

fn start(config: &str) -> Start {
    Start::new(Side::Ours, config).under(&mounting(&loop_mounts(&["a", "b"])))
}

/// Once all three have written.
fn writing(start: Start) -> Daemon {
    let daemon = start.start();
    for name in ["a/n.log", "b/n.log", "c.log"] {
        wait_until(PATIENCE, name, || lines(&daemon, name) > 10);
    }
    daemon
}

fn text(daemon: &Daemon, name: &str) -> String {
    fs::read_to_string(inside(daemon, name)).unwrap_or_default()
}

fn lines(daemon: &Daemon, name: &str) -> usize {
    text(daemon, name).lines().count()
}

/// A log grows, by itself and now.
fn assert_grows(daemon: &Daemon, name: &str) {
    let before = lines(daemon, name);
    wait_until(PATIENCE, &format!("{name} to grow"), || {
        lines(daemon, name) > before + 20
    });
}

/// Stops a writer whose log works again; nothing is missing in it.
fn assert_whole(daemon: &Daemon, program: &str, log: &str) {
    let said = daemon.ctl(Side::Ours, &["stop", program]);
    assert!(
        said.stdout.contains("stopped") || said.stdout.contains("not running"),
        "{}",
        said.stdout
    );
    wait_until(PATIENCE, "the last line", || {
        text(daemon, log).ends_with('\n')
    });
    assert!(assert_contiguous(&text(daemon, log), 1) > 10);
}

fn tail(daemon: &Daemon, name: &str) -> (Outcome, Duration) {
    let begun = Instant::now();
    let params = [name.into(), 0.into(), 100.into()];
    let outcome = daemon
        .rpc()
        .call("supervisor.tailProcessStdoutLog", &params);
    (outcome, begun.elapsed())
}

fn assert_too_late((outcome, took): (Outcome, Duration)) {
    let expected = "FAILED: the log could not be read within 2 s";
    assert_eq!(outcome, Outcome::Fault(30, expected.to_owned()));
    assert!(took > LEAST && took < MOST, "{took:?}");
}

/// The slowest of some answers to `status`.
fn slowest_status(daemon: &Daemon) -> Duration {
    let rpc = daemon.rpc();
    let times = (0..50).map(|_| {
        let begun = Instant::now();
        let infos = rpc.call("supervisor.getAllProcessInfo", &[]).value();
        assert!(matches!(infos, Value::Array(all) if all.len() >= 4));
        begun.elapsed()
    });
    times.max().unwrap_or_default()
}

/// Two file systems hang; everything but the two logs there goes on, and afterwards nothing is missing.
#[test]
fn f24_two_hung_file_systems_hold_up_their_own_logs_only() {
    if !can_freeze() {
        return;
    }
    let daemon = writing(start(&config()));
    let frozen = Frozen::at(&daemon, &["a", "b"]);
    assert_grows(&daemon, "c.log");
    let slowest = slowest_status(&daemon);
    assert!(slowest < SOON, "{slowest:?}");
    // Clients of the hung logs, more than there are readers, hold up nobody else.
    thread::scope(|scope| {
        let hung = ["na", "nb", "na", "nb", "na", "nb"];
        let hung = hung.map(|name| scope.spawn(|| tail(&daemon, name)));
        for _ in 0..30 {
            let (outcome, took) = tail(&daemon, "nc");
            assert!(matches!(outcome, Outcome::Value(_)), "{outcome}");
            assert!(took < SOON, "{took:?}");
        }
        for one in hung {
            assert_too_late(one.join().expect("it does not panic"));
        }
    });
    // As the operator sees it.
    let said = daemon.ctl(Side::Ours, &["tail", "na"]);
    assert_eq!(
        said.stdout, "na: ERROR (unknown error reading log)\n",
        "{}",
        said.stderr
    );
    let begun = Instant::now();
    assert_eq!(
        daemon.ctl(Side::Ours, &["stop", "na"]).stdout,
        "na: stopped\n"
    );
    assert!(begun.elapsed() < MOST, "{:?}", begun.elapsed());
    let old = daemon.rpc().pid("other");
    send_signal(old, Signal::KILL);
    let new = wait_for(PATIENCE, "another process", || {
        let now = daemon.rpc().pid("other");
        (now != 0 && now != old).then_some(now)
    });
    // The main log is on the file system that works.
    daemon.wait_log(&format!("spawned: 'other' with pid {new}"));
    assert_grows(&daemon, "c.log");
    frozen.thaw();
    for (program, log) in [("na", "a/n.log"), ("nb", "b/n.log"), ("nc", "c.log")] {
        assert_whole(&daemon, program, log);
    }
    assert!(matches!(tail(&daemon, "na").0, Outcome::Value(_)));
}

/// Who follows a log that works goes on, and who follows one that hangs hears the rest when it goes on.
#[test]
fn f24_followers_of_other_file_systems_go_on() {
    if !can_freeze() {
        return;
    }
    let daemon = writing(start(&config()));
    let follow = |name: &str| {
        let mut command = daemon.ctl_command(Side::Ours);
        let mut client = command
            .args(["tail", "-f", name])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("supervisorctl can be started");
        let output = client.stdout.take().expect("it was asked for");
        let (sender, heard) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        (client, heard)
    };
    let (mut of_a, from_a) = follow("na");
    let (mut of_c, from_c) = follow("nc");
    // The first line says how to leave; then what stands there, of which the first may be cut.
    from_a.recv_timeout(PATIENCE).expect("a line of a");
    from_c.recv_timeout(PATIENCE).expect("a line of c");
    let frozen = Frozen::at(&daemon, &["a"]);
    let until = lines(&daemon, "c.log") + 100;
    let reaches = |heard: &std::sync::mpsc::Receiver<String>, until: usize| loop {
        let line = heard.recv_timeout(PATIENCE).expect("a line in time");
        if line.parse::<usize>().is_ok_and(|number| number >= until) {
            return;
        }
    };
    reaches(&from_c, until);
    let until = lines(&daemon, "a/n.log") + 100;
    frozen.thaw();
    reaches(&from_a, until);
    for client in [&mut of_a, &mut of_c] {
        client.kill().expect("it lives");
        client.wait().expect("it is ours");
    }
}

/// The other way round: the main log's file system hangs, and the programs' logs go on.
#[test]
fn f24_a_hung_main_log_holds_up_no_log_of_a_program() {
    if !can_freeze() {
        return;
    }
    let config = format!(
        "[unix_http_server]\nfile=%(here)s/s.sock\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n\
         [supervisord]\nlogfile=%(here)s/a/main.log\npidfile=%(here)s/s.pid\nchildlogdir=%(here)s\n{}",
        config()
    );
    let start = Start::bare(Side::Ours, &config).under(&mounting(&loop_mounts(&["a", "b"])));
    let daemon = writing(start);
    let frozen = Frozen::at(&daemon, &["a"]);
    assert_eq!(
        daemon.ctl(Side::Ours, &["stop", "other"]).stdout,
        "other: stopped\n"
    );
    assert_grows(&daemon, "c.log");
    assert_grows(&daemon, "b/n.log");
    let slowest = slowest_status(&daemon);
    assert!(slowest < SOON, "{slowest:?}");
    assert!(matches!(tail(&daemon, "nb").0, Outcome::Value(_)));
    let params = [0.into(), 100.into()];
    let said = daemon.rpc().call("supervisor.readLog", &params);
    assert!(matches!(said, Outcome::Fault(30, _)), "{said}");
    frozen.thaw();
    wait_until(PATIENCE, "the line of the stop", || {
        text(&daemon, "a/main.log").contains("stopped: other")
    });
    assert_whole(&daemon, "na", "a/n.log");
}

/// A shutdown does not wait for a file system that hangs, and says what it left there.
#[test]
fn f24_a_shutdown_leaves_a_hung_log_and_says_how_much_is_missing() {
    if !can_freeze() {
        return;
    }
    let mut daemon = writing(start(&config()));
    let frozen = Frozen::at(&daemon, &["a"]);
    assert_grows(&daemon, "c.log");
    let begun = Instant::now();
    daemon.signal(Signal::TERM);
    let main_log = daemon.place().join("main.log");
    let said = || fs::read_to_string(&main_log).unwrap_or_default();
    let end = "could not be written before the end: its disk hangs";
    wait_until(PATIENCE, "a word on what is left", || said().contains(end));
    let pidfile = daemon.place().join("s.pid");
    wait_until(PATIENCE, "the pid file to be gone", || !pidfile.exists());
    // Programs stop at once, and the flush may take five seconds.
    assert!(
        begun.elapsed() < Duration::from_secs(12),
        "{:?}",
        begun.elapsed()
    );
    let left = said();
    let line = left
        .lines()
        .find(|line| line.contains(end))
        .unwrap_or_default();
    assert!(
        line.contains(" bytes for log ") && line.contains("/a/n.log"),
        "{line}"
    );
    assert!(
        left.contains("bytes more for logs on that disk were not read"),
        "{left}"
    );
    // The kernel lets a process go only with its last thread.
    frozen.thaw();
    assert_eq!(daemon.wait_end(), Some(0));
    assert_contiguous(
        &fs::read_to_string(daemon.place().join("c.log")).unwrap_or_default(),
        1,
    );
}

/// While a file system hangs no other program can take our place; the refusal says why, and changes nothing.
#[test]
fn f24_an_upgrade_is_refused_while_a_file_system_hangs() {
    if !can_freeze() {
        return;
    }
    let daemon = writing(start(&config()));
    let pids = ["na", "nb", "nc"].map(|name| daemon.rpc().pid(name));
    let frozen = Frozen::at(&daemon, &["a"]);
    assert_grows(&daemon, "c.log");
    let begun = Instant::now();
    let said = daemon.ctl(Side::Ours, &["upgrade"]);
    let reason = "/a/n.log did not take what was read within a second";
    assert!(
        said.stdout.contains(reason),
        "{}{}",
        said.stdout,
        said.stderr
    );
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    assert_grows(&daemon, "c.log");
    assert_grows(&daemon, "b/n.log");
    frozen.thaw();
    assert_grows(&daemon, "a/n.log");
    let said = daemon.ctl(Side::Ours, &["upgrade"]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    for (name, pid) in ["na", "nb", "nc"].iter().zip(pids) {
        assert_eq!(daemon.rpc().pid(name), pid, "{name}");
    }
    for (program, log) in [("na", "a/n.log"), ("nb", "b/n.log"), ("nc", "c.log")] {
        assert_grows(&daemon, log);
        assert_whole(&daemon, program, log);
    }
}

/// The same while it is no log that hangs.
#[test]
fn f24_an_upgrade_is_refused_while_the_audit_log_hangs() {
    if !can_freeze() {
        return;
    }
    let config = format!(
        "[audit]\nfile=%(here)s/a/audit.log\n{}[program:other]\ncommand=/bin/cat\nstartsecs=0\n",
        counter("nc", "c.log")
    );
    let daemon = start(&config).start();
    daemon.wait_state("other", "RUNNING");
    let frozen = Frozen::at(&daemon, &["a"]);
    // The line about it is waited for in vain, and then no more.
    assert_eq!(
        daemon.ctl(Side::Ours, &["stop", "other"]).stdout,
        "other: stopped\n"
    );
    let said = daemon.ctl(Side::Ours, &["upgrade"]);
    let reason = "the thread 'audit' has waited for a disk for more than a second";
    assert!(
        said.stdout.contains(reason),
        "{}{}",
        said.stdout,
        said.stderr
    );
    assert_grows(&daemon, "c.log");
    frozen.thaw();
    let said = daemon.ctl(Side::Ours, &["upgrade"]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert_grows(&daemon, "c.log");
    assert_whole(&daemon, "nc", "c.log");
}

/// After an internal error supervision goes on in the same image while a file system hangs, and nothing is lost.
#[test]
fn f24_a_panic_while_a_file_system_hangs_restarts_and_loses_nothing() {
    if !can_freeze() {
        return;
    }
    let daemon = writing(start(&config()).environment("PROVOST_PANIC", "api:60"));
    let pids = ["na", "nb", "nc"].map(|name| daemon.rpc().pid(name));
    let frozen = Frozen::at(&daemon, &["a"]);
    assert_grows(&daemon, "c.log");
    let begun = "began anew after an internal error";
    wait_until(PATIENCE, "the internal error", || {
        daemon.rpc().call("supervisor.getState", &[]);
        daemon.main_log().contains(begun)
    });
    let log = daemon.main_log();
    assert!(log.contains("/a/n.log did not take what was read"), "{log}");
    for (name, pid) in ["na", "nb", "nc"].iter().zip(pids) {
        assert_eq!(daemon.rpc().pid(name), pid, "{name}");
    }
    assert_grows(&daemon, "c.log");
    assert_grows(&daemon, "b/n.log");
    let slowest = slowest_status(&daemon);
    assert!(slowest < SOON, "{slowest:?}");
    assert_eq!(
        daemon.ctl(Side::Ours, &["stop", "na"]).stdout,
        "na: stopped\n"
    );
    frozen.thaw();
    for (program, log) in [("na", "a/n.log"), ("nb", "b/n.log"), ("nc", "c.log")] {
        assert_whole(&daemon, program, log);
    }
    assert_eq!(
        daemon.ctl(Side::Ours, &["start", "na"]).stdout,
        "na: started\n"
    );
}

/// Three programs, one of which logs to a directory on a file system whose server answers nothing at all: even a look at it
/// hangs. None where that cannot be had.
fn beside_a_dead_server() -> Option<(Daemon, Dead)> {
    let config = format!(
        "{}[program:nd]\ncommand=/bin/cat\nautostart=false\nstartretries=0\nstdout_logfile=%(here)s/d/n.log\n\
         [program:other]\ncommand=/bin/cat\nstartsecs=0\n",
        counter("nc", "c.log")
    );
    let daemon = Start::new(Side::Ours, &config)
        .under(&mounting("mkdir d"))
        .start();
    daemon.wait_state("nc", "RUNNING");
    let dead = Dead::at(&daemon, "d")?;
    Some((daemon, dead))
}

#[test]
fn f24_a_dead_server_costs_clients_of_its_logs_a_fault_and_others_nothing() {
    let Some((daemon, dead)) = beside_a_dead_server() else {
        return;
    };
    thread::scope(|scope| {
        // It cannot be started, and stands in nobody's way.
        let started = scope.spawn(|| daemon.rpc().call("supervisor.startProcess", &["nd".into()]));
        let hung = [(); 6].map(|()| scope.spawn(|| tail(&daemon, "nd")));
        let until = Instant::now() + LEAST;
        while Instant::now() < until {
            let (outcome, took) = tail(&daemon, "nc");
            assert!(matches!(outcome, Outcome::Value(_)), "{outcome}");
            assert!(took < SOON, "{took:?}");
        }
        for one in hung {
            assert_too_late(one.join().expect("it does not panic"));
        }
        assert_eq!(
            daemon.ctl(Side::Ours, &["restart", "other"]).stdout,
            "other: stopped\nother: started\n"
        );
        assert_grows(&daemon, "c.log");
        let started = started.join().expect("it does not panic");
        assert!(matches!(started, Outcome::Fault(..)), "{started}");
    });
    drop(dead);
}

/// Reading the configuration looks at the directories of logs, one of which does not answer.
#[test]
fn f24_a_reread_says_which_directory_does_not_answer() {
    let Some((daemon, dead)) = beside_a_dead_server() else {
        return;
    };
    thread::scope(|scope| {
        let reread = scope.spawn(|| daemon.ctl(Side::Ours, &["reread"]));
        assert_grows(&daemon, "c.log");
        assert_eq!(
            daemon.ctl(Side::Ours, &["restart", "other"]).stdout,
            "other: stopped\nother: started\n"
        );
        let said = reread.join().expect("it does not panic").stdout;
        assert!(
            said.contains("/d did not answer within 10 seconds; nothing was changed"),
            "{said}"
        );
        // The next one is not waited for, and changes nothing either.
        let begun = Instant::now();
        let said = daemon.ctl(Side::Ours, &["update"]).stdout;
        assert!(
            said.contains("an earlier reading still waits for"),
            "{said}"
        );
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        assert_grows(&daemon, "c.log");
    });
    drop(dead);
    wait_until(PATIENCE, "a reread that works", || {
        let said = daemon.ctl(Side::Ours, &["reread"]).stdout;
        said.contains("No config updates")
            || said.contains("does not exist") && !said.contains("answer")
    });
}
