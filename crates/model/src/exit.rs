//! How a child ended.

use crate::Signal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The wait status of a child as the kernel reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExitStatus {
    /// It called exit; 0 to 255.
    Code(i32),
    /// A signal ended it.
    Signaled {
        /// The signal.
        signal: Signal,
        /// Whether a core file was written.
        core_dumped: bool,
    },
    /// Nobody can tell: it was not our child, and the system does not say.
    Unknown,
}

impl ExitStatus {
    /// The number clients see: the exit code, or -1 when a signal ended the child (upstream's rule) or when nobody
    /// can tell.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signaled { .. } | Self::Unknown => -1,
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Unknown => f.write_str("status unknown"),
            Self::Signaled {
                signal,
                core_dumped,
            } => {
                match signal.name() {
                    Some(name) => write!(f, "terminated by {name}")?,
                    None => write!(f, "terminated by signal {}", signal.number())?,
                }
                if *core_dumped {
                    f.write_str(" (core dumped)")
                } else {
                    Ok(())
                }
            }
        }
    }
}
