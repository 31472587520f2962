//! The machine, as the configuration asks about it.

use provost_config::{Host, Rights, User};
use provost_os::{stdio, users};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The real machine. Its answers may block on slow disks and user databases: not for the control thread.
///
/// Relative paths are relative to where supervisord was started, also after it has changed its directory: so a relative
/// `-c` names the same file at every reread.
#[derive(Clone, Debug)]
pub(crate) struct SystemHost {
    start: PathBuf,
    looking: Looking,
    /// What was found to be a directory, or not: a log directory is named by every program, and looked at once a reading.
    directories: Arc<Mutex<HashMap<PathBuf, bool>>>,
}

/// What is being looked at, for somebody who waits: that may be what hangs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looking(Arc<Mutex<Option<String>>>);

impl Looking {
    /// What was looked at last.
    pub(crate) fn at(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn look(&self, what: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(what.into());
    }
}

impl SystemHost {
    /// The machine as seen from the present working directory.
    pub(crate) fn from_here() -> Self {
        // A working directory that was removed has no path; names relative to it lead nowhere anyway.
        Self {
            start: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            looking: Looking::default(),
            directories: Arc::default(),
        }
    }

    /// The machine as seen from the working directory in which an earlier image of ours was started.
    pub(crate) fn from(start: PathBuf) -> Self {
        Self {
            start,
            looking: Looking::default(),
            directories: Arc::default(),
        }
    }

    /// The same machine, looked at anew, which tells by the second value what is looked at.
    pub(crate) fn watched(&self) -> (Self, Looking) {
        let looking = Looking::default();
        let start = self.start.clone();
        let host = Self {
            start,
            looking: looking.clone(),
            directories: Arc::default(),
        };
        (host, looking)
    }

    /// The whole path, which is looked at from now on.
    fn look_at(&self, path: &Path) -> PathBuf {
        let path = self.start.join(path);
        self.looking.look(path.to_string_lossy());
        path
    }

    fn directories(&self) -> MutexGuard<'_, HashMap<PathBuf, bool>> {
        self.directories
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn ask_for(&self, kind: &str, name: impl std::fmt::Display) {
        self.looking.look(format!("{kind} {name}"));
    }
}

impl Host for SystemHost {
    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        read_whole(&self.look_at(path))
    }

    fn rights(&self, path: &Path) -> Option<Rights> {
        let metadata = std::fs::metadata(self.look_at(path)).ok()?;
        Some(Rights {
            uid: metadata.uid(),
            gid: metadata.gid(),
            mode: metadata.mode() & 0o7777,
        })
    }

    fn now(&self) -> Option<i64> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_secs()).ok()
    }

    fn exists(&self, path: &Path) -> bool {
        self.look_at(path).exists()
    }

    fn link_exists(&self, path: &Path) -> bool {
        self.look_at(path).symlink_metadata().is_ok()
    }

    fn is_dir(&self, path: &Path) -> bool {
        if let Some(&known) = self.directories().get(path) {
            return known;
        }
        // Not under the lock: this may hang.
        let found = self.look_at(path).is_dir();
        self.directories().insert(path.to_owned(), found);
        found
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(self.look_at(path))?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect()
    }

    fn user_by_name(&self, name: &str) -> Option<User> {
        self.ask_for("user", name);
        users::by_name(name).ok().flatten().map(|user| User {
            uid: user.uid,
            gid: user.gid,
        })
    }

    fn user_by_id(&self, uid: u32) -> Option<User> {
        self.ask_for("user", uid);
        users::by_uid(uid).ok().flatten().map(|user| User {
            uid: user.uid,
            gid: user.gid,
        })
    }

    fn group_by_name(&self, name: &str) -> Option<u32> {
        self.ask_for("group", name);
        users::group_by_name(name)
            .ok()
            .flatten()
            .map(|group| group.gid)
    }

    fn group_exists(&self, gid: u32) -> bool {
        self.ask_for("group", gid);
        users::group_by_gid(gid).ok().flatten().is_some()
    }

    fn home_dir(&self, user: Option<&str>) -> Option<String> {
        self.ask_for("the home directory of user", user.unwrap_or("supervisord"));
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

/// Reads a file that nobody changes meanwhile: half of the old and half of the new one would be neither.
fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    /// Whoever writes it without end is not waited for.
    const TRIES: usize = 3;
    for _ in 0..TRIES {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        let before = version(&metadata);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if !metadata.is_file() {
            // What a pipe gave, it gives once.
            return Ok(bytes);
        }
        // By name: an editor puts a new file in the place of the old one.
        if version(&std::fs::metadata(path)?) == before {
            return Ok(bytes);
        }
    }
    Err(io::Error::other(
        "it is changed again and again while it is read",
    ))
}

/// What changes when a file is written or replaced.
fn version(metadata: &Metadata) -> (u64, u64, u64, i64, i64) {
    (
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        metadata.mtime(),
        metadata.mtime_nsec(),
    )
}

fn is_writable_dir(path: &str) -> bool {
    !path.is_empty() && Path::new(path).is_dir() && provost_os::files::is_writable(Path::new(path))
}
