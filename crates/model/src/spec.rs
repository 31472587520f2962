//! What is configured: processes and groups, complete and checked.

use crate::helper::HelperSpec;
use crate::{EventKind, Signal};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// When a process that ended by itself is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AutoRestart {
    /// Never (`false`).
    Never,
    /// After an exit code outside `exitcodes` (`unexpected`, the default).
    Unexpected,
    /// Always (`true`).
    Always,
}

/// What happens to output that a log cannot take because its disk is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogfileFull {
    /// A stretch of it is held back; beyond that the oldest lines are dropped and counted. The program never waits.
    #[default]
    Drop,
    /// Nothing is dropped: once that stretch is held back, the program waits in its writes.
    Block,
}

/// Where one output channel goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogFile {
    /// Nowhere.
    None,
    /// A file in `childlogdir` whose name supervisord makes up.
    Auto,
    /// This file; a relative path is relative to supervisord's working directory.
    Path(#[serde(with = "crate::saved::path")] Arc<Path>),
}

/// One output channel of a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OutputSpec {
    /// The log file.
    pub logfile: LogFile,
    /// Rotation limit in bytes; 0 or less means no rotation.
    pub maxbytes: i64,
    /// Rotated files kept; 0 or less means truncation.
    pub backups: i64,
    /// Bytes kept between capture tokens; capture is off at 0 or less.
    pub capture_maxbytes: i64,
    /// Whether each chunk also becomes a `PROCESS_LOG` event.
    pub events_enabled: bool,
    /// Whether each line also goes to syslog.
    pub syslog: bool,
}

/// What a process may have taken from it that children have under upstream, and the other way round. Nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Confinement {
    /// Whether it has the variables that a login sets: HOME, USER, LOGNAME and SHELL.
    pub login_env: bool,
    /// Whether nothing that it executes gives it more rights: no set-user-id, no file capabilities.
    pub no_new_privileges: bool,
    /// The only capabilities that it and what it executes can have, one bit each; none leaves them as they come.
    pub capabilities: Option<u64>,
}

/// One process: a program's section, expanded for one `process_num`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// Expanded `process_name`.
    pub name: String,
    /// The group it belongs to.
    pub group: String,
    /// The program's name, from the section.
    pub program: String,
    /// The command line, expanded, not yet split.
    pub command: String,
    /// Working directory for the child.
    #[serde(with = "crate::saved::maybe_path")]
    pub directory: Option<PathBuf>,
    /// File mode mask for the child; none inherits supervisord's.
    pub umask: Option<u32>,
    /// Order within the group; lower starts first.
    pub priority: i64,
    /// Whether it starts with supervisord.
    pub autostart: bool,
    /// Whether it starts again by itself.
    pub autorestart: AutoRestart,
    /// Seconds it must stay up to count as started; 0 or less counts at once.
    pub startsecs: i64,
    /// Retries after early ends before FATAL.
    pub startretries: i64,
    /// The user to run as, resolved when the configuration was read.
    pub uid: Option<u32>,
    /// Channel 1.
    pub stdout: OutputSpec,
    /// Channel 2.
    pub stderr: OutputSpec,
    /// Whether channel 2 goes where channel 1 goes.
    pub redirect_stderr: bool,
    /// The signal that asks it to stop.
    pub stopsignal: Signal,
    /// Seconds from the stop signal to SIGKILL.
    pub stopwaitsecs: i64,
    /// Whether the stop signal goes to the process group.
    pub stopasgroup: bool,
    /// Whether SIGKILL goes to the process group.
    pub killasgroup: bool,
    /// Whether SIGCONT follows the stop signal, so that a process that is halted can act on it.
    pub stop_cont: bool,
    /// Whether a stop reaches all descendants, also those outside of its process group.
    pub stop_tree: bool,
    /// Whether it begins with SIGPIPE and SIGXFSZ at their defaults; else they are ignored, as under upstream.
    pub sigpipe_default: bool,
    /// What happens to output that its logs cannot take because a disk is full.
    pub logfile_full: LogfileFull,
    /// What it gets less of, or gets besides.
    #[serde(default)]
    pub confinement: Confinement,
    /// Exit codes that are expected.
    pub exitcodes: Vec<i32>,
    /// Variables on top of supervisord's own environment, in order; `[supervisord] environment` is merged in.
    pub environment: Vec<(String, String)>,
    /// `serverurl` as written; none means computed from the servers.
    pub serverurl: Option<String>,
    /// The socket that it gets as descriptor 0 and shares with the other processes of its `fcgi-program`.
    pub socket: Option<Arc<FcgiSpec>>,
}

