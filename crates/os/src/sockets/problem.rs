//! Why a server cannot listen.

use provost_model::Errno;
use std::fmt;
use std::path::PathBuf;

/// Why a server cannot listen. Says it in upstream's words, which tools match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindProblem {
    /// Somebody listens there already.
    InUse {
        /// Path, or host and port.
        address: String,
        /// Who, where the system tells.
        holder: Option<i32>,
    },
    /// The path does not fit into a socket address.
    PathTooLong {
        /// The path.
        path: PathBuf,
    },
    /// Something is there that we will not delete: a directory, or a file with content.
    Occupied {
        /// The path.
        path: PathBuf,
    },
    /// The socket cannot be given to its owner.
    Chown {
        /// The path.
        path: PathBuf,
        /// The user it should belong to.
        uid: u32,
        /// The group it should belong to.
        gid: Option<u32>,
        /// The user we are.
        us: String,
    },
    /// The name of the host leads nowhere.
    Resolve {
        /// The host.
        host: String,
        /// Why.
        reason: String,
    },
    /// The system refused otherwise.
    System {
        /// What was tried: `bind`, `listen` and so on.
        what: &'static str,
        /// Path, or host and port.
        address: String,
        /// Why.
        errno: Errno,
    },
}

impl BindProblem {
    /// What upstream does not say: where, who, and what to do. Follows the sentence on a line of its own.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::InUse {
                address,
                holder: Some(pid),
            } => Some(format!("{address} is held by the process with pid {pid}.")),
            Self::InUse {
                address,
                holder: None,
            } => Some(format!("{address} is in use.")),
            Self::PathTooLong { path } => Some(format!(
                "The path {} has {} bytes; a socket's path may have at most {}. Choose a shorter one.",
                path.display(),
                path.as_os_str().len(),
                super::unix::PATH_MAX
            )),
            Self::Occupied { path } => Some(format!(
                "{} exists and is neither a socket nor an empty file; remove it or choose another path.",
                path.display()
            )),
            Self::Chown { .. } => None,
            Self::Resolve { host, reason } => {
                Some(format!("The host {host} cannot be resolved: {reason}."))
            }
            Self::System {
                what,
                address,
                errno,
            } => Some(format!("{what} on {address} failed: {errno}.")),
        }
    }
}

impl BindProblem {
    /// What failed and why, for a socket that is none of our servers'; without its address.
    pub fn reason(&self) -> String {
        match self {
            Self::InUse { holder, .. } => {
                let who = holder.map_or_else(String::new, |pid| format!(" with pid {pid}"));
                format!("EADDRINUSE, another process{who} listens there")
            }
            Self::PathTooLong { path } => format!(
                "ENAMETOOLONG, the path has {} bytes, and that of a socket may have at most {}",
                path.as_os_str().len(),
                super::unix::PATH_MAX
            ),
            Self::Occupied { .. } => {
                "EEXIST, what is there is neither a socket nor an empty file".to_owned()
            }
            Self::Chown { uid, gid, us, .. } => {
                let group = gid.map_or_else(String::new, |gid| format!(" and group {gid}"));
                format!("EPERM, the user {us} cannot give files to user {uid}{group}")
            }
            Self::Resolve { host, reason } => {
                format!("the host {host} cannot be resolved: {reason}")
            }
            Self::System { what, errno, .. } => {
                format!("{what} failed: {} ({})", errno.name(), errno.text())
            }
        }
    }

    /// The system's number, where it gave one.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::System { errno, .. } => Some(*errno),
            Self::InUse { .. } => Some(Errno(libc::EADDRINUSE)),
            Self::PathTooLong { .. }
            | Self::Occupied { .. }
            | Self::Chown { .. }
            | Self::Resolve { .. } => None,
        }
    }
}

impl fmt::Display for BindProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { .. } => f.write_str(
                "Another program is already listening on a port that one of our HTTP servers is configured to use.  \
                 Shut this program down first before starting supervisord.",
            ),
            Self::PathTooLong { .. } => {
                f.write_str("Cannot open an HTTP server: socket.error reported AF_UNIX path too long")
            }
            Self::Occupied { .. } => {
                let errno = Errno(libc::EEXIST);
                write!(f, "Cannot open an HTTP server: socket.error reported errno.{} ({})", errno.name(), errno.0)
            }
            Self::Chown { path, uid, gid, us } => {
                let gid = gid.map_or(-1, i64::from);
                write!(
                    f,
                    "Not permitted to chown {} to uid/gid ({uid}, {gid}); adjust \"sockchown\" value in config file: \
                     the current user ({us}) cannot give files to them",
                    path.display()
                )
            }
            // The number of the resolver for a name that it does not know.
            Self::Resolve { .. } => f.write_str("Cannot open an HTTP server: socket.error reported -2"),
            Self::System { errno, .. } => {
                write!(f, "Cannot open an HTTP server: socket.error reported errno.{} ({})", errno.name(), errno.0)
            }
        }
    }
}
