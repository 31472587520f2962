//! Resources that run out. The names of the tests are rows of `docs/faults.md`.

use provost_e2e::means::{Cgroup, Limit, assert_calm, failing_calls};
use provost_e2e::{
    Daemon, PATIENCE, Place, Side, Start, descriptors, python, run, send_signal, wait_until,
};
use rustix::process::Signal;

/// Ten programs.
const TEN: &str = "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstartretries=1\nnumprocs=10\n\
                   process_name=%(program_name)s%(process_num)d\n";

/// What does not come up must not use up its tries or the daemon's descriptors and processor, and come up by itself.
fn assert_waits_and_recovers(daemon: &Daemon, reason: &str, lift: impl FnOnce()) {
    let rpc = daemon.rpc();
    let states = || -> Vec<String> {
        (0..10)
            .map(|number| rpc.state(&format!("p:p{number}")))
            .collect()
    };
    wait_until(PATIENCE, "programs that cannot start", || {
        states().iter().any(|state| state == "BACKOFF")
    });
    wait_until(PATIENCE, "more rounds than `startretries` allows", || {
        let log = daemon.main_log();
        let rounds = |number: u32| log.matches(&format!("{reason} 'p{number}'")).count();
        (0..10).any(|number| rounds(number) >= 3)
    });
    let status = daemon.ctl(Side::Ours, &["status"]);
    assert!(
        status.stdout.contains("BACKOFF") && status.stdout.contains(reason),
        "{}",
        status.stdout
    );
    assert!(!status.stdout.contains("FATAL"), "{}", status.stdout);
    let before = descriptors(daemon.pid());
    assert_calm(daemon.pid(), 3);
    // It may be in the middle of a try at either of the two moments.
    wait_until(PATIENCE, "no more descriptors than before", || {
        descriptors(daemon.pid()) <= before
    });
    lift();
    wait_until(PATIENCE, "all programs to run", || {
        states().iter().all(|state| state == "RUNNING")
    });
}

#[test]
fn f11_fork_eagain_recovers() {
    let Some(group) = Cgroup::new(Limit::Processes) else {
        return;
    };
    // The daemon's own threads count, too.
    group.set("14");
    let daemon = Start::new(Side::Ours, TEN).under(&group.wrapper()).start();
    assert_waits_and_recovers(
        &daemon,
        "Too many processes in process table to spawn",
        || group.lift(),
    );
    drop(daemon);
}

#[test]
fn f12_emfile_for_pipes_recovers() {
    let start = Start::new(Side::Ours, &format!("minfds=40\n{TEN}"));
    let daemon = start.under(&["prlimit", "--nofile=40:4096"]).start();
    let pid = daemon.pid().to_string();
    assert_waits_and_recovers(&daemon, "too many open files to spawn", || {
        let done =
            run(std::process::Command::new("prlimit").args(["--pid", &pid, "--nofile=1024:4096"]));
        assert_eq!(done.code, Some(0), "{}", done.stderr);
    });
}

/// A child that uses all memory is killed by the kernel, and the log and the status say so.
#[test]
fn f20_a_child_without_memory_says_so() {
    let Some(group) = Cgroup::new(Limit::Memory) else {
        return;
    };
    group.set("100M");
    let config = format!(
        "[program:big]\ncommand={} -c \"x = [bytearray(1 << 20) for i in range(4000)]\"\nstartsecs=60\nstartretries=0\n\
         [program:other]\ncommand=/bin/cat\nstartsecs=0\n",
        python().display()
    );
    let daemon = Start::new(Side::Ours, &config)
        .under(&group.wrapper())
        .start();
    daemon.wait_state("big", "FATAL");
    daemon.wait_log("big was killed by the kernel: out of memory");
    let status = daemon.ctl(Side::Ours, &["status", "big"]).stdout;
    assert!(
        status.contains("killed by the kernel: out of memory"),
        "{status}"
    );
    assert!(
        daemon
            .main_log()
            .contains("exited: big (terminated by SIGKILL; not expected)")
    );
    assert_eq!(
        daemon.ctl(Side::Ours, &["restart", "other"]).stdout,
        "other: stopped\nother: started\n"
    );
    // SIGKILL of anybody else is not the kernel's.
    send_signal(daemon.rpc().pid("other"), Signal::KILL);
    daemon.wait_log("exited: other (terminated by SIGKILL; not expected)");
    assert!(!daemon.main_log().contains("other was killed"));
    drop(daemon);
}

