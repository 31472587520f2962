//! Configurations for tests.

use provost_model::spec::{AutoRestart, GroupKind, LogFile, LogfileFull, OutputSpec};
use provost_model::{GroupSpec, ProcessSpec, Signal};
use std::sync::Arc;

/// A group of one process of the same name, with upstream's defaults.
pub(super) fn group(name: &str) -> Arc<GroupSpec> {
    let output = OutputSpec {
        logfile: LogFile::Auto,
        maxbytes: 0,
        backups: 0,
        capture_maxbytes: 0,
        events_enabled: false,
        syslog: false,
    };
    let process = ProcessSpec {
        name: name.to_owned(),
        group: name.to_owned(),
        program: name.to_owned(),
        command: "/bin/cat".to_owned(),
        directory: None,
        umask: None,
        priority: 999,
        autostart: true,
        autorestart: AutoRestart::Unexpected,
        startsecs: 1,
        startretries: 3,
        uid: None,
        stdout: output.clone(),
        stderr: output,
        redirect_stderr: false,
        stopsignal: Signal::TERM,
        stopwaitsecs: 10,
        stopasgroup: false,
        killasgroup: false,
        stop_cont: false,
        stop_tree: false,
        sigpipe_default: false,
        confinement: provost_model::spec::Confinement::default(),
        logfile_full: LogfileFull::Drop,
        exitcodes: vec![0],
        environment: Vec::new(),
        serverurl: None,
        socket: None,
    };
    Arc::new(GroupSpec {
        name: name.to_owned(),
        priority: 999,
        kind: GroupKind::Program,
        processes: vec![Arc::new(process)],
    })
}
