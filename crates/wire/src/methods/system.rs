//! The namespaces `system` and `provost`.

use super::args::Args;
use super::{Invocation, Kind, MAX_MULTICALL, Method, Param};
use crate::xmlrpc::{Call, Value};
use provost_model::access::Verb;
use provost_model::{Fault, FaultCode, Request};

const METHOD_NAME: Param = Param {
    name: "name",
    kind: Kind::Str,
    text: "Full name of a method.",
    default: None,
};

/// Methods about methods.
pub(super) const SYSTEM: &[Method] = &[
    Method {
        name: "listMethods",
        verb: Verb::Login,
        aliases: &[],
        summary: "Names every method of this server.",
        params: &[],
        result: Kind::Array,
        result_text: "Full names, older ones included, sorted.",
        faults: &[],
        decode: |_| Ok(Invocation::ListMethods),
    },
    Method {
        name: "methodHelp",
        verb: Verb::Login,
        aliases: &[],
        summary: "Describes a method.",
        params: &[METHOD_NAME],
        result: Kind::Str,
        result_text: "What it does, its parameters and its result.",
        faults: &[FaultCode::SignatureUnsupported],
        decode: |args| Ok(Invocation::MethodHelp(args.text(0)?)),
    },
    Method {
        name: "methodSignature",
        verb: Verb::Login,
        aliases: &[],
        summary: "Names the types that a method takes and answers.",
        params: &[METHOD_NAME],
        result: Kind::Array,
        result_text: "Type of the result, then the types of the parameters.",
        faults: &[FaultCode::SignatureUnsupported],
        decode: |args| Ok(Invocation::MethodSignature(args.text(0)?)),
    },
    Method {
        name: "multicall",
        verb: Verb::Login,
        aliases: &[],
        summary: "Runs many calls in one, in order, each after the one before has its result.",
        params: &[Param {
            name: "calls",
            kind: Kind::Array,
            text: "Structs with methodName and, unless there are none, params (an array). At most 10,000.",
            default: None,
        }],
        result: Kind::Array,
        result_text: "For each call its bare result, or a struct of faultCode and faultString.",
        faults: &[FaultCode::BadArguments],
        decode: multicall,
    },
];

/// Methods that upstream does not have.
pub(super) const OWN: &[Method] = &[
    Method {
        name: "getEventPools",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells of every pool of event listeners what waits in it, what was delivered, refused and lost since \
                  it came into service, and what its listeners are at.",
        params: &[],
        result: Kind::Array,
        result_text: "One struct a pool, by name: name, events (array of names), buffer_size, queued, delivered, \
                      rejected, dropped (counts), spool (struct, empty without one: path, maxbytes, bytes, events, \
                      spooled, works) and listeners (array of structs: name, state, statename, pid, listener_state, \
                      event_serial (-1 for none), event_name). Counts beyond 2147483647 are told as that.",
        faults: &[],
        decode: |_| Ok(Invocation::Core(Request::GetEventPools)),
    },
    Method {
        name: "getLogs",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells of the log of every channel of every process whether it takes output, and what was dropped \
                  because it did not, since supervisord began or was upgraded.",
        params: &[],
        result: Kind::Array,
        result_text: "One struct a log, by group, name and channel: group, name, channel (stdout or stderr), path, \
                      failing (the system's reason, empty while it takes output), dropped_bytes and dropped_lines. \
                      Processes that log to the same file tell of the same losses. Counts beyond 2147483647 are told \
                      as that.",
        faults: &[],
        decode: |_| Ok(Invocation::Logs),
    },
    Method {
        name: "getVersion",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells the version of Provost itself, where supervisor.getSupervisorVersion tells the release of \
                  Supervisor that it is compatible with.",
        params: &[],
        result: Kind::Str,
        result_text: "The version.",
        faults: &[],
        decode: |_| Ok(Invocation::OwnVersion),
    },
    Method {
        name: "upgrade",
        verb: Verb::Upgrade,
        aliases: &[],
        summary: "Puts another supervisord in the place of this one, with the same pid, processes, pipes, sockets and \
                  clients. It is shown the state first; if it cannot go on with it, nothing has changed. The answer \
                  comes from the new one.",
        params: &[Param {
            name: "binary",
            kind: Kind::Str,
            text: "Absolute path of the program; the file that stands where the present one was started from, if it \
                   is empty.",
            default: Some("''"),
        }],
        result: Kind::Str,
        result_text: "The version that runs now.",
        faults: &[FaultCode::Failed],
        decode: |args| {
            let binary = args.maybe_text(0)?.filter(|binary| !binary.is_empty());
            Ok(Invocation::Core(Request::Upgrade { binary }))
        },
    },
];

fn multicall(args: &Args<'_>) -> Result<Invocation, Fault> {
    let calls = args.array(0)?;
    if calls.len() > MAX_MULTICALL {
        let text = format!(
            "{} calls in one system.multicall, at most {MAX_MULTICALL} are taken",
            calls.len()
        );
        return Err(Fault::about(FaultCode::BadArguments, text));
    }
    if let Some(other) = calls.iter().find(|call| !matches!(call, Value::Struct(_))) {
        let text = format!("calls must be structs, not {}", other.type_name());
        return Err(Fault::about(FaultCode::IncorrectParameters, text));
    }
    Ok(Invocation::Multicall(calls.iter().map(subcall).collect()))
}

fn subcall(entry: &Value) -> Result<Call, Fault> {
    let refused = |text: &str| Fault::about(FaultCode::IncorrectParameters, text);
    let method = match entry.member("methodName") {
        None | Some(Value::Nil) => return Err(refused("No methodName")),
        Some(name) => name
            .as_str()
            .ok_or_else(|| refused("methodName must be a string"))?,
    };
    if method == "system.multicall" {
        return Err(refused("Recursive system.multicall forbidden"));
    }
    let params = match entry.member("params") {
        None => &[],
        Some(params) => params
            .as_array()
            .ok_or_else(|| refused("params must be an array"))?,
    };
    Ok(Call {
        method: method.to_owned(),
        params: params.to_vec(),
    })
}
