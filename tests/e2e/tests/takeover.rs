//! A supervisord of Python runs, and Provost goes on in its place: same processes, same logs, same socket. What fails before
//! the point of no return leaves the old one as it was.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use provost_e2e::{
    Daemon, Finished, PATIENCE, Rpc, Side, Start, Target, Value, assert_contiguous, free_port,
    is_alive, means, older, python, run, scripts, wait_all_running, wait_until,
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

fn upstream(config: &str) -> Daemon {
    Start::new(Side::Upstream, config).start()
}

/// What starts Provost in the place of a daemon.
fn successor(config: &str, from: &str) -> Start {
    Start::new(Side::Ours, config).arguments(&["--take-over-from", from])
}

fn infos(rpc: &Rpc) -> Vec<Value> {
    rpc.call("supervisor.getAllProcessInfo", &[])
        .value()
        .items()
        .to_vec()
}

/// What must be the same before and after. Of a process that runs the description tells the time.
fn lasting(rpc: &Rpc) -> Vec<String> {
    let line = |info: &Value| {
        let mut keys = vec![
            "group",
            "name",
            "statename",
            "pid",
            "start",
            "stop",
            "exitstatus",
            "spawnerr",
            "stdout_logfile",
            "stderr_logfile",
        ];
        if info.get("statename").map(Value::text) != Some("RUNNING") {
            keys.push("description");
        }
        let values: Vec<String> = keys
            .iter()
            .map(|key| format!("{key}={}", info.get(key).unwrap()))
            .collect();
        values.join(" ")
    };
    infos(rpc).iter().map(line).collect()
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
    let (old, before, starts) = (daemon.pid(), lasting(&daemon.rpc()), spawned(&daemon));
    daemon.hand_over(&successor(&hundred(), "s.pid"));
    wait_until(PATIENCE, "the old daemon to be gone", || !is_alive(old));
    assert_eq!(lasting(&daemon.rpc()), before);
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
    for info in infos(&daemon.rpc()) {
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

/// Something small that runs, and something that rests.
const SMALL: &str = "[program:n]\ncommand=/bin/bash -c 'exec 9<> <(:); i=0; while :; do echo $((++i)); read -t 0.01 -u 9; done'\n\
                     startsecs=0\nstdout_logfile=%(here)s/n.log\n[program:rests]\ncommand=/bin/cat\nautostart=false\n";

fn small() -> Daemon {
    let daemon = upstream(SMALL);
    daemon.wait_state("n", "RUNNING");
    wait_growth(&daemon);
    daemon
}

fn wait_growth(daemon: &Daemon) {
    let before = daemon.place().read("n.log").len();
    wait_until(PATIENCE, "n.log to grow", || {
        daemon.place().read("n.log").len() > before
    });
}

/// Asserts that the old daemon is as it was: it answers, with the same processes, and its log goes on.
fn assert_untouched(daemon: &Daemon, before: &[String]) {
    assert_eq!(lasting(&daemon.rpc()), before);
    let pid = daemon.rpc().call("supervisor.getPID", &[]).value().int();
    assert_eq!(pid, i64::from(daemon.pid()));
    assert_eq!(
        daemon.place().read("s.pid").trim(),
        daemon.pid().to_string()
    );
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    assert!(!stat.contains(") T "), "{stat}");
    assert!(!daemon.place().join("s.pid.runs").exists());
    assert!(daemon.place().join("s.sock").exists());
    if daemon.place().join("n.log").is_file() {
        wait_growth(daemon);
        assert_contiguous(
            &daemon.place().read("n.log").trim_end_matches(|c| c != '\n'),
            1,
        );
    }
}

/// Tries a take-over that must fail with this sentence, and asserts that nothing happened.
fn assert_refused(daemon: &Daemon, start: &Start, sentence: &str) {
    let before = lasting(&daemon.rpc());
    let finished = run(&mut rival(daemon, start));
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let said = daemon.place().read("daemon.err") + &finished.stderr;
    assert!(said.contains(sentence), "{said}");
    assert_untouched(daemon, &before);
}

fn rival(daemon: &Daemon, start: &Start) -> Command {
    daemon.rival(start)
}

fn dry(daemon: &Daemon, config: &str, from: &str) -> Finished {
    let start = successor(config, from).arguments(&["--dry-run"]);
    let mut finished = run(&mut rival(daemon, &start));
    finished.stdout = daemon.place().read("daemon.out") + &finished.stdout;
    finished.stderr = daemon.place().read("daemon.err") + &finished.stderr;
    finished
}

#[test]
fn a_rehearsal_tells_everything_and_touches_nothing() {
    let daemon = small();
    let (before, files) = (lasting(&daemon.rpc()), daemon.place().list("."));
    let log = daemon.place().read("main.log");
    let pid = daemon.rpc().pid("n");
    for from in [
        "s.pid".to_owned(),
        "s.sock".to_owned(),
        daemon.pid().to_string(),
        format!("unix://{}", daemon.socket().display()),
    ] {
        let finished = dry(&daemon, SMALL, &from);
        assert_eq!(finished.code, Some(0), "{from}: {finished:?}");
        for text in [
            format!("take over from Supervisor 4.3.0, pid {}", daemon.pid()),
            format!("socket  unix://{}\n", daemon.socket().display()),
            format!("n      runs on: RUNNING, pid {pid}\nrests  stays STOPPED\n"),
            "1 processes run on, 1 rest, 0 are stopped and start anew; nothing was touched\n"
                .to_owned(),
        ] {
            assert!(
                finished.stdout.contains(&text),
                "{text}: {}",
                finished.stdout
            );
        }
    }
    assert_eq!(daemon.place().read("main.log"), log);
    assert_eq!(daemon.place().list("."), files);
    let bad = dry(&daemon, "[program:other]\ncommand=/bin/cat\n", "s.pid");
    assert_eq!(bad.code, Some(2), "{bad:?}");
    assert!(bad.stderr.contains("'n' runs with pid"), "{}", bad.stderr);
    assert!(
        bad.stdout
            .contains("warning: 'other' is new to the old supervisord; it is started\n"),
        "{}",
        bad.stdout
    );
    assert_untouched(&daemon, &before);
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_touched() {
    let daemon = small();
    let without = "[program:other]\ncommand=/bin/cat\nautostart=false\n";
    assert_refused(
        &daemon,
        &successor(without, "s.pid"),
        "is not in the configuration",
    );
    assert_refused(
        &daemon,
        &successor(SMALL, "1"),
        "pid 1 cannot be taken over",
    );
    assert_refused(
        &daemon,
        &successor(SMALL, "nothing.pid"),
        "nothing.pid names no supervisord",
    );
    let shell = std::process::id().to_string();
    assert_refused(
        &daemon,
        &successor(SMALL, &shell),
        "is no supervisord of Python",
    );
    let other = successor(SMALL, "s.pid").arguments(&["--pidfile", "other.pid"]);
    assert_refused(&daemon, &other, "is not that of this configuration");
    let server = format!(
        "[inet_http_server]\nport=127.0.0.1:{}\n{SMALL}",
        free_port()
    );
    let start = successor(&server, "s.pid");
    assert_refused(
        &daemon,
        &start,
        "the old supervisord does not listen at http://127.0.0.1:",
    );
}

#[test]
fn a_log_that_cannot_be_written_is_found_out_before_anything_is_touched() {
    let daemon = small();
    let log = daemon.place().join("n.log");
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    assert_refused(
        &daemon,
        &successor(SMALL, "s.pid"),
        "n.log of 'n' cannot be written",
    );
    fs::remove_dir(&log).unwrap();
}

/// What fails while the old daemon is halted.
#[test]
fn a_failure_at_the_last_moment_lets_the_old_daemon_go_on() {
    let daemon = small();
    fs::rename(
        daemon.place().join("main.log"),
        daemon.place().join("old.log"),
    )
    .unwrap();
    fs::create_dir(daemon.place().join("main.log")).unwrap();
    assert_refused(
        &daemon,
        &successor(SMALL, "s.pid"),
        "could not open the log file",
    );
    fs::remove_dir(daemon.place().join("main.log")).unwrap();
    for (call, sentence) in [
        (
            "pidfd_getfd:error=EMFILE:when=5",
            "could not copy descriptor",
        ),
        // The reactors of the logs thread, the api thread and the control thread, in the background already.
        ("epoll_create1:error=EMFILE:when=1", ""),
        ("epoll_create1:error=EMFILE:when=3", ""),
    ] {
        let Some(wrapper) = means::failing_calls(call, None) else {
            return;
        };
        assert_refused(
            &daemon,
            &successor(SMALL, "s.pid").under(&wrapper),
            sentence,
        );
    }
}

#[test]
fn one_that_is_killed_while_the_old_daemon_is_halted_lets_it_go_on() {
    let daemon = small();
    let before = lasting(&daemon.rpc());
    for call in [
        "pidfd_getfd:signal=SIGKILL:when=5",
        "ftruncate:signal=SIGKILL:when=1",
    ] {
        let Some(wrapper) = means::failing_calls(call, None) else {
            return;
        };
        let start = successor(SMALL, "s.pid").arguments(&["-n"]).under(&wrapper);
        let finished = run(&mut rival(&daemon, &start));
        assert_eq!(finished.code, None, "{finished:?}");
        wait_until(PATIENCE, "the old daemon to go on", || {
            fs::read_to_string(format!("/proc/{}/stat", daemon.pid()))
                .is_ok_and(|stat| !stat.contains(") T "))
        });
        assert_eq!(lasting(&daemon.rpc()), before);
        wait_growth(&daemon);
    }
}

/// Runs as another user, with a copy of the command that this user can reach.
fn as_nobody(daemon: &Daemon, start: Start) -> Start {
    let copy = daemon.place().join("provost-supervisord");
    fs::copy(Side::Ours.command("supervisord"), &copy).unwrap();
    start.program(copy).under(&[
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ])
}

#[test]
fn another_user_may_not_and_root_may() {
    if !rustix::process::geteuid().is_root() || !means::has_command("setpriv") {
        return;
    }
    let daemon = small();
    let start = as_nobody(&daemon, successor(SMALL, &daemon.pid().to_string()));
    assert_refused(
        &daemon,
        &start,
        "belongs to uid 0, and this is uid 65534; run this as root or as that user",
    );
    drop(daemon);

    let place = provost_e2e::Place::new();
    std::os::unix::fs::chown(place.path(), Some(65534), Some(65534)).unwrap();
    let config = format!("user=65534\n{SMALL}");
    let mut daemon = Start::new(Side::Upstream, &config).launch_in(place);
    daemon.wait_ready();
    daemon.wait_state("n", "RUNNING");
    wait_growth(&daemon);
    let before = lasting(&daemon.rpc());
    daemon.hand_over(&successor(&config, "s.pid"));
    assert_eq!(lasting(&daemon.rpc()), before);
    wait_growth(&daemon);
    let text = daemon.place().read("n.log");
    assert_contiguous(text.trim_end_matches(|c| c != '\n'), 1);
}

#[test]
fn servers_with_passwords_listeners_and_standard_input_go_along() {
    let port = free_port();
    let config = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\nusername=me\npassword=secret\n\
         [program:reads]\ncommand=/bin/sh -c 'while read line; do echo got $line; done'\nstdout_logfile=%(here)s/reads.log\n\
         startsecs=0\n[program:auto]\ncommand=/bin/sh -c 'echo first; read line; echo $line; sleep 1000'\nstartsecs=0\n\
         [program:turned]\ncommand=/bin/bash -c 'exec 1>&2; echo turned; read line; echo $line; sleep 1000'\nstartsecs=0\n\
         stdout_logfile=%(here)s/turned.out\nstderr_logfile=%(here)s/turned.err\n\
         [eventlistener:hears]\ncommand={} {}/recorder.py\nevents=REMOTE_COMMUNICATION\nstartsecs=0\n",
        python().display(),
        scripts().display()
    );
    let mut daemon = upstream(&config);
    for name in ["reads", "auto", "turned", "hears"] {
        daemon.wait_state(name, "RUNNING");
    }
    daemon.wait_file("turned.err", "turned\n");
    let headers = "Authorization: Basic bWU6c2VjcmV0\r\n";
    let over_tcp = Rpc::new(Target::Port(port)).with_headers(headers);
    let auto = daemon
        .rpc()
        .info("auto")
        .unwrap()
        .get("stdout_logfile")
        .unwrap()
        .text()
        .to_owned();
    let (kept, heard) = (daemon.rpc().pid("reads"), daemon.rpc().pid("hears"));
    daemon.hand_over(&successor(&config, &format!("http://127.0.0.1:{port}")));
    assert_eq!(daemon.rpc().pid("reads"), kept);
    let info = daemon.wait_state("hears", "RUNNING");
    assert_ne!(
        info.get("pid").unwrap().int(),
        i64::from(heard),
        "a listener begins anew"
    );
    daemon.wait_log("event listeners begin anew");
    assert_eq!(over_tcp.pid("reads"), kept);
    for name in ["reads", "auto", "turned"] {
        let sent = over_tcp.call(
            "supervisor.sendProcessStdin",
            &[name.into(), "hello\n".into()],
        );
        sent.value();
    }
    daemon.wait_file("reads.log", "got hello\n");
    daemon.wait_file("turned.err", "turned\nhello\n");
    assert_eq!(daemon.place().read("turned.out"), "");
    wait_until(PATIENCE, "the AUTO log to go on", || {
        fs::read_to_string(&auto).is_ok_and(|text| text == "first\nhello\n")
    });
}

/// A client that waits for its answer is waited for; one that says nothing is not.
#[test]
fn clients_of_the_old_daemon_are_answered_first() {
    let config =
        format!("{SMALL}[program:slow]\ncommand=/bin/sleep 1000\nautostart=false\nstartsecs=4\n");
    let mut daemon = upstream(&config);
    daemon.wait_state("n", "RUNNING");
    let silent = std::os::unix::net::UnixStream::connect(daemon.socket()).unwrap();
    let rpc = daemon.rpc();
    let client = std::thread::spawn(move || rpc.call("supervisor.startProcess", &["slow".into()]));
    daemon.wait_state("slow", "STARTING");
    daemon.hand_over(&successor(&config, "s.pid"));
    assert_eq!(client.join().unwrap().value().to_string(), "true");
    assert_eq!(daemon.rpc().state("slow"), "RUNNING");
    drop(silent);
}
