//! `[fcgi-program:x]`.

use super::additions::{
    CAPABILITIES, LOGFILE_FULL, NO_NEW_PRIVILEGES, SET_LOGIN_ENV, SIGPIPE, STOP_CONT, STOP_TREE,
};
use super::program::{
    AUTORESTART, AUTOSTART, BASE, COMMAND, DIRECTORY, ENVIRONMENT, EXITCODES, KILLASGROUP,
    NUMPROCS, NUMPROCS_START, PRIORITY, PROCESS_NAME, REDIRECT_STDERR, SERVERURL, STARTRETRIES,
    STARTSECS, STDERR, STDOUT, STOPASGROUP, STOPSIGNAL, STOPWAITSECS, UMASK, USER,
};
use super::{Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};

/// `socket`
pub const SOCKET: OptionSpec = OptionSpec {
    name: "socket",
    names: Names::Program,
    sample: Sample::Comment("unix:///tmp/%(program_name)s.sock"),
    doc: "The socket that supervisord opens and the processes share as standard input: `unix://` and an absolute path, \
          or `tcp://host:port`. `%(group_name)s` is not known in it.",
    ..BASE
};

/// `socket_backlog`
pub const SOCKET_BACKLOG: OptionSpec = OptionSpec {
    name: "socket_backlog",
    kind: Kind::Integer,
    default: Fallback::Found("the maximum of the system"),
    names: Names::Here,
    since: "3.4.0",
    sample: Sample::Comment("128"),
    doc: "How many connections may wait to be accepted, from 1 to 65535. The system may have a lower ceiling.",
    ..BASE
};

/// `socket_owner`
pub const SOCKET_OWNER: OptionSpec = OptionSpec {
    name: "socket_owner",
    kind: Kind::Owner,
    default: Fallback::Found("`user` and its group, or the user of supervisord"),
    names: Names::Here,
    sample: Sample::Comment("nobody:nogroup"),
    doc: "The owner of a UNIX socket: a user, or a user and a group with a colon between them.",
    ..BASE
};

/// `socket_mode`
pub const SOCKET_MODE: OptionSpec = OptionSpec {
    name: "socket_mode",
    kind: Kind::Octal,
    default: Fallback::Found("0700 for a UNIX socket"),
    names: Names::Here,
    sample: Sample::Comment("0700"),
    doc: "The permission bits of a UNIX socket. Clients need the right to write.",
    ..BASE
};

/// The section.
pub const SECTION: SectionSpec = SectionSpec {
    header: "fcgi-program:",
    label: "x",
    doc: "A FastCGI program whose processes share one socket, which supervisord opens before the first of them starts \
          and closes when the last one has ended. All keys of `[program:x]` are taken.",
    options: &[
        &COMMAND,
        &SOCKET,
        &SOCKET_BACKLOG,
        &SOCKET_OWNER,
        &SOCKET_MODE,
        &PROCESS_NAME,
        &NUMPROCS,
        &NUMPROCS_START,
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
        STDOUT.logfile,
        STDOUT.maxbytes,
        STDOUT.backups,
        STDOUT.capture_maxbytes,
        STDOUT.events_enabled,
        STDOUT.syslog,
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
