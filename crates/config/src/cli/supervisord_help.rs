//! What `supervisord -h` prints: the options by themselves, and those that are keys of the file, too.

use super::columns;
use crate::options::supervisord as keys;

/// What help says of `--logfile`. Upstream's own tests look for the words up to `as`.
const LOGFILE_HELP: &str = "use FILENAME as supervisord's own log";

/// What `supervisord -h` prints.
pub fn supervisord_help() -> String {
    let row = |left: &str, right: &'static str| (left.to_owned(), right);
    let general = [
        row(
            "-c/--configuration FILE",
            "The configuration file. Without it, some default places are searched.",
        ),
        row("-h/--help", "Print this text and exit."),
        row(
            "-v/--version",
            "Print the version of Supervisor that this command is compatible with, and exit.",
        ),
        row(
            "--about",
            "Print the name and version of this program and exit.",
        ),
        row(
            "--check",
            "Report every error and warning of the configuration; start nothing. Exit 2 on errors.",
        ),
        row("--json", "With --check: report as JSON."),
        row(
            "--verify-audit FILE",
            "Check that no line of an audit log was changed or taken out. Exit 2 if one was.",
        ),
        row(
            "--take-over-from PIDFILE|SOCKET|PID",
            "Go on in the place of a running supervisord of Python, without restarting its programs. Give the \
             configuration that it was started with.",
        ),
        row(
            "--dry-run",
            "With --take-over-from: tell what would happen and touch nothing. Exit 2 if it would not work.",
        ),
        row(
            "--demo",
            "Run three small programs from a built-in configuration, in the foreground.",
        ),
    ];
    let mut over = Vec::new();
    for option in keys::SECTION.options {
        if let Some(flag) = option.flag {
            let short = flag
                .short
                .map_or_else(String::new, |letter| format!("-{letter}/"));
            let value = flag
                .value
                .map_or_else(String::new, |value| format!(" {value}"));
            let first = option.doc.split_inclusive(". ").next();
            let sentence = match option.name {
                "logfile" => LOGFILE_HELP,
                _ => first.unwrap_or(option.doc).trim_end(),
            };
            // A flag is not asked whether something is so: it makes it so.
            let sentence = sentence.strip_prefix("Whether ").unwrap_or(sentence);
            over.push((format!("{short}--{}{value}", flag.long), sentence));
        }
    }
    over.push(row(
        "--profile_options LIST",
        "Accepted for compatibility: there is no profiler inside, and the log says so.",
    ));
    format!(
        "supervisord -- run a set of applications, and keep them running.\n\nUsage: supervisord [options]\n\nOptions:\n{}\nOptions that \
         override the keys of [supervisord] in the file:\n{}",
        columns(&general),
        columns(&over)
    )
}
