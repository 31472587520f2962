//! A thread panics: supervisord begins anew with the same state, and its programs do not notice.

use provost_e2e::{
    Daemon, PATIENCE, Side, Start, Value, assert_contiguous, is_alive, python, run, scripts,
    send_signal, wait_until, with_backups,
};
use rustix::process::Signal;

/// A writer of numbered lines, a listener, and a program that ends all the time.
fn config() -> String {
    let (python, scripts) = (python(), scripts());
    let (python, scripts) = (python.display(), scripts.display());
    format!(
        "[program:n]\ncommand={python} {scripts}/numbered_lines.py 0.005\nstartsecs=0\nstdout_logfile=%(here)s/n.log\n\
         stdout_logfile_maxbytes=1MB\nstdout_logfile_backups=1000\n\
         [program:up]\ncommand=/bin/cat\nstartsecs=0\n\
         [program:brief]\ncommand=/bin/sh -c 'echo >> %(here)s/brief.ends; sleep 0.05; exit 3'\nstartsecs=0\nautorestart=true\n\
         [eventlistener:ear]\ncommand={python} {scripts}/recorder.py %(here)s/ear.rec OK\nevents=PROCESS_STATE,REMOTE_COMMUNICATION\n\
         buffer_size=5000\n"
    )
}

/// A daemon that is to panic, and the pids of what must go on.
fn doomed(fault: &str) -> (Daemon, [u32; 3]) {
    let start = Start::new(Side::Ours, &config()).environment("PROVOST_PANIC", fault);
    let daemon = start.start();
    // The pid comes with the answer that tells of the state: one more question could be the one that meets the panic.
    let pids = ["n", "up", "ear"].map(|name| {
        let info = daemon.wait_state(name, "RUNNING");
        let pid = info.get("pid").map_or(0, Value::int);
        u32::try_from(pid).expect("a pid")
    });
    (daemon, pids)
}

fn assert_unharmed(daemon: &Daemon, pids: [u32; 3]) {
    for (name, pid) in ["n", "up", "ear"].iter().zip(pids) {
        assert_eq!(daemon.rpc().pid(name), pid, "{name}");
    }
    let said = daemon.ctl(Side::Ours, &["stop", "n", "up"]);
    assert_eq!(said.stdout, "n: stopped\nup: stopped\n", "{}", said.stderr);
    let said = daemon.ctl(Side::Ours, &["start", "up"]);
    assert_eq!(said.stdout, "up: started\n", "{}", said.stderr);
    assert_contiguous(&with_backups(daemon.place(), ".", "n.log"), 0);
    let again = daemon.rpc().pid("brief");
    wait_until(PATIENCE, "`brief` to be started again", || {
        let now = daemon.rpc().pid("brief");
        now != 0 && now != again
    });
}

#[test]
fn f05_a_panic_in_any_thread_restarts_nothing_and_loses_nothing() {
    for (fault, thread) in [
        ("decision:150", "control"),
        ("effect:250", "control"),
        ("logs:300", "logs"),
        ("worker:20", "worker"),
        ("records:30", "records"),
        ("api:20", "api"),
    ] {
        let (daemon, pids) = doomed(fault);
        let supervisord = daemon.pid();
        wait_until(PATIENCE, &format!("the panic at {fault}"), || {
            let _ = daemon.rpc().call("supervisor.getState", &[]);
            daemon
                .main_log()
                .contains("began anew after an internal error")
        });
        let log = daemon.main_log();
        let cause = format!("internal error in the thread {thread}: panicked at ");
        assert!(log.contains(&cause), "{fault}: {log}");
        assert!(log.contains("asked for at "), "{fault}");
        assert!(log.contains("provost_daemon::"), "no backtrace at {fault}");
        assert!(log.contains("what the core was told last:"), "{fault}");
        assert_eq!(log.matches("began anew").count(), 1, "{fault}");
        assert_eq!(daemon.place().read("s.pid"), format!("{supervisord}\n"));
        assert_unharmed(&daemon, pids);
    }
}

/// Points of the test below for each place; `PROVOST_PANIC_POINTS` asks for more.
const POINTS: u64 = 4;

