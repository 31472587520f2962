//! Any bytes from outside, without a fuzzer: the kept corpora of the targets in `fuzz/`, and for listeners, spools and saved
//! states good texts damaged by chance, for a bounded time.
//!
//! `PROVOST_FUZZ_SECS=600 cargo test -p provost-testkit --test fuzz -- --nocapture` goes on for ten minutes each.

#![expect(clippy::print_stdout, reason = "how much was tried is the result")]

use provost_model::{Channel, Envelope, Event, Pid, ProcessState};
use provost_testkit::fuzz;
use provost_testkit::fuzz::replay::replay;
use provost_testkit::garble::garble;
use provost_testkit::sim::rng::Rng;
use provost_wire::spool;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Seconds that each test takes when nobody asks for more.
const SECS: u64 = 2;

fn time() -> Duration {
    let asked = std::env::var("PROVOST_FUZZ_SECS").ok();
    let secs = asked.map_or(SECS, |text| {
        text.parse().expect("PROVOST_FUZZ_SECS is a number")
    });
    Duration::from_secs(secs)
}

/// Runs `check` on damaged texts until the time is over.
fn fuzz(name: &str, texts: &[&[u8]], words: &[&[u8]], check: fn(&[u8])) {
    let (begun, time) = (Instant::now(), time());
    let mut count = 0_u64;
    while begun.elapsed() < time {
        let mut rng = Rng::new(count);
        let text = garble(&mut rng, texts, words);
        let held = catch_unwind(|| check(&text)).is_ok();
        assert!(
            held,
            "{name}: seed {count}, {:?}",
            String::from_utf8_lossy(&text)
        );
        count += 1;
    }
    println!(
        "{name}: {count} inputs in {} s, nothing found",
        time.as_secs()
    );
}

#[test]
fn listeners_may_say_anything() {
    let texts: [&[u8]; 7] = [
        b"\x01\x02\x03\x04\x05\x06\x07\x08RESULT 2\nOKREADY\n",
        b"\x01\x01\x01\x01\x01\x01\x01\x01RESULT 4\nFAILREADY\n",
        b"\x03\x09\x01\x20\x05\x06\xff\x08RESULT 0\nREADY\nREADY\n",
        b"\x02\x02\x02\x02\x02\x02\x02\x02RESULT 99999999999999999999\nOK",
        b"\x05\x02\x07\x02\x02\x02\x02\x02RESULT -1\n",
        b"\x05\x02\x07\x02\x02\x02\x02\x02Traceback (most recent call last):\n  File",
        b"",
    ];
    let words: [&[u8]; 9] = [
        b"RESULT ",
        b"READY\n",
        b"\n",
        b"OK",
        b"FAIL",
        b"\0",
        b"\xff",
        b" 2_0 ",
        b"16777217",
    ];
    fuzz("listener_protocol", &texts, &words, fuzz::listener_protocol);
}

#[test]
fn spools_may_hold_anything() {
    let events = [
        Event::ProcessState {
            process: "p".into(),
            group: "g".into(),
            from: ProcessState::Running,
            to: ProcessState::Exited,
            tries: 1,
            pid: 7,
            expected: true,
        },
        Event::ProcessLog {
            process: "p".into(),
            group: "g".into(),
            pid: Pid(7),
            channel: Channel::Stderr,
            data: b"x\xff\n".to_vec(),
        },
        Event::Tick {
            period: 5,
            when: 1_000,
        },
        Event::GroupAdded { group: "g".into() },
        Event::RemoteCommunication {
            kind: "k".to_owned(),
            data: "d".repeat(300),
        },
    ];
    let mut records = Vec::new();
    for (serial, event) in (0..).zip(events) {
        let envelope = Envelope {
            serial,
            pool: "p".into(),
            pool_serial: serial,
            event: Arc::new(event),
        };
        assert!(spool::encode(&envelope, &mut records));
    }
    let header = spool::header();
    let texts: [&[u8]; 3] = [&records, &header, b""];
    let words: [&[u8]; 4] = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\0\0\0", b"PRVSPOOL"];
    fuzz("spool_records", &texts, &words, fuzz::spool_records);
}

#[test]
fn a_saved_state_may_be_anything() {
    let state: &[u8] = include_bytes!("../../../fixtures/snapshots/core-0.1.0.json");
    let texts: [&[u8]; 3] = [state, b"{}", b""];
    let words: [&[u8]; 10] = [
        b"null",
        b"-1",
        b"18446744073709551615",
        b"1e400",
        b"[",
        b"{",
        b"\"\"",
        b"true",
        b"[\"0g\"]",
        b"\xff",
    ];
    fuzz("saved_state", &texts, &words, fuzz::saved_state);
}

/// The kept corpora; those of `tests/outside` are replayed there.
mod corpora {
    use super::{fuzz, replay};

    macro_rules! targets {
        ($($name:ident),* $(,)?) => {
            $(
                #[test]
                fn $name() {
                    replay(stringify!($name), fuzz::$name);
                }
            )*
        };
    }

    targets!(
        child_output,
        config_file,
        helper_frames,
        listener_protocol,
        records,
        saved_state,
        spool_records,
        words,
        xmlrpc,
    );
}
