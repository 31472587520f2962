//! A machine in a map, for the tests of this room.

use crate::host::{Host, Rights, User};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Files and directories by absolute path; the working directory is `/site`.
#[derive(Clone, Debug)]
pub(crate) struct World {
    files: BTreeMap<PathBuf, Vec<u8>>,
    dirs: BTreeSet<PathBuf>,
    unreadable: BTreeSet<PathBuf>,
    env: Vec<(String, String)>,
    pub(crate) uid: u32,
    rights: BTreeMap<PathBuf, Rights>,
    now: Option<i64>,
}

impl World {
    pub(crate) fn new() -> Self {
        let dirs = ["/", "/site", "/tmp", "/var", "/var/log"]
            .iter()
            .map(PathBuf::from)
            .collect();
        Self {
            files: BTreeMap::new(),
            dirs,
            unreadable: BTreeSet::new(),
            env: Vec::new(),
            uid: 1000,
            rights: BTreeMap::new(),
            now: None,
        }
    }

    /// Root runs us, and a file or directory is somebody's.
    pub(crate) fn root_with(mut self, path: &str, uid: u32, gid: u32, mode: u32) -> Self {
        self.uid = 0;
        self.rights
            .insert(PathBuf::from(path), Rights { uid, gid, mode });
        self
    }

    /// Our file has these permission bits.
    pub(crate) fn owned(mut self, path: &str, mode: u32) -> Self {
        let (uid, gid) = (self.uid, 0);
        self.rights
            .insert(PathBuf::from(path), Rights { uid, gid, mode });
        self
    }

    /// So many seconds have passed since 1970.
    pub(crate) fn at(mut self, now: i64) -> Self {
        self.now = Some(now);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn dir(mut self, path: &str) -> Self {
        self.dirs
            .extend(Path::new(path).ancestors().map(Path::to_owned));
        self
    }

    pub(crate) fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let parent = Path::new(path)
            .parent()
            .and_then(Path::to_str)
            .unwrap_or("/")
            .to_owned();
        let mut world = self.dir(&parent);
        world
            .files
            .insert(PathBuf::from(path), text.as_ref().to_vec());
        world
    }

    pub(crate) fn unreadable(self, path: &str) -> Self {
        let mut world = self.file(path, "");
        world.unreadable.insert(PathBuf::from(path));
        world
    }
}

fn at(path: &Path) -> PathBuf {
    PathBuf::from("/site").join(path).components().collect()
}

impl Host for World {
    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        let path = at(path);
        if self.unreadable.contains(&path) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        if self.dirs.contains(&path) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        self.files
            .get(&path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rights(&self, path: &Path) -> Option<Rights> {
        self.rights.get(&at(path)).copied()
    }

    fn now(&self) -> Option<i64> {
        self.now
    }

    fn exists(&self, path: &Path) -> bool {
        self.dirs.contains(&at(path)) || self.files.contains_key(&at(path))
    }

    fn link_exists(&self, path: &Path) -> bool {
        self.exists(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.dirs.contains(&at(path))
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let path = at(path);
        if !self.dirs.contains(&path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let all = self
            .files
            .keys()
            .chain(&self.dirs)
            .filter(|name| name.parent() == Some(&path));
        Ok(all
            .filter_map(|name| name.file_name())
            .map(OsString::from)
            .rev()
            .collect())
    }

    fn user_by_name(&self, name: &str) -> Option<User> {
        match name {
            "root" => Some(User { uid: 0, gid: 0 }),
            "me" => Some(User {
                uid: 1000,
                gid: 100,
            }),
            "www" => Some(User { uid: 33, gid: 34 }),
            _ => None,
        }
    }

    fn user_by_id(&self, uid: u32) -> Option<User> {
        ["root", "me", "www"]
            .iter()
            .filter_map(|name| self.user_by_name(name))
            .find(|user| user.uid == uid)
    }

    fn group_by_name(&self, name: &str) -> Option<u32> {
        (name == "web").then_some(34)
    }

    fn group_exists(&self, gid: u32) -> bool {
        gid == 34 || gid == 0
    }

    fn home_dir(&self, user: Option<&str>) -> Option<String> {
        match user {
            None => Some("/home/db".to_owned()),
            Some("www") => Some("/var/www".to_owned()),
            Some(_) => None,
        }
    }

    fn hostname(&self) -> String {
        "node1".to_owned()
    }

    fn env(&self) -> Vec<(String, String)> {
        self.env.clone()
    }

    fn cwd(&self) -> PathBuf {
        PathBuf::from("/site")
    }

    fn temp_dir(&self) -> String {
        "/tmp".to_owned()
    }

    fn uid(&self) -> u32 {
        self.uid
    }
}
