//! The methods of `mr.laforge`: signals to processes.
//!
//! The types are those that the package declares, also where its answers are of others.

use super::process::{GROUP, NAME_OR_GROUP, OK_OR_RESULTS, RESULTS, SIGNAL, core};
use super::{Invocation, Kind, Method};
use provost_model::access::Verb;
use provost_model::{FaultCode, Request};

/// What `getAPIVersion` answers: that of release 0.9 of the package.
const API_VERSION: &str = "0.1";

/// The release of the package whose methods these are.
const PACKAGE_VERSION: &str = "0.9";

/// The methods.
pub(super) const METHODS: &[Method] = &[
    Method {
        name: "getAPIVersion",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells the version of this interface.",
        params: &[],
        result: Kind::Str,
        result_text: "The version, 0.1.",
        faults: &[],
        decode: |_| Ok(Invocation::Tell(API_VERSION)),
    },
    Method {
        name: "getMrLaForgeVersion",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells the release of mr.laforge that this interface is compatible with.",
        params: &[],
        result: Kind::Str,
        result_text: "The release, 0.9.",
        faults: &[],
        decode: |_| Ok(Invocation::Tell(PACKAGE_VERSION)),
    },
    Method {
        name: "killProcess",
        verb: Verb::Signal,
        aliases: &[],
        summary: "Sends a signal to a process that starts or runs.",
        params: &[NAME_OR_GROUP, SIGNAL],
        result: Kind::Bool,
        result_text: OK_OR_RESULTS,
        faults: &[
            FaultCode::BadName,
            FaultCode::BadArguments,
            FaultCode::NotRunning,
            FaultCode::Failed,
        ],
        decode: |args| {
            core(Request::KillProcess {
                name: args.text(0)?,
                signal: args.signal(1)?,
            })
        },
    },
    Method {
        name: "killProcessGroup",
        verb: Verb::Signal,
        aliases: &[],
        summary: "Sends a signal to the processes of a group that start or run.",
        params: &[GROUP, SIGNAL],
        result: Kind::Struct,
        result_text: RESULTS,
        faults: &[FaultCode::BadName],
        decode: |args| {
            core(Request::KillProcessGroup {
                name: args.text(0)?,
                signal: args.signal(1)?,
            })
        },
    },
];
