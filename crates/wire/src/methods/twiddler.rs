//! The methods of `supervisor_twiddler`: programs come into groups in service and go out of them.
//!
//! The types are those that the package declares, also where its answers are of others.

use super::args::Args;
use super::process::core;
use super::{Invocation, Kind, Method, Param};
use crate::xmlrpc::Value;
use provost_model::access::Verb;
use provost_model::{Fault, FaultCode, Level, Request};

/// What `getAPIVersion` answers: that of release 1.0.0 of the package.
const API_VERSION: &str = "1.0";

const GROUP: Param = Param {
    name: "group_name",
    kind: Kind::Str,
    text: "Name of a group in service.",
    default: None,
};

const OK: &str = "Always true; a failure is a fault.";

/// The methods.
pub(super) const METHODS: &[Method] = &[
    Method {
        name: "getAPIVersion",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells the version of this interface.",
        params: &[],
        result: Kind::Int,
        result_text: "The version, the string 1.0.",
        faults: &[FaultCode::NotInWhitelist],
        decode: |_| Ok(Invocation::Tell(API_VERSION)),
    },
    Method {
        name: "getGroupNames",
        verb: Verb::Status,
        aliases: &[],
        summary: "Names the groups in service.",
        params: &[],
        result: Kind::Array,
        result_text: "The names, in the order in which the groups came into service.",
        faults: &[FaultCode::NotInWhitelist],
        decode: |_| core(Request::GetGroupNames),
    },
    Method {
        name: "log",
        verb: Verb::WriteLog,
        aliases: &[],
        summary: "Writes a line to the log of supervisord.",
        params: &[
            Param {
                name: "message",
                kind: Kind::Str,
                text: "The line.",
                default: None,
            },
            Param {
                name: "level",
                kind: Kind::StrOrInt,
                text: "CRIT or 50, ERRO or 40, WARN or 30, INFO or 20, DEBG or 10, TRAC or 5, BLAT or 3.",
                default: Some("INFO"),
            },
        ],
        result: Kind::Bool,
        result_text: OK,
        faults: &[FaultCode::NotInWhitelist],
        decode: log,
    },
    Method {
        name: "addProgramToGroup",
        verb: Verb::Define,
        aliases: &[],
        summary: "Takes a program that no file has into a group in service; it is gone after a restart and after an \
                  update of the group.",
        params: &[
            GROUP,
            Param {
                name: "program_name",
                kind: Kind::Str,
                text: "Name of the program, what a section would have behind program:.",
                default: None,
            },
            Param {
                name: "program_options",
                kind: Kind::Struct,
                text: "The keys and values of its section; command must be there.",
                default: None,
            },
        ],
        result: Kind::Bool,
        result_text: OK,
        faults: &[
            FaultCode::BadName,
            FaultCode::Failed,
            FaultCode::NotInWhitelist,
        ],
        decode: add_program,
    },
    Method {
        name: "removeProcessFromGroup",
        verb: Verb::Define,
        aliases: &[],
        summary: "Takes a process that does not run out of its group, wherever it was configured.",
        params: &[
            GROUP,
            Param {
                name: "process_name",
                kind: Kind::Str,
                text: "Name of the process, without its group.",
                default: None,
            },
        ],
        result: Kind::Bool,
        result_text: OK,
        faults: &[
            FaultCode::BadName,
            FaultCode::StillRunning,
            FaultCode::NotInWhitelist,
        ],
        decode: |args| {
            core(Request::RemoveProcessFromGroup {
                group: args.printed(0)?,
                process: args.printed(1)?,
            })
        },
    },
];

fn log(args: &Args<'_>) -> Result<Invocation, Fault> {
    let level = match args.value(1) {
        None => Some(Level::Info),
        Some(Value::Str(name)) => Level::from_tag(name),
        Some(Value::Int(_) | Value::Double(_)) => Level::from_number(args.integer(1)?),
        Some(_) => None,
    };
    let Some(level) = level else {
        let fault = Fault::bare(FaultCode::IncorrectParameters);
        return Ok(Invocation::Refuse(fault));
    };
    core(Request::LogMessage {
        level,
        text: args.printed(0)?,
    })
}

fn add_program(args: &Args<'_>) -> Result<Invocation, Fault> {
    let (group, program) = (args.printed(0)?, args.printed(1)?);
    let Some(options) = args.value(2).and_then(pairs) else {
        let fault = Fault::bare(FaultCode::IncorrectParameters);
        return Ok(Invocation::Refuse(fault));
    };
    core(Request::AddProgramToGroup {
        group,
        program,
        options,
    })
}

/// Keys and values out of a struct, or out of an array of arrays of two. What is nil counts as left out.
fn pairs(value: &Value) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut take = |key: &str, value: &Value| {
        let text = match value {
            Value::Nil => return Some(()),
            Value::Str(text) => text.clone(),
            Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Value::Int(number) => number.to_string(),
            Value::Bool(truth) => if *truth { "True" } else { "False" }.to_owned(),
            Value::Double(number) => format!("{number:?}"),
            Value::DateTime(_) | Value::Array(_) | Value::Struct(_) | Value::Written(_) => {
                return None;
            }
        };
        pairs.push((key.to_lowercase(), text));
        Some(())
    };
    match value {
        Value::Struct(members) => {
            for (key, value) in members {
                take(key, value)?;
            }
        }
        Value::Array(items) => {
            for item in items {
                let [key, value] = item.as_array()? else {
                    return None;
                };
                take(key.as_str()?, value)?;
            }
        }
        _ => return None,
    }
    Some(pairs)
}
