//! A take-over that is not to be, or only in part: what cannot work is said before anything is touched, and what fails before
//! the point of no return leaves the old daemon as it was.

use std::fs;

use provost_e2e::{
    Daemon, Finished, PATIENCE, Rpc, Side, Start, Target, assert_contiguous, free_port, means,
    python, run, scripts, successor, wait_until,
};

fn upstream(config: &str) -> Daemon {
    Start::new(Side::Upstream, config).start()
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
    assert_eq!(daemon.rpc().lasting(), before);
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
            daemon.place().read("n.log").trim_end_matches(|c| c != '\n'),
            1,
        );
    }
}

/// Tries a take-over that must fail with this sentence, and asserts that nothing happened.
fn assert_refused(daemon: &Daemon, start: &Start, sentence: &str) {
    let before = daemon.rpc().lasting();
    let finished = run(&mut daemon.rival(start));
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains(sentence), "{}", finished.stderr);
    assert_untouched(daemon, &before);
}

fn dry(daemon: &Daemon, config: &str, from: &str) -> Finished {
    run(&mut daemon.rival(&successor(config, from).arguments(&["--dry-run"])))
}

#[test]
fn a_rehearsal_tells_everything_and_touches_nothing() {
    let daemon = small();
    let (before, files) = (daemon.rpc().lasting(), daemon.place().list("."));
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
    let elsewhere = successor(SMALL, "s.pid").environment("PROBE", "secret");
    let said = run(&mut daemon.rival(&elsewhere.arguments(&["--dry-run"]))).stdout;
    assert!(
        said.contains(
            "warning: the environment differs from that of the old supervisord in PROBE; "
        ),
        "{said}"
    );
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
    let before = daemon.rpc().lasting();
    for call in [
        "pidfd_getfd:signal=SIGKILL:when=5",
        "ftruncate:signal=SIGKILL:when=1",
    ] {
        let Some(wrapper) = means::failing_calls(call, None) else {
            return;
        };
        let start = successor(SMALL, "s.pid").arguments(&["-n"]).under(&wrapper);
        let finished = run(&mut daemon.rival(&start));
        assert_eq!(finished.code, None, "{finished:?}");
        wait_until(PATIENCE, "the old daemon to go on", || {
            fs::read_to_string(format!("/proc/{}/stat", daemon.pid()))
                .is_ok_and(|stat| !stat.contains(") T "))
        });
        wait_until(PATIENCE, "the pid file to be put back", || {
            daemon.place().read("s.pid") == format!("{}\n", daemon.pid())
        });
        assert_untouched(&daemon, &before);
    }
}

/// Runs as another user, with a copy of the command that this user can reach.
fn as_nobody(daemon: &Daemon, start: Start) -> Start {
    let program = Side::Ours.command("supervisord");
    let copy = daemon.place().program("provost-supervisord", &program);
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
    let before = daemon.rpc().lasting();
    daemon.hand_over(&successor(&config, "s.pid"));
    assert_eq!(daemon.rpc().lasting(), before);
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
