//! The command line of supervisord.

use super::getopt::{Switch, parse};
use super::supervisord_help::supervisord_help;
use super::{Overrides, UsageError, texts};
use crate::datatypes::{self as kinds, Bad};
use crate::host::Host;
use crate::options::OptionSpec;
use crate::options::supervisord as keys;
use crate::python::{repr, repr_list};
use std::ffi::OsString;
use std::path::PathBuf;

/// What supervisord is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supervisord {
    /// Print this text on stdout and exit 0.
    Help(String),
    /// Print the compatible version on stdout and exit 0.
    Version,
    /// Print our own name and version on stdout and exit 0.
    About,
    /// Report all problems of the configuration and start nothing.
    Check {
        /// Which file, and what goes over it.
        run: SupervisordRun,
        /// As JSON.
        json: bool,
    },
    /// Check the chain of this audit log and start nothing.
    VerifyAudit(PathBuf),
    /// Show an example that needs no configuration file.
    Demo(SupervisordRun),
    /// Supervise.
    Run(SupervisordRun),
}

/// How to supervise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisordRun {
    /// The command's own name as it was called.
    pub argv0: String,
    /// What `-c` names.
    pub configuration: Option<PathBuf>,
    /// What goes over the file's values.
    pub overrides: Overrides,
    /// The supervisord of Python to go on in the place of: its pid, pid file or socket, as written.
    pub take_over_from: Option<String>,
    /// Only tell what that would do.
    pub dry_run: bool,
}

type Setter = fn(&mut Overrides, &str, &dyn Host) -> Result<(), Bad>;

/// A key of the file that is an option of the command line, too.
struct Key {
    spec: &'static OptionSpec,
    set: Setter,
}

const KEYS: &[Key] = &[
    Key {
        spec: &keys::NODAEMON,
        set: |to, _, _| {
            to.nodaemon = true;
            Ok(())
        },
    },
    Key {
        spec: &keys::SILENT,
        set: |to, _, _| {
            to.silent = true;
            Ok(())
        },
    },
    Key {
        spec: &keys::USER,
        set: |to, text, _| {
            to.user = Some(text.to_owned());
            Ok(())
        },
    },
    Key {
        spec: &keys::UMASK,
        set: |to, text, _| kinds::octal(text).map(|value| to.umask = Some(value)),
    },
    Key {
        spec: &keys::DIRECTORY,
        set: |to, text, host| {
            kinds::existing_directory(text, host).map(|value| to.directory = Some(value))
        },
    },
    Key {
        spec: &keys::LOGFILE,
        set: |to, text, host| {
            kinds::path_in_directory(text, host).map(|value| to.logfile = Some(value))
        },
    },
    Key {
        spec: &keys::LOGFILE_MAXBYTES,
        set: |to, text, _| kinds::byte_size(text).map(|value| to.logfile_maxbytes = Some(value)),
    },
    Key {
        spec: &keys::LOGFILE_BACKUPS,
        set: |to, text, _| kinds::integer(text).map(|value| to.logfile_backups = Some(value)),
    },
    Key {
        spec: &keys::LOGLEVEL,
        set: |to, text, _| kinds::level(text).map(|value| to.loglevel = Some(value)),
    },
    Key {
        spec: &keys::PIDFILE,
        set: |to, text, host| {
            kinds::path_in_directory(text, host).map(|value| to.pidfile = Some(value))
        },
    },
    Key {
        spec: &keys::IDENTIFIER,
        set: |to, text, _| {
            to.identifier = Some(text.to_owned());
            Ok(())
        },
    },
    Key {
        spec: &keys::CHILDLOGDIR,
        set: |to, text, host| {
            kinds::existing_directory(text, host).map(|value| to.childlogdir = Some(value))
        },
    },
    Key {
        spec: &keys::NOCLEANUP,
        set: |to, _, _| {
            to.nocleanup = true;
            Ok(())
        },
    },
    Key {
        spec: &keys::STRIP_ANSI,
        set: |to, _, _| {
            to.strip_ansi = true;
            Ok(())
        },
    },
    Key {
        spec: &keys::MINFDS,
        set: |to, text, _| kinds::integer(text).map(|value| to.minfds = Some(value)),
    },
    Key {
        spec: &keys::MINPROCS,
        set: |to, text, _| kinds::integer(text).map(|value| to.minprocs = Some(value)),
    },
];

