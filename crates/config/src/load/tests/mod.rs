//! What a user gets from a file: values, upstream's sentence, places, hints.

mod access;
mod additions;
mod helpers;
mod plugins;
mod safety;
mod sections;
mod tls;

use super::{load, load_supervisorctl};
use crate::config::{Config, CtlConfig, Overrides};
use crate::diagnostic::{Code, Failure, Severity};
use crate::testing::World;
use proptest::prelude::*;
use provost_model::config::MainLog;
use provost_model::spec::{AutoRestart, LogFile};
use provost_model::{Level, Signal};
use std::path::{Path, PathBuf};

fn read(world: &World, text: &str) -> Result<Config, Failure> {
    let world = world.clone().file("/site/s.conf", text);
    load(Path::new("s.conf"), &Overrides::default(), &world)
}

fn accepted(text: &str) -> Config {
    read(&World::new(), text).unwrap_or_else(|failure| panic!("{}", failure.upstream_message))
}

fn refused(text: &str) -> Failure {
    read(&World::new(), text).expect_err("accepted")
}

/// Each diagnostic as `code line:column help`.
fn told(failure: &Failure) -> Vec<String> {
    let one = |problem: &crate::Diagnostic| {
        let help = problem
            .help
            .as_deref()
            .expect("each problem comes with advice");
        format!(
            "{} {}:{} {help}",
            problem.code, problem.line, problem.column
        )
    };
    failure.diagnostics.iter().map(one).collect()
}

#[test]
fn defaults_are_upstreams() {
    let config = accepted("[supervisord]\n[program:web]\ncommand=/bin/cat\n");
    let daemon = &config.supervisord;
    assert_eq!(
        (daemon.minfds, daemon.minprocs, daemon.umask),
        (1024, 200, 0o22)
    );
    assert_eq!(
        (
            daemon.logfile_maxbytes,
            daemon.logfile_backups,
            daemon.loglevel
        ),
        (50 << 20, 10, Level::Info)
    );
    assert_eq!(
        daemon.logfile,
        MainLog::File("/site/supervisord.log".into())
    );
    assert_eq!(daemon.pidfile, Path::new("/site/supervisord.pid"));
    assert_eq!(
        (daemon.identifier.as_str(), daemon.childlogdir.as_path()),
        ("supervisor", Path::new("/tmp"))
    );
    assert_eq!(
        (
            daemon.nodaemon,
            daemon.silent,
            daemon.nocleanup,
            daemon.strip_ansi
        ),
        (false, false, false, false)
    );
    assert_eq!((daemon.directory.as_ref(), daemon.uid), (None, None));
    let process = &config.groups[0].processes[0];
    assert_eq!(
        (
            process.name.as_str(),
            process.group.as_str(),
            process.program.as_str()
        ),
        ("web", "web", "web")
    );
    assert_eq!(
        (
            process.priority,
            process.startsecs,
            process.startretries,
            process.stopwaitsecs
        ),
        (999, 1, 3, 10)
    );
    assert_eq!(
        (process.autostart, process.autorestart),
        (true, AutoRestart::Unexpected)
    );
    assert_eq!(
        (process.stopsignal, process.stopasgroup, process.killasgroup),
        (Signal::TERM, false, false)
    );
    assert_eq!(
        (process.exitcodes.as_slice(), process.redirect_stderr),
        ([0].as_slice(), false)
    );
    assert_eq!(
        (
            &process.directory,
            process.umask,
            process.uid,
            &process.serverurl
        ),
        (&None, None, None, &None)
    );
    for output in [&process.stdout, &process.stderr] {
        assert_eq!(
            (&output.logfile, output.maxbytes, output.backups),
            (&LogFile::Auto, 50 << 20, 10)
        );
        assert_eq!(
            (
                output.capture_maxbytes,
                output.events_enabled,
                output.syslog
            ),
            (0, false, false)
        );
    }
    assert!(config.diagnostics.is_empty() && config.startup_messages.is_empty());
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
    assert_eq!(
        told(&failure),
        [
            "C009 2:8 the default is `minfds=1024`; it holds when the line is taken away",
            "C006 3:2 add a line `command=…`",
            "C009 4:11 write `startsecs=10`",
            "C007 6:9 known here: `group_name`, `here`, `host_node_name`, `numprocs`, `process_num`, `program_name`, \
             and `ENV_X` for each environment variable X",
            "C009 7:11 the default is `autostart=true`; it holds when the line is taken away",
        ]
    );
    assert!(
        failure
            .diagnostics
            .iter()
            .all(|problem| problem.severity == Severity::Error)
    );
}

