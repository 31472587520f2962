//! From a path to an open directory and a name in it, one directory after the other.
//!
//! Links in directories that only root and we can change are followed. A link that somebody else made is followed with
//! the rights of that user from there on, as far as this process can take them.

use super::identity::{Lent, Person};
use super::{Paths, Refusal, Standing, Why};
use crate::users;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, PROC_SUPER_MAGIC, ResolveFlags, Stat, fstat, fstatfs,
    openat, openat2, readlinkat, statat,
};
use rustix::io::Errno as Sys;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Links followed on one path, as many as the system follows.
const LINKS_MAX: usize = 40;

/// The permission bits that let a group or everybody change a directory, and the one that keeps them from each other's
/// files.
const GROUP_WRITES: u32 = 0o020;
const ALL_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// How a directory on the way is opened.
const DIR: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Where a path leads.
pub(super) struct Found {
    pub(super) dir: OwnedFd,
    pub(super) name: OsString,
    pub(super) standing: Standing,
}

/// Walks, or lets the system do it where nobody asks for care.
pub(super) fn find(path: &Path, paths: Paths) -> Result<Found, Refusal> {
    if paths == Paths::AsGiven {
        return as_given(path);
    }
    if let Some(found) = straight(path) {
        return Ok(found);
    }
    let mut walk = Walk {
        dir: open_dir(path.is_absolute())?,
        rest: parts(path.as_os_str()),
        links: 0,
        lent: None,
        person: None,
    };
    loop {
        if let Some((name, standing)) = walk.step()? {
            let dir = walk.dir;
            return Ok(Found {
                dir,
                name,
                standing,
            });
        }
    }
}

fn as_given(path: &Path) -> Result<Found, Refusal> {
    let (parent, name) = divided(path).ok_or(Sys::ISDIR)?;
    let dir = openat(CWD, parent, DIR, Mode::empty())?;
    let name = name.to_owned();
    Ok(Found {
        dir,
        name,
        standing: Standing::Ours { follow: true },
    })
}

/// What the walk finds where there is no link on the way, as the system knows to look in one call. None where there may be
/// one, or anything is wrong: the walk tells what.
fn straight(path: &Path) -> Option<Found> {
    let (parent, name) = divided(path)?;
    let dir = openat2(CWD, parent, DIR, Mode::empty(), ResolveFlags::NO_SYMLINKS).ok()?;
    let is_link = match statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(there) => FileType::from_raw_mode(there.st_mode) == FileType::Symlink,
        Err(Sys::NOENT) => false,
        Err(_) => true,
    };
    let standing = standing_of(&fstat(&dir).ok()?);
    (!is_link).then_some(Found {
        dir,
        name: name.to_owned(),
        standing,
    })
}

/// The directory of a path, and the name in it; none where it names nothing in a directory.
fn divided(path: &Path) -> Option<(&Path, &OsStr)> {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    Some((parent.unwrap_or(Path::new(".")), path.file_name()?))
}

fn open_dir(absolute: bool) -> Result<OwnedFd, Refusal> {
    let from = if absolute { "/" } else { "." };
    Ok(openat(CWD, from, DIR, Mode::empty())?)
}

fn parts(path: &OsStr) -> VecDeque<OsString> {
    let parts = path.as_bytes().split(|&byte| byte == b'/');
    parts
        .filter(|part| !part.is_empty() && *part != b".")
        .map(|part| OsString::from_vec(part.to_vec()))
        .collect()
}

struct Walk {
    dir: OwnedFd,
    rest: VecDeque<OsString>,
    links: usize,
    /// The rights that the walk goes on with, once a link of somebody else was followed.
    lent: Option<Lent>,
    person: Option<Person>,
}

impl Walk {
    /// One part of the path. The name, and how things stand, once the last directory is open.
    fn step(&mut self) -> Result<Option<(OsString, Standing)>, Refusal> {
        let part = self.rest.pop_front().ok_or(Sys::ISDIR)?;
        let is_last = self.rest.is_empty();
        let there = match statat(&self.dir, &part, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => Some(there),
            Err(Sys::NOENT) if is_last => None,
            Err(error) => return Err(error.into()),
        };
        let is_link =
            there.is_some_and(|there| FileType::from_raw_mode(there.st_mode) == FileType::Symlink);
        // Links of /proc lead to what they stand for, not to what they say.
        let is_proc = is_link && is_proc(&self.dir);
        if let (Some(link), true, false) = (there, is_link, is_proc) {
            self.follow(&part, &link, is_last)?;
            return Ok(None);
        }
        if is_last {
            let standing = self.standing(is_proc)?;
            return Ok(Some((part, standing)));
        }
        let mut flags = DIR;
        if !is_proc {
            flags |= OFlags::NOFOLLOW;
        }
        self.dir = openat(&self.dir, &part, flags, Mode::empty())?;
        Ok(None)
    }

    fn follow(&mut self, part: &OsStr, link: &Stat, is_last: bool) -> Result<(), Refusal> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Sys::LOOP.into());
        }
        let others = match standing_of(&fstat(&self.dir)?) {
            Standing::Ours { .. } => None,
            _ if is_last => return Err(Refusal::new(Sys::LOOP, Why::Link)),
            Standing::Crowd { .. } => (!is_trusted(link.st_uid)).then_some(link.st_uid),
            Standing::Of(uid) => Some(uid),
            Standing::Lent(person) => Some(person.uid),
        };
        if let (Some(uid), None) = (others, &self.lent) {
            let person = Person::of(uid);
            // Without the right to be somebody else there is no more harm to do than to ourselves.
            if let Ok(lent) = Lent::from(person) {
                (self.lent, self.person) = (Some(lent), Some(person));
            }
        }
        let target = OsString::from_vec(readlinkat(&self.dir, part, Vec::new())?.into_bytes());
        if target.as_bytes().starts_with(b"/") {
            self.dir = open_dir(true)?;
        }
        for part in parts(&target).into_iter().rev() {
            self.rest.push_front(part);
        }
        Ok(())
    }

    fn standing(&self, follow: bool) -> Result<Standing, Refusal> {
        Ok(match (standing_of(&fstat(&self.dir)?), self.person) {
            // Where the links ended in a directory of who made them, it is as if there had been none.
            (Standing::Of(uid), Some(person)) if uid == person.uid => Standing::Of(uid),
            (_, Some(person)) => Standing::Lent(person),
            (Standing::Ours { .. }, None) => Standing::Ours { follow },
            (other, None) => other,
        })
    }
}

/// Root, who can do everything anyway, and ourselves.
pub(super) fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == users::current_euid()
}

/// Who can change what is in a directory.
fn standing_of(dir: &Stat) -> Standing {
    if !is_trusted(dir.st_uid) {
        return Standing::Of(dir.st_uid);
    }
    let mode = dir.st_mode;
    // Root's group, and the one that many systems give each user.
    let own_group = dir.st_gid == 0 || dir.st_gid == rustix::process::getegid().as_raw();
    let group_writes = mode & GROUP_WRITES != 0 && !own_group;
    if mode & ALL_WRITE != 0 || group_writes {
        return Standing::Crowd {
            sticky: mode & STICKY != 0,
        };
    }
    Standing::Ours { follow: false }
}

fn is_proc(dir: &OwnedFd) -> bool {
    fstatfs(dir).is_ok_and(|system| system.f_type == PROC_SUPER_MAGIC)
}
