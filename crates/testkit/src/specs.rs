//! Specifications that tests begin with.

use provost_model::spec::{AutoRestart, LogFile, LogfileFull, OutputSpec};
use provost_model::{ProcessSpec, Signal};

/// A process alone in its group, with the defaults of the configuration and without logs. It is not restarted.
pub fn process(name: &str) -> ProcessSpec {
    let output = OutputSpec {
        logfile: LogFile::None,
        maxbytes: 0,
        backups: 0,
        capture_maxbytes: 0,
        events_enabled: false,
        syslog: false,
    };
    ProcessSpec {
        name: name.to_owned(),
        group: name.to_owned(),
        program: name.to_owned(),
        command: format!("/bin/{name}"),
        directory: None,
        umask: None,
        priority: 999,
        autostart: true,
        autorestart: AutoRestart::Never,
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
    }
}
