//! Disks that are full, read-only or gone: supervision and `status` go on, and what can be kept is kept.
//!
//! These tests mount file systems where only their daemon sees them. They need root.

use std::fs;

use provost_e2e::{
    Daemon, PATIENCE, Side, Start, assert_contiguous, inside, mounting, run_inside, wait_until,
    with_backups,
};
use rustix::process::Signal;

/// A program besides the one in trouble.
const OTHER: &str = "[program:other]\ncommand=/bin/cat\nstartsecs=0\n";

/// Numbered lines, about two hundred in a second.
const COUNTER: &str =
    "command=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.005; done'\n";

/// `status` answers, and another program can be restarted.
fn assert_well(daemon: &Daemon) {
    // The very first answer may come before the programs are up.
    for name in ["n", "other"] {
        daemon.wait_state(name, "RUNNING");
    }
    let status = daemon.ctl(Side::Ours, &["status", "n"]);
    assert!(
        status.stdout.contains("RUNNING"),
        "{}{}",
        status.stdout,
        status.stderr
    );
    let restart = daemon.ctl(Side::Ours, &["restart", "other"]);
    assert_eq!(restart.stdout, "other: stopped\nother: started\n");
}

fn read_inside(daemon: &Daemon, name: &str) -> String {
    fs::read_to_string(inside(daemon, name)).unwrap_or_default()
}

/// A daemon with a file system of that size at `small`.
fn start_with_small(size: &str, config: &str) -> Daemon {
    let mount = format!("mount -t tmpfs -o size={size} none small");
    Start::new(Side::Ours, &format!("{config}{OTHER}"))
        .file("small/mount-point", "")
        .under(&mounting(&mount))
        .start()
}

/// What does not fit is held back and written as soon as there is room.
#[test]
fn a_full_disk_holds_lines_back_until_there_is_room() {
    let daemon = start_with_small(
        "256k",
        "[program:n]\ncommand=/bin/sh -c 'seq 1 60000; exec sleep 86400'\nstartsecs=0\n\
         stdout_logfile=%(here)s/small/n.log\nstdout_logfile_maxbytes=0\n",
    );
    daemon.wait_log("small/n.log: No space left on device");
    daemon.wait_log("is held back until it works again");
    assert_well(&daemon);
    run_inside(&daemon, "mount -o remount,size=1m small");
    wait_until(PATIENCE, "the rest of the lines", || {
        read_inside(&daemon, "small/n.log").ends_with("\n60000\n")
    });
    assert_contiguous(&read_inside(&daemon, "small/n.log"), 1);
    daemon.wait_log("small/n.log takes output again");
}

/// More than is held back is dropped, and the log says how much.
#[test]
fn a_full_disk_drops_no_more_than_it_says() {
    const LAST: u64 = 500_000;
    let daemon = start_with_small(
        "256k",
        "[program:n]\ncommand=/bin/sh -c 'seq 1 500000; echo done >%(here)s/done; exec sleep 86400'\nstartsecs=0\n\
         stdout_logfile=%(here)s/small/n.log\nstdout_logfile_maxbytes=0\n",
    );
    daemon.wait_log("small/n.log: No space left on device");
    // The program is not held up by its log.
    daemon.wait_file("done", "done");
    assert_well(&daemon);
    run_inside(&daemon, "mount -o remount,size=8m small");
    wait_until(PATIENCE, "the last line", || {
        read_inside(&daemon, "small/n.log").ends_with(&format!("\n{LAST}\n"))
    });
    let text = read_inside(&daemon, "small/n.log");
    let at = text.find("supervisord: dropped ").expect("the gap is told");
    let (before, rest) = text.split_at(at);
    let (marker, after) = rest.split_once('\n').expect("the marker is a line");
    assert!(marker.ends_with("(No space left on device)"), "{marker}");
    // The line that was being written when the disk was full may be cut; so may be the first one after the gap.
    let before = before
        .strip_suffix('\n')
        .expect("the marker has its own line");
    let (whole, cut) = before.rsplit_once('\n').expect("there are lines");
    assert_contiguous(&format!("{whole}\n"), 1);
    let (part, after) = after.split_once('\n').expect("there are lines");
    let first: u64 = after
        .lines()
        .next()
        .and_then(|line| line.parse().ok())
        .expect("a number");
    assert_eq!(assert_contiguous(after, first), LAST);
    let all: usize = (1..=LAST).map(|number| number.to_string().len() + 1).sum();
    let kept = whole.len() + 1 + cut.len() + part.len() + 1 + after.len();
    let dropped = all - kept;
    assert!(
        marker.starts_with(&format!("supervisord: dropped {dropped} bytes, ")),
        "{dropped} bytes are missing: {marker}"
    );
}