/// Wherever it happens, nothing is left waiting: programs go on ending and starting, the listener gets each event once and
/// in order, and who asks is answered.
#[test]
fn f05_a_panic_at_any_point_leaves_nothing_waiting() {
    let points = std::env::var("PROVOST_PANIC_POINTS");
    let points: u64 = points.map_or(POINTS, |text| text.parse().expect("a number of points"));
    for place in ["decision", "effect"] {
        for point in 0..points {
            // Spread over the start and the time after it.
            let fault = format!("{place}:{}", 10 + point * 140 / points);
            let start = Start::new(Side::Ours, &config()).environment("PROVOST_PANIC", &fault);
            let daemon = start.start();
            daemon.wait_log("began anew");
            for name in ["n", "up", "ear"] {
                daemon.wait_state(name, "RUNNING");
            }
            // Of the main log's lines no more than ten are written when they are all alike.
            let ended = || daemon.place().read("brief.ends").len();
            let before = ended();
            wait_until(PATIENCE, &format!("more ends after {fault}"), || {
                ended() > before + 2
            });
            let params = ["kind".into(), "the last one".into()];
            let outcome = daemon.rpc().call("supervisor.sendRemoteCommEvent", &params);
            outcome.value();
            daemon.wait_file("ear.rec", "the last one");
            let record = daemon.place().read("ear.rec");
            let serials: Vec<u64> = record
                .lines()
                .filter_map(|line| {
                    let (_, rest) = line.split_once("poolserial:")?;
                    rest.split(' ').next()?.parse().ok()
                })
                .collect();
            let in_order = serials.windows(2).all(|pair| pair[1] <= pair[0] + 1);
            assert!(in_order, "an event is missing after {fault}: {serials:?}");
            let said = daemon.ctl(Side::Ours, &["restart", "up"]);
            assert_eq!(said.stdout, "up: stopped\nup: started\n", "{fault}");
        }
    }
}

/// A signal that was not sent is sent by the next image, to a program, to its group and to its tree; one that was is not.
#[test]
fn f05_a_signal_that_was_broken_off_is_sent_once() {
    let counts = |signals: &str| {
        format!(
            "command=/bin/sh -c 'trap \"echo got >> %(here)s/got\" {signals}; trap \"echo got >> %(here)s/got; exit 0\" TERM; \
             echo ready; while :; do sleep 0.05; done'\nstdout_logfile=%(here)s/p.log\nstartsecs=0\nstopwaitsecs=3600\n"
        )
    };
    for (fault, keys, words) in [
        ("signal:1", "", ["stop", "p"]),
        ("signal:1", "stopasgroup=true\n", ["stop", "p"]),
        ("signal:1", "stop_tree=true\n", ["stop", "p"]),
        ("signalled:1", "", ["stop", "p"]),
        ("signal:1", "", ["signal", "USR1"]),
        ("signalled:1", "", ["signal", "USR1"]),
    ] {
        let config = format!("[program:p]\n{}{keys}", counts("USR1"));
        let start = Start::new(Side::Ours, &config).environment("PROVOST_PANIC", fault);
        let daemon = start.start();
        daemon.wait_file("p.log", "ready");
        let pid = daemon.rpc().pid("p");
        let is_stop = words[0] == "stop";
        let mut command = daemon.ctl_command(Side::Ours);
        command.args(words);
        if !is_stop {
            command.arg("p");
        }
        let said = run(&mut command);
        daemon.wait_log("began anew after an internal error");
        daemon.wait_file("got", "got\n");
        if is_stop {
            assert_eq!(said.stdout, "p: stopped\n", "{fault} {keys}{}", said.stderr);
            daemon.wait_state("p", "STOPPED");
        } else {
            // Once a later one has been heard, an earlier one would have been.
            let sent = daemon.ctl(Side::Ours, &["stop", "p"]);
            assert_eq!(sent.stdout, "p: stopped\n", "{fault}");
        }
        assert!(!is_alive(pid), "{fault} {keys}");
        let got = daemon.place().read("got").lines().count();
        assert_eq!(got, if is_stop { 1 } else { 2 }, "{fault} {keys}{words:?}");
    }
}

