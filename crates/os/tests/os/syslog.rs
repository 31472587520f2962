//! Lines at a receiver of our own.

use crate::common::{PATIENCE, TempDir, in_own_process};
use provost_os::syslog::{Delivery, Syslog};
use std::os::unix::net::UnixDatagram;
use std::path::Path;

fn listen(path: &Path) -> UnixDatagram {
    let receiver = UnixDatagram::bind(path).unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    receiver
}

fn next(receiver: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let count = receiver.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..count].to_vec()).unwrap()
}

#[test]
fn a_line_arrives_with_priority_time_and_name() {
    let temp = TempDir::new();
    let receiver = listen(&temp.join("log"));
    let mut syslog = Syslog::at(&temp.join("log"), "supervisord");
    assert_eq!(syslog.send("cat hello"), Delivery::Sent);
    let line = next(&receiver);
    assert!(line.starts_with("<14>"), "{line}");
    assert_eq!(&line[4 + 16..], "supervisord: cat hello");
}

#[test]
fn a_receiver_that_was_restarted_is_found_again() {
    // A child that another thread forks meanwhile would keep what is closed here open for a moment.
    in_own_process(
        "syslog::a_receiver_that_was_restarted_is_found_again",
        || {
            let temp = TempDir::new();
            let path = temp.join("log");
            let mut syslog = Syslog::at(&path, "x");
            assert_eq!(syslog.send("nobody listens"), Delivery::Lost);
            let receiver = listen(&path);
            assert_eq!(syslog.send("one"), Delivery::Sent);
            assert!(next(&receiver).ends_with("x: one"));
            drop(receiver);
            std::fs::remove_file(&path).unwrap();
            assert_eq!(syslog.send("lost"), Delivery::Lost);
            let receiver = listen(&path);
            assert_eq!(syslog.send("two"), Delivery::Sent);
            assert!(next(&receiver).ends_with("x: two"));
            drop(receiver);
            std::fs::remove_file(&path).unwrap();
            let receiver = listen(&path);
            assert_eq!(
                syslog.send("three"),
                Delivery::Sent,
                "the first line after a restart is not lost"
            );
            assert!(next(&receiver).ends_with("x: three"));
        },
    );
}

#[test]
fn a_receiver_that_does_not_keep_up_holds_nobody_up() {
    let temp = TempDir::new();
    let receiver = listen(&temp.join("log"));
    let mut syslog = Syslog::at(&temp.join("log"), "x");
    let mut taken = 0;
    while syslog.send("line") == Delivery::Sent {
        taken += 1;
        assert!(taken < 1_000_000, "the queue never fills");
    }
    next(&receiver);
    assert_eq!(syslog.send("later"), Delivery::Sent);
}

#[test]
fn a_line_that_is_too_long_arrives_shortened() {
    let temp = TempDir::new();
    let receiver = listen(&temp.join("log"));
    let mut syslog = Syslog::at(&temp.join("log"), "x");
    assert_eq!(syslog.send(&"y".repeat(16 << 20)), Delivery::Sent);
    assert_eq!(next(&receiver).len(), 1024);
}
