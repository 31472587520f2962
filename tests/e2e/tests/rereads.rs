//! Rereads that overlap.

use std::fs::{self, File};
use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use provost_e2e::{Outcome, PATIENCE, Side, Start, Value, wait_for};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

/// How long the second reread is watched for an answer that it must not give yet.
const WATCHED: Duration = Duration::from_millis(300);

fn program(name: &str) -> String {
    format!("[program:{name}]\ncommand=/bin/cat\nautostart=false\n")
}

/// The first one hangs at an included file; meanwhile the file is replaced and read by a second one. Whichever is
/// answered last, what was written last is what counts.
#[test]
fn what_was_read_last_counts() {
    let daemon = Start::new(Side::Ours, "[include]\nfiles=extra.conf\n")
        .file("extra.conf", &program("at-start"))
        .start();
    let extra = daemon.place().join("extra.conf");
    let fifo = daemon.place().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
    fs::rename(&fifo, &extra).unwrap();

    let reread = || {
        let (rpc, (answer, answered)) = (daemon.rpc(), channel());
        thread::spawn(move || {
            let outcome = rpc.call("supervisor.reloadConfig", &[]);
            let _test_is_over = answer.send(outcome);
        });
        answered
    };
    let first = reread();
    // A FIFO that nobody reads cannot be opened for writing without waiting.
    let writer = wait_for(PATIENCE, "the first reread to open the file", || {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK;
        rustix::fs::open(&extra, flags, Mode::empty()).ok()
    });
    let newer = daemon.place().write("newer.conf", program("newer"));
    fs::rename(newer, &extra).unwrap();
    let second = reread();
    assert_eq!(
        second.recv_timeout(WATCHED),
        Err(RecvTimeoutError::Timeout),
        "the second reread overtook the first"
    );
    let state = daemon.rpc().call("supervisor.getState", &[]).value();
    assert_eq!(state.get("statename").map(Value::text), Some("RUNNING"));

    File::from(writer)
        .write_all(program("older").as_bytes())
        .unwrap();
    for reread in [first, second] {
        reread.recv_timeout(PATIENCE).unwrap().value();
    }
    let add = |name: &str| {
        daemon
            .rpc()
            .call("supervisor.addProcessGroup", &[name.into()])
    };
    assert_eq!(add("newer"), Outcome::Value(Value::Bool(true)));
    assert_eq!(
        add("older"),
        Outcome::Fault(10, "BAD_NAME: older".to_owned())
    );
}