/// The main log on a full disk: nobody waits for it, and its lines are there once there is room.
#[test]
fn a_main_log_on_a_full_disk_catches_up() {
    let mount =
        "mount -t tmpfs -o size=64k none small\nhead -c 64k /dev/zero >small/filler || true";
    let config = format!(
        "[unix_http_server]\nfile=%(here)s/s.sock\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n\
         [supervisord]\nlogfile=%(here)s/small/main.log\npidfile=%(here)s/s.pid\nchildlogdir=%(here)s\n\
         [program:n]\ncommand=/bin/cat\nstartsecs=0\n{OTHER}"
    );
    let daemon = Start::bare(Side::Ours, &config)
        .file("small/mount-point", "")
        .under(&mounting(mount))
        .start();
    for _ in 0..3 {
        assert_well(&daemon);
    }
    assert_eq!(read_inside(&daemon, "small/main.log"), "");
    fs::remove_file(inside(&daemon, "small/filler")).expect("it is ours");
    wait_until(PATIENCE, "the held-back lines of the main log", || {
        let log = read_inside(&daemon, "small/main.log");
        log.contains("supervisord started with pid") && log.matches("stopped: other").count() == 3
    });
}

/// A log that cannot be rotated grows beyond its limit, loses nothing, and is rotated when that works again.
#[test]
fn rotation_in_a_read_only_directory_waits() {
    let start = Start::new(
        Side::Ours,
        &format!(
            "[program:n]\nstartsecs=0\n{COUNTER}stdout_logfile=%(here)s/logs/n.log\nstdout_logfile_maxbytes=200\n\
             stdout_logfile_backups=10000\n{OTHER}"
        ),
    );
    let daemon = start
        .file("logs/mount-point", "")
        .under(&mounting("true"))
        .start();
    let rotated = || daemon.place().list("logs").len();
    wait_until(PATIENCE, "a rotation", || rotated() > 3);
    // A second mount on top: what is open below stays writable, what is done by name is refused.
    run_inside(
        &daemon,
        "mount --bind logs logs && mount -o remount,bind,ro logs",
    );
    daemon.wait_log("could not rotate log");
    assert!(
        daemon
            .main_log()
            .contains("logs/n.log: Read-only file system (EROFS); it grows beyond its limit")
    );
    let before = rotated();
    wait_until(PATIENCE, "the log to grow beyond its limit", || {
        daemon.place().read("logs/n.log").len() > 1_000
    });
    assert_well(&daemon);
    assert_eq!(rotated(), before);
    run_inside(&daemon, "umount logs");
    wait_until(PATIENCE, "rotation to work again", || {
        rotated() > before + 1
    });
    daemon.ctl(Side::Ours, &["stop", "n"]);
    daemon.ctl(Side::Ours, &["shutdown"]);
    wait_until(PATIENCE, "the daemon to end", || !daemon.socket().exists());
    assert_contiguous(&with_backups(daemon.place(), "logs", "n.log"), 1);
    assert_eq!(
        daemon.main_log().matches("could not rotate log").count(),
        1,
        "told once"
    );
}

/// The directory is gone when logs are to be reopened: a line each, and everything goes on.
#[test]
fn reopening_in_a_vanished_directory_is_told_and_survived() {
    let start = Start::new(
        Side::Ours,
        &format!(
            "[program:n]\nstartsecs=0\n{COUNTER}stdout_logfile=%(here)s/logs/n.log\nstdout_logfile_maxbytes=0\n{OTHER}"
        ),
    );
    let daemon = start.file("logs/placeholder", "").start();
    wait_until(PATIENCE, "lines in the log", || {
        !daemon.place().read("logs/n.log").is_empty()
    });
    let pid = daemon.rpc().pid("n");
    fs::remove_dir_all(daemon.place().join("logs")).expect("it is ours");
    daemon.signal(Signal::USR2);
    daemon.wait_log("received SIGUSR2 indicating log reopen request");
    daemon.wait_log("logs/n.log");
    assert_well(&daemon);
    assert_eq!(daemon.rpc().pid("n"), pid);

    fs::create_dir(daemon.place().join("logs")).expect("the place is writable");
    daemon.signal(Signal::USR2);
    wait_until(PATIENCE, "lines in the log again", || {
        !daemon.place().read("logs/n.log").is_empty()
    });
    assert_well(&daemon);
    assert_eq!(daemon.rpc().pid("n"), pid);
}
