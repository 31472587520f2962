//! Resource limits that the daemon needs raised.

use crate::errno;
use provost_model::Errno;
use rustix::process::{Rlimit, getrlimit, setrlimit};
use std::fmt;

/// A limited resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Open descriptors (`RLIMIT_NOFILE`), of this process.
    Files,
    /// Processes (`RLIMIT_NPROC`), of this user.
    Processes,
}

impl Resource {
    /// The system's name, as the operator reads it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "RLIMIT_NOFILE",
            Self::Processes => "RLIMIT_NPROC",
        }
    }

    fn raw(self) -> rustix::process::Resource {
        match self {
            Self::Files => rustix::process::Resource::Nofile,
            Self::Processes => rustix::process::Resource::Nproc,
        }
    }
}

/// A limit that is too low and cannot be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct LimitProblem {
    /// Of what.
    pub resource: Resource,
    /// What is needed.
    pub minimum: i64,
    /// What is allowed now; nothing means no limit.
    pub soft: Option<u64>,
    /// How far it may be raised; nothing means no limit.
    pub hard: Option<u64>,
    /// Why the system refused.
    pub errno: Errno,
}

impl fmt::Display for LimitProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (need, setting, unit) = match self.resource {
            Resource::Files => (
                "file descriptors required to run this process",
                "minfds",
                "file descriptors",
            ),
            Resource::Processes => (
                "available processes required to run this program",
                "minprocs",
                "processes",
            ),
        };
        let minimum = self.minimum;
        write!(
            f,
            "The minimum number of {need} is {minimum} as per the \"{setting}\" command-line argument or config file setting. "
        )?;
        match self.hard {
            Some(hard) => write!(f, "The hard limit here is {hard} {unit}")?,
            None => write!(f, "There is no hard limit here")?,
        }
        write!(
            f,
            ", and raising it failed: {}. Raise the limit where supervisord is started, or lower {setting}.",
            self.errno
        )
    }
}

/// The soft and the hard limit; nothing means no limit.
pub fn get(resource: Resource) -> (Option<u64>, Option<u64>) {
    let limit = getrlimit(resource.raw());
    (limit.current, limit.maximum)
}

/// Raises the soft limit to `minimum` if it is lower, and the hard one with it where that is too low as well.
///
/// Returns the new limit, or nothing when it was high enough. Children inherit it.
pub fn raise_minimum(resource: Resource, minimum: i64) -> Result<Option<i64>, LimitProblem> {
    let (soft, hard) = get(resource);
    let needed = u64::try_from(minimum).unwrap_or(0);
    if soft.is_none_or(|soft| soft >= needed) {
        return Ok(None);
    }
    let new = Rlimit {
        current: Some(needed),
        maximum: hard.map(|hard| hard.max(needed)),
    };
    match setrlimit(resource.raw(), new) {
        Ok(()) => Ok(Some(minimum)),
        Err(error) => Err(LimitProblem {
            resource,
            minimum,
            soft,
            hard,
            errno: errno(error),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_high_enough_is_left_alone() {
        let before = get(Resource::Files);
        for minimum in [i64::MIN, -1, 0, 1] {
            assert_eq!(
                raise_minimum(Resource::Files, minimum),
                Ok(None),
                "{minimum}"
            );
        }
        assert_eq!(get(Resource::Files), before);
    }

    #[test]
    fn a_refusal_says_what_is_needed_what_is_there_and_what_to_do() {
        let problem = LimitProblem {
            resource: Resource::Files,
            minimum: 2048,
            soft: Some(256),
            hard: Some(1024),
            errno: Errno(1),
        };
        assert_eq!(
            problem.to_string(),
            "The minimum number of file descriptors required to run this process is 2048 as per the \"minfds\" \
             command-line argument or config file setting. The hard limit here is 1024 file descriptors, and raising it \
             failed: Operation not permitted (EPERM). Raise the limit where supervisord is started, or lower minfds."
        );
        let problem = LimitProblem {
            resource: Resource::Processes,
            hard: None,
            ..problem
        };
        assert!(problem.to_string().starts_with(
            "The minimum number of available processes required to run this program is 2048 as per the \"minprocs\" \
             command-line argument or config file setting."
        ));
    }
}
