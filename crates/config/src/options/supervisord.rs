//! `[supervisord]`.

use super::{Change, Fallback, Flag, Kind, Names, OptionSpec, Sample, SectionSpec};

const BASE: OptionSpec = OptionSpec {
    name: "",
    kind: Kind::Text,
    default: Fallback::Required,
    names: Names::Here,
    change: Change::Restart,
    since: "3.0",
    sample: Sample::Comment(""),
    flag: None,
    doc: "",
};

const fn flag(short: char, long: &'static str, value: &'static str) -> Flag {
    Flag {
        short: Some(short),
        long,
        value: Some(value),
    }
}

const fn switch(short: char, long: &'static str) -> Flag {
    Flag {
        short: Some(short),
        long,
        value: None,
    }
}

/// `minfds`
pub const MINFDS: OptionSpec = OptionSpec {
    name: "minfds",
    kind: Kind::Integer,
    default: Fallback::Text("1024"),
    sample: Sample::Active("1024"),
    flag: Some(flag('a', "minfds", "NUMBER")),
    doc: "How many file descriptors supervisord must be able to open. It raises its soft limit to this number at \
          start and refuses to start when the hard limit is lower. Programs inherit the limit.",
    ..BASE
};

/// `minprocs`
pub const MINPROCS: OptionSpec = OptionSpec {
    name: "minprocs",
    kind: Kind::Integer,
    default: Fallback::Text("200"),
    sample: Sample::Active("200"),
    flag: Some(Flag {
        short: None,
        long: "minprocs",
        value: Some("NUMBER"),
    }),
    doc: "How many processes the user of supervisord must be able to have. The soft limit is raised to this number \
          at start; supervisord refuses to start when the hard limit is lower.",
    ..BASE
};

/// `directory`
pub const DIRECTORY: OptionSpec = OptionSpec {
    name: "directory",
    kind: Kind::Directory,
    default: Fallback::Found("the directory that supervisord was started in"),
    sample: Sample::Comment("/tmp"),
    flag: Some(flag('d', "directory", "DIRECTORY")),
    doc: "The working directory that supervisord takes when it goes into the background. It has no effect in the \
          foreground. A `~` at the beginning is expanded.",
    ..BASE
};

/// `user`
pub const USER: OptionSpec = OptionSpec {
    name: "user",
    kind: Kind::User,
    default: Fallback::Found("the user that started supervisord"),
    sample: Sample::Comment("nobody"),
    flag: Some(flag('u', "user", "USER")),
    doc: "The user that supervisord becomes before it does anything else. Only root can become another user; any \
          other user is refused at start. It cannot be changed while supervisord runs.",
    ..BASE
};

/// `umask`
pub const UMASK: OptionSpec = OptionSpec {
    name: "umask",
    kind: Kind::Octal,
    default: Fallback::Text("022"),
    sample: Sample::Comment("022"),
    flag: Some(flag('m', "umask", "UMASK")),
    doc: "The file mode mask that supervisord takes when it goes into the background. It has no effect in the \
          foreground.",
    ..BASE
};

/// `logfile`
pub const LOGFILE: OptionSpec = OptionSpec {
    name: "logfile",
    kind: Kind::Path,
    default: Fallback::Text("supervisord.log"),
    sample: Sample::Active("/tmp/supervisord.log"),
    flag: Some(flag('l', "logfile", "FILENAME")),
    doc: "Where supervisord writes its own log. The value `syslog` sends it to the system's log instead. A relative \
          path is relative to the directory that supervisord was started in; its directory must exist.",
    ..BASE
};

/// `logfile_maxbytes`
pub const LOGFILE_MAXBYTES: OptionSpec = OptionSpec {
    name: "logfile_maxbytes",
    kind: Kind::Bytes,
    default: Fallback::Text("50MB"),
    sample: Sample::Active("50MB"),
    flag: Some(flag('y', "logfile_maxbytes", "BYTES")),
    doc: "How large the log of supervisord may grow before it is rotated. With 0 it is never rotated.",
    ..BASE
};