/// Three within a minute, and nothing is decided any more: what runs goes on, its output is written, and an order to stop
/// is obeyed.
#[test]
fn f05_after_three_panics_the_plain_form_reaps_logs_and_obeys() {
    let (mut daemon, pids) = doomed("decision:60:always");
    daemon.wait_log("goes on in its plain form");
    assert_eq!(daemon.main_log().matches("began anew").count(), 2);
    assert_eq!(pids.map(is_alive), [true; 3], "{pids:?}");
    let said = daemon.ctl(Side::Ours, &["status"]);
    let text = said.stdout + &said.stderr;
    assert!(text.contains("plain form"), "{text}");
    let before = daemon.place().read("n.log").len();
    wait_until(PATIENCE, "more output", || {
        daemon.place().read("n.log").len() != before
    });
    send_signal(pids[1], Signal::KILL);
    daemon.wait_log(&format!(
        "up (pid {}) has ended: terminated by SIGKILL",
        pids[1]
    ));
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
    assert!(!daemon.place().join("s.pid").exists());
    assert!(!daemon.place().join("s.sock").exists());
    assert_contiguous(&with_backups(daemon.place(), ".", "n.log"), 0);
}

/// The plain form is killed and supervisord started again: it is whole, and no program was restarted. (`up` reads its
/// standard input, which ends with the daemon.)
#[test]
fn f05_from_the_plain_form_back_without_a_restart() {
    let start = Start::new(Side::Ours, &config()).environment("PROVOST_PANIC", "effect:100:always");
    let mut daemon = start.start();
    daemon.wait_state("n", "RUNNING");
    let pid = daemon.rpc().pid("n");
    daemon.wait_log("goes on in its plain form");
    daemon.kill_alone();
    daemon.start_again(&Start::new(Side::Ours, &config()));
    assert_eq!(daemon.rpc().pid("n"), pid);
}

/// Nothing of what programs and clients wrote is in the report.
#[test]
fn the_report_of_a_panic_holds_no_secrets() {
    let (daemon, _) = doomed("decision:400");
    wait_until(PATIENCE, "the panic", || {
        let params = ["up".into(), "the secret word\n".into()];
        let _ = daemon.rpc().call("supervisor.sendProcessStdin", &params);
        let params = ["kind".into(), "the secret word".into()];
        let _ = daemon.rpc().call("supervisor.sendRemoteCommEvent", &params);
        daemon.main_log().contains("began anew")
    });
    let log = daemon.main_log();
    assert!(log.contains("Requested"), "{log}");
    assert!(!log.contains("secret word"), "{log}");
}

/// Whichever order for a spool it was, its file is opened anew, and each event comes once and in order.
#[test]
fn f05_a_panic_over_a_spool_loses_no_event_and_gives_none_twice() {
    const EVENTS: usize = 60;
    // The first order opens the file; then come events to be written, and, with the listener, to be read. A listener that
    // keeps up leaves nothing for the file, so that most of them come before it.
    for point in [1, 2, 5, 20, 58, 62, 64] {
        let config = format!(
            "[eventlistener:ear]\ncommand={} {}/counter.py %(here)s/seen\nstartsecs=0\nautostart=false\nbuffer_size=2\n\
             events=REMOTE_COMMUNICATION\nevent_spool=%(here)s/ear.events\n",
            python().display(),
            scripts().display()
        );
        let fault = format!("spool:{point}");
        let start = Start::new(Side::Ours, &config).environment("PROVOST_PANIC", &fault);
        let daemon = start.start();
        let send = |number: usize| {
            let params = ["t".into(), format!("n{number}").as_str().into()];
            let method = "supervisor.sendRemoteCommEvent";
            assert_eq!(daemon.rpc().call(method, &params).to_string(), "true");
        };
        (0..EVENTS).for_each(send);
        let started = daemon
            .rpc()
            .call("supervisor.startProcess", &["ear".into()]);
        assert_eq!(started.to_string(), "true", "{fault}");
        let (mut sent, mut seen) = (EVENTS, String::new());
        wait_until(PATIENCE, &format!("the panic at {fault}"), || {
            send(sent);
            sent += 1;
            daemon.main_log().contains("began anew after")
        });
        wait_until(PATIENCE, &format!("all events after {fault}"), || {
            seen = daemon.place().read("seen");
            seen.lines().count() >= sent
        });
        send(sent);
        let last = format!("n{sent}");
        daemon.wait_file("seen", &last);
        let data: Vec<String> = daemon
            .place()
            .read("seen")
            .lines()
            .filter_map(|line| line.rsplit([' ', '|']).next().map(str::to_owned))
            .collect();
        let expected: Vec<String> = (0..=sent).map(|number| format!("n{number}")).collect();
        assert_eq!(data, expected, "{fault}");
        let log = daemon.main_log();
        let told = "broke down; the file is opened anew";
        assert_eq!(log.matches(told).count(), 1, "{fault}: {log}");
        assert!(!log.contains("overflowed"), "{fault}: {log}");
    }
}
