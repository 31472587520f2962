//! Parameters, events and faults that endpoints have.

use super::shapes::{LogGap, LogRestart, LogText, Process, Processes, Removed, Stall, UsageSample};
use super::{EventKind, Kind, Param, shape};
use provost_model::FaultCode as Fault;

pub(super) const WAIT: Param = Param {
    name: "wait",
    kind: Kind::Flag,
    default: Some("true"),
    text: "Answer when it is done. Otherwise the answer tells only that it was begun; a restart always waits for the stop.",
};

pub(super) const OFFSET: Param = Param {
    name: "offset",
    kind: Kind::Int,
    default: Some("-4096"),
    text: "Where the piece begins, in bytes; a negative number counts from the end of the log.",
};

pub(super) const LENGTH: Param = Param {
    name: "length",
    kind: Kind::Natural,
    default: Some("0"),
    text: "Bytes at most; 0 stands for 1 MiB, and no piece has more.",
};

pub(super) const STREAM: Param = Param {
    name: "stream",
    kind: Kind::OneOf(&["stdout", "stderr"]),
    default: Some("stdout"),
    text: "Which log.",
};

pub(super) const FOLLOWED_FROM: Param = Param {
    name: "offset",
    kind: Kind::Int,
    default: Some("-65536"),
    text: "Where to begin, in bytes; a negative number counts from the end of the log.",
};

pub(super) const LOG_EVENTS: &[EventKind] = &[
    EventKind {
        name: "text",
        text: "What comes next in the log. The first may be empty, and tells where the log stands.",
        shape: shape::<LogText>("LogText"),
    },
    EventKind {
        name: "gap",
        text: "More than 1 MiB was waiting for the client. It goes on near the end of the log.",
        shape: shape::<LogGap>("LogGap"),
    },
    EventKind {
        name: "restart",
        text: "The file was emptied, or another one has taken its place after rotation. Offsets begin anew.",
        shape: shape::<LogRestart>("LogRestart"),
    },
];

/// What is said of streams of logs.
pub(super) const FOLLOWED: &str = "Server-sent events: no more than some tens a second, with at most 32 KiB of the log each. Characters are not \
                        cut between them. Whoever comes back with the `id` of the last one in `Last-Event-ID` goes on there, or \
                        begins at the start of the file that has taken the place of that one. The stream ends when the process goes out of service.";

/// What is said of whole logs.
pub(super) const WHOLE: &str = "The bytes of the file as they are, as many as it has when it is asked for; what was rotated away is not in it. The \
                     length is told first: an answer that is shorter was cut off, because the file became shorter, or supervisord \
                     was stopped or upgraded meanwhile.";

pub(super) const EVENTS: &[EventKind] = &[
    EventKind {
        name: "snapshot",
        text: "First, unless the stream goes on where an earlier one ended, and again for a client that is far behind: all \
               processes. What came before counts no more.",
        shape: shape::<Processes>("Processes"),
    },
    EventKind {
        name: "process",
        text: "A process came into a state, or its child was born: the process as it is now.",
        shape: shape::<Process>("Process"),
    },
    EventKind {
        name: "added",
        text: "A process came into service.",
        shape: shape::<Process>("Process"),
    },
    EventKind {
        name: "removed",
        text: "A process went out of service.",
        shape: shape::<Removed>("Removed"),
    },
    EventKind {
        name: "usage",
        text: "With `usage=1`, every two seconds, or up to thirty where there are many: what running processes take.",
        shape: shape::<UsageSample>("UsageSample"),
    },
    EventKind {
        name: "stalled",
        text: "The part of supervisord that decides has not answered for five seconds. Until it does nothing is started or stopped, \
               and nothing is told of. It is asked every fifteen seconds while there are streams.",
        shape: shape::<Stall>("Stall"),
    },
    EventKind {
        name: "recovered",
        text: "It answers again, and what happened meanwhile comes next.",
        shape: shape::<Stall>("Stall"),
    },
];

pub(super) const START: &[Fault] = &[
    Fault::BadName,
    Fault::NoFile,
    Fault::NotExecutable,
    Fault::AlreadyStarted,
    Fault::SpawnError,
    Fault::AbnormalTermination,
];

pub(super) const STOP: &[Fault] = &[Fault::BadName, Fault::NotRunning, Fault::Failed];
