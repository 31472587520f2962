//! Resources that run out. The names of the tests are rows of `docs/faults.md`.

use provost_e2e::means::{Cgroup, Limit, assert_calm};
use provost_e2e::{Daemon, PATIENCE, Side, Start, descriptors, run, wait_until};

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
    assert_eq!(
        descriptors(daemon.pid()),
        before,
        "descriptors are left over"
    );
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
