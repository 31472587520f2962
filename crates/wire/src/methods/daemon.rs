//! Methods about supervisord itself: versions, its state, its log, its configuration.

use super::{Invocation, Kind, Method, Param};
use provost_model::access::Verb;
use provost_model::{FaultCode, Request};

const GROUP: Param = Param {
    name: "name",
    kind: Kind::Str,
    text: "Name of a group.",
    default: None,
};

pub(super) const OFFSET: Param = Param {
    name: "offset",
    kind: Kind::Int,
    text: "Bytes from the start of the log; negative, with length 0: that many bytes from its end.",
    default: None,
};

pub(super) const LENGTH: Param = Param {
    name: "length",
    kind: Kind::Int,
    text: "Bytes to read; 0 means all that follow.",
    default: None,
};

const OK: &str = "Always true; a failure is a fault.";

/// The methods.
pub(super) const METHODS: &[Method] = &[
    Method {
        name: "getAPIVersion",
        verb: Verb::Status,
        aliases: &["getVersion"],
        summary: "Tells the version of this interface.",
        params: &[],
        result: Kind::Str,
        result_text: "The version, 3.0.",
        faults: &[],
        decode: |_| Ok(Invocation::ApiVersion),
    },
    Method {
        name: "getSupervisorVersion",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells the release of Supervisor that supervisord is compatible with.",
        params: &[],
        result: Kind::Str,
        result_text: "The version.",
        faults: &[],
        decode: |_| Ok(Invocation::SupervisorVersion),
    },
    Method {
        name: "getIdentification",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells the identifier of this supervisord, from its configuration.",
        params: &[],
        result: Kind::Str,
        result_text: "The identifier.",
        faults: &[],
        decode: |_| Ok(Invocation::Core(Request::GetIdentification)),
    },
    Method {
        name: "getState",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells the state of supervisord.",
        params: &[],
        result: Kind::Struct,
        result_text: "Members int statecode and string statename: 1 RUNNING, 0 RESTARTING, -1 SHUTDOWN.",
        faults: &[],
        decode: |_| Ok(Invocation::Core(Request::GetState)),
    },
    Method {
        name: "getPID",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells the process id of supervisord.",
        params: &[],
        result: Kind::Int,
        result_text: "The process id.",
        faults: &[],
        decode: |_| Ok(Invocation::Pid),
    },
    Method {
        name: "readLog",
        verb: Verb::MainLog,
        aliases: &["readMainLog"],
        summary: "Reads a part of supervisord's own log.",
        params: &[OFFSET, LENGTH],
        result: Kind::Str,
        result_text: "The text; empty beyond the end.",
        faults: &[
            FaultCode::NoFile,
            FaultCode::BadArguments,
            FaultCode::Failed,
        ],
        decode: |args| Ok(Invocation::ReadMainLog(args.range(0)?)),
    },
    Method {
        name: "clearLog",
        verb: Verb::ClearMainLog,
        aliases: &[],
        summary: "Empties supervisord's own log.",
        params: &[],
        result: Kind::Bool,
        result_text: OK,
        faults: &[FaultCode::NoFile, FaultCode::Failed],
        decode: |_| Ok(Invocation::Core(Request::ClearMainLog)),
    },
    Method {
        name: "shutdown",
        verb: Verb::Shutdown,
        aliases: &[],
        summary: "Stops all processes, then ends supervisord. The answer comes before that.",
        params: &[],
        result: Kind::Bool,
        result_text: OK,
        faults: &[],
        decode: |_| Ok(Invocation::Core(Request::Shutdown)),
    },
    Method {
        name: "restart",
        verb: Verb::Reload,
        aliases: &[],
        summary: "Stops all processes, then starts supervisord anew with the configuration as it is then. \
                  The answer comes before that.",
        params: &[],
        result: Kind::Bool,
        result_text: OK,
        faults: &[FaultCode::CantReread],
        decode: |_| Ok(Invocation::Core(Request::Restart)),
    },
    Method {
        name: "reloadConfig",
        verb: Verb::Config,
        aliases: &[],
        summary: "Reads the configuration again and tells which groups differ from those in service. Nothing \
                  running is touched: addProcessGroup and removeProcessGroup do that.",
        params: &[],
        result: Kind::Array,
        result_text: "[[added, changed, removed]], each an array of group names.",
        faults: &[FaultCode::CantReread],
        decode: |_| Ok(Invocation::Core(Request::ReloadConfig)),
    },
    Method {
        name: "addProcessGroup",
        verb: Verb::Update,
        aliases: &[],
        summary: "Takes a group of the latest configuration into service.",
        params: &[GROUP],
        result: Kind::Bool,
        result_text: OK,
        faults: &[FaultCode::AlreadyAdded, FaultCode::BadName],
        decode: |args| {
            Ok(Invocation::Core(Request::AddProcessGroup {
                name: args.text(0)?,
            }))
        },
    },
    Method {
        name: "removeProcessGroup",
        verb: Verb::Update,
        aliases: &[],
        summary: "Takes a group out of service, all of whose processes are stopped.",
        params: &[GROUP],
        result: Kind::Bool,
        result_text: OK,
        faults: &[FaultCode::BadName, FaultCode::StillRunning],
        decode: |args| {
            Ok(Invocation::Core(Request::RemoveProcessGroup {
                name: args.text(0)?,
            }))
        },
    },
];