#[test]
fn a_value_of_a_few_words_is_guessed_from_what_is_near() {
    let failure = refused(
        "[supervisord]\nloglevel=wran\n[program:a]\ncommand=x\nstopsignal=SIGTREM\nautorestart=unexpeced\nuser=nobody-here\n",
    );
    let expected = [
        "C009 2:10 write `loglevel=warn`",
        "C009 5:12 write `stopsignal=TERM`",
        "C009 6:13 write `autorestart=unexpected`",
        "C011 7:6 name one that `getent passwd` or `getent group` lists, or create it",
    ];
    assert_eq!(told(&failure), expected);
}

#[test]
fn the_error_of_the_sentence_is_told_apart_from_those_above_it() {
    let failure = refused("[supervisord]\n[program:a]\nnonsense\n");
    let first = failure.first.as_ref().unwrap();
    assert_eq!((first.code, first.line), (Code::Syntax, 3));
    assert_eq!(told(&failure)[0], "C006 2:2 add a line `command=…`");
}

#[test]
fn errors_of_programs_name_the_section_and_the_file_that_brought_it() {
    let failure = refused("[supervisord]\n[program:a]\ncommand=x\nstartsecs=1s\n");
    assert_eq!(
        failure.upstream_message,
        "invalid literal for int() with base 10: '1s' in section 'program:a' (file: 's.conf')"
    );
    let world = World::new().file("/site/conf.d/a.conf", "[program:a]\n");
    let failure = read(&world, "[supervisord]\n[include]\nfiles=conf.d/*.conf\n").unwrap_err();
    assert_eq!(
        failure.upstream_message,
        "program section program:a does not specify a command in section 'program:a' (file: '/site/conf.d/a.conf')"
    );
    assert_eq!(
        failure.diagnostics[0].file,
        Some(PathBuf::from("/site/conf.d/a.conf"))
    );
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let missing = load(Path::new("x.conf"), &Overrides::default(), &World::new()).unwrap_err();
    assert_eq!(
        missing.upstream_message,
        "could not find config file x.conf"
    );
    let world = World::new().unreadable("/site/u.conf");
    for path in ["u.conf", "/tmp"] {
        let failure = load(Path::new(path), &Overrides::default(), &world).unwrap_err();
        assert_eq!(
            failure.upstream_message,
            format!("could not read config file {path}")
        );
    }
    assert_eq!(
        refused("[other]\n").upstream_message,
        ".ini file does not include supervisord section"
    );
}

#[test]
fn bytes_that_are_not_text_are_shown_with_their_line() {
    let world = World::new().file("/site/s.conf", b"[supervisord]\nidentifier=\xff\n");
    let failure = load(Path::new("s.conf"), &Overrides::default(), &world).unwrap_err();
    assert_eq!(
        failure.upstream_message,
        "'utf-8' codec can't decode byte 0xff in position 25: invalid start byte"
    );
    assert_eq!(
        (failure.diagnostics[0].line, failure.diagnostics[0].column),
        (2, 12)
    );
}