/// `logfile_backups`
pub const LOGFILE_BACKUPS: OptionSpec = OptionSpec {
    name: "logfile_backups",
    kind: Kind::Integer,
    default: Fallback::Text("10"),
    sample: Sample::Active("10"),
    flag: Some(flag('z', "logfile_backups", "NUMBER")),
    doc: "How many rotated logs of supervisord are kept, as `.1`, `.2` and so on. With 0 the log is emptied instead.",
    ..BASE
};

/// `loglevel`
pub const LOGLEVEL: OptionSpec = OptionSpec {
    name: "loglevel",
    kind: Kind::Level,
    default: Fallback::Text("info"),
    sample: Sample::Active("info"),
    flag: Some(flag('e', "loglevel", "LEVEL")),
    doc: "The least severe level that is written to the log: `critical`, `error`, `warn`, `info`, `debug`, `trace` \
          or `blather`. From `debug` on, the log also holds the output of programs.",
    ..BASE
};

/// `pidfile`
pub const PIDFILE: OptionSpec = OptionSpec {
    name: "pidfile",
    kind: Kind::Path,
    default: Fallback::Text("supervisord.pid"),
    sample: Sample::Active("/tmp/supervisord.pid"),
    flag: Some(flag('j', "pidfile", "FILE")),
    doc: "Where supervisord writes its process id. A relative path is relative to the directory that supervisord was \
          started in; its directory must exist.",
    ..BASE
};

/// `identifier`
pub const IDENTIFIER: OptionSpec = OptionSpec {
    name: "identifier",
    default: Fallback::Text("supervisor"),
    change: Change::Reread,
    sample: Sample::Comment("supervisor"),
    flag: Some(flag('i', "identifier", "NAME")),
    doc: "The name of this supervisord, as event listeners and clients see it and as it stands in the names of AUTO \
          log files. Give different ones to several supervisords that share a directory for logs.",
    ..BASE
};

/// `nodaemon`
pub const NODAEMON: OptionSpec = OptionSpec {
    name: "nodaemon",
    kind: Kind::Boolean,
    default: Fallback::Text("false"),
    sample: Sample::Active("false"),
    flag: Some(switch('n', "nodaemon")),
    doc: "Whether supervisord stays in the foreground, as under another service manager or in a container.",
    ..BASE
};

/// `silent`
pub const SILENT: OptionSpec = OptionSpec {
    name: "silent",
    kind: Kind::Boolean,
    default: Fallback::Text("false"),
    since: "4.2.0",
    sample: Sample::Active("false"),
    flag: Some(switch('s', "silent")),
    doc: "Whether supervisord in the foreground leaves out the copy of its log on standard output.",
    ..BASE
};

/// `childlogdir`
pub const CHILDLOGDIR: OptionSpec = OptionSpec {
    name: "childlogdir",
    kind: Kind::Directory,
    default: Fallback::Found("the system's directory for temporary files"),
    change: Change::Reread,
    sample: Sample::Comment("/tmp"),
    flag: Some(flag('q', "childlogdir", "DIRECTORY")),
    doc: "Where the AUTO log files of programs are made.",
    ..BASE
};

/// `nocleanup`
pub const NOCLEANUP: OptionSpec = OptionSpec {
    name: "nocleanup",
    kind: Kind::Boolean,
    default: Fallback::Text("false"),
    sample: Sample::Comment("true"),
    flag: Some(switch('k', "nocleanup")),
    doc: "Whether AUTO log files of an earlier run stay when supervisord starts.",
    ..BASE
};

/// `strip_ansi`
pub const STRIP_ANSI: OptionSpec = OptionSpec {
    name: "strip_ansi",
    kind: Kind::Boolean,
    default: Fallback::Text("false"),
    change: Change::Reread,
    sample: Sample::Comment("false"),
    flag: Some(switch('t', "strip_ansi")),
    doc: "Whether ANSI escape sequences are taken out of the logs of programs.",
    ..BASE
};

