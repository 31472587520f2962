//! The intended differences from upstream, each with its reason.
//!
//! A case of a differential test may differ only when it stands here. `docs/differences.md` tells users the same, and
//! names every `key`.
//!
//! Five additions show in so many cases that they are taken out before those are compared: the member `autorestart` of
//! `getAllConfigInfo`, which 4.3.0 does not have ([`without_autorestart`]), the headers that protect browsers ([`is_added_header`]),
//! the run records beside the pid file ([`is_added_file`]), and the lines of the log that name mistyped keys and sections, and dangers of the configuration ([`names_a_mistake`]), and
//! the commands of our own in the list of `help` ([`without_added_commands`]).

mod additions;
mod events;
mod web;

pub use additions::{
    is_added_file, is_added_header, names_a_mistake, without_added_commands, without_autorestart,
};

/// One intended difference in one case.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// The name under which `docs/differences.md` explains it.
    pub key: &'static str,
    /// The case in which it shows; with a `*` at the end, all cases that begin so (some of which may agree).
    pub case: &'static str,
    /// A text that Provost's transcript must contain: what it does instead.
    pub ours: &'static str,
    /// Why it is so.
    pub reason: &'static str,
}

const fn entry(
    key: &'static str,
    case: &'static str,
    ours: &'static str,
    reason: &'static str,
) -> Difference {
    Difference {
        key,
        case,
        ours,
        reason,
    }
}

/// What `mr.laforge` cannot do.
const GROUP_SIGNALS: &str = "`mr.laforge`: signals to a group";

/// What `mr.laforge` ends with an error.
const KILL_NOBODY: &str = "`mr.laforge`: `kill HUP` without a name";