#[test]
fn included_files_are_read_in_order_and_told_of() {
    let world = World::new()
        .file("/site/conf.d/b.conf", "[program:x]\ncommand=b %(here)s\n")
        .file(
            "/site/conf.d/a.conf",
            "[program:x]\ncommand=a\n[include]\nfiles=more.conf\n",
        )
        .unreadable("/site/conf.d/c.conf");
    let config = read(
        &world,
        "[supervisord]\n[include]\nfiles=%(here)s/none*.conf\n  conf.d/*.conf\n[program:y]\ncommand=y %(here)s\n",
    )
    .unwrap();
    assert_eq!(config.groups[0].processes[0].command, "b /site/conf.d");
    assert_eq!(config.groups[1].processes[0].command, "y /site");
    let lines: Vec<_> = config
        .startup_messages
        .iter()
        .map(|(level, line)| format!("{level} {line}"))
        .collect();
    assert_eq!(
        lines,
        [
            "warn No file matches via include \"/site/none*.conf\"",
            "warn Could not read included file \"/site/conf.d/c.conf\", it is left out: permission denied",
            "info Included extra file \"/site/conf.d/a.conf\" during parsing",
            "info Included extra file \"/site/conf.d/b.conf\" during parsing",
        ]
    );
    let failure = refused("[supervisord]\n[include]\n");
    assert_eq!(
        failure.upstream_message,
        ".ini file has [include] section, but no files setting"
    );
}

#[test]
fn the_command_line_goes_over_the_file() {
    let world = World::new().file(
        "/site/s.conf",
        "[supervisord]\nloglevel=warn\nuser=nope\nlogfile=a.log\n",
    );
    let overrides = Overrides {
        loglevel: Some(Level::Debug),
        user: Some("www".into()),
        logfile: Some("syslog".into()),
        nodaemon: true,
        ..Overrides::default()
    };
    let daemon = load(Path::new("s.conf"), &overrides, &world)
        .unwrap()
        .supervisord;
    assert_eq!(
        (daemon.loglevel, daemon.uid, daemon.nodaemon),
        (Level::Debug, Some(33), true)
    );
    assert_eq!(daemon.logfile, MainLog::Syslog);
    let failure = load(Path::new("s.conf"), &Overrides::default(), &world).unwrap_err();
    assert_eq!(failure.upstream_message, "Invalid user name nope");
}

#[test]
fn keys_that_other_software_reads_from_the_file_are_no_mistakes() {
    let config = accepted(
        "[supervisord]\n[program:a]\ncommand=x\nautostart=false\ndependent_startup=true\n\
         dependent_startup_wait_for=b:running\ndependent_startup_inherit_priority=true\n\
         dependent_startup_wait=c\n",
    );
    let warnings: Vec<_> = config.diagnostics.iter().map(|d| &d.message).collect();
    assert_eq!(
        warnings,
        ["[program:a] has no key `dependent_startup_wait`; it is ignored"]
    );
}

