//! What must hold for any bytes from a listener, from a spool and for a saved state, for `fuzz/` and for the test that needs no fuzzer.
//!
//! Each function panics when something does not hold.

#![expect(
    clippy::missing_panics_doc,
    reason = "a fuzzer is told of what it found by a panic, everywhere"
)]

use crate::specs::process;
use provost_core::{Core, Effect, Input, LoadedConfig};
use provost_model::spec::{PoolSpec, ResultHandler};
use provost_model::{
    EventKind, GroupKind, GroupSpec, Mono, Notice, Now, Pid, ProcessSpec, Request, RequestId, Run,
};
use provost_wire::spool::{self, Record};
use std::sync::Arc;

/// A listener says `data` about its event, in one piece and in pieces. What comes of it is the same until it is ready
/// again (then a next event is sent between two pieces, and not within one).
pub fn listener_protocol(data: &[u8]) {
    let (cuts, said) = data.split_at_checked(8).unwrap_or((&[], data));
    let whole = until_ready(&[said]);
    let pieces = pieces(said, cuts);
    let parts = until_ready(&pieces);
    assert_eq!(
        whole,
        parts,
        "cut into {:?}",
        pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>()
    );
    // Each byte makes a handful of lines at most, however it is meant.
    assert!(whole.len() <= 8 * said.len() + 8, "{} lines", whole.len());
}

/// Pieces as long as the numbers say, again and again.
fn pieces<'a>(mut text: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut lengths = lengths.iter().cycle();
    while !text.is_empty() {
        let length = lengths
            .next()
            .map_or(1, |length| usize::from(*length).max(1));
        let (piece, rest) = text.split_at(length.min(text.len()));
        pieces.push(piece);
        text = rest;
    }
    pieces
}

/// What the operator is told while a listener that has an event says this, up to its being ready again.
fn until_ready(pieces: &[&[u8]]) -> Vec<Notice> {
    let (mut core, run) = busy_listener();
    let mut out = Vec::new();
    for piece in pieces {
        let data = piece.to_vec();
        core.handle(LATER, Input::ListenerSaid { run, data }, &mut out);
    }
    let mut notices = Vec::new();
    for effect in out {
        let Effect::Notice(notice) = effect else {
            continue;
        };
        let is_ready = matches!(notice, Notice::ListenerState { to: "READY", .. });
        // What is put back and what is sent stands behind all that was said in the same piece.
        if !matches!(
            notice,
            Notice::PoolRebuffered { .. } | Notice::EventSent { .. }
        ) {
            notices.push(notice);
        }
        if is_ready {
            break;
        }
    }
    notices
}

/// A time at which a process that began at 0 has been up for long.
const LATER: Now = Now {
    mono: Mono(1_000_000_000_000),
    wall: provost_model::Wall {
        secs: 1_000,
        nanos: 0,
    },
};

/// A core whose only listener has an event.
fn busy_listener() -> (Core, Run) {
    let mut core = Core::new(LoadedConfig {
        identifier: "supervisor".into(),
        groups: vec![pool()],
    });
    let mut out = Vec::new();
    core.handle(Now::default(), Input::Started, &mut out);
    let spawned = out.iter().find_map(|effect| match effect {
        Effect::Spawn { run, .. } => Some(*run),
        _ => None,
    });
    let run = spawned.unwrap_or(Run(0));
    let pid = Pid(100);
    core.handle(Now::default(), Input::Spawned { run, pid }, &mut out);
    core.handle(LATER, Input::Tick, &mut out);
    let request = Request::SendRemoteCommEvent {
        kind: "k".to_owned(),
        data: "d".to_owned(),
    };
    let id = RequestId(1);
    core.handle(LATER, Input::Requested { id, request }, &mut out);
    let data = b"READY\n".to_vec();
    core.handle(LATER, Input::ListenerSaid { run, data }, &mut out);
    let sent = out
        .iter()
        .any(|effect| matches!(effect, Effect::Deliver { .. }));
    assert!(sent, "the listener has no event");
    (core, run)
}

fn pool() -> Arc<GroupSpec> {
    let process = ProcessSpec {
        priority: -1,
        startretries: 0,
        ..process("l")
    };
    Arc::new(GroupSpec {
        name: "l".to_owned(),
        priority: -1,
        kind: GroupKind::Pool(PoolSpec {
            buffer_size: 10,
            events: vec![EventKind::RemoteCommunication],
            result_handler: ResultHandler::Acknowledge,
            spool: None,
        }),
        processes: vec![Arc::new(process)],
    })
}

/// `data` is read as a file of records: nothing is read that is not there, each whole record is one that writing gives
/// again, and a shorter beginning of it is no whole record.
pub fn spool_records(data: &[u8]) {
    let _ = spool::read_header(data);
    let mut rest = data;
    loop {
        match spool::decode(rest) {
            Record::Whole { event, length } => {
                let (record, after) = rest.split_at(length);
                let (serial, pool_serial, event) = event;
                let pool = Arc::from("p");
                let envelope = provost_model::Envelope {
                    serial,
                    pool,
                    pool_serial,
                    event,
                };
                let mut again = Vec::new();
                assert!(spool::encode(&envelope, &mut again));
                // A truth that is not 1 is read as false, and a checksum is right for both.
                assert_eq!(again.len(), record.len());
                let short = record.get(..length - 1).unwrap_or_default();
                assert!(matches!(spool::decode(short), Record::Partial { .. }));
                assert!(length > 0);
                rest = after;
            }
            Record::Partial { needed } => {
                assert!(needed > rest.len());
                break;
            }
            Record::Damaged { .. } => break,
        }
    }
}

/// `data` is read as a saved core: that ends, and one that is found sound is so, and is written and read again the same.
pub fn saved_state(data: &[u8]) {
    let Ok(core) = serde_json::from_slice::<Core>(data) else {
        return;
    };
    assert_eq!(core.check(), Ok(()));
    let text = serde_json::to_vec(&core).unwrap_or_default();
    let again = serde_json::from_slice::<Core>(&text).map(|again| again.digest());
    assert_eq!(again.ok(), Some(core.digest()));
}
