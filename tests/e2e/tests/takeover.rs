//! A supervisord of Python runs a hundred programs, and Provost goes on in its place: same processes, same logs, same
//! socket, and no line is lost.

use std::fs;
use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use provost_e2e::{
    Daemon, PATIENCE, Side, Start, Value, assert_contiguous, is_alive, older, python, successor,
    wait_all_running, wait_until,
};
use rustix::process::Signal;

/// Numbered lines, about a hundred in a second, without a process for each pause. A stop ends it with 7.
const COUNT: &str = r#"
trap "exit 7" TERM
exec 9<> <(:)
i=0
while :; do
    i=$((i + 1))
    case $1 in
        out) echo $i ;;
        err) echo $i >&2 ;;
        both) if ((i % 2)); then echo $i; else echo $i >&2; fi ;;
    esac
    read -t 0.01 -u 9
done
"#;

fn counting(to: &str) -> String {
    format!(
        "command=/bin/bash %(here)s/count.sh {to}\nstartsecs=0\nexitcodes=7\nautorestart=unexpected\n"
    )
}

/// A hundred programs of three kinds, and some that rest in each of the ways that there are.
fn hundred() -> String {
    let numbered = "process_name=%(program_name)s_%(process_num)02d\n";
    let log = |channel: &str, name: &str| {
        format!("{channel}_logfile=%(here)s/{name}_%(process_num)02d.log\n")
    };
    [
        format!("[program:out]\n{}{numbered}numprocs=80\n{}", counting("out"), log("stdout", "out")),
        format!("[program:err]\n{}{numbered}numprocs=10\n{}", counting("err"), log("stderr", "err")),
        format!(
            "[program:both]\n{}{numbered}numprocs=10\nredirect_stderr=true\n{}",
            counting("both"),
            log("stdout", "both")
        ),
        "[program:ends]\ncommand=/bin/sh -c 'while [ ! -e go ]; do sleep 0.05; done; exit 9'\ndirectory=%(here)s\n\
         startsecs=0\nautorestart=false\nexitcodes=9\n"
            .to_owned(),
        "[program:stopped]\ncommand=/bin/sleep 1000\nstartsecs=0\n[program:never]\ncommand=/bin/sleep 1000\nautostart=false\n\
         [program:fatal]\ncommand=/nowhere/at/all\nstartretries=0\n\
         [program:exited]\ncommand=/bin/sh -c 'exit 3'\nstartsecs=0\nautorestart=false\n"
            .to_owned(),
    ]
    .concat()
}

/// The names of the logs of [`hundred`].
fn logs() -> Vec<String> {
    let some = |name: &str, count: usize| -> Vec<String> {
        (0..count)
            .map(|number| format!("{name}_{number:02}.log"))
            .collect()
    };
    [some("out", 80), some("err", 10), some("both", 10)].concat()
}

/// A daemon with [`hundred`] in which all have reached their states.
fn begin(program: Option<PathBuf>) -> Daemon {
    let start = Start::new(Side::Upstream, &hundred()).file("count.sh", COUNT);
    let daemon = match program {
        Some(program) => start.program(program),
        None => start,
    }
    .start();
    wait_all_running(&daemon.rpc(), 102);
    daemon.wait_state("fatal", "FATAL");
    daemon.wait_state("exited", "EXITED");
    daemon
        .rpc()
        .call("supervisor.stopProcess", &["stopped".into()])
        .value();
    daemon.wait_state("stopped", "STOPPED");
    daemon
}

fn lengths(daemon: &Daemon) -> Vec<u64> {
    let length =
        |log: &String| fs::metadata(daemon.place().join(log)).map_or(0, |found| found.len());
    logs().iter().map(length).collect()
}

fn wait_all_grown(daemon: &Daemon) {
    let before = lengths(daemon);
    wait_until(PATIENCE, "all logs to grow", || {
        lengths(daemon)
            .iter()
            .zip(&before)
            .all(|(now, before)| now > before)
    });
}

fn spawned(daemon: &Daemon) -> usize {
    daemon.main_log().matches(" spawned: ").count()
}

/// One whole take-over, from the start of the old daemon to the end of the new one.
fn take_over_once(program: Option<PathBuf>) {
    let mut daemon = begin(program);
    wait_all_grown(&daemon);
    let (old, before, starts) = (daemon.pid(), daemon.rpc().lasting(), spawned(&daemon));
    daemon.hand_over(&successor(&hundred(), "s.pid"));
    wait_until(PATIENCE, "the old daemon to be gone", || !is_alive(old));
    let after = daemon.rpc().lasting();
    let changed: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
    assert!(
        changed.is_empty() && before.len() == after.len(),
        "{changed:?}"
    );
    assert_eq!(daemon.place().read("s.pid"), format!("{}\n", daemon.pid()));
    wait_all_grown(&daemon);
    daemon.place().write("go", "");
    let ended = daemon.wait_state("ends", "EXITED");
    assert_eq!(
        ended.get("exitstatus").map(Value::int),
        Some(9),
        "{ended:?}"
    );
    let stopped = daemon.ctl(Side::Upstream, &["stop", "out:*", "err:*", "both:*"]);
    assert_eq!(
        stopped.stdout.matches(": stopped\n").count(),
        100,
        "{}",
        stopped.stdout
    );
    for info in daemon.rpc().infos() {
        let group = info.get("group").unwrap().text().to_owned();
        if ["out", "err", "both"].contains(&group.as_str()) {
            assert_eq!(info.get("exitstatus").map(Value::int), Some(7), "{info:?}");
        }
    }
    for log in logs() {
        assert_contiguous(&daemon.place().read(&log), 1);
    }
    assert_eq!(spawned(&daemon), starts, "nothing was started");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    assert!(!daemon.place().join("s.sock").exists() && !daemon.place().join("s.pid").exists());
}

