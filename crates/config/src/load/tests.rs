//! What a user gets from a file: values, upstream's sentence, places.

use super::load;
use crate::config::{Config, Overrides};
use crate::diagnostic::{Failure, Severity};
use crate::testing::World;
use provost_model::spec::{AutoRestart, LogFile};
use provost_model::{GroupKind, Signal};
use std::path::Path;

fn read(world: &World, text: &str) -> Result<Config, Failure> {
    let world = world.clone().file("/work/s.conf", text);
    load(Path::new("s.conf"), &Overrides::default(), &world)
}

fn accepted(text: &str) -> Config {
    read(&World::new(), text).unwrap_or_else(|failure| panic!("{}", failure.upstream_message))
}

fn refused(text: &str) -> Failure {
    read(&World::new(), text).expect_err("accepted")
}

#[test]
fn an_ordinary_file_is_read() {
    let config = accepted("[supervisord]\n[program:web]\ncommand=/bin/cat\n");
    assert_eq!(config.supervisord.minfds, 1024);
    assert_eq!(config.groups.len(), 1);
    let process = &config.groups[0].processes[0];
    assert_eq!(process.namespec(), "web");
    assert_eq!(process.command, "/bin/cat");
    assert_eq!(process.autorestart, AutoRestart::Unexpected);
    assert_eq!(process.stopsignal, Signal::TERM);
    assert_eq!(process.stdout.logfile, LogFile::Auto);
    assert!(matches!(config.groups[0].kind, GroupKind::Program));
    assert!(config.diagnostics.is_empty());
}

#[test]
fn all_errors_are_told_and_the_first_gives_the_sentence() {
    let failure = refused(
        "[supervisord]\nminfds=many\n[program:a]\nstartsecs=10s\n[program:b]\ncommand=%(nope)s\nautostart=perhaps\n",
    );
    assert_eq!(
        failure.upstream_message,
        "invalid literal for int() with base 10: 'many'"
    );
    let told: Vec<_> = failure
        .diagnostics
        .iter()
        .map(|d| (d.code.text(), d.line, d.column))
        .collect();
    assert_eq!(
        told,
        [
            ("C009", 2, 8),
            ("C006", 3, 2),
            ("C009", 4, 11),
            ("C007", 6, 9),
            ("C009", 7, 11)
        ]
    );
    assert!(
        failure
            .diagnostics
            .iter()
            .all(|d| d.severity == Severity::Error)
    );
}
