//! The real machine as a host, with a working directory and an environment of its own.

use provost_config::{Host, User};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The real machine. User and group databases are the files in `/etc`.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// The working directory.
    pub(crate) cwd: PathBuf,
    /// The environment.
    pub(crate) env: Vec<(String, String)>,
}

impl Machine {
    fn at(&self, path: &Path) -> PathBuf {
        self.cwd.join(path)
    }
}

/// The rows of a database with colons between the columns.
fn rows(file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .map(|line| line.split(':').map(str::to_owned).collect())
        .collect()
}

fn user(row: &[String]) -> Option<User> {
    Some(User {
        uid: row.get(2)?.parse().ok()?,
        gid: row.get(3)?.parse().ok()?,
    })
}

impl Host for Machine {
    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(self.at(path))
    }

    fn exists(&self, path: &Path) -> bool {
        self.at(path).exists()
    }

    fn link_exists(&self, path: &Path) -> bool {
        self.at(path).symlink_metadata().is_ok()
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.at(path).is_dir()
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(self.at(path))?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    }

    fn user_by_name(&self, name: &str) -> Option<User> {
        rows("/etc/passwd")
            .iter()
            .find(|row| row[0] == name)
            .and_then(|row| user(row))
    }

    fn user_by_id(&self, uid: u32) -> Option<User> {
        rows("/etc/passwd")
            .iter()
            .filter_map(|row| user(row))
            .find(|user| user.uid == uid)
    }

    fn group_by_name(&self, name: &str) -> Option<u32> {
        rows("/etc/group")
            .iter()
            .find(|row| row[0] == name)?
            .get(2)?
            .parse()
            .ok()
    }

    fn group_exists(&self, gid: u32) -> bool {
        rows("/etc/group")
            .iter()
            .any(|row| row.get(2) == Some(&gid.to_string()))
    }

    fn home_dir(&self, user: Option<&str>) -> Option<String> {
        rows("/etc/passwd")
            .iter()
            .find(|row| Some(row[0].as_str()) == user)?
            .get(5)
            .cloned()
    }

    fn hostname(&self) -> String {
        fs::read_to_string("/proc/sys/kernel/hostname")
            .unwrap_or_default()
            .trim()
            .to_owned()
    }

    fn env(&self) -> Vec<(String, String)> {
        self.env.clone()
    }

    fn cwd(&self) -> PathBuf {
        self.cwd.clone()
    }

    fn temp_dir(&self) -> String {
        "/tmp".to_owned()
    }

    fn uid(&self) -> u32 {
        use std::os::unix::fs::MetadataExt;
        fs::metadata("/proc/self").map_or(0, |data| data.uid())
    }
}