impl ProcessSpec {
    /// `group:name`, or the name alone when both are equal.
    pub fn namespec(&self) -> String {
        namespec(&self.group, &self.name)
    }
}

/// `group:name`, or the name alone when both are equal.
pub fn namespec(group: &str, name: &str) -> String {
    if group == name {
        name.to_owned()
    } else {
        format!("{group}:{name}")
    }
}

/// What an event listener pool adds to its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSpec {
    /// Events kept while no listener is ready; at least 1.
    pub buffer_size: usize,
    /// Subscribed kinds, abstract ones included, without repetition, in the order of the kinds.
    pub events: Vec<EventKind>,
    /// What is done with the listeners' results.
    pub result_handler: ResultHandler,
    /// Where events go that the buffer cannot hold; none drops them.
    pub spool: Option<SpoolSpec>,
}

/// What a pool does with the results of its listeners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResultHandler {
    /// `OK` means that the event is done, everything else refuses it.
    #[default]
    Acknowledge,
    /// The result is output of a program, which is printed on supervisord's own standard output.
    Print,
}

/// The file of a listener pool for events that its buffer cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolSpec {
    /// Where it is; `PATH.bad` and `PATH.new` are used beside it.
    #[serde(with = "crate::saved::path")]
    pub path: PathBuf,
    /// Bytes of events that may wait in it.
    pub maxbytes: u64,
}

/// The address of a `FastCGI` socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FcgiAddress {
    /// `unix://PATH`.
    Unix {
        /// Absolute, normalized.
        #[serde(with = "crate::saved::path")]
        path: PathBuf,
        /// uid and gid of the file; none leaves them.
        owner: Option<(u32, Option<u32>)>,
        /// Permission bits.
        mode: u32,
    },
    /// `tcp://HOST:PORT`.
    Tcp {
        /// Name or address.
        host: String,
        /// 1 to 65535.
        port: u16,
    },
}

/// The socket of a `fcgi-program`. Its processes share it, and share it with nobody else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FcgiSpec {
    /// The program's name, from the section.
    pub program: String,
    /// The URL as upstream shows it.
    pub url: String,
    /// Where the socket is bound.
    pub address: FcgiAddress,
    /// Listen backlog; none means the system's maximum.
    pub backlog: Option<i32>,
}

/// What kind of group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupKind {
    /// Made from one `[program:x]`.
    Program,
    /// Made from a `[group:x]`.
    Group,
    /// Made from an `[eventlistener:x]`.
    Pool(PoolSpec),
    /// Made from a `[fcgi-program:x]`, which has its socket even with `numprocs=0`.
    Fcgi(Arc<FcgiSpec>),
    /// Made from an `[rpcinterface:x]` with a command; the group is called like its namespace and has one process.
    Helper(HelperSpec),
}

/// A group of processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSpec {
    /// Its name.
    pub name: String,
    /// Lower starts first.
    pub priority: i64,
    /// What it was made from.
    pub kind: GroupKind,
    /// Its processes in upstream's order: by (priority, name) for one program, as listed for a `[group:x]`.
    pub processes: Vec<Arc<ProcessSpec>>,
}

impl GroupSpec {
    /// The sockets of its `fcgi-program`s, each once.
    pub fn sockets(&self) -> Vec<Arc<FcgiSpec>> {
        let own = match &self.kind {
            GroupKind::Fcgi(socket) => Some(socket),
            GroupKind::Program | GroupKind::Group | GroupKind::Pool(_) | GroupKind::Helper(_) => {
                None
            }
        };
        let shared = self
            .processes
            .iter()
            .filter_map(|spec| spec.socket.as_ref());
        let mut sockets: Vec<Arc<FcgiSpec>> = Vec::new();
        for socket in own.into_iter().chain(shared) {
            if sockets.last() != Some(socket) && !sockets.contains(socket) {
                sockets.push(Arc::clone(socket));
            }
        }
        sockets
    }
}