#[test]
fn what_has_no_meaning_is_a_warning_with_a_hint() {
    let config = accepted(
        "[supervisord]\nlog_level=warn\n[program:a]\ncomand=x\ncommand=y\nfiles=z\n[Program:b]\n[cron]\n",
    );
    let warnings: Vec<_> = config
        .diagnostics
        .iter()
        .map(|d| format!("{} {}", d.message, d.help.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(
        warnings,
        [
            "[supervisord] has no key `log_level`; it is ignored did you mean `loglevel`?",
            "[program:a] has no key `comand`; it is ignored did you mean `command`?",
            "[program:a] has no key `files`; it is ignored `files` is a key of [include]",
            "the section [Program:b] is not known and is ignored did you mean [program:b]?",
            "the section [cron] is not known and is ignored nothing follows from it; take it away unless another \
             program reads it",
        ]
    );
}

#[test]
fn warnings_of_upstream_are_lines_for_the_log() {
    let config = accepted(
        "[supervisord]\n[program:a]\ncommand=a\nstdout_logfile=syslog\nstderr_logfile=/tmp/x\nredirect_stderr=true\n\
         [program:b]\ncommand=b\nstdout_logfile_maxbytes=0\n",
    );
    let lines: Vec<_> = config
        .startup_messages
        .iter()
        .map(|(_, line)| line.as_str())
        .collect();
    assert_eq!(
        lines,
        [
            "For [program:a], stdout_logfile=syslog but this is deprecated and will be removed.  Use stdout_syslog=true \
             to enable syslog instead.",
            "For [program:a], redirect_stderr=true but stderr_logfile has also been set to a filename, the filename has \
             been ignored",
            "For [program:b], AUTO logging used for stdout_logfile without rollover, set maxbytes > 0 to avoid filling \
             up filesystem unintentionally",
        ]
    );
    assert!(config.groups[0].processes[0].stdout.syslog);
}

#[test]
fn limits_are_kept() {
    let many =
        "[supervisord]\n[program:a]\ncommand=a\nnumprocs=900000000\nprocess_name=%(process_num)d\n";
    assert!(
        refused(many)
            .upstream_message
            .starts_with("numprocs is above the limit of 100000")
    );
    let keys: Vec<_> = (0..2000).map(|number| format!("key{number}=1")).collect();
    let shown = accepted(&format!("[supervisord]\n{}\n", keys.join("\n"))).diagnostics;
    assert_eq!(shown.len(), 501);
    assert!(
        shown
            .iter()
            .any(|problem| problem.message == "there are more problems than are shown")
    );
}

#[test]
fn names_that_come_out_of_an_expansion_are_checked() {
    let failure = refused("[supervisord]\n[program:a]\ncommand=a\nprocess_name=%(here)s\n");
    assert!(
        failure
            .upstream_message
            .starts_with("Invalid name: '/site' because of character: '/' in section")
    );
}

#[test]
fn supervisorctl_reads_its_own_section() {
    let world = World::new().env("HOME", "/home/me").file(
        "/etc/s.conf",
        "[supervisord]\nuser=www\n[supervisorctl]\nserverurl=unix://%(here)s/../run/s.sock\nusername=u\n\
         password_file=~/.p\nhistory_file=~/.h\n[include]\nfiles=x\n",
    );
    let expected = CtlConfig {
        serverurl: "unix:///run/s.sock".into(),
        username: Some("u".into()),
        password: None,
        password_file: Some("/home/me/.p".into()),
        daemon_uid: Some(33),
        prompt: "supervisor".into(),
        history_file: Some("/home/me/.h".into()),
        tls: crate::config::CtlTls::default(),
        plugins: Vec::new(),
    };
    assert_eq!(
        load_supervisorctl(Path::new("/etc/s.conf"), &world),
        Ok(expected)
    );
    for (text, sentence) in [
        (
            "[supervisord]\n",
            ".ini file does not include supervisorctl section",
        ),
        (
            "x\n",
            "File contains no section headers.\nfile: 's.conf', line: 1\n'x\\n'",
        ),
        (
            "[supervisorctl]\n[ctlplugin:x]\nsupervisor.ctl_factory=a:b",
            "a:b cannot be resolved within [ctlplugin:x]",
        ),
        (
            "[supervisorctl]\nprompt=%(here)s",
            "Format string '%(here)s' for 'supervisorctl.prompt' contains names ('here') which cannot be expanded. Available names: ",
        ),
    ] {
        let world = World::new().file("/site/s.conf", text);
        assert_eq!(
            load_supervisorctl(Path::new("s.conf"), &world)
                .unwrap_err()
                .upstream_message,
            sentence
        );
    }
}

proptest! {
    #[test]
    fn no_file_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let world = World::new().file("/site/s.conf", bytes);
        if let Err(failure) = load(Path::new("s.conf"), &Overrides::default(), &world) {
            prop_assert!(!failure.upstream_message.is_empty());
            crate::render(&failure.diagnostics, &failure.sources);
            crate::to_json(&failure.diagnostics);
        }
    }

    #[test]
    fn no_value_is_too_strange(
        key in "(command|environment|numprocs|stdout_logfile|process_name|exitcodes|stopsignal|events|socket)",
        value in "[ -~\u{e9}\u{1f600}\t%()'\"\\\\]{0,20}",
    ) {
        for kind in ["program", "eventlistener", "fcgi-program"] {
            let text = format!("[supervisord]\n[{kind}:a]\n{key}={value}\n");
            let world = World::new().file("/site/s.conf", text);
            if let Err(failure) = load(Path::new("s.conf"), &Overrides::default(), &world) {
                crate::render(&failure.diagnostics, &failure.sources);
            }
        }
    }
}