/// `orphans`
pub const ORPHANS: OptionSpec = OptionSpec {
    name: "orphans",
    kind: Kind::OneOf("`adopt`, `kill` or `refuse`"),
    default: Fallback::Text("adopt"),
    since: "Provost 0.1",
    sample: Sample::Comment("adopt"),
    doc: "What is done at start with processes that a supervisord with the same `pidfile` left behind because it was \
          killed: `adopt` takes them over as they run, `kill` stops them first, `refuse` does not start while they \
          live. Only processes that stand in the run records beside the pid file and are certainly still the same are \
          touched.",
    ..BASE
};

/// `sigusr1`
pub const SIGUSR1: OptionSpec = OptionSpec {
    name: "sigusr1",
    kind: Kind::OneOf("`ignore` or `upgrade`"),
    default: Fallback::Text("ignore"),
    since: "Provost 0.1",
    sample: Sample::Comment("ignore"),
    doc: "What supervisord does when it gets SIGUSR1: `ignore` does nothing, `upgrade` puts the program in its place \
          that stands now where it was started from, as `supervisorctl upgrade` does.",
    ..BASE
};

/// `history`
pub const HISTORY: OptionSpec = OptionSpec {
    name: "history",
    kind: Kind::Duration,
    default: Fallback::Text("0"),
    since: "Provost 0.1",
    sample: Sample::Comment("10m"),
    doc: "For how long supervisord keeps what running processes take: processors, memory and open files, one sample every \
          ten seconds, for `/api/v1/usage` and whoever draws curves of it. At most an hour (`1h`). With 0 nothing is \
          measured while nobody looks. A sample takes the processor some 20 microseconds for each process, and 12 bytes \
          of memory as long as it is kept.",
    ..BASE
};

/// `environment`
pub const ENVIRONMENT: OptionSpec = OptionSpec {
    name: "environment",
    kind: Kind::Pairs,
    default: Fallback::Text(""),
    names: Names::HereAndHost,
    change: Change::Update,
    sample: Sample::Comment("KEY=\"value\""),
    doc: "Variables for the environment of every program, in the form `KEY=\"value\",KEY2=\"value2\"`. A program's own \
          `environment` goes over it. The variables are also known as `%(ENV_KEY)s` in sections other than this one \
          and `[include]`. The environment of supervisord itself does not change.",
    ..BASE
};

/// `unsafe_log_paths`
pub const UNSAFE_LOG_PATHS: OptionSpec = OptionSpec {
    name: "unsafe_log_paths",
    kind: Kind::Permission,
    default: Fallback::Text("refuse"),
    since: "Provost 0.1",
    sample: Sample::Comment("refuse"),
    doc: "How logs in directories of other users are opened. With `refuse` they are opened, rotated and read with the \
          rights of the user who owns the directory, and a link, a FIFO or a file with a second name is not opened \
          where somebody else could have put it. With `allow` they are opened as by Supervisor: with the rights of \
          supervisord, following every link. See the page on security.",
    ..BASE
};

/// `strict_security`
pub const STRICT_SECURITY: OptionSpec = OptionSpec {
    name: "strict_security",
    kind: Kind::Boolean,
    default: Fallback::Text("false"),
    since: "Provost 0.1",
    sample: Sample::Comment("false"),
    doc: "Whether supervisord refuses what it only warns of otherwise: an HTTP server without a password that more \
          than its own user can reach, and a configuration file that others can write to while it runs as root. With \
          it a browser also confirms actions whose address was typed by hand.",
    ..BASE
};

/// The section.
pub const SECTION: SectionSpec = SectionSpec {
    header: "supervisord",
    label: "",
    doc: "Settings of supervisord itself. The section must be there. Options on the command line go over these keys.",
    options: &[
        &LOGFILE,
        &LOGFILE_MAXBYTES,
        &LOGFILE_BACKUPS,
        &LOGLEVEL,
        &PIDFILE,
        &NODAEMON,
        &SILENT,
        &MINFDS,
        &MINPROCS,
        &UMASK,
        &USER,
        &IDENTIFIER,
        &DIRECTORY,
        &NOCLEANUP,
        &CHILDLOGDIR,
        &ENVIRONMENT,
        &STRIP_ANSI,
        &UNSAFE_LOG_PATHS,
        &STRICT_SECURITY,
        &ORPHANS,
        &SIGUSR1,
        &HISTORY,
    ],
    active: true,
    open: false,
};
