//! No byte of a program is lost: on rotation, exit, stop, reopening and clearing, under load.

use std::fs;

use provost_e2e::{Daemon, PATIENCE, Side, Start, assert_contiguous, wait_until, with_backups};
use rustix::process::Signal;

/// Writes numbered lines as fast as a shell can.
const FLOOD: &str = "command=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo $i; done'\nstdout_logfile=%(here)s/n.log\n";

fn start(program: &str) -> Daemon {
    Start::new(Side::Ours, &format!("[program:n]\nstartsecs=0\n{program}")).start()
}

/// Waits until the log ends with that line; the logs thread may still be writing when a program has ended.
fn wait_last(daemon: &Daemon, last: u64) {
    let wanted = format!("\n{last}\n");
    wait_until(PATIENCE, &format!("line {last} in the log"), || {
        daemon.place().read("n.log").ends_with(&wanted)
    });
}

#[test]
fn rotation_loses_nothing() {
    const LIMIT: u64 = 100 * 1024;
    // What is read at once from a pipe may go beyond the limit before the log is rotated.
    const CHUNK: u64 = 64 * 1024;
    let daemon = start(
        "command=/bin/sh -c 'seq 1 300000; exec sleep 86400'\nstdout_logfile=%(here)s/n.log\n\
         stdout_logfile_maxbytes=100KB\nstdout_logfile_backups=50\n",
    );
    wait_until(PATIENCE, "the last line", || {
        with_backups(daemon.place(), ".", "n.log").ends_with("\n300000\n")
    });
    assert_eq!(
        assert_contiguous(&with_backups(daemon.place(), ".", "n.log"), 1),
        300_000
    );
    let backups = daemon.place().list(".");
    let backups: Vec<_> = backups
        .iter()
        .filter(|name| name.starts_with("n.log."))
        .collect();
    assert!(backups.len() > 5, "{backups:?}");
    for name in backups {
        let size = fs::metadata(daemon.place().join(name))
            .expect("it was listed")
            .len();
        assert!(
            (LIMIT..LIMIT + CHUNK).contains(&size),
            "{name} has {size} bytes"
        );
    }
}

#[test]
fn an_exit_loses_nothing() {
    let daemon = start(
        "command=/usr/bin/seq 1 200000\nautorestart=false\nstdout_logfile=%(here)s/n.log\n\
         stdout_logfile_maxbytes=0\n",
    );
    daemon.wait_state("n", "EXITED");
    wait_last(&daemon, 200_000);
    assert_contiguous(&daemon.place().read("n.log"), 1);
}

#[test]
fn a_stop_loses_nothing() {
    let daemon = start(
        "command=/bin/sh -c 'trap \"seq 2 100000; exit 0\" TERM; echo 1; while :; do sleep 0.05; done'\n\
         stdout_logfile=%(here)s/n.log\nstdout_logfile_maxbytes=0\n",
    );
    daemon.wait_file("n.log", "1\n");
    assert_eq!(
        daemon.ctl(Side::Ours, &["stop", "n"]).stdout,
        "n: stopped\n"
    );
    wait_last(&daemon, 100_000);
    assert_contiguous(&daemon.place().read("n.log"), 1);
}

/// What a program writes while supervisord itself is being shut down is in its log when the command has ended.
#[test]
fn a_shutdown_loses_nothing() {
    let mut daemon = start(
        "command=/bin/sh -c 'trap \"seq 2 100000; exit 0\" TERM; echo 1; while :; do sleep 0.05; done'\n\
         stdout_logfile=%(here)s/n.log\nstdout_logfile_maxbytes=0\n",
    );
    daemon.wait_file("n.log", "1\n");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    assert_eq!(assert_contiguous(&daemon.place().read("n.log"), 1), 100_000);
}

#[test]
fn reopening_under_load_loses_nothing() {
    const TURNS: usize = 10;
    let daemon = start(&format!("{FLOOD}stdout_logfile_maxbytes=0\n"));
    for turn in 0..TURNS {
        wait_until(PATIENCE, "lines in the log", || {
            daemon.place().read("n.log").len() > 10_000
        });
        fs::rename(
            daemon.place().join("n.log"),
            daemon.place().join(&format!("moved.{turn}")),
        )
        .expect("the log is there");
        daemon.signal(Signal::USR2);
        wait_until(PATIENCE, "the log to be made anew", || {
            daemon.place().join("n.log").exists()
        });
    }
    daemon.ctl(Side::Ours, &["stop", "n"]);
    daemon.ctl(Side::Ours, &["shutdown"]);
    wait_until(PATIENCE, "the daemon to end", || !daemon.socket().exists());
    let mut text: String = (0..TURNS)
        .map(|turn| daemon.place().read(&format!("moved.{turn}")))
        .collect();
    text.push_str(&daemon.place().read("n.log"));
    assert_contiguous(&text, 1);
}

/// What is cleared is gone, and what comes after it is whole. The clearing may fall into a line.
#[test]
fn clearing_under_load_cuts_only_what_was_there() {
    let daemon = start(&format!("{FLOOD}stdout_logfile_maxbytes=0\n"));
    for _ in 0..10 {
        wait_until(PATIENCE, "lines in the log", || {
            daemon.place().read("n.log").len() > 10_000
        });
        assert_eq!(
            daemon.ctl(Side::Ours, &["clear", "n"]).stdout,
            "n: cleared\n"
        );
    }
    wait_until(PATIENCE, "lines in the log", || {
        daemon.place().read("n.log").len() > 10_000
    });
    daemon.ctl(Side::Ours, &["stop", "n"]);
    daemon.ctl(Side::Ours, &["shutdown"]);
    wait_until(PATIENCE, "the daemon to end", || !daemon.socket().exists());
    let text = daemon.place().read("n.log");
    let (part, whole) = text.split_once('\n').expect("there are lines");
    let second = whole
        .lines()
        .next()
        .and_then(|line| line.parse::<u64>().ok());
    let second = second.expect("the second line is a number");
    assert!(second > 2_000, "nothing was cleared");
    assert!(
        (second - 1).to_string().ends_with(part),
        "{part:?} stands before {second}"
    );
    assert_contiguous(whole, second);
}
