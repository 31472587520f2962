//! Methods about processes: starting, stopping, signals, information, logs, input.

use super::args::Args;
use super::daemon::{LENGTH, OFFSET};
use super::{Invocation, Kind, Method, Param};
use provost_model::access::Verb;
use provost_model::{Channel, Fault, FaultCode, Request};

const NAME: Param = Param {
    name: "name",
    kind: Kind::Str,
    text: "Name of a process, or group:name.",
    default: None,
};

pub(super) const NAME_OR_GROUP: Param = Param {
    name: "name",
    kind: Kind::Str,
    text: "Name of a process, or group:name, or group:* for all of a group.",
    default: None,
};

pub(super) const GROUP: Param = Param {
    name: "name",
    kind: Kind::Str,
    text: "Name of a group.",
    default: None,
};

pub(super) const SIGNAL: Param = Param {
    name: "signal",
    kind: Kind::Str,
    text: "The signal by name (HUP, SIGHUP) or number.",
    default: None,
};

const WAIT_START: Param = Param {
    name: "wait",
    kind: Kind::Bool,
    text: "Answer when it runs rather than when it was spawned.",
    default: Some("true"),
};

const WAIT_STOP: Param = Param {
    name: "wait",
    kind: Kind::Bool,
    text: "Answer when it has ended rather than when it was told to.",
    default: Some("true"),
};

const TAIL_OFFSET: Param = Param {
    name: "offset",
    kind: Kind::Int,
    text: "Where the last answer ended; 0 at first.",
    default: None,
};

const TAIL_LENGTH: Param = Param {
    name: "length",
    kind: Kind::Int,
    text: "Bytes to answer at most.",
    default: None,
};

const OK: &str = "Always true; a failure is a fault.";
pub(super) const OK_OR_RESULTS: &str =
    "True, or for group:* what the method for groups answers; a failure is a fault.";
pub(super) const RESULTS: &str = "For each process acted on a struct of name, group, status (80 is success, else a fault code) and description.";
const INFO: &str = "Members name, group, start, stop, now (seconds since 1970), state, statename, spawnerr, \
                    exitstatus, logfile, stdout_logfile, stderr_logfile, pid and description.";
const TAIL: &str = "[string text, int size of the log, boolean more was there].";

const START_FAULTS: &[FaultCode] = &[
    FaultCode::BadName,
    FaultCode::NoFile,
    FaultCode::NotExecutable,
    FaultCode::AlreadyStarted,
    FaultCode::Failed,
    FaultCode::SpawnError,
    FaultCode::AbnormalTermination,
];
const STOP_FAULTS: &[FaultCode] = &[FaultCode::BadName, FaultCode::NotRunning, FaultCode::Failed];
const SIGNAL_FAULTS: &[FaultCode] = &[
    FaultCode::BadName,
    FaultCode::BadSignal,
    FaultCode::NotRunning,
    FaultCode::Failed,
];
const READ_FAULTS: &[FaultCode] = &[
    FaultCode::BadName,
    FaultCode::NoFile,
    FaultCode::BadArguments,
    FaultCode::Failed,
];
const BAD_NAME: &[FaultCode] = &[FaultCode::BadName];

