//! `[rpcinterface:x]` with a command.

use super::{accepted, refused, told};
use crate::diagnostic::Code;
use provost_model::GroupKind;
use provost_model::helper::HelperSpec;
use provost_model::spec::LogFile;

const MAIN: &str = "[supervisord]\n[unix_http_server]\nfile=/tmp/s.sock\n[rpcinterface:supervisor]\n\
                    supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";

#[test]
fn a_command_makes_a_group_and_no_interface() {
    let config = accepted(&format!(
        "{MAIN}[program:p]\ncommand=p\n[rpcinterface:sums]\ncommand=%(program_name)s --of %(here)s\n\
         supervisor.rpcinterface_factory=nowhere:nothing\nstartsecs=3\nenvironment=A=\"b\"\nstderr_logfile=NONE\n"
    ));
    assert_eq!(config.diagnostics, []);
    assert_eq!(config.rpcinterfaces.len(), 1);
    let group = &config.groups[0];
    assert_eq!((group.name.as_str(), group.priority), ("sums", -1));
    let call_timeout_secs = 30;
    assert_eq!(
        group.kind,
        GroupKind::Helper(HelperSpec { call_timeout_secs })
    );
    let process = &group.processes[0];
    assert_eq!(process.namespec(), "sums");
    assert_eq!(process.command, "sums --of /site");
    assert_eq!((process.startsecs, group.processes.len()), (3, 1));
    assert_eq!(
        (&process.stdout.logfile, &process.stderr.logfile),
        (&LogFile::None, &LogFile::None)
    );
    assert_eq!(process.environment, [("A".to_owned(), "b".to_owned())]);
}

#[test]
fn a_time_limit_of_its_own() {
    let config =
        accepted("[supervisord]\n[rpcinterface:x]\ncommand=x\ncall_timeout=86400\npriority=7\n");
    let call_timeout_secs = 86_400;
    assert_eq!(
        config.groups[0].kind,
        GroupKind::Helper(HelperSpec { call_timeout_secs })
    );
    assert_eq!(config.groups[0].priority, 7);
}

#[test]
fn what_a_helper_cannot_be_is_refused_at_its_place() {
    for (section, sentence, places) in [
        (
            "[rpcinterface:x]\ncommand=x\nredirect_stderr=true\n",
            "[rpcinterface:x] section sets redirect_stderr=true but this is not allowed because it will interfere with \
             the helper protocol",
            "C013 8:17 remove the line",
        ),
        (
            "[rpcinterface:x]\ncommand=x\ncall_timeout=0\n",
            "[rpcinterface:x] section sets invalid call_timeout (0)",
            "C009 8:14 write a number from 1 to 86400",
        ),
        (
            "[rpcinterface:x]\ncommand=x\nnumprocs=1\n",
            "[rpcinterface:x] section sets numprocs but a helper is one process with the name of its namespace",
            "C013 8:10 remove the line",
        ),
        (
            "[rpcinterface:system]\ncommand=x\n",
            "[rpcinterface:system] cannot have a command: the namespace `system` is supervisord's own",
            "C012 6:2 give the helper a namespace of its own",
        ),
        (
            "[rpcinterface:a.b]\ncommand=x\n",
            "[rpcinterface:a.b] cannot have a command: a namespace of XML-RPC ends at the first dot",
            "C012 6:2 use letters, digits, `-` and `_`",
        ),
        (
            "[program:x]\ncommand=p\n[rpcinterface:x]\ncommand=x\n",
            "[rpcinterface:x] and [program:x] both make a group x",
            "C013 6:2 it stands first at s.conf:8:2; rename one of them",
        ),
        (
            "[rpcinterface:x]\ncommand=x\npriority=1000\n[eventlistener:x]\ncommand=p\nevents=TICK\n",
            "[eventlistener:x] and [rpcinterface:x] both make a group x",
            "C013 6:2 it stands first at s.conf:9:2; rename one of them",
        ),
    ] {
        let failure = refused(&format!("{MAIN}{section}"));
        assert_eq!(failure.upstream_message, sentence);
        let told = told(&failure);
        assert!(told.iter().any(|one| one == places), "{sentence}: {told:?}");
    }
}

#[test]
fn unknown_keys_of_a_helper_are_told() {
    let config = accepted(
        "[supervisord]\n[rpcinterface:x]\ncommand=x\ncall_timout=3\nstdout_logfile=/tmp/x\n",
    );
    let told: Vec<_> = config
        .diagnostics
        .iter()
        .map(|problem| (problem.code, problem.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                Code::UnknownKey,
                "[rpcinterface:x] has no key `call_timout`; it is ignored"
            ),
            (
                Code::UnknownKey,
                "[rpcinterface:x] has no key `stdout_logfile`; it is ignored"
            ),
        ]
    );
}

#[test]
fn a_command_for_all_sections_makes_no_helpers() {
    let text = format!(
        "[DEFAULT]\ncommand=x\n{}",
        MAIN.replace("[unix_http_server]\nfile=/tmp/s.sock\n", "")
    );
    let config = accepted(&text);
    assert_eq!((config.groups.len(), config.rpcinterfaces.len()), (0, 1));
}
