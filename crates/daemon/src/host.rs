//! The machine, as the configuration asks about it.

use provost_config::{Host, User};
use provost_os::{stdio, users};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The real machine. Its answers may block on slow disks and user databases: not for the control thread.
///
/// Relative paths are relative to where supervisord was started, also after it has changed its directory: so a relative
/// `-c` names the same file at every reread.
#[derive(Clone, Debug)]
pub(crate) struct SystemHost {
    start: PathBuf,
}

impl SystemHost {
    /// The machine as seen from the present working directory.
    pub(crate) fn from_here() -> Self {
        // A working directory that was removed has no path; names relative to it lead nowhere anyway.
        Self {
            start: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
        }
    }
}

impl Host for SystemHost {
    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(self.start.join(path))
    }

    fn exists(&self, path: &Path) -> bool {
        self.start.join(path).exists()
    }

    fn link_exists(&self, path: &Path) -> bool {
        self.start.join(path).symlink_metadata().is_ok()
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.start.join(path).is_dir()
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(self.start.join(path))?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect()
    }

    fn user_by_name(&self, name: &str) -> Option<User> {
        users::by_name(name).ok().flatten().map(|user| User {
            uid: user.uid,
            gid: user.gid,
        })
    }

    fn user_by_id(&self, uid: u32) -> Option<User> {
        users::by_uid(uid).ok().flatten().map(|user| User {
            uid: user.uid,
            gid: user.gid,
        })
    }

    fn group_by_name(&self, name: &str) -> Option<u32> {
        users::group_by_name(name)
            .ok()
            .flatten()
            .map(|group| group.gid)
    }

    fn group_exists(&self, gid: u32) -> bool {
        users::group_by_gid(gid).ok().flatten().is_some()
    }

    fn home_dir(&self, user: Option<&str>) -> Option<String> {
        let user = match user {
            Some(name) => users::by_name(name),
            None => users::by_uid(users::current_uid()),
        };
        let home = user.ok().flatten()?.home;
        home.into_os_string().into_string().ok()
    }

    fn hostname(&self) -> String {
        stdio::hostname()
    }

    fn env(&self) -> Vec<(String, String)> {
        let text = |(key, value): (OsString, OsString)| {
            Some((key.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(text).collect()
    }

    fn cwd(&self) -> PathBuf {
        self.start.clone()
    }

    fn temp_dir(&self) -> String {
        let named = ["TMPDIR", "TEMP", "TMP"]
            .into_iter()
            .filter_map(|key| std::env::var(key).ok());
        let usual = ["/tmp", "/var/tmp", "/usr/tmp"]
            .into_iter()
            .map(str::to_owned);
        named
            .chain(usual)
            .find(|path| is_writable_dir(path))
            .unwrap_or_else(|| self.cwd().display().to_string())
    }

    fn uid(&self) -> u32 {
        users::current_uid()
    }
}

fn is_writable_dir(path: &str) -> bool {
    !path.is_empty() && Path::new(path).is_dir() && provost_os::files::is_writable(Path::new(path))
}
