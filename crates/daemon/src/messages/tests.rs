//! Every sentence, compared with a file that a person can read.

use super::*;
use provost_model::{Channel, ExitStatus, Pid, ProcessState, Signal};
use std::fmt::Write as _;
use std::sync::Arc;

/// One of each notice, two where the words depend on what it carries.
fn all() -> Vec<Notice> {
    let name = || Arc::<str>::from("cat");
    let url = || Arc::<str>::from("tcp://localhost:9000");
    let pid = Pid(101);
    let signal = Signal::TERM;
    let killed = ExitStatus::Signaled {
        signal,
        core_dumped: false,
    };
    let dumped = ExitStatus::Signaled {
        signal: Signal::from_raw(11),
        core_dumped: true,
    };
    let unnamed = ExitStatus::Signaled {
        signal: Signal::from_raw(40),
        core_dumped: false,
    };
    let code = ExitStatus::Code;
    vec![
        Notice::Spawned { name: name(), pid },
        Notice::Adopted {
            name: name(),
            pid,
            changed: false,
        },
        Notice::Adopted {
            name: name(),
            pid,
            changed: true,
        },
        Notice::SpawnFailed {
            name: name(),
            text: "can't find command 'x'".to_owned(),
        },
        Notice::AlreadyRunning { name: name() },
        Notice::EnteredRunning {
            name: name(),
            startsecs: 1,
        },
        Notice::Respawning {
            name: name(),
            pause_ms: 10,
        },
        Notice::RespawnsLimited {
            name: name(),
            a_second: 20,
        },
        Notice::CreatingSocket { url: url() },
        Notice::ClosingSocket { url: url() },
        Notice::GaveUp { name: name() },
        Notice::Stopped {
            name: name(),
            status: code(0),
            expected: true,
        },
        Notice::Stopped {
            name: name(),
            status: killed,
            expected: false,
        },
        Notice::Exited {
            name: name(),
            status: ExitStatus::Unknown,
            expected: false,
        },
        Notice::Exited {
            name: name(),
            status: code(0),
            expected: true,
        },
        Notice::Exited {
            name: name(),
            status: code(3),
            expected: false,
        },
        Notice::Exited {
            name: name(),
            status: dumped,
            expected: false,
        },
        Notice::Exited {
            name: name(),
            status: unnamed,
            expected: false,
        },
        Notice::Killing {
            name: name(),
            pid,
            signal,
            whole_group: false,
        },
        Notice::Killing {
            name: name(),
            pid,
            signal,
            whole_group: true,
        },
        Notice::KillingHard { name: name(), pid },
        Notice::Signalling {
            name: name(),
            pid,
            signal: Signal::HUP,
        },
        Notice::SignalTooLate {
            name: name(),
            pid,
            by_client: false,
        },
        Notice::SignalTooLate {
            name: name(),
            pid,
            by_client: true,
        },
        Notice::SignalFailed {
            name: name(),
            pid,
            errno: Errno(1),
            by_client: false,
        },
        Notice::SignalFailed {
            name: name(),
            pid,
            errno: Errno(1),
            by_client: true,
        },
        Notice::KillNotRunning {
            name: name(),
            signal,
        },
        Notice::KillInBackoff { name: name() },
        Notice::WaitingToStop { name: name() },
        Notice::WaitingToDie {
            names: vec![name(), Arc::from("dog")],
        },
        Notice::WaitingState {
            name: name(),
            state: ProcessState::Stopping,
        },
        Notice::ExitRequested { signal },
        Notice::RestartRequested,
        Notice::RestartIgnored,
        Notice::RestartRefused {
            reason: "File contains no section headers".to_owned(),
        },
        Notice::UpgradeRequested,
        Notice::Upgraded {
            version: "0.2.0".to_owned(),
        },
        Notice::UpgradeFailed {
            reason: "an upgrade is under way".to_owned(),
        },
        Notice::ReopenRequested,
        Notice::Reopening,
        Notice::SignalIgnored {
            signal: Signal::USR1,
        },
        Notice::ChildQuit,
        Notice::GroupAdded { name: name() },
        Notice::GroupRemoved { name: name() },
        Notice::ProcessAdded {
            name: name(),
            group: Arc::from("pets"),
        },
        Notice::ProcessRemoved {
            name: name(),
            group: Arc::from("pets"),
        },
        Notice::Said {
            level: Level::Error,
            text: "two\nlines".to_owned(),
        },
        Notice::PoolOverflow {
            pool: Arc::from("mail"),
            serial: 7,
        },
        Notice::PoolOverflowGoesOn {
            pool: Arc::from("mail"),
            serial: 8,
        },
        Notice::PoolOverflowOver {
            pool: Arc::from("mail"),
            more: 1,
            last: 8,
        },
        Notice::PoolOverflowOver {
            pool: Arc::from("mail"),
            more: 20,
            last: 27,
        },
        Notice::SpoolFound {
            pool: Arc::from("mail"),
            events: 3,
        },
        Notice::SpoolsNotSaved { spools: 1 },
        Notice::PoolRebuffered {
            pool: Arc::from("mail"),
            serial: 7,
            size: 2,
            max: 10,
        },
        Notice::EventSent {
            name: name(),
            serial: 7,
        },
        Notice::EventPipeBroken {
            name: name(),
            serial: 7,
        },
        Notice::ListenerState {
            name: name(),
            from: "READY",
            to: "UNKNOWN",
        },
        Notice::EventProcessed { name: name() },
        Notice::EventRejected { name: name() },
        Notice::EventFailed { name: name() },
        Notice::ListenerUnknown { name: name() },
        Notice::BadResultLine {
            name: name(),
            line: b"hello\x1b[0m".to_vec(),
        },
        Notice::BadResultLine {
            name: name(),
            line: b"h\xc3\xa9\xc3".to_vec(),
        },
        Notice::BadResultLine {
            name: name(),
            line: b"h\xff!".to_vec(),
        },
        Notice::HelperReady {
            name: name(),
            methods: 3,
        },
        Notice::HelperBroke {
            name: name(),
            what: "it said hello twice".to_owned(),
        },
        Notice::HelperOverdue {
            name: name(),
            method: "add".to_owned(),
            secs: 30,
        },
        Notice::CommEmitted {
            name: name(),
            channel: Channel::Stderr,
        },
        Notice::Anomaly {
            what: "a child was born twice".to_owned(),
        },
    ]
}

const GOLDEN: &str = include_str!("messages.golden");

#[test]
fn the_words_are_as_people_know_them() {
    let mut listing = String::new();
    for notice in all() {
        let (level, text) = render(&notice);
        writeln!(listing, "{} {text}", level.tag()).unwrap();
    }
    assert_eq!(listing, GOLDEN, "rendered:\n{listing}");
}

#[test]
fn no_notice_makes_more_than_one_line() {
    let reason = "first\nsecond".to_owned();
    let (_, text) = render(&Notice::RestartRefused { reason });
    assert!(!text.contains('\n'), "{text}");
    let reason = "first\nsecond".to_owned();
    let (_, text) = render(&Notice::UpgradeFailed { reason });
    assert!(!text.contains('\n'), "{text}");
    let line = b"a\nb".to_vec();
    let (_, text) = render(&Notice::BadResultLine {
        name: Arc::from("cat"),
        line,
    });
    assert!(!text.contains('\n'), "{text}");
}
