//! One process with all that there is to tell of it.

use super::{Around, Process, StateChange};
use crate::rest::schema::shapes;
use provost_model::Signal;
use provost_model::info::ProcessDetail as Told;
use provost_model::spec::{AutoRestart, LogFile, LogfileFull, OutputSpec, ProcessSpec};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// What stands in the place of what is nobody's business.
const MASK: &str = "********";

/// Parts of names of variables whose values are secrets more often than not.
const SECRET: [&str; 9] = [
    "PASS",
    "SECRET",
    "TOKEN",
    "KEY",
    "CREDENTIAL",
    "AUTH",
    "PRIVATE",
    "DSN",
    "COOKIE",
];

shapes! {
    /// Where an option stands.
    Origin {
        /// The file, as the configuration names it.
        file: String,
        /// The line, from 1.
        line: u64,
    }

    /// One process with what it was started with and what became of it.
    ProcessDetail {
        /// What lists show of it.
        process: Process,
        /// Its command line; null for callers without the right `config`.
        command: Option<String>,
        /// The user id that it runs as; null for that of supervisord.
        uid: Option<u32>,
        /// Its working directory; null for that of supervisord.
        directory: Option<String>,
        /// Its options in force, by their names in the configuration; null for callers without the right `config`. Values
        /// of variables that look like secrets are covered, and all are for callers without the right `define`.
        config: Option<BTreeMap<String, Value>>,
        /// Where the options stand that the section of its program has, by the names that they have there. Null for callers
        /// without the right `config`, and as long as the files are not what was read last.
        origins: Option<BTreeMap<String, Origin>>,
        /// Its last 16 changes of state, the oldest first.
        changes: Vec<StateChange>,
    }
}

/// How much somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Nothing of the configuration.
    Status,
    /// The configuration without values of variables.
    Config,
    /// Values of variables, too, unless they look like secrets.
    Everything,
}

impl ProcessDetail {
    /// Of what the core tells.
    pub fn new(told: &Told, sight: Sight, around: &impl Around) -> Self {
        let spec = &told.spec;
        let changes = told.changes.iter().map(StateChange::new);
        Self {
            process: Process::new(&told.view, around),
            command: (sight != Sight::Status).then(|| spec.command.clone()),
            uid: spec.uid,
            directory: spec.directory.as_deref().map(shown),
            config: (sight != Sight::Status).then(|| config(spec, sight == Sight::Everything)),
            origins: None,
            changes: changes.collect(),
        }
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn named(signal: Signal) -> String {
    signal.to_string()
}

fn config(spec: &ProcessSpec, trusted: bool) -> BTreeMap<String, Value> {
    let environment: BTreeMap<&str, &str> = spec
        .environment
        .iter()
        .map(|(name, value)| (name.as_str(), covered(name, value, trusted)))
        .collect();
    let autorestart = match spec.autorestart {
        AutoRestart::Never => "false",
        AutoRestart::Unexpected => "unexpected",
        AutoRestart::Always => "true",
    };
    let full = match spec.logfile_full {
        LogfileFull::Drop => "drop",
        LogfileFull::Block => "block",
    };
    let mut all: BTreeMap<String, Value> = [
        ("program", json!(spec.program)),
        ("command", json!(spec.command)),
        ("directory", json!(spec.directory.as_deref().map(shown))),
        ("umask", json!(spec.umask.map(|mask| format!("{mask:03o}")))),
        ("priority", json!(spec.priority)),
        ("autostart", json!(spec.autostart)),
        ("autorestart", json!(autorestart)),
        ("startsecs", json!(spec.startsecs)),
        ("startretries", json!(spec.startretries)),
        ("uid", json!(spec.uid)),
        ("redirect_stderr", json!(spec.redirect_stderr)),
        ("stopsignal", json!(named(spec.stopsignal))),
        ("stopwaitsecs", json!(spec.stopwaitsecs)),
        ("stopasgroup", json!(spec.stopasgroup)),
        ("killasgroup", json!(spec.killasgroup)),
        ("stop_cont", json!(spec.stop_cont)),
        ("stop_tree", json!(spec.stop_tree)),
        ("sigpipe_default", json!(spec.sigpipe_default)),
        ("logfile_full", json!(full)),
        ("exitcodes", json!(spec.exitcodes)),
        ("environment", json!(environment)),
        ("serverurl", json!(spec.serverurl)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for (channel, output) in [("stdout", &spec.stdout), ("stderr", &spec.stderr)] {
        let options = output_options(output);
        all.extend(options.map(|(name, value)| (format!("{channel}_{name}"), value)));
    }
    all
}

fn output_options(output: &OutputSpec) -> [(&'static str, Value); 6] {
    let logfile = match &output.logfile {
        LogFile::None => "NONE".to_owned(),
        LogFile::Auto => "AUTO".to_owned(),
        LogFile::Path(path) => shown(path),
    };
    [
        ("logfile", json!(logfile)),
        ("logfile_maxbytes", json!(output.maxbytes)),
        ("logfile_backups", json!(output.backups)),
        ("capture_maxbytes", json!(output.capture_maxbytes)),
        ("events_enabled", json!(output.events_enabled)),
        ("syslog", json!(output.syslog)),
    ]
}

/// A value of a variable, or what covers it.
fn covered<'a>(name: &str, value: &'a str, trusted: bool) -> &'a str {
    let name = name.to_uppercase();
    let is_secret = SECRET.iter().any(|part| name.contains(part))
        // An address may hold a password.
        || value.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    if trusted && !is_secret { value } else { MASK }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_values_that_look_like_secrets_are_covered() {
        assert_eq!(covered("LANG", "C", true), "C");
        assert_eq!(covered("LANG", "C", false), MASK);
        for (name, value) in [
            ("DB_PASSWORD", "x"),
            ("api_token", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("DATABASE_URL", "postgres://u:p@db/x"),
        ] {
            assert_eq!(covered(name, value, true), MASK, "{name}");
        }
        assert_eq!(covered("URL", "http://db/x", true), "http://db/x");
    }
}