#[derive(Clone, Copy)]
enum Id {
    Key(&'static Key),
    Configuration,
    Profile,
    Help,
    Version,
    About,
    Check,
    Json,
    Demo,
    VerifyAudit,
    TakeOverFrom,
    DryRun,
}

fn switches() -> Vec<Switch<Id>> {
    let theirs = |id, short, long, value| Switch {
        id,
        short,
        long,
        value,
        own: false,
    };
    let ours = |id, long| Switch {
        id,
        short: None,
        long: Some(long),
        value: false,
        own: true,
    };
    let mut all = vec![
        theirs(Id::Help, Some('h'), Some("help"), false),
        theirs(Id::Help, Some('?'), None, false),
        theirs(Id::Version, Some('v'), Some("version"), false),
        theirs(Id::Configuration, Some('c'), Some("configuration"), true),
        theirs(Id::Profile, None, Some("profile_options"), true),
        ours(Id::About, "about"),
        ours(Id::Check, "check"),
        ours(Id::Json, "json"),
        ours(Id::Demo, "demo"),
        Switch {
            value: true,
            ..ours(Id::VerifyAudit, "verify-audit")
        },
        Switch {
            value: true,
            ..ours(Id::TakeOverFrom, "take-over-from")
        },
        ours(Id::DryRun, "dry-run"),
    ];
    for key in KEYS {
        if let Some(flag) = key.spec.flag {
            all.push(theirs(
                Id::Key(key),
                flag.short,
                Some(flag.long),
                flag.value.is_some(),
            ));
        }
    }
    all
}

/// Reads the command line of supervisord, the command's own name first.
///
/// As upstream: the whole line must be well formed and hold no positional argument; then options act in order, so that
/// `-h` hides what is wrong behind it but not before it.
pub fn parse_supervisord(argv: &[OsString], host: &dyn Host) -> Result<Supervisord, UsageError> {
    let usage = |message: String| UsageError { message };
    let (argv0, args) = texts(argv)?;
    let (given, positional) = parse(&args, &switches()).map_err(usage)?;
    if !positional.is_empty() {
        return Err(usage(format!(
            "positional arguments are not supported: {}",
            repr_list(&positional)
        )));
    }
    let mut run = SupervisordRun {
        argv0,
        configuration: None,
        overrides: Overrides::default(),
        take_over_from: None,
        dry_run: false,
    };
    let (mut check, mut json, mut demo) = (false, false, false);
    let mut seen: Vec<&str> = Vec::new();
    for (id, name, value) in &given {
        let attribute = match id {
            Id::Help => return Ok(Supervisord::Help(supervisord_help())),
            Id::Version => return Ok(Supervisord::Version),
            Id::About => return Ok(Supervisord::About),
            Id::VerifyAudit => return Ok(Supervisord::VerifyAudit(PathBuf::from(value))),
            Id::Check => {
                check = true;
                continue;
            }
            Id::Json => {
                json = true;
                continue;
            }
            Id::Demo => {
                demo = true;
                continue;
            }
            Id::DryRun => {
                run.dry_run = true;
                continue;
            }
            Id::TakeOverFrom => {
                run.take_over_from = Some(value.clone());
                "take-over-from"
            }
            Id::Configuration => {
                run.configuration = Some(PathBuf::from(value));
                "configuration"
            }
            Id::Profile => {
                run.overrides.profile_options = true;
                "profile_options"
            }
            Id::Key(key) => {
                (key.set)(&mut run.overrides, value, host).map_err(|bad| {
                    usage(format!(
                        "invalid value for {name} {}: {}",
                        repr(value),
                        bad.upstream
                    ))
                })?;
                key.spec.name
            }
        };
        if seen.contains(&attribute) {
            return Err(usage(format!(
                "conflicting command line option {}",
                repr(name)
            )));
        }
        seen.push(attribute);
    }
    if json && !check {
        return Err(usage("--json is for --check only".to_owned()));
    }
    if run.dry_run && run.take_over_from.is_none() {
        return Err(usage("--dry-run is for --take-over-from only".to_owned()));
    }
    if run.take_over_from.is_some() && (check || demo) {
        return Err(usage(
            "--take-over-from starts a supervisord; leave out --check and --demo".to_owned(),
        ));
    }
    if demo && (check || run.configuration.is_some()) {
        return Err(usage(
            "--demo brings its own configuration; leave out -c and --check".to_owned(),
        ));
    }
    Ok(match (check, demo) {
        (true, _) => Supervisord::Check { run, json },
        (false, true) => Supervisord::Demo(run),
        (false, false) => Supervisord::Run(run),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use provost_model::Level;

    fn run(line: &str) -> Result<Supervisord, String> {
        let argv: Vec<OsString> = std::iter::once("supervisord")
            .chain(line.split_whitespace())
            .map(Into::into)
            .collect();
        parse_supervisord(&argv, &World::new()).map_err(|error| error.message)
    }

    #[test]
    fn every_flag_of_the_table_can_be_given() {
        let flagged: Vec<_> = keys::SECTION
            .options
            .iter()
            .filter(|o| o.flag.is_some())
            .map(|o| o.name)
            .collect();
        for name in &flagged {
            assert!(KEYS.iter().any(|key| key.spec.name == *name), "{name}");
        }
        assert_eq!(flagged.len(), KEYS.len());
    }

    #[test]
    fn values_are_checked_while_they_are_read() {
        let Ok(Supervisord::Run(run_)) = run(
            "-nc x.conf -m 022 -l /tmp/s.log -y 1MB -z 3 -e DEBUG -j s.pid -i me -q /tmp -a 10 --minprocs 5 -kst -u 1",
        ) else {
            panic!("refused")
        };
        assert_eq!(run_.configuration, Some(PathBuf::from("x.conf")));
        let expected = Overrides {
            nodaemon: true,
            silent: true,
            nocleanup: true,
            strip_ansi: true,
            user: Some("1".into()),
            umask: Some(0o22),
            directory: None,
            logfile: Some("/tmp/s.log".into()),
            logfile_maxbytes: Some(1 << 20),
            logfile_backups: Some(3),
            loglevel: Some(Level::Debug),
            pidfile: Some("s.pid".into()),
            identifier: Some("me".into()),
            childlogdir: Some("/tmp".into()),
            minfds: Some(10),
            minprocs: Some(5),
            profile_options: false,
        };
        assert_eq!(run_.overrides, expected);
    }

    #[test]
    fn wrong_lines_get_upstreams_sentence() {
        for (line, message) in [
            (
                "foo b'r",
                r#"positional arguments are not supported: ['foo', "b'r"]"#,
            ),
            ("-h foo", "positional arguments are not supported: ['foo']"),
            (
                "-m 9",
                "invalid value for -m '9': 9 can not be converted to an octal type",
            ),
            (
                "--uma=9 -h",
                "invalid value for --umask '9': 9 can not be converted to an octal type",
            ),
            (
                "-d /nope",
                "invalid value for -d '/nope': /nope is not an existing directory",
            ),
            (
                "-n --nodaemon",
                "conflicting command line option '--nodaemon'",
            ),
            ("-c a -c b", "conflicting command line option '-c'"),
            (
                "-e loud",
                "invalid value for -e 'loud': bad logging level name 'loud'",
            ),
            ("--json", "--json is for --check only"),
            ("--dry-run", "--dry-run is for --take-over-from only"),
            (
                "--take-over-from 7 --check",
                "--take-over-from starts a supervisord; leave out --check and --demo",
            ),
        ] {
            assert_eq!(run(line).unwrap_err(), message, "{line}");
        }
    }

    #[test]
    fn help_and_version_act_in_order() {
        assert!(matches!(run("-h -m 9"), Ok(Supervisord::Help(_))));
        assert_eq!(run("-v -h"), Ok(Supervisord::Version));
        assert!(matches!(run("-?"), Ok(Supervisord::Help(_))));
        assert!(matches!(
            run("--check --json -c x"),
            Ok(Supervisord::Check { json: true, .. })
        ));
        assert!(matches!(run("--demo"), Ok(Supervisord::Demo(_))));
    }

    #[test]
    fn help_names_every_option_within_the_width_of_a_terminal() {
        let help = supervisord_help();
        assert!(
            help.lines().all(|line| line.chars().count() <= 79),
            "{help}"
        );
        for option in switches().iter().filter_map(|switch| switch.long) {
            assert!(help.contains(&format!("--{option}")), "{option}");
        }
    }
}
