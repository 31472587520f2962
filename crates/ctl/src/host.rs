//! The machine, as reading a configuration asks about it.

use provost_config::{Host, User};
use provost_os::{files, stdio, users};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// This machine.
#[derive(Debug)]
pub(crate) struct Machine;

impl Host for Machine {
    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn link_exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let entries = fs::read_dir(path)?;
        entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect()
    }

    fn user_by_name(&self, name: &str) -> Option<User> {
        users::by_name(name).ok().flatten().map(|user| ids(&user))
    }

    fn user_by_id(&self, uid: u32) -> Option<User> {
        users::by_uid(uid).ok().flatten().map(|user| ids(&user))
    }

    fn group_by_name(&self, name: &str) -> Option<u32> {
        users::group_by_name(name)
            .ok()
            .flatten()
            .map(|group| group.gid)
    }

    fn group_exists(&self, gid: u32) -> bool {
        matches!(users::group_by_gid(gid), Ok(Some(_)))
    }

    fn home_dir(&self, user: Option<&str>) -> Option<String> {
        let found = match user {
            Some(name) => users::by_name(name),
            None => users::by_uid(users::current_uid()),
        };
        found.ok().flatten()?.home.to_str().map(ToOwned::to_owned)
    }

    fn hostname(&self) -> String {
        stdio::hostname()
    }

    fn env(&self) -> Vec<(String, String)> {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        env::vars_os().filter_map(text).collect()
    }

    fn cwd(&self) -> PathBuf {
        env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
    }

    fn temp_dir(&self) -> String {
        let named = ["TMPDIR", "TEMP", "TMP"]
            .into_iter()
            .filter_map(|name| env::var(name).ok());
        let usual = ["/tmp", "/var/tmp", "/usr/tmp"]
            .into_iter()
            .map(ToOwned::to_owned);
        let writable = |directory: &String| {
            let path = Path::new(directory);
            path.is_dir() && files::is_writable(path)
        };
        let found = named.chain(usual).find(writable);
        found.unwrap_or_else(|| self.cwd().to_string_lossy().into_owned())
    }

    fn uid(&self) -> u32 {
        users::current_uid()
    }
}

fn ids(user: &users::User) -> User {
    User {
        uid: user.uid,
        gid: user.gid,
    }
}
