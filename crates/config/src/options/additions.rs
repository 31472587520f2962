//! Keys of processes that Supervisor does not know; it passes over them, so that a file with them still loads there.

use super::program::BASE;
use super::{Fallback, Kind, OptionSpec, Sample};

/// `logfile_full`
pub const LOGFILE_FULL: OptionSpec = OptionSpec {
    name: "logfile_full",
    kind: Kind::OneOf("`drop` or `block`"),
    default: Fallback::Text("drop"),
    since: "Provost 0.1",
    sample: Sample::Comment("drop"),
    doc: "What happens when a log of the program cannot be written, because its disk is full, say. In both cases up to \
          1 MiB is held back and written later. With `drop` the oldest lines beyond that are dropped, and the log tells \
          how many once it can be written again: the program never waits. With `block` nothing is dropped: the program \
          waits in its writes until there is room.",
    ..BASE
};

/// `stop_cont`
pub const STOP_CONT: OptionSpec = OptionSpec {
    name: "stop_cont",
    kind: Kind::Boolean,
    default: Fallback::Text("false"),
    since: "Provost 0.1",
    sample: Sample::Comment("false"),
    doc: "Whether SIGCONT follows the stop signal. A program that was halted (by SIGSTOP, say) then wakes up and can end \
          in order; without it SIGKILL ends it after `stopwaitsecs`.",
    ..BASE
};

/// `stop_tree`
pub const STOP_TREE: OptionSpec = OptionSpec {
    name: "stop_tree",
    kind: Kind::Boolean,
    default: Fallback::Text("false"),
    since: "Provost 0.1",
    sample: Sample::Comment("false"),
    doc: "Whether a stop reaches every process that came from the program, also those in sessions of their own. They get \
          the stop signal, and the program counts as stopped when all have ended; what is left after `stopwaitsecs` \
          gets SIGKILL, and the log says how many that were. Processes whose parents have ended belong to supervisord \
          from then on, of every program, as long as one program has this key.",
    ..BASE
};

/// `sigpipe`
pub const SIGPIPE: OptionSpec = OptionSpec {
    name: "sigpipe",
    kind: Kind::OneOf("`ignore` or `default`"),
    default: Fallback::Text("ignore"),
    since: "Provost 0.1",
    sample: Sample::Comment("ignore"),
    doc: "How the program begins with the signals SIGPIPE and SIGXFSZ: ignored, as under Supervisor, where a server that \
          forgot about them lives on, or at their defaults, as in a shell.",
    ..BASE
};

/// `set_login_env`
pub const SET_LOGIN_ENV: OptionSpec = OptionSpec {
    name: "set_login_env",
    kind: Kind::Boolean,
    default: Fallback::Text("false"),
    since: "Provost 0.1",
    sample: Sample::Comment("false"),
    doc: "Whether the program begins with the variables HOME, USER, LOGNAME and SHELL of the user that it runs as. Without \
          it they are those of supervisord, as under Supervisor. `environment` counts more.",
    ..BASE
};

/// `no_new_privileges`
pub const NO_NEW_PRIVILEGES: OptionSpec = OptionSpec {
    name: "no_new_privileges",
    kind: Kind::Boolean,
    default: Fallback::Text("false"),
    since: "Provost 0.1",
    sample: Sample::Comment("false"),
    doc: "Whether nothing that the program executes can have more rights than it has itself: set-user-id bits and \
          capabilities of files have no effect, so that `sudo` and `ping` may not work in it.",
    ..BASE
};

/// `capabilities`
pub const CAPABILITIES: OptionSpec = OptionSpec {
    name: "capabilities",
    kind: Kind::Text,
    default: Fallback::Found("what its user has"),
    since: "Provost 0.1",
    sample: Sample::Comment("net_bind_service"),
    doc: "The only capabilities that the program, and whatever it executes, can have: names as in capabilities(7), with or \
          without `CAP_`, or `none`. With `user` the program has them although that user would not, so that it can listen \
          on port 80, say, without ever having been root. supervisord needs them itself, and CAP_SETPCAP. Without this key \
          a program of root has all, and another has none.",
    ..BASE
};
