//! A configuration, complete and checked.

use crate::diagnostic::{Diagnostic, Sources};
use provost_model::access::AccessSpec;
use provost_model::config::{DaemonSpec, RpcInterfaceSpec, ServerSpec};
use provost_model::{GroupSpec, Level, ProcessSpec};
use std::path::PathBuf;
use std::sync::Arc;

/// All that supervisord takes from its configuration file and command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `[supervisord]`, with the command line's values in place of the file's.
    pub supervisord: DaemonSpec,
    /// `environment` of `[supervisord]`, which every program gets.
    pub environment: Vec<(String, String)>,
    /// All groups by (priority, name), each name once.
    pub groups: Vec<Arc<GroupSpec>>,
    /// All servers, `[inet_http_server]` sections first, each kind in the order of the file.
    pub servers: Vec<ServerSpec>,
    /// Who may do what, besides what the servers say.
    pub access: AccessSpec,
    /// All `[rpcinterface:x]` sections in the order of the file, but those of helpers, which are groups.
    pub rpcinterfaces: Vec<RpcInterfaceSpec>,
    /// Lines for the main log about the configuration, in order.
    pub startup_messages: Vec<(Level, String)>,
    /// Warnings, by file and line.
    pub diagnostics: Vec<Diagnostic>,
    /// The files, to show the lines of.
    pub sources: Sources,
}

/// Values of supervisord's command line. They are in force over the file's, also when the file is read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `-n`.
    pub nodaemon: bool,
    /// `-s`.
    pub silent: bool,
    /// `-k`.
    pub nocleanup: bool,
    /// `-t`.
    pub strip_ansi: bool,
    /// `-u`, as written; looked up when the configuration is read.
    pub user: Option<String>,
    /// `-m`, permission bits.
    pub umask: Option<u32>,
    /// `-d`, an existing directory.
    pub directory: Option<String>,
    /// `-l`, a path in an existing directory, or `syslog`.
    pub logfile: Option<String>,
    /// `-y`, bytes.
    pub logfile_maxbytes: Option<i64>,
    /// `-z`.
    pub logfile_backups: Option<i64>,
    /// `-e`.
    pub loglevel: Option<Level>,
    /// `-j`, a path in an existing directory.
    pub pidfile: Option<String>,
    /// `-i`.
    pub identifier: Option<String>,
    /// `-q`, an existing directory.
    pub childlogdir: Option<String>,
    /// `-a`.
    pub minfds: Option<i64>,
    /// `--minprocs`.
    pub minprocs: Option<i64>,
    /// `--profile_options` was given. There is no profiler inside; a line in the main log says so.
    pub profile_options: bool,
}

/// All that supervisorctl takes from its configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtlConfig {
    /// Where supervisord listens: `http://…`, `https://…` or `unix://` with an absolute path.
    pub serverurl: String,
    /// For authentication.
    pub username: Option<String>,
    /// For authentication.
    pub password: Option<String>,
    /// A file whose first line is the password; absolute.
    pub password_file: Option<PathBuf>,
    /// The user that `[supervisord]` of the same file names.
    pub daemon_uid: Option<u32>,
    /// The shell's prompt, without `> `.
    pub prompt: String,
    /// Where the shell keeps its history; absolute.
    pub history_file: Option<PathBuf>,
    /// What counts where `serverurl` begins with `https`.
    pub tls: CtlTls,
    /// All `[ctlplugin:x]` sections in the order of the file.
    pub plugins: Vec<PluginSpec>,
}

/// TLS of supervisorctl. The files are read when they are needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CtlTls {
    /// The file of authorities that vouch for the server.
    pub authorities: Option<PathBuf>,
    /// The SHA-256 of the server's certificate.
    pub fingerprint: Option<[u8; 32]>,
    /// The files of our own certificate and key.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// A `[ctlplugin:x]` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginSpec {
    /// What stands behind the colon; `help` lists the commands under it.
    pub name: String,
    /// Its commands.
    pub plugin: Plugin,
}

/// Which commands a plugin brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plugin {
    /// Those of `supervisor_cache`.
    Cache,
    /// Those of `supervisor_quick`.
    Quick {
        /// How often a process is looked at until it is where it is to come.
        retries: u32,
    },
    /// That of `mr.laforge`.
    Laforge,
    /// Those of `supervisor-wildcards`.
    Wildcards {
        /// Patterns are compared with `group:name`, not with the name alone.
        match_group: bool,
    },
    /// That of `supervisor-serialrestart`.
    SerialRestart,
}

/// Processes of a program that stands in no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedProgram {
    /// Its processes by (priority, name), each name once.
    pub processes: Vec<Arc<ProcessSpec>>,
    /// Lines for the main log about it.
    pub messages: Vec<(Level, String)>,
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// `serverurl` of supervisorctl when neither file nor command line names one.
pub const DEFAULT_SERVERURL: &str = "http://localhost:9001";

/// `prompt` of supervisorctl when the file names none.
pub const DEFAULT_PROMPT: &str = "supervisor";

impl Default for CtlConfig {
    /// What is in force when no file was found.
    fn default() -> Self {
        Self {
            serverurl: DEFAULT_SERVERURL.to_owned(),
            username: None,
            password: None,
            password_file: None,
            daemon_uid: None,
            prompt: DEFAULT_PROMPT.to_owned(),
            history_file: None,
            tls: CtlTls::default(),
            plugins: Vec::new(),
        }
    }
}
