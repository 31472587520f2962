//! `[program:x]`. Most of its keys are keys of `[eventlistener:x]` and `[fcgi-program:x]`, too.

use super::additions::{
    CAPABILITIES, LOGFILE_FULL, NO_NEW_PRIVILEGES, SET_LOGIN_ENV, SIGPIPE, STOP_CONT, STOP_TREE,
};
pub use super::channels::{ChannelOptions, STDERR, STDOUT};
use super::{Change, Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};

pub(super) const BASE: OptionSpec = OptionSpec {
    name: "",
    kind: Kind::Text,
    default: Fallback::Required,
    names: Names::Program,
    change: Change::Update,
    since: "3.0",
    sample: Sample::Comment(""),
    flag: None,
    doc: "",
};

/// `command`
pub const COMMAND: OptionSpec = OptionSpec {
    name: "command",
    names: Names::Process,
    sample: Sample::Comment("/bin/cat"),
    doc: "The program and its arguments. No shell is involved: words are cut at blanks, quotes and backslashes work as \
          in a shell, and nothing else has a meaning. A program without a slash is looked for in `PATH`. It must stay \
          in the foreground: a program that goes into the background by itself cannot be supervised. A `;` after a \
          blank begins a comment, inside quotes, too.",
    ..BASE
};

/// `process_name`
pub const PROCESS_NAME: OptionSpec = OptionSpec {
    name: "process_name",
    default: Fallback::Text("%(program_name)s"),
    names: Names::Process,
    sample: Sample::Comment("%(program_name)s"),
    doc: "The name of each process. With `numprocs` above 1 it must hold `%(process_num)`, as in \
          `%(program_name)s_%(process_num)02d`.",
    ..BASE
};

/// `numprocs`
pub const NUMPROCS: OptionSpec = OptionSpec {
    name: "numprocs",
    kind: Kind::Integer,
    default: Fallback::Text("1"),
    sample: Sample::Comment("1"),
    doc: "How many processes of this program there are. With 0 there are none, and the group is empty.",
    ..BASE
};

/// `numprocs_start`
pub const NUMPROCS_START: OptionSpec = OptionSpec {
    name: "numprocs_start",
    kind: Kind::Integer,
    default: Fallback::Text("0"),
    sample: Sample::Comment("0"),
    doc: "The `process_num` of the first process; the others count up from it.",
    ..BASE
};

/// `priority`
pub const PRIORITY: OptionSpec = OptionSpec {
    name: "priority",
    kind: Kind::Integer,
    default: Fallback::Text("999"),
    names: Names::Here,
    sample: Sample::Comment("999"),
    doc: "The order of start and stop: a lower number starts earlier and stops later. A program that is in no \
          `[group:x]` gives its number to its group.",
    ..BASE
};

/// `autostart`
pub const AUTOSTART: OptionSpec = OptionSpec {
    name: "autostart",
    kind: Kind::Boolean,
    default: Fallback::Text("true"),
    sample: Sample::Comment("true"),
    doc: "Whether the program starts when supervisord starts, or when its group is added.",
    ..BASE
};

/// `autorestart`
pub const AUTORESTART: OptionSpec = OptionSpec {
    name: "autorestart",
    kind: Kind::Restart,
    default: Fallback::Text("unexpected"),
    sample: Sample::Comment("unexpected"),
    doc: "Whether a program that ends by itself is started again: `true` always, `false` never, `unexpected` when its \
          exit code is not in `exitcodes` or a signal ended it.",
    ..BASE
};

/// `startsecs`
pub const STARTSECS: OptionSpec = OptionSpec {
    name: "startsecs",
    kind: Kind::Integer,
    default: Fallback::Text("1"),
    sample: Sample::Comment("1"),
    doc: "How many seconds the program must stay up to count as started. If it ends earlier, the start has failed and \
          is tried again. With 0 it counts as started at once.",
    ..BASE
};

/// `startretries`
pub const STARTRETRIES: OptionSpec = OptionSpec {
    name: "startretries",
    kind: Kind::Integer,
    default: Fallback::Text("3"),
    sample: Sample::Comment("3"),
    doc: "How many failed starts in a row are tried again before the program is given up as FATAL. Each try waits one \
          second longer than the one before.",
    ..BASE
};

/// `exitcodes`
pub const EXITCODES: OptionSpec = OptionSpec {
    name: "exitcodes",
    kind: Kind::ExitCodes,
    default: Fallback::Text("0"),
    sample: Sample::Comment("0"),
    doc: "The exit codes that are expected, for `autorestart=unexpected`.",
    ..BASE
};

