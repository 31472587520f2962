//! Why a process could not be spawned.

use crate::{Errno, quote};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Why a `FastCGI` socket could not be opened. Shown in upstream's words, with our reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketProblem {
    /// Its URL.
    pub url: String,
    /// What failed and why.
    pub reason: String,
    /// The system's number, where it may tell of a shortage.
    pub errno: Option<Errno>,
}

impl fmt::Display for SocketProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, reason, .. } = self;
        write!(f, "Could not create FastCGI socket {url}: {reason}")
    }
}

/// What stood in the way of a spawn, before the child could run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpawnProblem {
    /// The command line could not be split into words.
    BadCommand {
        /// The command as configured, after expansion.
        command: String,
        /// `No closing quotation` or `No escaped character`.
        why: String,
    },
    /// The command has no words.
    EmptyCommand,
    /// No such file.
    NotFound {
        /// The program word.
        file: String,
    },
    /// The file is a directory.
    IsDirectory {
        /// The path found.
        file: String,
    },
    /// The file has no execute bit.
    NotExecutable {
        /// The path found.
        file: String,
    },
    /// The file may not be executed by us.
    NoPermission {
        /// The path found.
        file: String,
    },
    /// No descriptors left for the pipes.
    TooManyFiles,
    /// A pipe could not be made, or a log not in time.
    Dispatchers {
        /// The system's reason.
        errno: Errno,
    },
    /// A log could not be opened.
    Log {
        /// Which.
        #[serde(with = "crate::saved::path")]
        path: PathBuf,
        /// The system's reason.
        errno: Errno,
    },
    /// The shared socket could not be opened.
    Socket(SocketProblem),
    /// The process table is full.
    TooManyProcesses,
    /// The run could not be written down, and nothing runs that the next supervisord would not know of.
    Record {
        /// The file of the records.
        path: String,
        /// The system's reason.
        errno: Errno,
    },
    /// fork failed otherwise.
    Fork {
        /// The system's reason.
        errno: Errno,
    },
}

impl SpawnProblem {
    /// Upstream's sentence, shown as `spawnerr` of the process called `name`.
    pub fn sentence(&self, name: &str) -> String {
        match self {
            Self::BadCommand { command, why } => {
                format!("can't parse command {}: {why}", quote::repr(command))
            }
            Self::EmptyCommand => "command is empty".to_owned(),
            Self::NotFound { file } => format!("can't find command '{file}'"),
            Self::IsDirectory { file } => format!("command at '{file}' is a directory"),
            Self::NotExecutable { file } => format!("command at '{file}' is not executable"),
            Self::NoPermission { file } => format!("no permission to run command '{file}'"),
            Self::TooManyFiles => format!("too many open files to spawn '{name}'"),
            Self::Dispatchers { errno } => format!(
                "unknown error making dispatchers for '{name}': {}",
                errno.name()
            ),
            Self::Log { path, errno } => format!(
                "unknown error making dispatchers for '{name}': {} ({}: {})",
                errno.name(),
                path.display(),
                errno.text()
            ),
            Self::Socket(problem) => problem.to_string(),
            Self::TooManyProcesses => {
                format!("Too many processes in process table to spawn '{name}'")
            }
            Self::Record { path, errno } => {
                format!("could not record the run in {path}: {}", errno.text())
            }
            Self::Fork { errno } => {
                format!("unknown error during fork for '{name}': {}", errno.name())
            }
        }
    }

    /// Whether it lies in the command itself (and so is found by looking at it, before any spawn).
    pub fn is_about_command(&self) -> bool {
        matches!(
            self,
            Self::BadCommand { .. }
                | Self::EmptyCommand
                | Self::NotFound { .. }
                | Self::IsDirectory { .. }
                | Self::NotExecutable { .. }
                | Self::NoPermission { .. }
        )
    }
}
