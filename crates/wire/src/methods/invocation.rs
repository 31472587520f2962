//! What a call is about, for whoever must know before it is run.

use super::Invocation;
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
