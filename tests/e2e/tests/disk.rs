//! Disks that are full, read-only or gone: supervision and `status` go on, and what can be kept is kept.
//!
//! These tests mount file systems where only their daemon sees them. They need root.

use std::fs;

use provost_e2e::{
    Daemon, PATIENCE, Side, Start, assert_contiguous, inside, mounting, python, run_inside,
    scripts, wait_until, with_backups,
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
fn f15_a_full_disk_holds_lines_back_until_there_is_room() {
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
fn f15_a_full_disk_drops_no_more_than_it_says() {
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
    // Lines are whole on both sides, and the marker stands on a line of its own.
    let last_before = assert_contiguous(before, 1);
    let first: u64 = after
        .lines()
        .next()
        .and_then(|line| line.parse().ok())
        .expect("a number");
    assert_eq!(assert_contiguous(after, first), LAST);
    let gap = last_before + 1..first;
    let bytes: usize = gap.clone().map(|number| number.to_string().len() + 1).sum();
    let lines = gap.count();
    assert!(
        marker.starts_with(&format!(
            "supervisord: dropped {bytes} bytes, {lines} lines, "
        )),
        "{bytes} bytes in {lines} lines are missing: {marker}"
    );
    let told = daemon.main_log().matches("could not write to log").count();
    assert_eq!(told, 1, "told once");
}

/// Listeners that want to know hear of a full disk and of its end, and how much was lost; so do `status -v` and scripts.
/// Listeners that take everything that Supervisor tells of hear nothing that they cannot know.
#[test]
fn f15_listeners_and_status_tell_of_a_full_disk() {
    let listener = |name: &str, events: &str| {
        format!(
            "[eventlistener:{name}]\ncommand={} {}/listener.py %(here)s/{name}.events\nevents={events}\nbuffer_size=100\n\
             startsecs=0\n",
            python().display(),
            scripts().display()
        )
    };
    let config = format!(
        "[program:n]\ncommand=/bin/sh -c 'read x; seq 1 500000; echo done >%(here)s/done; exec sleep 86400'\nstartsecs=0\n\
         stdout_logfile=%(here)s/small/n.log\nstdout_logfile_maxbytes=0\n{}{}",
        listener("wants", "LOGFILE_STATE"),
        listener("old", "EVENT,TICK_5")
    );
    let daemon = start_with_small("256k", &config);
    for name in ["wants", "old", "n"] {
        daemon.wait_state(name, "RUNNING");
    }
    let go = ["n".into(), "go\n".into()];
    daemon
        .rpc()
        .call("supervisor.sendProcessStdin", &go)
        .value();
    daemon.wait_file("done", "done");
    let path = inside(&daemon, "small/n.log");
    let shown = daemon.place().join("small/n.log").display().to_string();
    daemon.wait_file(
        "wants.events",
        &format!(
            "LOGFILE_STATE_FAILING processname:n groupname:n channel:stdout|{shown}|No space left on device\n"
        ),
    );
    let status = daemon.ctl(Side::Ours, &["status", "-v", "n"]).stdout;
    assert!(
        status.contains("    takes no output: No space left on device\n    dropped: "),
        "{status}"
    );
    run_inside(&daemon, "mount -o remount,size=8m small");
    daemon.wait_file("wants.events", "LOGFILE_STATE_WORKING");
    let text = fs::read_to_string(path).expect("the log is there");
    let marker = text
        .lines()
        .find_map(|line| line.strip_prefix("supervisord: dropped "))
        .expect("the gap is told");
    let mut numbers = marker
        .split(' ')
        .filter_map(|word| word.parse::<u64>().ok());
    let (bytes, lines) = numbers.next().zip(numbers.next()).expect("two numbers");
    daemon.wait_file(
        "wants.events",
        &format!(
            "LOGFILE_STATE_WORKING processname:n groupname:n channel:stdout dropped_bytes:{bytes} dropped_lines:{lines}|{shown}\n"
        ),
    );
    let status = daemon.ctl(Side::Ours, &["status", "-v", "n"]).stdout;
    assert!(
        status.contains(&format!("    dropped: {bytes} bytes, {lines} lines\n"))
            && !status.contains("takes no output"),
        "{status}"
    );
    // What came after it has reached the other one, too.
    daemon.ctl(Side::Ours, &["restart", "other"]);
    daemon.wait_file("old.events", "PROCESS_STATE_RUNNING processname:other");
    wait_until(PATIENCE, "the stop to be told", || {
        let told = daemon.place().read("old.events");
        told.contains("PROCESS_STATE_STOPPED processname:other")
    });
    assert!(!daemon.place().read("old.events").contains("LOGFILE"));
    assert_eq!(daemon.place().read("wants.events").lines().count(), 2);
}

/// Nothing is dropped for a program that would rather wait, and only that program waits.
#[test]
fn f15_with_block_no_line_is_missing() {
    const LAST: u64 = 500_000;
    let daemon = start_with_small(
        "256k",
        "[program:n]\ncommand=/bin/sh -c 'seq 1 500000; echo done >%(here)s/done; exec sleep 86400'\nstartsecs=0\n\
         stdout_logfile=%(here)s/small/n.log\nstdout_logfile_maxbytes=0\nlogfile_full=block\n",
    );
    daemon.wait_log(
        "small/n.log takes no output (No space left on device); whoever logs there waits",
    );
    assert_well(&daemon);
    assert_eq!(daemon.place().read("done"), "", "it waits");
    run_inside(&daemon, "mount -o remount,size=8m small");
    wait_until(PATIENCE, "the last line", || {
        read_inside(&daemon, "small/n.log").ends_with(&format!("\n{LAST}\n"))
    });
    assert_eq!(
        assert_contiguous(&read_inside(&daemon, "small/n.log"), 1),
        LAST
    );
    daemon.wait_file("done", "done");
    daemon.wait_log("small/n.log takes output again");
    let log = daemon.main_log();
    assert_eq!(
        log.matches("whoever logs there waits").count(),
        1,
        "told once"
    );
}

/// A stop of a program that waits for its full log does not wait for the disk.
#[test]
fn f15_a_program_that_waits_for_its_log_can_be_stopped() {
    let daemon = start_with_small(
        "256k",
        "[program:n]\ncommand=/bin/sh -c 'exec yes'\nstartsecs=0\n\
         stdout_logfile=%(here)s/small/n.log\nstdout_logfile_maxbytes=0\nlogfile_full=block\n",
    );
    daemon.wait_log("whoever logs there waits");
    let stop = daemon.ctl(Side::Ours, &["stop", "n"]);
    assert_eq!(stop.stdout, "n: stopped\n");
}

/// The main log on a full disk: nobody waits for it, and its lines are there once there is room.
#[test]
fn f16_a_main_log_on_a_full_disk_catches_up() {
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

/// A start on a full disk goes on without its pid file, and says so.
#[test]
fn f16_a_full_disk_takes_no_pid_file_and_no_record_of_a_run() {
    let mount =
        "mount -t tmpfs -o size=64k none small\nhead -c 64k /dev/zero >small/filler || true";
    let config = format!(
        "[unix_http_server]\nfile=%(here)s/s.sock\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n\
         [supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/small/s.pid\nchildlogdir=%(here)s\n\
         [program:n]\ncommand=/bin/cat\nstartsecs=0\n{OTHER}"
    );
    let daemon = Start::bare(Side::Ours, &config)
        .file("small/mount-point", "")
        .under(&mounting(mount))
        .start();
    daemon.wait_log("small/s.pid");
    let log = daemon.main_log();
    let line = log
        .lines()
        .find(|line| line.contains("could not write pidfile"));
    let line = line.expect("it is told");
    assert!(line.contains("No space left on device"), "{line}");
    // Nothing runs that the next supervisord could not know of, until there is room again.
    daemon.wait_log("spawnerr: could not record the run in ");
    fs::remove_file(inside(&daemon, "small/filler")).expect("it is ours");
    assert_well(&daemon);
}

/// Without an inode for the new file nothing is rotated, and nothing is lost.
#[test]
fn f19_rotation_without_inodes_waits() {
    let mount = "mount -t tmpfs -o nr_inodes=12 none small";
    let start = Start::new(
        Side::Ours,
        &format!(
            "[program:n]\nstartsecs=0\n{COUNTER}stdout_logfile=%(here)s/small/n.log\nstdout_logfile_maxbytes=100\n\
             stdout_logfile_backups=10000\n{OTHER}"
        ),
    );
    let daemon = start
        .file("small/mount-point", "")
        .under(&mounting(mount))
        .start();
    daemon.wait_log("small/n.log: No space left on device (ENOSPC); it grows beyond its limit");
    assert_well(&daemon);
    run_inside(&daemon, "mount -o remount,nr_inodes=100k small");
    let files = || fs::read_dir(inside(&daemon, "small")).map_or(0, Iterator::count);
    let before = files();
    wait_until(PATIENCE, "rotation to work again", || files() > before + 1);
    daemon.ctl(Side::Ours, &["stop", "n"]);
    let mut text = String::new();
    for number in (0..files()).rev() {
        let name = if number == 0 {
            "small/n.log".to_owned()
        } else {
            format!("small/n.log.{number}")
        };
        text.push_str(&read_inside(&daemon, &name));
    }
    assert_contiguous(&text, 1);
    assert_eq!(
        daemon.main_log().matches("could not rotate log").count(),
        1,
        "told once"
    );
}

/// A log that cannot be rotated grows beyond its limit, loses nothing, and is rotated when that works again.
#[test]
fn f17_rotation_in_a_read_only_directory_waits() {
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

/// A daemon whose program `n` has begun to write to a log in a directory of its own.
fn counting_in_a_directory() -> Daemon {
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
    daemon
}

/// The directory is gone when logs are to be reopened: a line each, and everything goes on.
#[test]
fn f18_reopening_in_a_vanished_directory_is_told_and_survived() {
    let daemon = counting_in_a_directory();
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

/// A log whose directory is taken away under a running program: noticed with the next write, told once, made anew when
/// the directory is there again and the logs are reopened.
#[test]
fn f18_a_vanished_directory_is_noticed_by_the_next_write() {
    let daemon = counting_in_a_directory();
    fs::remove_dir_all(daemon.place().join("logs")).expect("it is ours");
    daemon.wait_log(
        "logs/n.log was removed and cannot be made anew: No such file or directory (ENOENT)",
    );
    assert_well(&daemon);
    fs::create_dir(daemon.place().join("logs")).expect("the place is writable");
    daemon.wait_log("logs/n.log was removed; it is made anew");
    wait_until(PATIENCE, "lines in the log again", || {
        !daemon.place().read("logs/n.log").is_empty()
    });
    for sentence in ["cannot be made anew", "it is made anew"] {
        assert_eq!(
            daemon.main_log().matches(sentence).count(),
            1,
            "{sentence}: told once"
        );
    }
}

/// A program whose log cannot be opened does not start, and says which file it is and why.
#[test]
fn f18_an_unusable_log_is_named_with_its_reason() {
    let start = Start::new(
        Side::Ours,
        &format!(
            "[program:n]\ncommand=/bin/cat\nstartsecs=0\nstartretries=0\n\
             stdout_logfile=%(here)s/logs/n.log\nautostart=false\n{OTHER}"
        ),
    );
    let daemon = start.file("logs/placeholder", "").start();
    fs::remove_dir_all(daemon.place().join("logs")).expect("it is ours");
    daemon.ctl(Side::Ours, &["start", "n"]);
    daemon.wait_state("n", "FATAL");
    let status = daemon.ctl(Side::Ours, &["status", "n"]).stdout;
    let path = daemon.place().join("logs/n.log");
    let wanted = format!(
        "unknown error making dispatchers for 'n': ENOENT ({}: No such file or directory)",
        path.display()
    );
    assert!(status.contains(&wanted), "{status}");
}

/// A process that was restarted before has its logs opened where they lay then, beside the look at where they lie now.
#[test]
fn logs_that_came_to_lie_on_another_device_are_followed_by_the_next_run() {
    let daemon = Start::new(
        Side::Ours,
        &format!(
            "[program:n]\ncommand=/bin/sh -c 'echo run; exec sleep 86400'\nstartsecs=0\n\
             stdout_logfile=%(here)s/logs/n.log\nstderr_logfile=%(here)s/logs/n.err\n{OTHER}"
        ),
    )
    .file("first/n.log", "")
    .file("second/mount-point", "")
    .under(&mounting("ln -s first logs && mount -t tmpfs none second"))
    .start();
    let restart = || {
        let restart = daemon.ctl(Side::Ours, &["restart", "n"]);
        assert_eq!(restart.stdout, "n: stopped\nn: started\n");
    };
    let lines = |name: &str, count: usize| {
        wait_until(PATIENCE, "the output of each run", || {
            read_inside(&daemon, name) == "run\n".repeat(count)
        });
    };
    daemon.wait_state("n", "RUNNING");
    restart();
    restart();
    lines("first/n.log", 3);
    run_inside(&daemon, "ln -sfn second logs");
    restart();
    lines("second/n.log", 1);
    restart();
    restart();
    lines("second/n.log", 3);
    run_inside(&daemon, "ln -sfn first logs");
    restart();
    lines("first/n.log", 4);
    lines("second/n.log", 3);
    assert_well(&daemon);
}