/// `stopsignal`
pub const STOPSIGNAL: OptionSpec = OptionSpec {
    name: "stopsignal",
    kind: Kind::Signal,
    default: Fallback::Text("TERM"),
    sample: Sample::Comment("TERM"),
    doc: "The signal that asks the program to stop, by name or number.",
    ..BASE
};

/// `stopwaitsecs`
pub const STOPWAITSECS: OptionSpec = OptionSpec {
    name: "stopwaitsecs",
    kind: Kind::Integer,
    default: Fallback::Text("10"),
    sample: Sample::Comment("10"),
    doc: "How many seconds the program has to end after the stop signal, before SIGKILL ends it.",
    ..BASE
};

/// `stopasgroup`
pub const STOPASGROUP: OptionSpec = OptionSpec {
    name: "stopasgroup",
    kind: Kind::Boolean,
    default: Fallback::Text("false"),
    since: "3.0b1",
    sample: Sample::Comment("false"),
    doc: "Whether the stop signal goes to the whole process group of the program. It implies `killasgroup`.",
    ..BASE
};

/// `killasgroup`
pub const KILLASGROUP: OptionSpec = OptionSpec {
    name: "killasgroup",
    kind: Kind::Boolean,
    default: Fallback::Found("the value of `stopasgroup`"),
    since: "3.0a11",
    sample: Sample::Comment("false"),
    doc: "Whether SIGKILL goes to the whole process group of the program, so that its children end with it.",
    ..BASE
};

/// `user`
pub const USER: OptionSpec = OptionSpec {
    name: "user",
    kind: Kind::User,
    default: Fallback::Found("the user of supervisord"),
    sample: Sample::Comment("nobody"),
    doc: "The user that the program runs as, with all groups of that user. It needs a supervisord that runs as root. \
          `HOME` and `USER` do not change by it; set them in `environment`.",
    ..BASE
};

/// `redirect_stderr`
pub const REDIRECT_STDERR: OptionSpec = OptionSpec {
    name: "redirect_stderr",
    kind: Kind::Boolean,
    default: Fallback::Text("false"),
    sample: Sample::Comment("true"),
    doc: "Whether standard error of the program goes where its standard output goes, in the order of writing. \
          The `stderr_` keys have no effect then.",
    ..BASE
};

/// `environment`
pub const ENVIRONMENT: OptionSpec = OptionSpec {
    name: "environment",
    kind: Kind::Pairs,
    default: Fallback::Text(""),
    names: Names::Process,
    sample: Sample::Comment("A=\"1\",B=\"2\""),
    doc: "Variables for the environment of the program, in the form `KEY=\"value\",KEY2=\"value2\"`. They go over those \
          of `[supervisord]` and those that supervisord was started with. A value with other characters than letters, \
          digits and `_/.+-():` needs quotes; inside double quotes, `\\\"` and `\\\\` stand for themselves. The \
          variables are known as `%(ENV_KEY)s` in the other keys that may use `process_num`.",
    ..BASE
};

/// `directory`
pub const DIRECTORY: OptionSpec = OptionSpec {
    name: "directory",
    kind: Kind::LooseDirectory,
    default: Fallback::Found("the working directory of supervisord"),
    names: Names::Process,
    sample: Sample::Comment("/tmp"),
    doc: "The working directory of the program. It is entered when the program starts; a `~` is not expanded.",
    ..BASE
};

/// `umask`
pub const UMASK: OptionSpec = OptionSpec {
    name: "umask",
    kind: Kind::Octal,
    default: Fallback::Found("the mask of supervisord"),
    sample: Sample::Comment("022"),
    doc: "The file mode mask of the program.",
    ..BASE
};

/// `serverurl`
pub const SERVERURL: OptionSpec = OptionSpec {
    name: "serverurl",
    default: Fallback::Text("AUTO"),
    sample: Sample::Comment("AUTO"),
    doc: "What the program finds in `SUPERVISOR_SERVER_URL`. With `AUTO` it is the first `[unix_http_server]`, or else \
          the first `[inet_http_server]`.",
    ..BASE
};

/// The section.
pub const SECTION: SectionSpec = SectionSpec {
    header: "program:",
    label: "x",
    doc: "A program to supervise. `x` is its name: it names the group and, unless `process_name` says otherwise, the \
          process. It cannot hold blanks, `:` and `/`.",
    options: &[
        &COMMAND,
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
