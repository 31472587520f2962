//! Children, signals and time. The names of the tests are rows of `docs/faults.md`.

use std::fs;
use std::time::{Duration, Instant};

use provost_e2e::{Daemon, PATIENCE, Side, Start, is_alive, send_signal, wait_for, wait_until};
use rustix::process::Signal;

fn start(config: &str) -> Daemon {
    Start::new(Side::Ours, config).start()
}

/// A pid that a program wrote into a file of the place.
fn pid_in(daemon: &Daemon, name: &str) -> u32 {
    wait_for(PATIENCE, name, || {
        daemon.place().read(name).trim().parse().ok()
    })
}

/// A halted program is killed by default, and wakes up and ends in order with `stop_cont`.
#[test]
fn f32_a_halted_program_can_be_woken_for_its_stop() {
    let daemon = start(
        "[program:plain]\ncommand=/bin/cat\nstartsecs=0\nstopwaitsecs=1\n\
         [program:woken]\ncommand=/bin/cat\nstartsecs=0\nstopwaitsecs=60\nstop_cont=true\n",
    );
    for name in ["plain", "woken"] {
        daemon.wait_state(name, "RUNNING");
        send_signal(daemon.rpc().pid(name), Signal::STOP);
    }
    let begun = Instant::now();
    daemon.ctl(Side::Ours, &["stop", "woken"]);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    daemon.wait_log("stopped: woken (terminated by SIGTERM)");
    daemon.ctl(Side::Ours, &["stop", "plain"]);
    daemon.wait_log("stopped: plain (terminated by SIGKILL)");
    assert!(
        !daemon.main_log().contains("killing 'woken'"),
        "SIGKILL was not needed"
    );
}

/// Whoever is in a session of its own survives a stop as a group, and not one of the tree: neither while its parent
/// lives, nor when its parent has long ended.
#[test]
fn f33_a_stop_of_the_tree_reaches_other_sessions() {
    let program = |name: &str, keys: &str| {
        format!(
            "[program:{name}]\nstartsecs=0\nstopasgroup=true\n{keys}\
             command=/bin/sh -c 'setsid sleep 86401 & echo $! >{name}.child; \
             (setsid sh -c \"echo \\$\\$ >{name}.orphan; exec sleep 86402\" &); exec cat'\n"
        )
    };
    let config = program("plain", "") + &program("tree", "stop_tree=true\n");
    let daemon = start(&config);
    let pids = |name: &str| {
        [
            pid_in(&daemon, &format!("{name}.child")),
            pid_in(&daemon, &format!("{name}.orphan")),
        ]
    };
    let (plain, tree) = (pids("plain"), pids("tree"));
    assert_eq!(
        daemon.ctl(Side::Ours, &["stop", "plain", "tree"]).stdout,
        "plain: stopped\ntree: stopped\n"
    );
    assert!(plain.into_iter().all(is_alive), "as under Supervisor");
    assert!(
        !tree.into_iter().any(is_alive),
        "all of the tree has ended when it counts as stopped"
    );
    for pid in plain {
        send_signal(pid, Signal::KILL);
    }
}

/// What does not obey gets SIGKILL after `stopwaitsecs`, and the log says how many that were.
#[test]
fn f33_what_is_left_of_the_tree_is_killed_and_counted() {
    let daemon = start(
        "[program:p]\nstartsecs=0\nstopwaitsecs=1\nstop_tree=true\n\
         command=/bin/sh -c 'setsid sh -c \"trap : TERM; echo \\$\\$ >deaf; while :; do sleep 86403; done\" & exec cat'\n",
    );
    let deaf = pid_in(&daemon, "deaf");
    assert_eq!(
        daemon.ctl(Side::Ours, &["stop", "p"]).stdout,
        "p: stopped\n"
    );
    assert!(!is_alive(deaf));
    daemon.wait_log("that came from 'p' did not end in time, killing with SIGKILL");
    // The program itself obeyed, and its own end is what is told.
    daemon.wait_log("stopped: p (terminated by SIGTERM)");
    daemon.ctl(Side::Ours, &["start", "p"]);
    daemon.wait_state("p", "RUNNING");
}

fn ignored_signals(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = |name: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .expect("the kernel tells");
        u64::from_str_radix(line.trim(), 16).expect("a mask")
    };
    assert_eq!(mask("SigBlk:"), 0, "no signal is blocked");
    mask("SigIgn:")
}

/// As Supervisor's programs, or as a shell's.
#[test]
fn f36_sigpipe_is_ignored_unless_a_program_wants_it() {
    let daemon = start(
        "[program:plain]\ncommand=/bin/cat\n[program:clean]\ncommand=/bin/cat\nsigpipe=default\n",
    );
    let ignored = |name: &str| {
        daemon.wait_state(name, "RUNNING");
        ignored_signals(daemon.rpc().pid(name))
    };
    assert_eq!(ignored("plain"), 0x0100_1000, "SIGPIPE and SIGXFSZ");
    assert_eq!(ignored("clean"), 0);
}

/// Stops and exits meet: what a client stops is STOPPED, whoever was first, and never started again.
#[test]
fn f42_a_stop_that_meets_an_exit_is_a_stop() {
    // Each process ends by itself at about the time at which it is stopped.
    let daemon = start(
        "[program:p]\ncommand=/bin/sh -c 'read line; exit 3'\nstartsecs=0\nautorestart=false\nautostart=false\n",
    );
    let rpc = daemon.rpc();
    for round in 0..300 {
        rpc.call("supervisor.startProcess", &["p".into()]);
        let pid = rpc.pid("p");
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(round % 7 * 150));
            send_signal(pid, Signal::KILL);
        });
        let stopped = rpc
            .call("supervisor.stopProcess", &["p".into()])
            .to_string();
        killer.join().expect("it only sends a signal");
        let expected = if stopped.contains("NOT_RUNNING") {
            "EXITED"
        } else {
            "STOPPED"
        };
        assert_eq!(rpc.state("p"), expected, "{stopped}");
    }
    assert!(
        !daemon
            .main_log()
            .contains("something happened that should not")
    );
}