/// The methods.
pub(super) const METHODS: &[Method] = &[
    Method {
        name: "startProcess",
        verb: Verb::Start,
        aliases: &[],
        summary: "Starts a process.",
        params: &[NAME_OR_GROUP, WAIT_START],
        result: Kind::Bool,
        result_text: OK_OR_RESULTS,
        faults: START_FAULTS,
        decode: |args| {
            core(Request::StartProcess {
                name: args.text(0)?,
                wait: args.truth(1, true),
            })
        },
    },
    Method {
        name: "startProcessGroup",
        verb: Verb::Start,
        aliases: &[],
        summary: "Starts the processes of a group that do not run, by priority.",
        params: &[GROUP, WAIT_START],
        result: Kind::Array,
        result_text: RESULTS,
        faults: BAD_NAME,
        decode: |args| {
            core(Request::StartProcessGroup {
                name: args.text(0)?,
                wait: args.truth(1, true),
            })
        },
    },
    Method {
        name: "startAllProcesses",
        verb: Verb::Start,
        aliases: &[],
        summary: "Starts all processes that do not run, by priority.",
        params: &[WAIT_START],
        result: Kind::Array,
        result_text: RESULTS,
        faults: &[],
        decode: |args| {
            core(Request::StartAllProcesses {
                wait: args.truth(0, true),
            })
        },
    },
    Method {
        name: "stopProcess",
        verb: Verb::Stop,
        aliases: &[],
        summary: "Stops a process: its stop signal, and SIGKILL when that takes too long.",
        params: &[NAME_OR_GROUP, WAIT_STOP],
        result: Kind::Bool,
        result_text: OK_OR_RESULTS,
        faults: STOP_FAULTS,
        decode: |args| {
            core(Request::StopProcess {
                name: args.text(0)?,
                wait: args.truth(1, true),
            })
        },
    },
    Method {
        name: "stopProcessGroup",
        verb: Verb::Stop,
        aliases: &[],
        summary: "Stops the running processes of a group.",
        params: &[GROUP, WAIT_STOP],
        result: Kind::Array,
        result_text: RESULTS,
        faults: BAD_NAME,
        decode: |args| {
            core(Request::StopProcessGroup {
                name: args.text(0)?,
                wait: args.truth(1, true),
            })
        },
    },
    Method {
        name: "stopAllProcesses",
        verb: Verb::Stop,
        aliases: &[],
        summary: "Stops all running processes.",
        params: &[WAIT_STOP],
        result: Kind::Array,
        result_text: RESULTS,
        faults: &[],
        decode: |args| {
            core(Request::StopAllProcesses {
                wait: args.truth(0, true),
            })
        },
    },
    Method {
        name: "signalProcess",
        verb: Verb::Signal,
        aliases: &[],
        summary: "Sends a signal to a process.",
        params: &[NAME_OR_GROUP, SIGNAL],
        result: Kind::Bool,
        result_text: OK_OR_RESULTS,
        faults: SIGNAL_FAULTS,
        decode: |args| {
            core(Request::SignalProcess {
                name: args.text(0)?,
                signal: args.signal(1)?,
            })
        },
    },
    Method {
        name: "signalProcessGroup",
        verb: Verb::Signal,
        aliases: &[],
        summary: "Sends a signal to the running processes of a group.",
        params: &[GROUP, SIGNAL],
        result: Kind::Array,
        result_text: RESULTS,
        faults: BAD_NAME,
        decode: |args| {
            core(Request::SignalProcessGroup {
                name: args.text(0)?,
                signal: args.signal(1)?,
            })
        },
    },
    Method {
        name: "signalAllProcesses",
        verb: Verb::Signal,
        aliases: &[],
        summary: "Sends a signal to all running processes.",
        params: &[SIGNAL],
        result: Kind::Array,
        result_text: RESULTS,
        faults: &[],
        decode: |args| {
            core(Request::SignalAllProcesses {
                signal: args.signal(0)?,
            })
        },
    },
    Method {
        name: "getProcessInfo",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells about a process.",
        params: &[NAME],
        result: Kind::Struct,
        result_text: INFO,
        faults: BAD_NAME,
        decode: |args| {
            core(Request::GetProcessInfo {
                name: args.text(0)?,
            })
        },
    },
    Method {
        name: "getAllProcessInfo",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells about every process in service.",
        params: &[],
        result: Kind::Array,
        result_text: "Structs as getProcessInfo answers them, by group and name.",
        faults: &[],
        decode: |_| core(Request::GetAllProcessInfo),
    },
    Method {
        name: "getAllConfigInfo",
        verb: Verb::Config,
        aliases: &[],
        summary: "Tells about every process of the latest configuration, in service or not.",
        params: &[],
        result: Kind::Array,
        result_text: "A struct for each process, by name; a value that is not set is the string none.",
        faults: &[],
        decode: |_| core(Request::GetAllConfigInfo),
    },
    Method {
        name: "readProcessStdoutLog",
        verb: Verb::Logs,
        aliases: &["readProcessLog"],
        summary: "Reads a part of a process' stdout log.",
        params: &[NAME, OFFSET, LENGTH],
        result: Kind::Str,
        result_text: "The text; empty beyond the end.",
        faults: READ_FAULTS,
        decode: |args| read(args, Channel::Stdout),
    },
    Method {
        name: "readProcessStderrLog",
        verb: Verb::Logs,
        aliases: &[],
        summary: "Reads a part of a process' stderr log.",
        params: &[NAME, OFFSET, LENGTH],
        result: Kind::Str,
        result_text: "The text; empty beyond the end.",
        faults: READ_FAULTS,
        decode: |args| read(args, Channel::Stderr),
    },
    Method {
        name: "tailProcessStdoutLog",
        verb: Verb::Logs,
        aliases: &["tailProcessLog"],
        summary: "Reads the end of a process' stdout log, for asking again and again.",
        params: &[NAME, TAIL_OFFSET, TAIL_LENGTH],
        result: Kind::Array,
        result_text: TAIL,
        faults: BAD_NAME,
        decode: |args| tail(args, Channel::Stdout),
    },
    Method {
        name: "tailProcessStderrLog",
        verb: Verb::Logs,
        aliases: &[],
        summary: "Reads the end of a process' stderr log, for asking again and again.",
        params: &[NAME, TAIL_OFFSET, TAIL_LENGTH],
        result: Kind::Array,
        result_text: TAIL,
        faults: BAD_NAME,
        decode: |args| tail(args, Channel::Stderr),
    },
    Method {
        name: "clearProcessLogs",
        verb: Verb::ClearLog,
        aliases: &["clearProcessLog"],
        summary: "Empties both logs of a process.",
        params: &[NAME],
        result: Kind::Bool,
        result_text: OK,
        faults: &[FaultCode::BadName, FaultCode::Failed],
        decode: |args| {
            core(Request::ClearProcessLogs {
                name: args.text(0)?,
            })
        },
    },
    Method {
        name: "clearAllProcessLogs",
        verb: Verb::ClearLog,
        aliases: &[],
        summary: "Empties the logs of all processes.",
        params: &[],
        result: Kind::Array,
        result_text: RESULTS,
        faults: &[],
        decode: |_| core(Request::ClearAllProcessLogs),
    },
    Method {
        name: "sendProcessStdin",
        verb: Verb::Stdin,
        aliases: &[],
        summary: "Writes to the standard input of a process, as UTF-8.",
        params: &[
            NAME,
            Param {
                name: "chars",
                kind: Kind::Str,
                text: "What to write.",
                default: None,
            },
        ],
        result: Kind::Bool,
        result_text: OK,
        faults: &[
            FaultCode::BadName,
            FaultCode::NotRunning,
            FaultCode::NoFile,
            FaultCode::Failed,
        ],
        decode: send_stdin,
    },
    Method {
        name: "sendRemoteCommEvent",
        verb: Verb::Event,
        aliases: &[],
        summary: "Sends a REMOTE_COMMUNICATION event to the listeners that subscribed to it.",
        params: &[
            Param {
                name: "type",
                kind: Kind::Str,
                text: "What follows type: in the event; without control characters.",
                default: None,
            },
            Param {
                name: "data",
                kind: Kind::Str,
                text: "The rest of the event.",
                default: None,
            },
        ],
        result: Kind::Bool,
        result_text: OK,
        faults: &[FaultCode::BadArguments],
        decode: send_event,
    },
];

