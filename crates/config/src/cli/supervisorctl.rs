//! The command line of supervisorctl.

use super::getopt::{Switch, parse};
use super::{UsageError, columns, texts};
use crate::datatypes;
use crate::python::repr;
use std::ffi::OsString;
use std::path::PathBuf;

/// What supervisorctl is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supervisorctl {
    /// Print this text on stdout and exit 0.
    Help(String),
    /// Run a command or the shell.
    Run(SupervisorctlRun),
}

/// How to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SupervisorctlRun {
    /// The command's own name as it was called.
    pub argv0: String,
    /// What `-c` names.
    pub configuration: Option<PathBuf>,
    /// `-i` was given. It makes commands ask for confirmation; it does not start the shell after a command.
    pub interactive: bool,
    /// `-s`, a URL as written. Goes over the file's, like those below.
    pub serverurl: Option<String>,
    /// `-u`.
    pub username: Option<String>,
    /// `-p`.
    pub password: Option<String>,
    /// `-r`, as written.
    pub history_file: Option<PathBuf>,
    /// `--raw`: output of programs goes to a terminal as it is.
    pub raw: bool,
    /// The words of the command; none start the shell.
    pub words: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Id {
    Help,
    Configuration,
    Interactive,
    Serverurl,
    Username,
    Password,
    History,
    Raw,
}

const SWITCHES: &[Switch<Id>] = &[
    Switch {
        id: Id::Help,
        short: Some('h'),
        long: Some("help"),
        value: false,
        own: false,
    },
    Switch {
        id: Id::Help,
        short: Some('?'),
        long: None,
        value: false,
        own: false,
    },
    Switch {
        id: Id::Configuration,
        short: Some('c'),
        long: Some("configuration"),
        value: true,
        own: false,
    },
    Switch {
        id: Id::Interactive,
        short: Some('i'),
        long: Some("interactive"),
        value: false,
        own: false,
    },
    Switch {
        id: Id::Serverurl,
        short: Some('s'),
        long: Some("serverurl"),
        value: true,
        own: false,
    },
    Switch {
        id: Id::Username,
        short: Some('u'),
        long: Some("username"),
        value: true,
        own: false,
    },
    Switch {
        id: Id::Password,
        short: Some('p'),
        long: Some("password"),
        value: true,
        own: false,
    },
    Switch {
        id: Id::History,
        short: Some('r'),
        long: Some("history_file"),
        value: true,
        own: false,
    },
    Switch {
        id: Id::Raw,
        short: None,
        long: Some("raw"),
        value: false,
        own: true,
    },
];

/// Reads the command line of supervisorctl, the command's own name first.
///
/// Options end at the first word of the command, so that `tail -f x` reaches it whole.
pub fn parse_supervisorctl(argv: &[OsString]) -> Result<Supervisorctl, UsageError> {
    let usage = |message: String| UsageError { message };
    let (argv0, args) = texts(argv)?;
    let (given, words) = parse(&args, SWITCHES).map_err(usage)?;
    let mut run = SupervisorctlRun {
        argv0,
        words,
        ..SupervisorctlRun::default()
    };
    let mut seen: Vec<Id> = Vec::new();
    for (id, name, value) in given {
        match id {
            Id::Help => return Ok(Supervisorctl::Help(supervisorctl_help())),
            Id::Configuration => run.configuration = Some(PathBuf::from(value)),
            Id::Interactive => run.interactive = true,
            Id::Serverurl => {
                let url = datatypes::url(&value).map_err(|bad| {
                    usage(format!(
                        "invalid value for {name} {}: {}",
                        repr(&value),
                        bad.upstream
                    ))
                })?;
                run.serverurl = Some(url);
            }
            Id::Username => run.username = Some(value),
            Id::Password => run.password = Some(value),
            Id::Raw => run.raw = true,
            Id::History => run.history_file = Some(PathBuf::from(value)),
        }
        if seen.contains(&id) {
            return Err(usage(format!(
                "conflicting command line option {}",
                repr(&name)
            )));
        }
        seen.push(id);
    }
    Ok(Supervisorctl::Run(run))
}

/// What `supervisorctl -h` prints.
pub fn supervisorctl_help() -> String {
    let row = |left: &str, right: &'static str| (left.to_owned(), right);
    let rows = [
        row(
            "-c/--configuration FILE",
            "The configuration file. Without it, some default places are searched.",
        ),
        row("-h/--help", "Print this text and exit."),
        row(
            "-i/--interactive",
            "start an interactive shell; with an action: ask before supervisord is stopped, and for a missing password.",
        ),
        row(
            "-s/--serverurl URL",
            "Where supervisord listens (default http://localhost:9001).",
        ),
        row("-u/--username NAME", "The user name for the server."),
        row("-p/--password PASSWORD", "The password for the server."),
        row(
            "-r/--history_file FILE",
            "Where the shell keeps its history.",
        ),
        row(
            "--raw",
            "Show output of programs on a terminal as it is. Without it, only its colours are, and what else steers a \
             terminal is shown as text.",
        ),
    ];
    format!(
        "supervisorctl -- control applications that supervisord runs.\n\nUsage: supervisorctl [options] [action [arguments]]\n\n\
         Options:\n{}\nAn action is a command such as `status` or `tail`. Without one, a shell reads actions line by \
         line;\n`supervisorctl help` lists them.\n",
        columns(&rows)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<Supervisorctl, String> {
        let argv: Vec<OsString> = std::iter::once("supervisorctl")
            .chain(line.split_whitespace())
            .map(Into::into)
            .collect();
        parse_supervisorctl(&argv).map_err(|error| error.message)
    }

    #[test]
    fn options_end_where_the_command_begins() {
        let Ok(Supervisorctl::Run(run)) =
            run("-s http://h:1 -u me -p pw -ir hist -c x tail -f web")
        else {
            panic!("refused")
        };
        assert_eq!(run.words, ["tail", "-f", "web"]);
        assert_eq!(run.serverurl.as_deref(), Some("http://h:1"));
        assert_eq!(
            (run.username.as_deref(), run.password.as_deref()),
            (Some("me"), Some("pw"))
        );
        assert_eq!(
            (run.interactive, run.history_file),
            (true, Some(PathBuf::from("hist")))
        );
    }

    #[test]
    fn both_spellings_of_the_history_file_are_taken() {
        for line in ["--history_file x", "--history-file=x", "--hist x"] {
            let Ok(Supervisorctl::Run(run)) = run(line) else {
                panic!("refused: {line}")
            };
            assert_eq!(run.history_file, Some(PathBuf::from("x")));
        }
    }

    #[test]
    fn wrong_lines_get_upstreams_sentence() {
        for (line, message) in [
            ("-s x", "invalid value for -s 'x': value 'x' is not a URL"),
            ("-u a -u b", "conflicting command line option '-u'"),
            ("-x", "option -x not recognized"),
            ("-c", "option -c requires argument"),
        ] {
            assert_eq!(run(line).unwrap_err(), message);
        }
        assert!(
            matches!(run("-h -s x"), Ok(Supervisorctl::Help(text)) if text.contains("--serverurl URL"))
        );
    }
}
