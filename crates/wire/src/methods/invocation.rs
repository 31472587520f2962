//! What a call is about, for whoever must know before it is run.

use super::{Invocation, Param};
use crate::xmlrpc::Value;
use provost_model::Request;

impl Invocation {
    /// The program, group or namespace that it is about.
    pub fn object(&self) -> Option<&str> {
        match self {
            Self::Core(request) => object(request),
            Self::ReadLog { name, .. } | Self::TailLog { name, .. } => Some(name),
            Self::Tell(_)
            | Self::Refuse(_)
            | Self::ApiVersion
            | Self::SupervisorVersion
            | Self::Pid
            | Self::ReadMainLog(_)
            | Self::OwnVersion
            | Self::Logs
            | Self::ListMethods
            | Self::MethodHelp(_)
            | Self::MethodSignature(_)
            | Self::Multicall(_) => None,
        }
    }

    /// The signal that it sends, as its caller named it.
    pub fn signal(&self) -> Option<&str> {
        match self {
            Self::Core(
                Request::SignalProcess { signal, .. }
                | Request::SignalProcessGroup { signal, .. }
                | Request::SignalAllProcesses { signal }
                | Request::KillProcess { signal, .. }
                | Request::KillProcessGroup { signal, .. },
            ) => Some(signal),
            _ => None,
        }
    }
}

fn object(request: &Request) -> Option<&str> {
    match request {
        Request::GetProcessInfo { name }
        | Request::StartProcess { name, .. }
        | Request::StartProcessGroup { name, .. }
        | Request::StopProcess { name, .. }
        | Request::StopProcessGroup { name, .. }
        | Request::SignalProcess { name, .. }
        | Request::SignalProcessGroup { name, .. }
        | Request::KillProcess { name, .. }
        | Request::KillProcessGroup { name, .. }
        | Request::SendProcessStdin { name, .. }
        | Request::AddProcessGroup { name }
        | Request::RemoveProcessGroup { name }
        | Request::LogPath { name, .. }
        | Request::FollowPath { name, .. }
        | Request::ClearProcessLogs { name } => Some(name),
        Request::AddProgramToGroup { group, .. }
        | Request::RemoveProcessFromGroup { group, .. } => Some(group),
        Request::CallHelper { namespace, .. } | Request::Cache { namespace, .. } => Some(namespace),
        Request::Within { request, .. } => object(request),
        _ => None,
    }
}

/// Parameters whose values a record may show: names, numbers, truths. All others may hold what is nobody's business.
const SHOWN: &[&str] = &[
    "name",
    "signal",
    "wait",
    "offset",
    "length",
    "type",
    "key",
    "level",
    "group_name",
    "program_name",
    "process_name",
];

/// A parameter as a record may show it: its value, or its type only. Helpers do not tell what their parameters are.
pub(super) fn shown(param: Option<&Param>, value: &Value) -> String {
    let is_shown = param.is_some_and(|param| SHOWN.contains(&param.name));
    match value {
        Value::Str(text) if is_shown => text.clone(),
        Value::Int(number) if is_shown => number.to_string(),
        Value::Bool(truth) if is_shown => truth.to_string(),
        Value::Str(text) => format!("<string, {} bytes>", text.len()),
        other => format!("<{}>", other.type_name()),
    }
}