/// Those outside events and the web interface: key, case, what ours contains, reason.
const LIST: &[Difference] = &[
    entry(
        "limits of the system that cannot be raised",
        "config minfds too many",
        "The hard limit here is",
        "the message names the limit that is in force, not the one that was asked for",
    ),
    entry(
        "a process configured twice",
        "config numprocs same names",
        "taken",
        "only one of them can run; the other is not shown, and gets no log file",
    ),
    entry(
        "a process configured twice",
        "config group same program twice",
        "taken",
        "the same",
    ),
    entry(
        "a process configured twice",
        "config group named like a program outside",
        "taken",
        "the same for groups",
    ),
    entry(
        "stop signals called `_DFL`, `_IGN`, `_BLOCK` …",
        "config stopsignal constant",
        "value '_IGN' is not a valid signal name",
        "they are constants of a library, no signals",
    ),
    entry(
        "numbers beyond 31 bits",
        "config stdout_logfile_maxbytes three gigabytes",
        "stdout_logfile_maxbytes: 2147483647",
        "the whole answer failed",
    ),
    entry(
        "control characters in texts",
        "config expansion process_num char",
        "directory: \"/\u{fffd}\"",
        "XML cannot carry them",
    ),
    entry(
        "`ENV_…` of one process of a program in the next one",
        "config expansion environment leaks to next process",
        "'ENV_N0'",
        "an accident of upstream's loop",
    ),
    entry(
        "a group that names an unknown program",
        "config group unknown second",
        "[group:g] names unknown program",
        "upstream names the wrong section from the second member on",
    ),
    entry(
        "a group that names an unknown program",
        "config group trailing comma",
        "[group:g] names unknown program",
        "the same",
    ),
    entry(
        "an `fcgi-program` with a bad socket",
        "config fcgi socket relative",
        "Error: Unix socket path f.sock is not an absolute path",
        "upstream prints a tuple of its language",
    ),
    entry(
        "an `fcgi-program` with a bad socket",
        "config fcgi socket bad format",
        "Error: Bad socket format udp://localhost:1",
        "the same",
    ),
    entry(
        "an included file that cannot be read",
        "config include directory",
        "is left out",
        "upstream claims to have included it",
    ),
    entry(
        "`--profile_options`",
        "config command line profile bad",
        "has no effect",
        "there is no profiler inside",
    ),
    entry(
        "answers after which the connection is closed",
        "http post close",
        "connection: close",
        "plain HTTP hygiene",
    ),
    entry(
        "answers after which the connection is closed",
        "http get rpc",
        "connection: close",
        "the same",
    ),
    entry(
        "answers after which the connection is closed",
        "http no length",
        "connection: close",
        "the same",
    ),
    entry(
        "answers after which the connection is closed",
        "http post to tail",
        "connection: close",
        "the same",
    ),
    entry(
        "blanks before an XML-RPC request",
        "http blank around",
        "HTTP/1.1 200 OK",
        "a reader of XML that forgives them",
    ),
    entry(
        "wrong type of an argument",
        "rpc wrong type *",
        "INCORRECT_PARAMETERS",
        "a client's mistake is no failure of the server",
    ),
    entry(
        "wrong type of an argument",
        "rpc multicall system.multicall(\"text\")",
        "INCORRECT_PARAMETERS",
        "the same",
    ),
    entry(
        "wrong type of an argument",
        "rpc multicall system.multicall(5)",
        "INCORRECT_PARAMETERS: calls",
        "the same",
    ),
    entry(
        "`provost.getVersion`",
        "rpc system.listMethods()",
        "provost.getVersion",
        "an addition",
    ),
    entry(
        "AUTO logs in `getAllConfigInfo` after a reread",
        "rpc groups supervisor.getAllConfigInfo()",
        "-stdout---",
        "the real name is known",
    ),
    entry(
        "`clear GROUP:*`, `pid GROUP:*`",
        "rpc supervisor.clearProcessLogs(\"g:*\")",
        "member_1",
        "an addition",
    ),
    entry(
        "`clear GROUP:*`, `pid GROUP:*`",
        "rpc supervisor.clearProcessLog(\"g:*\")",
        "member_1",
        "the same",
    ),
    entry(
        "a FastCGI socket that cannot be opened",
        "config fcgi socket in no directory",
        "Error: Could not create FastCGI socket unix://⟨dir⟩/nowhere/f.sock: bind failed: ENOENT",
        "a traceback is no message",
    ),
    entry(
        "a FastCGI socket that cannot be opened",
        "fcgi add in vain",
        "fault 30 FAILED: Could not create FastCGI socket",
        "the client is told what is wrong",
    ),
    entry(
        "an `fcgi-program` in a `[group:x]`",
        "fcgi in a group",
        "f.sock: socket true, mode 700",
        "it asks for a socket, and its processes cannot do without",
    ),
    entry(
        "a change of `socket_mode`, `socket_owner` or `socket_backlog`",
        "fcgi reread mode",
        "f: changed",
        "update kept the old setting in silence",
    ),
    entry(
        "a change of `socket_mode`, `socket_owner` or `socket_backlog`",
        "fcgi reread owner",
        "f: changed",
        "the same",
    ),
    entry(
        "a change of `socket_mode`, `socket_owner` or `socket_backlog`",
        "fcgi reread backlog",
        "f: changed",
        "the same",
    ),
    entry(
        "`Content-Length`",
        "rpc supervisor.clearAllProcessLogs()",
        "content-length: ⟨right⟩",
        "clients lost the end of the answer",
    ),
    entry(
        "`result_handler=supervisor_stdout:event_handler`",
        "config listener result_handler built in",
        "taken",
        "upstream loads it from a package for Python 2, which is not there",
    ),
    entry(
        "`401` without a terminal",
        "ctl no credentials",
        "exit 1",
        "one notice is enough",
    ),
    entry(
        "`401` without a terminal",
        "ctl no credentials stop",
        "exit 1",
        "the same",
    ),
    entry(
        "`401` without a terminal",
        "ctl wrong credentials",
        "exit 1",
        "the same",
    ),
    entry(
        "`401` without a terminal",
        "ctl username only",
        "exit 1",
        "the same",
    ),
    entry(
        "a broken configuration file",
        "ctl bad file",
        "Error: File contains no section headers.",
        "upstream prints a traceback",
    ),
    entry(
        "`update` with a broken configuration",
        "ctl ours to upstream: update #4",
        "ERROR: CANT_REREAD",
        "one text for one failure",
    ),
    entry(
        "`update` with a broken configuration",
        "ctl ours to ours: update #4",
        "ERROR: CANT_REREAD",
        "the same",
    ),
    entry(
        "an empty `stdout_logfile`",
        "config stdout_logfile empty",
        "stdout_logfile: \"none\"",
        "no log is called none everywhere else",
    ),
    entry(
        "`environment=`",
        "environment A='say \"x\"'",
        "A=say \"x\"\n",
        "the shell's rules for quotes, as upstream's next release",
    ),
    entry(
        "`environment=`",
        "environment A=\"a\\\"b\"",
        "A=a\"b\n",
        "the shell's rules for quotes, as upstream's next release",
    ),
    entry(
        "`environment=`",
        "environment A=\"a\\\\b\"",
        "A=a\\b\n",
        "the shell's rules for quotes, as upstream's next release",
    ),
    entry(
        "`environment=`",
        "environment A=\"1\"x",
        "A=1x\n",
        "the shell's rules for quotes, as upstream's next release",
    ),
    entry(
        "`environment=`",
        "environment A=x\"1\"",
        "A=x1\n",
        "the shell's rules for quotes, as upstream's next release",
    ),
    entry(
        "`environment=`",
        "environment A=\"a\"\"b\"",
        "A=ab\n",
        "the shell's rules for quotes, as upstream's next release",
    ),
    entry(
        "`environment=`",
        "environment \"A\"=1",
        "A=1\n",
        "the shell's rules for quotes, as upstream's next release",
    ),
    entry(
        GROUP_SIGNALS,
        "laforge laforge.killProcess(\"cat:*\", \"CONT\")",
        "<string>OK</string>",
        "the package mixes up its own arguments",
    ),
    entry(
        GROUP_SIGNALS,
        "laforge laforge.killProcessGroup(\"cat\", \"CONT\")",
        "<string>OK</string>",
        "the package works under Python 2 only",
    ),
    entry(
        GROUP_SIGNALS,
        "ctl kill upstream to ours: kill CONT cat:*",
        "cat: signal sent",
        "the same",
    ),
    entry(
        GROUP_SIGNALS,
        "ctl kill ours to ours: kill CONT cat:*",
        "cat: signal sent",
        "the same",
    ),
    entry(
        KILL_NOBODY,
        "ctl kill ours to upstream: kill HUP",
        "Error: kill requires a process name",
        "the package calls a help that it does not have",
    ),
    entry(
        KILL_NOBODY,
        "ctl kill ours to ours: kill HUP",
        "Error: kill requires a process name",
        "the same",
    ),
];

