//! Keys of processes that Supervisor does not know.

use super::*;
use provost_model::spec::{Confinement, LogfileFull};

/// One of each kind that starts processes.
const SECTIONS: [&str; 4] = [
    "[program:a]\ncommand=a\n",
    "[eventlistener:a]\ncommand=a\nevents=TICK\n",
    "[fcgi-program:a]\ncommand=a\nsocket=tcp://127.0.0.1:9000\n",
    "[rpcinterface:a]\ncommand=a\n",
];

#[test]
fn they_are_off_without_being_asked_for_and_known_in_each_kind_of_section() {
    const KEYS: &str = "stop_cont=true\nstop_tree=true\nsigpipe=Default\nlogfile_full=BLOCK\n";
    let plain = accepted("[supervisord]\n[program:a]\ncommand=a\n");
    let spec = &plain.groups[0].processes[0];
    assert_eq!(
        (
            spec.stop_cont,
            spec.stop_tree,
            spec.sigpipe_default,
            spec.logfile_full
        ),
        (false, false, false, LogfileFull::Drop)
    );
    for section in SECTIONS {
        let config = accepted(&format!("[supervisord]\n{section}{KEYS}"));
        let spec = &config.groups[0].processes[0];
        assert_eq!(
            (
                spec.stop_cont,
                spec.stop_tree,
                spec.sigpipe_default,
                spec.logfile_full
            ),
            (true, true, true, LogfileFull::Block),
            "{section}"
        );
        assert_eq!(
            config.diagnostics.len(),
            0,
            "{section}: {:?}",
            config.diagnostics
        );
    }
}

#[test]
fn s19_confinement_is_off_without_being_asked_for_and_known_in_each_kind_of_section() {
    const KEYS: &str =
        "set_login_env=true\nno_new_privileges=true\ncapabilities=net_bind_service, CAP_KILL\n";
    let plain = accepted("[supervisord]\n[program:a]\ncommand=a\n");
    assert_eq!(
        plain.groups[0].processes[0].confinement,
        Confinement::default()
    );
    for section in SECTIONS {
        let config = accepted(&format!("[supervisord]\n{section}{KEYS}"));
        let expected = Confinement {
            login_env: true,
            no_new_privileges: true,
            capabilities: Some(1 << 10 | 1 << 5),
        };
        assert_eq!(config.groups[0].processes[0].confinement, expected);
        assert_eq!(config.diagnostics.len(), 0, "{section}");
    }
}

#[test]
fn what_they_do_not_take_is_refused_with_what_they_take() {
    for (line, sentence) in [
        ("logfile_full=dorp", "invalid 'logfile_full' value 'dorp'"),
        ("sigpipe=x", "invalid 'sigpipe' value 'x'"),
        ("capabilities=chwon", "invalid 'capabilities' value 'chwon'"),
        ("stop_tree=perhaps", "not a valid boolean value: 'perhaps'"),
    ] {
        let failure = refused(&format!("[supervisord]\n[program:a]\ncommand=a\n{line}\n"));
        assert!(
            failure.upstream_message.contains(sentence),
            "{}",
            failure.upstream_message
        );
    }
}