/// How often, by the variable that a person sets who wants to be sure.
fn rounds() -> usize {
    let asked = std::env::var("PROVOST_TAKE_OVERS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[test]
fn a_hundred_programs_go_on_without_a_line_lost() {
    for _ in 0..rounds() {
        take_over_once(None);
    }
}

#[test]
fn a_hundred_programs_go_on_without_a_line_lost_from_the_release_that_debian_has() {
    for _ in 0..rounds() {
        take_over_once(Some(older()));
    }
}

/// Looks now and then whether its daemon is halted, and ends with its number when it is; or when it is told to.
const WATCH: &str = r#"
exec 9<> <(:)
while [ ! -e go ]; do
    read -r stat </proc/$PPID/stat
    case $stat in *") T "*) exit $1 ;; esac
    read -t 0.00$((RANDOM % 9 + 1)) -u 9
done
exit $1
"#;

/// Many end while the old daemon is halted: each with its own number, and none is started once more.
#[test]
fn whoever_ends_meanwhile_is_known_by_its_true_status() {
    let config = "[program:e]\ncommand=/bin/bash %(here)s/watch.sh %(process_num)d\nprocess_name=%(program_name)s_%(process_num)d\n\
                  numprocs=20\nnumprocs_start=10\ndirectory=%(here)s\nstartsecs=0\nautorestart=false\n";
    let mut daemon = Start::new(Side::Upstream, config)
        .file("watch.sh", WATCH)
        .start();
    wait_all_running(&daemon.rpc(), 20);
    daemon.hand_over(&successor(config, "s.pid"));
    daemon.place().write("go", "");
    for number in 10..30 {
        let info = daemon.wait_state(&format!("e:e_{number}"), "EXITED");
        assert_eq!(
            info.get("exitstatus").map(Value::int),
            Some(number),
            "{info:?}"
        );
    }
    let main_log = daemon.main_log();
    assert_eq!(main_log.matches(" spawned: ").count(), 20);
    assert!(!main_log.contains("status unknown"), "{main_log}");
}

/// Serves whoever connects to the socket that it shares, and says who it is.
const SERVE: &str = "\
import os, socket
shared = socket.socket(fileno=0)
while True:
    client, _ = shared.accept()
    client.sendall(str(os.getpid()).encode())
    client.close()
";

/// A socket that processes share goes along with them, and ends with the last of them as always.
#[test]
fn a_shared_socket_goes_along() {
    let config = format!(
        "[fcgi-program:f]\ncommand={} %(here)s/serve.py\nsocket=unix://%(here)s/f.sock\nstartsecs=0\n\
         stdout_logfile=%(here)s/f.log\n",
        python().display()
    );
    let mut daemon = Start::new(Side::Upstream, &config)
        .file("serve.py", SERVE)
        .start();
    daemon.wait_state("f", "RUNNING");
    let path = daemon.place().join("f.sock");
    let ask = || {
        let mut text = String::new();
        let stream = UnixStream::connect(&path).ok();
        let read = stream.map(|mut stream| stream.read_to_string(&mut text));
        read.map(|_| text)
    };
    let pid = daemon.rpc().pid("f").to_string();
    wait_until(PATIENCE, "an answer", || ask() == Some(pid.clone()));
    daemon.hand_over(&successor(&config, "s.pid"));
    assert_eq!(daemon.rpc().pid("f").to_string(), pid);
    assert_eq!(ask(), Some(pid.clone()));
    let ctl = |word| daemon.ctl(Side::Ours, &[word, "f"]).stdout;
    assert_eq!(ctl("stop"), "f: stopped\n");
    wait_until(PATIENCE, "the socket to be closed", || ask().is_none());
    assert_eq!(ctl("start"), "f: started\n");
    let second = daemon.rpc().pid("f").to_string();
    wait_until(PATIENCE, "an answer", || ask() == Some(second.clone()));
    assert_ne!(second, pid);
}

/// What was taken over is written down like everything else, so that it outlives the next daemon, too. What it writes while
/// there is none is lost: a program that Supervisor has started does not hold its pipe open by itself.
#[test]
fn what_was_taken_over_outlives_the_next_daemon_too() {
    let config = "[program:n]\ncommand=/bin/bash %(here)s/count.sh out\nstartsecs=0\nexitcodes=7\nstdout_logfile=%(here)s/n.log\n";
    let mut daemon = Start::new(Side::Upstream, config)
        .file("count.sh", COUNT)
        .start();
    daemon.wait_state("n", "RUNNING");
    let pid = daemon.rpc().pid("n");
    let old = daemon.pid();
    daemon.hand_over_in_background(&successor(config, "s.pid"));
    assert_ne!(daemon.pid(), old);
    assert!(!is_alive(old));
    let answer = daemon.rpc().call("supervisor.getPID", &[]).value();
    assert_eq!(answer.int(), i64::from(daemon.pid()));
    daemon.wait_log(&format!("adopted: 'n' with pid {pid}"));
    daemon.kill_alone();
    daemon.start_again(&Start::new(Side::Ours, config));
    daemon.wait_log_times(&format!("adopted: 'n' with pid {pid}"), 2);
    assert_eq!(daemon.rpc().pid("n"), pid);
    assert_eq!(
        daemon.ctl(Side::Ours, &["stop", "n"]).stdout,
        "n: stopped\n"
    );
    daemon.wait_log("stopped: n (exit status 7)");
}