/// Keeps the entries of the table to one line each.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the type is that of every decoding function of the table"
)]
pub(super) fn core(request: Request) -> Result<Invocation, Fault> {
    Ok(Invocation::Core(request))
}

fn read(args: &Args<'_>, channel: Channel) -> Result<Invocation, Fault> {
    Ok(Invocation::ReadLog {
        name: args.text(0)?,
        channel,
        range: args.range(1)?,
    })
}

fn tail(args: &Args<'_>, channel: Channel) -> Result<Invocation, Fault> {
    Ok(Invocation::TailLog {
        name: args.text(0)?,
        channel,
        range: args.range(1)?,
    })
}

/// What is no string is named in the fault, as upstream does.
fn send_stdin(args: &Args<'_>) -> Result<Invocation, Fault> {
    match args.text(1) {
        Ok(chars) => core(Request::SendProcessStdin {
            name: args.text(0)?,
            chars,
        }),
        Err(reason) => Err(args.printed(1).map_or(reason, |text| {
            Fault::about(FaultCode::IncorrectParameters, text)
        })),
    }
}

/// A type with a line end could forge the fields of the event, so it is refused.
fn send_event(args: &Args<'_>) -> Result<Invocation, Fault> {
    let (kind, data) = (args.printed(0)?, args.printed(1)?);
    if kind.chars().any(char::is_control) {
        return Err(Fault::about(
            FaultCode::BadArguments,
            "type must not hold control characters",
        ));
    }
    core(Request::SendRemoteCommEvent { kind, data })
}
