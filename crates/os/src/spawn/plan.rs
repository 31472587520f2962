//! What a child is to be.

use crate::users::{self, PrivilegeProblem};
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Whose rights a child has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Real, effective and saved user.
    pub uid: u32,
    /// Real, effective and saved group.
    pub gid: u32,
    /// All groups, the primary one first.
    pub groups: Vec<u32>,
}

/// A user that a child cannot become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The user.
    pub uid: u32,
    /// Why not.
    pub problem: PrivilegeProblem,
}

/// A child to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The file to execute, found by [`locate`](super::locate).
    pub program: CString,
    /// Its arguments, the first one being its name.
    pub argv: Vec<CString>,
    /// Its whole environment, `NAME=value` each.
    pub envp: Vec<Arc<CStr>>,
    /// Where it runs; nothing means here. A relative `program` is executed from there.
    pub directory: Option<CString>,
    /// Its file mode mask; nothing inherits ours.
    pub umask: Option<u32>,
    /// SIGPIPE and SIGXFSZ are at their defaults; else they are ignored.
    pub sigpipe_default: bool,
    /// Whether nothing that it executes gives it more rights.
    pub no_new_privileges: bool,
    /// The only capabilities that it can have, one bit each; nothing leaves them as they come.
    pub capabilities: Option<u64>,
    /// Whose rights it takes; nothing keeps ours.
    pub credentials: Option<Credentials>,
    /// A user it should have become and cannot: it says so on its descriptor 2 and ends, as upstream's does.
    pub refusal: Option<Refusal>,
}

impl Plan {
    /// A child that inherits directory, umask and rights.
    pub fn new(program: CString, argv: Vec<CString>, envp: Vec<Arc<CStr>>) -> Self {
        Self {
            program,
            argv,
            envp,
            directory: None,
            umask: None,
            sigpipe_default: false,
            no_new_privileges: false,
            capabilities: None,
            credentials: None,
            refusal: None,
        }
    }

    /// Makes the child run as this user with all its groups as they are now. Asks the user database, which may block.
    pub fn run_as(&mut self, uid: u32) {
        match users::credentials(uid) {
            Ok(credentials) => self.credentials = credentials,
            Err(problem) => self.refusal = Some(Refusal { uid, problem }),
        }
    }
}

/// The child's ends of its standard channels. They are closed here once the child has them.
#[derive(Debug)]
pub struct Stdio {
    /// Becomes 0.
    pub stdin: OwnedFd,
    /// Becomes 1.
    pub stdout: OwnedFd,
    /// Becomes 2; nothing means that 2 is the same as 1.
    pub stderr: Option<OwnedFd>,
}
