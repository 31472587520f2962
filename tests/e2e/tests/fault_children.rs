//! Children, signals and time. The names of the tests are rows of `docs/faults.md`.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use provost_e2e::means::assert_calm;
use provost_e2e::{
    Daemon, PATIENCE, Place, Side, Start, children, is_alive, python, send_signal, wait_for,
    wait_until,
};
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
    // The pid is known before it has a session of its own.
    for pid in [plain[0], tree[0]] {
        wait_until(
            PATIENCE,
            "the child to become `sleep` in its session",
            || fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n"),
        );
    }
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

/// Halted for longer than `stopwaitsecs`, the daemon finds a child that ended in time, and sends it no SIGKILL.
#[test]
fn f08_a_halted_daemon_kills_nobody_who_ended_in_time() {
    let daemon = start(
        "[program:p]\ncommand=/bin/sh -c 'trap \"sleep 0.3; exit 0\" TERM; echo up >up; while :; do sleep 0.05; done'\n\
         startsecs=0\nstopwaitsecs=2\n[program:other]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    daemon.wait_file("up", "up");
    let pid = daemon.rpc().pid("p");
    daemon
        .rpc()
        .call("supervisor.stopProcess", &["p".into(), false.into()]);
    daemon.signal(Signal::STOP);
    let halted = Instant::now();
    wait_until(
        PATIENCE,
        "the child to end while the daemon is halted",
        || !is_alive(pid),
    );
    wait_until(PATIENCE, "the time to pass", || {
        halted.elapsed() > Duration::from_millis(3_200)
    });
    daemon.signal(Signal::CONT);
    daemon.wait_state("p", "STOPPED");
    daemon.wait_log("stopped: p (exit status 0)");
    assert!(
        !daemon.main_log().contains("SIGKILL"),
        "{}",
        daemon.main_log()
    );
    let restart = daemon.ctl(Side::Ours, &["restart", "other"]);
    assert_eq!(restart.stdout, "other: stopped\nother: started\n");
    assert_calm(daemon.pid(), 3);
}

/// More orphans at once than one turn of the daemon takes: none stays a zombie, and the log has no line for each.
#[test]
fn f34_a_storm_of_orphans_leaves_no_zombie() {
    let storm = "import os\n\
                 for i in range(1500):\n\
                 \x20   if os.fork() == 0:\n        os.setsid()\n        r = os.read(0, 1)\n        os._exit(0)\n";
    let config = format!(
        "[program:storm]\ncommand={} %(here)s/storm.py\nstartsecs=0\nautorestart=false\nautostart=false\n\
         [program:other]\ncommand=/bin/cat\nstartsecs=0\n",
        python().display()
    );
    let start = Start::new(Side::Ours, &config).file("storm.py", storm);
    let mut daemon = start
        .under(&["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"])
        .launch();
    daemon.wait_ready();
    daemon.ctl(Side::Ours, &["start", "storm"]);
    daemon.wait_state("storm", "EXITED");
    let supervisor = wait_for(PATIENCE, "the daemon below its wrapper", || {
        children(daemon.pid()).first().copied()
    });
    wait_until(PATIENCE, "all orphans to be reaped", || {
        children(supervisor).len() <= 1
    });
    assert_eq!(
        daemon.ctl(Side::Ours, &["restart", "other"]).stdout,
        "other: stopped\nother: started\n"
    );
    daemon.wait_log("more lines like this in 10 seconds: reaped unknown pid");
    let lines = daemon.main_log().matches("INFO reaped unknown pid").count();
    assert!(lines <= 10, "{lines} lines");
}

/// Two signals at once: the shutdown is not lost, and a restart asked for during it neither happens nor prevents it.
#[test]
fn f35_signals_that_come_together_all_count() {
    let mut daemon = start(
        "[program:p]\ncommand=/bin/sh -c 'trap \"sleep 0.5; exit 0\" TERM; echo up >up; while :; do sleep 0.05; done'\nstartsecs=0\n",
    );
    daemon.wait_file("up", "up");
    daemon.signal(Signal::STOP);
    for signal in [
        Signal::USR2,
        Signal::TERM,
        Signal::TERM,
        Signal::HUP,
        Signal::CONT,
    ] {
        daemon.signal(signal);
    }
    assert_eq!(daemon.wait_end(), Some(0));
    let log = daemon.main_log();
    assert!(
        log.contains("received SIGTERM indicating exit request"),
        "{log}"
    );
    assert!(
        log.contains("received SIGUSR2 indicating log reopen request"),
        "{log}"
    );
    assert_eq!(
        log.matches("supervisord started with pid").count(),
        1,
        "{log}"
    );
    assert_eq!(
        log.matches("stopped: p (exit status 0)").count(),
        1,
        "{log}"
    );
}

/// Of signals that wait, the system keeps one. It names one child that has ended, or whoever made it up: the others are heard
/// of all the same, whether programs come back or not.
#[test]
fn f35_ends_that_one_signal_tells_of_are_all_heard() {
    let program = |name: &str, again: bool| {
        format!("[program:{name}]\ncommand=/bin/cat\nstartsecs=0\nautorestart={again}\n")
    };
    let names = ["a", "b", "c", "d"];
    let all: Vec<_> = names.map(|name| program(name, name < "c")).into();
    let daemon = start(&all.concat());
    for is_made_up in [false, true] {
        for name in names {
            daemon.ctl(Side::Ours, &["start", name]);
            daemon.wait_state(name, "RUNNING");
        }
        let pids = names.map(|name| daemon.rpc().pid(name));
        daemon.signal(Signal::STOP);
        if is_made_up {
            daemon.signal(Signal::CHILD);
        }
        for pid in pids {
            send_signal(pid, Signal::KILL);
            wait_until(PATIENCE, "the child to end", || !is_alive(pid));
        }
        daemon.signal(Signal::CONT);
        for name in ["c", "d"] {
            daemon.wait_state(name, "EXITED");
        }
        for (name, pid) in [("a", pids[0]), ("b", pids[1])] {
            wait_until(PATIENCE, "another process in its place", || {
                daemon.rpc().state(name) == "RUNNING" && daemon.rpc().pid(name) != pid
            });
        }
    }
}

/// A signal is acted on at once.
#[test]
fn f35_a_signal_is_acted_on_at_once() {
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let daemon = start("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
            daemon.wait_state("p", "RUNNING");
            // How long it takes at this moment to see what is in the log.
            let begun = Instant::now();
            daemon.main_log();
            let seeing = begun.elapsed();
            let begun = Instant::now();
            daemon.signal(Signal::USR2);
            while !daemon.main_log().contains("received SIGUSR2") {
                assert!(begun.elapsed() < PATIENCE, "never");
                std::thread::sleep(Duration::from_millis(1));
            }
            begun.elapsed().saturating_sub(seeing * 3)
        })
        .collect();
    times.sort_unstable();
    // The middle one, and without looks at the log, for a machine that does other things, too; upstream takes up to a second.
    assert!(times[2] < Duration::from_millis(300), "{times:?}");
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

/// Why a child did not become its program is told at once, in the status and in its log, with the stage and the reason.
#[test]
fn f40_f41_what_cannot_run_says_why() {
    let keys = "startretries=0\nstderr_logfile=%(here)s/%(program_name)s.err\n";
    let cases = [
        (
            "missing",
            "command=/no/such/file\n",
            "can't find command '/no/such/file'",
        ),
        (
            "directory",
            "command=/tmp\n",
            "command at '/tmp' is a directory",
        ),
        ("plain", "command=%(here)s/plain\n", "is not executable"),
        ("empty", "command=''\n", "is a directory"),
        ("quote", "command=/bin/echo 'a\n", "can't parse command"),
        (
            "script",
            "command=%(here)s/script\n",
            "could not execute its command",
        ),
        (
            "format",
            "command=%(here)s/format\n",
            "Exec format error (ENOEXEC)",
        ),
        ("loop", "command=%(here)s/loop\n", "loop"),
        (
            "cwd",
            "command=/bin/cat\ndirectory=/no/such/directory\n",
            "could not change to the directory '/no/such/directory': No such file or directory (ENOENT)",
        ),
        (
            "file",
            "command=/bin/cat\ndirectory=%(here)s/plain\n",
            "Not a directory (ENOTDIR)",
        ),
    ];
    let mut config = String::new();
    for (name, lines, _) in cases {
        writeln!(config, "[program:{name}]\n{lines}{keys}").expect("a text takes it");
    }
    config.push_str("[program:other]\ncommand=/bin/cat\nstartsecs=0\n");
    let place = Place::new();
    place.write("plain", "no program");
    place.script("script", "#!/no/such/interpreter\n");
    place.script("format", "\x01\x02no program");
    symlink(place.join("loop"), place.join("loop")).expect("the place is writable");
    let mut daemon = Start::new(Side::Ours, &config).launch_in(place);
    daemon.wait_ready();
    for (name, _, why) in cases {
        daemon.wait_state(name, "FATAL");
        let status = daemon.ctl(Side::Ours, &["status", name]).stdout;
        assert!(status.contains(why), "{name}: {status}");
        assert!(
            daemon.main_log().contains(why),
            "{name}: {}",
            daemon.main_log()
        );
    }
    daemon.wait_file("cwd.err", "couldn't chdir to /no/such/directory: ENOENT");
    daemon.wait_state("other", "RUNNING");
}

/// A program that ends as soon as it runs is started at most once in ten milliseconds, and the others get their turns.
#[test]
fn f43_a_hot_respawn_has_a_floor_and_harms_nobody() {
    let daemon = start(
        "[program:hot]\ncommand=/bin/sh -c 'echo x >>starts'\nstartsecs=0\nautorestart=true\n\
         [program:other]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    daemon.wait_state("other", "RUNNING");
    wait_until(PATIENCE, "some starts", || {
        daemon.place().read("starts").len() >= 20
    });
    let (begun, before) = (Instant::now(), daemon.place().read("starts").len() / 2);
    for _ in 0..10 {
        assert_eq!(
            daemon.ctl(Side::Ours, &["restart", "other"]).stdout,
            "other: stopped\nother: started\n"
        );
    }
    let starts = daemon.place().read("starts").len() / 2 - before;
    let most = begun.elapsed().as_millis() / 10 + 2;
    assert!(
        starts as u128 <= most,
        "{starts} starts, at most {most} were expected"
    );
    assert_eq!(
        daemon.main_log().matches("hot ends as soon").count(),
        1,
        "{}",
        daemon.main_log()
    );
}
