//! What configuration needs to know about the machine.
//!
//! This room reads no file and asks no database by itself: everything of the outside comes through [`Host`], so that
//! a test can hold the whole world in a map and the daemon decides on which thread a slow disk is waited for.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// A row of the user database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
}

/// Whose a file is, and who may do what with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its permission bits.
    pub mode: u32,
}

/// The outside, as far as configuration asks about it. Relative paths are relative to the working directory.
pub trait Host {
    /// The bytes of a file.
    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Whose a file or directory is, links followed; none where that is not known.
    fn rights(&self, _path: &Path) -> Option<Rights> {
        None
    }
    /// Seconds since 1970; none where there is no clock.
    fn now(&self) -> Option<i64> {
        None
    }
    /// Whether something is there, links followed.
    fn exists(&self, path: &Path) -> bool;
    /// Whether something is there, a dangling link included.
    fn link_exists(&self, path: &Path) -> bool;
    /// Whether it is a directory, links followed.
    fn is_dir(&self, path: &Path) -> bool;
    /// The names in a directory, in any order, without `.` and `..`.
    fn list_dir(&self, path: &Path) -> io::Result<Vec<OsString>>;
    /// The user with this name.
    fn user_by_name(&self, name: &str) -> Option<User>;
    /// The user with this id.
    fn user_by_id(&self, uid: u32) -> Option<User>;
    /// The id of the group with this name.
    fn group_by_name(&self, name: &str) -> Option<u32>;
    /// Whether a group with this id exists.
    fn group_exists(&self, gid: u32) -> bool;
    /// The home directory of a user from the user database; of the caller when no name is given.
    ///
    /// `HOME` is looked at before this is asked.
    fn home_dir(&self, user: Option<&str>) -> Option<String>;
    /// The machine's node name (`host_node_name`).
    fn hostname(&self) -> String;
    /// The environment of this process. Variables that are not UTF-8 are left out: no value could hold them.
    fn env(&self) -> Vec<(String, String)>;
    /// The working directory, absolute.
    fn cwd(&self) -> PathBuf;
    /// The directory for temporary files: `TMPDIR`, `TEMP`, `TMP`, then `/tmp`, `/var/tmp`, `/usr/tmp`, the working
    /// directory; the first one that can be written to.
    fn temp_dir(&self) -> String;
    /// The real user id of this process.
    fn uid(&self) -> u32;
}