impl Difference {
    /// Whether the entry speaks of many cases.
    pub fn is_broad(&self) -> bool {
        self.case.ends_with('*')
    }

    fn covers(&self, case: &str) -> bool {
        match self.case.strip_suffix('*') {
            Some(start) => case.starts_with(start),
            None => self.case == case,
        }
    }
}

/// All of them.
fn all() -> impl Iterator<Item = &'static Difference> {
    LIST.iter().chain(events::LIST).chain(web::LIST)
}

/// The entry of a case. One that names the case itself goes before one that covers many.
pub fn of_case(case: &str) -> Option<&'static Difference> {
    let exact = all().find(|entry| entry.case == case);
    exact.or_else(|| all().find(|entry| entry.covers(case)))
}

#[cfg(test)]
mod tests {
    use super::{all, names_a_mistake, without_added_commands, without_autorestart};

    #[test]
    fn the_block_of_our_own_commands_is_taken_out_whole() {
        let block = "\nprovost commands (type help <topic>):\n====\nupgrade\n\n";
        let text = format!("\nstop  version\n\n{block}exit 0\n{block}end");
        assert_eq!(
            without_added_commands(&text),
            "\nstop  version\n\nexit 0\nend"
        );
    }

    #[test]
    fn only_lines_about_mistakes_are_taken_out() {
        assert!(names_a_mistake(
            "WARN /x/supervisord.conf:2:1: [program:x] has no key `priorty`; it is ignored"
        ));
        assert!(names_a_mistake(
            "WARN /x/supervisord.conf:4:1: supervisord.conf holds a password, and everybody can read it; take the right \
             away with `chmod o-r`"
        ));
        assert!(!names_a_mistake(
            "WARN exited: x (exit status 1; not expected)"
        ));
        assert!(!names_a_mistake(
            "CRIT could not write pidfile /x/supervisord.conf: EPERM"
        ));
    }

    #[test]
    fn users_are_told_every_difference() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/differences.md");
        let page = std::fs::read_to_string(path).expect("the page exists");
        for entry in all() {
            let row = format!("| {} |", entry.key);
            assert!(page.contains(&row), "no row `{row}` in docs/differences.md");
            assert!(!entry.reason.is_empty());
        }
    }

    #[test]
    fn only_the_member_goes() {
        let member = "<member>\n<name>autorestart</name>\n<value><string>unexpected</string></value>\n</member>\n";
        assert_eq!(without_autorestart(&format!("a{member}b{member}c")), "abc");
    }
}
