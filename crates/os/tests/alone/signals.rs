//! Signals to this very process.

use provost_model::{Pid, Signal};
use provost_os::kill::kill;
use provost_os::reactor::{Interest, Reactor};
use provost_os::reap::reap_one;
use provost_os::signals::{self, SignalQueue};
use std::fs;
use std::os::fd::AsFd;
use std::process::Command;
use std::time::Duration;

/// How long anything may take before the test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

fn own_pid() -> Pid {
    Pid(i32::try_from(std::process::id()).unwrap())
}

pub(crate) fn ignored_signals_do_nothing() {
    for signal in [Signal::USR1, Signal::from_raw(13), Signal::from_raw(25)] {
        signals::ignore(signal).unwrap();
        kill(own_pid(), signal, false).unwrap();
    }
}

#[expect(clippy::zombie_processes, reason = "the check reaps it")]
pub(crate) fn signals_are_queued_with_their_sender() {
    let queue = SignalQueue::open(&[Signal::TERM, Signal::USR2, Signal::CHLD]).unwrap();
    assert_eq!(queue.read().unwrap(), []);
    let reactor = Reactor::new().unwrap();
    reactor.add(queue.as_fd(), 1, Interest::Read).unwrap();
    for signal in [Signal::USR2, Signal::TERM, Signal::TERM] {
        kill(own_pid(), signal, false).unwrap();
    }
    let mut ready = Vec::new();
    reactor.wait(Some(PATIENCE), &mut ready).unwrap();
    assert_eq!(ready.len(), 1);
    let received = queue.read().unwrap();
    let signals: Vec<Signal> = received.iter().map(|received| received.signal).collect();
    assert_eq!(
        signals,
        [Signal::USR2, Signal::TERM],
        "one that is pending is queued once"
    );
    assert!(received.iter().all(|received| received.pid == own_pid().0));

    let child = Command::new("/bin/true").spawn().unwrap();
    let child = Pid(i32::try_from(child.id()).unwrap());
    reactor.wait(Some(PATIENCE), &mut ready).unwrap();
    let received = queue.read().unwrap();
    assert_eq!(
        (received[0].signal, received[0].pid),
        (Signal::CHLD, child.0)
    );
    assert_eq!(reap_one().unwrap().unwrap().0, child);
}

pub(crate) fn what_is_no_signal_is_refused() {
    assert!(signals::ignore(Signal::KILL).is_err());
    assert!(SignalQueue::open(&[Signal::from_raw(900)]).is_err());
}

pub(crate) fn unblocked_signals_are_no_longer_kept_back() {
    assert_ne!(blocked(), "0000000000000000");
    signals::unblock_all().unwrap();
    assert_eq!(blocked(), "0000000000000000");
}

fn blocked() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigBlk:"))
        .unwrap()
        .trim()
        .to_owned()
}
