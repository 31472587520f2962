//! Inputs that are the same on every machine.
//!
//! The test kit has the like, but building it takes longer than counting.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use provost_config::{Host, User};
use provost_model::spec::{AutoRestart, Confinement, LogFile, LogfileFull, OutputSpec};
use provost_model::{ProcessSpec, Signal};

/// A process alone in its group that is always restarted.
pub(crate) fn process(name: &str) -> ProcessSpec {
    let output = |end: &str| OutputSpec {
        logfile: LogFile::Path(std::path::PathBuf::from(format!("/var/log/{name}.{end}")).into()),
        maxbytes: 50 * 1_024 * 1_024,
        backups: 10,
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
        autorestart: AutoRestart::Always,
        startsecs: 1,
        startretries: 3,
        uid: None,
        stdout: output("out"),
        stderr: output("err"),
        redirect_stderr: false,
        stopsignal: Signal::TERM,
        stopwaitsecs: 10,
        stopasgroup: false,
        killasgroup: false,
        stop_cont: false,
        stop_tree: false,
        sigpipe_default: false,
        confinement: Confinement::default(),
        logfile_full: LogfileFull::Drop,
        exitcodes: vec![0],
        environment: Vec::new(),
        serverurl: None,
        socket: None,
    }
}

/// Where the one file is.
pub(crate) const CONF: &str = "/etc/supervisord.conf";

/// A machine with one file.
pub(crate) struct OneFile<'a>(pub(crate) &'a [u8]);

impl Host for OneFile<'_> {
    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path == Path::new(CONF) {
            Ok(self.0.to_vec())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn exists(&self, path: &Path) -> bool {
        path == Path::new(CONF) || self.is_dir(path)
    }

    fn link_exists(&self, path: &Path) -> bool {
        self.exists(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        [Path::new("/"), Path::new("/etc"), Path::new("/tmp")].contains(&path)
    }

    fn list_dir(&self, _path: &Path) -> io::Result<Vec<OsString>> {
        Ok(vec![OsString::from("supervisord.conf")])
    }

    fn user_by_name(&self, _name: &str) -> Option<User> {
        None
    }

    fn user_by_id(&self, uid: u32) -> Option<User> {
        Some(User { uid, gid: uid })
    }

    fn group_by_name(&self, _name: &str) -> Option<u32> {
        None
    }

    fn group_exists(&self, _gid: u32) -> bool {
        true
    }

    fn home_dir(&self, _user: Option<&str>) -> Option<String> {
        Some("/tmp".to_owned())
    }

    fn hostname(&self) -> String {
        "host".to_owned()
    }

    fn env(&self) -> Vec<(String, String)> {
        vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())]
    }

    fn cwd(&self) -> PathBuf {
        "/tmp".into()
    }

    fn temp_dir(&self) -> String {
        "/tmp".to_owned()
    }

    fn uid(&self) -> u32 {
        1_000
    }
}
