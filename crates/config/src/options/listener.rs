//! `[eventlistener:x]`.

use super::additions::{
    CAPABILITIES, LOGFILE_FULL, NO_NEW_PRIVILEGES, SET_LOGIN_ENV, SIGPIPE, STOP_CONT, STOP_TREE,
};
use super::program;
use super::program::{
    AUTORESTART, AUTOSTART, BASE, COMMAND, DIRECTORY, ENVIRONMENT, EXITCODES, KILLASGROUP,
    NUMPROCS, NUMPROCS_START, PROCESS_NAME, SERVERURL, STARTRETRIES, STARTSECS, STDERR, STDOUT,
    STOPASGROUP, STOPSIGNAL, STOPWAITSECS, UMASK, USER,
};
use super::{Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};
use provost_model::spec::ResultHandler;

/// `events`
pub const EVENTS: OptionSpec = OptionSpec {
    name: "events",
    kind: Kind::Events,
    names: Names::Here,
    sample: Sample::Comment("EVENT"),
    doc: "The types of events that the listener gets. An abstract type such as `PROCESS_STATE` or `EVENT` stands for \
          all below it.",
    ..BASE
};

/// `buffer_size`
pub const BUFFER_SIZE: OptionSpec = OptionSpec {
    name: "buffer_size",
    kind: Kind::Integer,
    default: Fallback::Text("10"),
    names: Names::Here,
    sample: Sample::Comment("10"),
    doc: "How many events wait while no listener of the pool is ready; at least 1. When there are more, the oldest is \
          dropped and the log says so, unless `event_spool` takes what does not fit.",
    ..BASE
};

/// `event_spool`
pub const EVENT_SPOOL: OptionSpec = OptionSpec {
    name: "event_spool",
    kind: Kind::Path,
    default: Fallback::Found("none: events that do not fit into the buffer are dropped"),
    since: "Provost 0.1",
    sample: Sample::Comment("/tmp/%(program_name)s.events"),
    doc: "A file that takes the events for which there is no room in the buffer, so that they are not dropped. They are \
          delivered in order when the listener can take them, also after supervisord was stopped, restarted or killed. \
          Each pool needs a file of its own, on a local disk.",
    ..BASE
};

/// `event_spool_maxbytes`
pub const EVENT_SPOOL_MAXBYTES: OptionSpec = OptionSpec {
    name: "event_spool_maxbytes",
    kind: Kind::Bytes,
    default: Fallback::Text("64MB"),
    names: Names::Here,
    since: "Provost 0.1",
    sample: Sample::Comment("64MB"),
    doc: "How many bytes of events may wait in `event_spool`; at least 4KB. When there are more, new ones are dropped, \
          counted, and the log says so. The file itself may grow to half as much again before it is tidied up.",
    ..BASE
};

/// The result handler of pools that name none.
pub const DEFAULT_HANDLER: &str = "supervisor.dispatchers:default_handler";

/// The result handlers there are, by the names under which Supervisor imports them: its own, and the one of the package
/// `supervisor-stdout`, which many images for containers name.
pub const HANDLERS: &[(&str, ResultHandler)] = &[
    (DEFAULT_HANDLER, ResultHandler::Acknowledge),
    ("supervisor_stdout:event_handler", ResultHandler::Print),
];

/// `result_handler`
pub const RESULT_HANDLER: OptionSpec = OptionSpec {
    name: "result_handler",
    kind: Kind::Object,
    default: Fallback::Text(DEFAULT_HANDLER),
    names: Names::Here,
    sample: Sample::Comment(DEFAULT_HANDLER),
    doc: "What reads the answers of the listener. The default takes `OK` as done and everything else as a rejection. \
          `supervisor_stdout:event_handler` takes them as output of programs, as that listener answers, and prints them \
          on supervisord's own standard output with the names of process and channel before them. Python code of third \
          parties cannot be loaded.",
    ..BASE
};

/// `priority` of an event listener's group.
pub const PRIORITY: OptionSpec = OptionSpec {
    default: Fallback::Text("-1"),
    sample: Sample::Comment("-1"),
    doc: "The order of start and stop. The default starts listeners before programs and stops them after.",
    ..program::PRIORITY
};

/// `redirect_stderr` of an event listener.
pub const REDIRECT_STDERR: OptionSpec = OptionSpec {
    names: Names::Here,
    sample: Sample::Comment("false"),
    doc: "Must stay `false`: standard output of a listener carries the event protocol.",
    ..program::REDIRECT_STDERR
};

/// The section.
pub const SECTION: SectionSpec = SectionSpec {
    header: "eventlistener:",
    label: "x",
    doc: "A pool of processes that get events on standard input and answer on standard output. All keys of \
          `[program:x]` are taken; those that concern standard output have no effect.",
    options: &[
        &COMMAND,
        &PROCESS_NAME,
        &NUMPROCS,
        &NUMPROCS_START,
        &EVENTS,
        &BUFFER_SIZE,
        &EVENT_SPOOL,
        &EVENT_SPOOL_MAXBYTES,
        &RESULT_HANDLER,
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