/// A fork bomb within a limit of its own is ended by a stop as a group, and the others do not notice.
#[test]
fn f21_a_fork_bomb_is_ended_by_a_stop() {
    let Some(group) = Cgroup::new(Limit::Processes) else {
        return;
    };
    group.set("60");
    let bomb = "import os, time\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.01)\n";
    let config = format!(
        "[program:bomb]\ncommand=/bin/sh -c '{}; exec {} %(here)s/bomb.py'\nstartsecs=0\nstopasgroup=true\nstopsignal=KILL\n\
         autorestart=false\nautostart=false\n[program:other]\ncommand=/bin/cat\nstartsecs=0\n",
        group.enter(),
        python().display()
    );
    let daemon = Start::new(Side::Ours, &config)
        .file("bomb.py", bomb)
        .start();
    daemon.ctl(Side::Ours, &["start", "bomb"]);
    wait_until(PATIENCE, "the bomb to go off", || group.members() > 40);
    assert_eq!(
        daemon.ctl(Side::Ours, &["restart", "other"]).stdout,
        "other: stopped\nother: started\n"
    );
    daemon.ctl(Side::Ours, &["stop", "bomb"]);
    daemon.wait_state("bomb", "STOPPED|EXITED");
    wait_until(PATIENCE, "all of it to end", || group.members() == 0);
    drop(daemon);
}

#[test]
fn f14_failing_calls_on_files_are_survived() {
    assert_survives(&[
        ("write:error=EINTR:when=3+5", "p.log"),
        ("write:error=EIO:when=20+50", "p.log"),
        ("write:error=EIO:when=3+5", "main.log"),
        ("rename,renameat,renameat2:error=EIO:when=2+3", ""),
        ("openat:error=ENFILE:when=200+17", ""),
    ]);
}

#[test]
fn f14_failing_calls_for_children_are_survived() {
    assert_survives(&[
        ("read:error=EINTR:when=200+13", ""),
        ("pipe2:error=ENFILE:when=6+5", ""),
        ("clone,clone3,fork,vfork:error=ENOMEM:when=8+3", ""),
        ("epoll_ctl:error=ENOMEM:when=40+11", ""),
    ]);
}

/// Single system calls fail here and there (those for one file, where it is named) while programs start, write, rotate,
/// stop and are asked about: nothing spins, nothing ends, everything runs again.
fn assert_survives(cases: &[(&str, &str)]) {
    let config = "[program:p]\ncommand=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done'\nstartsecs=0\n\
                  stdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=200\nstdout_logfile_backups=3\nautorestart=true\n\
                  [program:other]\ncommand=/bin/cat\nstartsecs=0\n";
    for (expression, file) in cases {
        let place = Place::new();
        let path = place.join(file);
        let path = (!file.is_empty()).then_some(path.as_path());
        let Some(wrapper) = failing_calls(expression, path) else {
            return;
        };
        let mut daemon = Start::new(Side::Ours, config)
            .under(&wrapper)
            .launch_in(place);
        daemon.wait_ready();
        for _ in 0..2 {
            for name in ["p", "other"] {
                daemon.wait_state(name, "RUNNING");
            }
            daemon.ctl(Side::Ours, &["restart", "other"]);
            daemon.ctl(Side::Ours, &["status"]);
            daemon.signal(Signal::USR2);
        }
        daemon.wait_state("other", "RUNNING");
        assert_calm(daemon.pid(), 25);
        assert!(daemon.ended().is_none(), "{expression}");
        let errors = daemon.place().read("daemon.err");
        assert!(!errors.contains("panicked"), "{expression}: {errors}");
        daemon.signal(Signal::TERM);
        assert_eq!(daemon.wait_end(), Some(0), "{expression}");
    }
}
