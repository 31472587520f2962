//! What listeners say.

use super::parts;
use crate::specs::process;
use provost_core::{Core, Effect, Input, LoadedConfig};
use provost_model::spec::{PoolSpec, ResultHandler};
use provost_model::{
    EventKind, GroupKind, GroupSpec, Mono, Notice, Now, Pid, ProcessSpec, Request, RequestId, Run,
};
use std::sync::Arc;

/// A listener says `data` about its event, in one piece and in pieces. What comes of it is the same until it is ready
/// again (then a next event is sent between two pieces, and not within one).
pub fn listener_protocol(data: &[u8]) {
    let (said, pieces) = parts(data);
    let whole = until_ready(&[said]);
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
