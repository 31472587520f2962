//! Refusals with upstream's codes and names.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! fault_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal;)*) => {
        /// A fault code of the XML-RPC interface.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum FaultCode { $($(#[$doc])* $variant,)* }

        impl FaultCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number on the wire.
            pub fn code(self) -> i32 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The name at the start of the fault string.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The code with this number.
            pub fn from_code(code: i64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

fault_codes! {
    /// No such method.
    UnknownMethod = 1, "UNKNOWN_METHOD";
    /// Wrong number or kind of parameters.
    IncorrectParameters = 2, "INCORRECT_PARAMETERS";
    /// A parameter has a value that cannot be used.
    BadArguments = 3, "BAD_ARGUMENTS";
    /// No signature or help for this name.
    SignatureUnsupported = 4, "SIGNATURE_UNSUPPORTED";
    /// The daemon is stopping or restarting.
    ShutdownState = 6, "SHUTDOWN_STATE";
    /// No such process or group.
    BadName = 10, "BAD_NAME";
    /// No such signal.
    BadSignal = 11, "BAD_SIGNAL";
    /// No such file.
    NoFile = 20, "NO_FILE";
    /// The command cannot be executed.
    NotExecutable = 21, "NOT_EXECUTABLE";
    /// It was tried and failed.
    Failed = 30, "FAILED";
    /// The process ended while a start was waited for.
    AbnormalTermination = 40, "ABNORMAL_TERMINATION";
    /// The spawn failed.
    SpawnError = 50, "SPAWN_ERROR";
    /// The process is already started.
    AlreadyStarted = 60, "ALREADY_STARTED";
    /// The process is not running.
    NotRunning = 70, "NOT_RUNNING";
    /// Not a fault: "done" in result arrays.
    Success = 80, "SUCCESS";
    /// The group is already there.
    AlreadyAdded = 90, "ALREADY_ADDED";
    /// The group still has running processes.
    StillRunning = 91, "STILL_RUNNING";
    /// The configuration could not be read again.
    CantReread = 92, "CANT_REREAD";
    /// The caller has no right to this (an extension).
    NotPermitted = 93, "NOT_PERMITTED";
    /// The method is not in the `whitelist` of its interface. The name is what a code without one has.
    NotInWhitelist = 230, "UNKNOWN";
}

/// A refusal as a client receives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind of refusal.
    pub code: FaultCode,
    /// What it is about, without the name of the code.
    pub extra: Option<String>,
}

impl Fault {
    /// A refusal without further text.
    pub fn bare(code: FaultCode) -> Self {
        Self { code, extra: None }
    }

    /// A refusal that names its object.
    pub fn about(code: FaultCode, extra: impl Into<String>) -> Self {
        Self {
            code,
            extra: Some(extra.into()),
        }
    }
}

impl fmt::Display for Fault {
    /// `NAME` or `NAME: extra`, the fault string on the wire.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.extra {
            Some(extra) => write!(f, "{}: {extra}", self.code.name()),
            None => f.write_str(self.code.name()),
        }
    }
}
