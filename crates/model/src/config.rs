//! What `[supervisord]` and the server sections say, complete and checked.

use crate::access::ServerAccess;
use crate::tls::TlsSpec;
use crate::{Authority, Level, Orphans};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where supervisord writes its own log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MainLog {
    /// A file, absolute.
    File(#[serde(with = "crate::saved::path")] PathBuf),
    /// The system's log.
    Syslog,
}

/// `[supervisord]`, with the command line's values in place of the file's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonSpec {
    /// Descriptors needed.
    pub minfds: i64,
    /// Processes needed.
    pub minprocs: i64,
    /// Working directory after daemonising.
    #[serde(with = "crate::saved::maybe_path")]
    pub directory: Option<PathBuf>,
    /// The user to become: uid.
    pub uid: Option<u32>,
    /// File mode mask after daemonising.
    pub umask: u32,
    /// The main log.
    pub logfile: MainLog,
    /// Rotation limit of the main log in bytes; 0 or less means none.
    pub logfile_maxbytes: i64,
    /// Rotated main logs kept.
    pub logfile_backups: i64,
    /// Least severe level written.
    pub loglevel: Level,
    /// Absolute path of the pid file.
    #[serde(with = "crate::saved::path")]
    pub pidfile: PathBuf,
    /// Name of this supervisord, in events and AUTO log names.
    pub identifier: String,
    /// Stay in the foreground.
    pub nodaemon: bool,
    /// In the foreground, write nothing to stdout.
    pub silent: bool,
    /// Where AUTO logs are made.
    #[serde(with = "crate::saved::path")]
    pub childlogdir: PathBuf,
    /// Leave old AUTO logs at start.
    pub nocleanup: bool,
    /// Drop ANSI escape sequences from child output.
    pub strip_ansi: bool,
    /// Open logs as the system does, following links that others made.
    pub unsafe_log_paths: bool,
    /// Refuse what is only warned of otherwise.
    pub strict_security: bool,
    /// What is done with processes that an earlier supervisord left behind.
    pub orphans: Orphans,
    /// SIGUSR1 asks for an upgrade in place.
    #[serde(default)]
    pub sigusr1_upgrades: bool,
    /// For how many seconds it is kept what processes take; 0 keeps nothing.
    #[serde(default)]
    pub history_secs: u32,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerAddress {
    /// `[inet_http_server]`.
    Inet {
        /// Host as written, lower case; empty means all IPv4 interfaces. IPv6 literals without brackets.
        host: String,
        /// 1 to 65535.
        port: u16,
    },
    /// `[unix_http_server]`.
    Unix {
        /// Absolute, normalized.
        #[serde(with = "crate::saved::path")]
        path: PathBuf,
        /// Permission bits.
        mode: u32,
        /// uid and gid of the file; none leaves them.
        owner: Option<(u32, Option<u32>)>,
    },
}

/// One HTTP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSpec {
    /// Section name, for messages.
    pub section: String,
    /// Where it listens.
    pub address: ServerAddress,
    /// User name and password (plain or `{SHA}` and hex); none means no authentication.
    pub credentials: Option<(String, String)>,
    /// Whether what browsers ask for is refused when a page of another site made them ask.
    pub web_csrf: bool,
    /// Names under which it may be reached, besides addresses, `localhost` and the machine's own name.
    pub allowed_hosts: Vec<Authority>,
    /// Bytes that the body of a call may have.
    pub max_request_body: usize,
    /// Whether a person confirms even what a browser says was typed by hand.
    pub strict: bool,
    /// Who may ask.
    pub access: ServerAccess,
    /// What encrypts; none where nothing does.
    #[serde(default)]
    pub tls: Option<TlsSpec>,
}

/// Which methods a namespace has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Interface {
    /// Those of Supervisor itself.
    Main,
    /// Those of `supervisor_twiddler`: programs of a group come and go.
    Twiddler {
        /// The only methods that may be called; empty means all.
        whitelist: Vec<String>,
    },
    /// Those of `supervisor_cache`: values by key.
    Cache,
    /// Those of `mr.laforge`: signals.
    Laforge,
}

/// An `[rpcinterface:x]` section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RpcInterfaceSpec {
    /// The XML-RPC namespace.
    pub namespace: String,
    /// Its methods.
    pub interface: Interface,
    /// The factory as written.
    pub factory: String,
    /// All other keys.
    pub settings: Vec<(String, String)>,
}
