//! `[rpcinterface:x]` with a `command`: a namespace of XML-RPC methods that a process serves.

use super::additions::{
    CAPABILITIES, LOGFILE_FULL, NO_NEW_PRIVILEGES, SET_LOGIN_ENV, SIGPIPE, STOP_CONT, STOP_TREE,
};
use super::program;
use super::program::{
    AUTORESTART, AUTOSTART, BASE, COMMAND, DIRECTORY, ENVIRONMENT, EXITCODES, KILLASGROUP,
    SERVERURL, STARTRETRIES, STARTSECS, STDERR, STOPASGROUP, STOPSIGNAL, STOPWAITSECS, UMASK, USER,
};
use super::rpcinterface;
use super::{Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};

/// The longest `call_timeout`: a day. Whoever waits longer wants an event, not an answer.
pub const CALL_TIMEOUT_MAX_SECS: i64 = 86_400;

/// `call_timeout`
pub const CALL_TIMEOUT: OptionSpec = OptionSpec {
    name: "call_timeout",
    kind: Kind::Integer,
    default: Fallback::Text("30"),
    names: Names::Here,
    since: "Provost 0.1",
    sample: Sample::Comment("30"),
    doc: "How many seconds a client waits for the answer to one call, the start of the helper included, before it gets \
          a fault; from 1 to 86400.",
    ..BASE
};

/// `supervisor.rpcinterface_factory`
pub const FACTORY: OptionSpec = OptionSpec {
    default: Fallback::Found("not needed"),
    sample: Sample::Comment("package.module:make_interface"),
    doc: "Not looked at when there is a `command`, so that one file can serve Supervisor with a factory and Provost with \
          a helper.",
    ..rpcinterface::FACTORY
};

/// `priority` of a helper's group.
pub const PRIORITY: OptionSpec = OptionSpec {
    default: Fallback::Text("-1"),
    sample: Sample::Comment("-1"),
    doc: "The order of start and stop. The default starts helpers before programs and stops them after.",
    ..program::PRIORITY
};

/// `redirect_stderr` of a helper.
pub const REDIRECT_STDERR: OptionSpec = OptionSpec {
    names: Names::Here,
    sample: Sample::Comment("false"),
    doc: "Must stay `false`: standard output of a helper carries its protocol.",
    ..program::REDIRECT_STDERR
};

/// The section.
pub const SECTION: SectionSpec = SectionSpec {
    header: "rpcinterface:",
    label: "namespace",
    doc: "With a `command`, the namespace is served by a helper: a process, in any language, that gets calls on standard \
          input and answers on standard output. It is supervised like a program, as the only process of a group with \
          the name of the namespace.",
    options: &[
        &COMMAND,
        &CALL_TIMEOUT,
        &FACTORY,
        &PRIORITY,
        &AUTOSTART,
        &STARTSECS,
        &STARTRETRIES,
        &AUTORESTART,
        &EXITCODES,
        &STOPSIGNAL,
        &STOPWAITSECS,
        &STOPASGROUP,
        &KILLASGROUP,
        &STOP_CONT,
        &STOP_TREE,
        &SIGPIPE,
        &LOGFILE_FULL,
        &USER,
        &SET_LOGIN_ENV,
        &NO_NEW_PRIVILEGES,
        &CAPABILITIES,
        &REDIRECT_STDERR,
        STDERR.logfile,
        STDERR.maxbytes,
        STDERR.backups,
        STDERR.capture_maxbytes,
        STDERR.events_enabled,
        STDERR.syslog,
        &ENVIRONMENT,
        &DIRECTORY,
        &UMASK,
        &SERVERURL,
    ],
    active: false,
    open: false,
};
