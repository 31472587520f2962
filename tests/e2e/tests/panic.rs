//! A thread panics: supervisord begins anew with the same state, and its programs do not notice.

use provost_e2e::{
    Daemon, PATIENCE, Side, Start, assert_contiguous, is_alive, python, scripts, send_signal,
    wait_until, with_backups,
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
         [program:brief]\ncommand=/bin/sh -c 'sleep 0.05; exit 3'\nstartsecs=0\nautorestart=true\n\
         [eventlistener:ear]\ncommand={python} {scripts}/recorder.py %(here)s/ear.rec OK\nevents=PROCESS_STATE\n\
         buffer_size=5000\n"
    )
}

/// A daemon that is to panic, and the pids of what must go on.
fn doomed(fault: &str) -> (Daemon, [u32; 3]) {
    let start = Start::new(Side::Ours, &config()).environment("PROVOST_PANIC", fault);
    let daemon = start.start();
    let pids = ["n", "up", "ear"].map(|name| {
        daemon.wait_state(name, "RUNNING");
        daemon.rpc().pid(name)
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

/// Three within a minute, and nothing is decided any more: what runs goes on, its output is written, and an order to stop
/// is obeyed.
#[test]
fn f05_after_three_panics_the_plain_form_reaps_logs_and_obeys() {
    let (mut daemon, pids) = doomed("decision:60:always");
    daemon.wait_log("goes on in its plain form");
    assert_eq!(daemon.main_log().matches("began anew").count(), 2);
    assert!(pids.iter().all(|pid| is_alive(*pid)));
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
