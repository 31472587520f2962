//! Files in directories that others can change.
//!
//! Root must not be made to write, read or remove what belongs to somebody else by a link that a user laid where root
//! expects a file. A path is therefore walked directory by directory, and what is done in the last one depends on who
//! can change it:
//!
//! - root and we only: everything is as the system does it;
//! - one other user: it is done with the rights of that user, in this thread only;
//! - many: what is opened must be a plain file with a single name, of ours, or is opened with its owner's rights.
//!   In a directory such as `/tmp` it must be ours.

mod identity;
mod walk;

use crate::users;
use identity::{Lent, Person};
use provost_model::Errno;
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno as Sys;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use walk::is_trusted;

/// Mode of a new log, before the umask.
const LOG_MODE: u32 = 0o666;

/// Times that somebody may put something at a name or take it away while it is opened, before we give up.
const ATTEMPTS: usize = 16;

/// How paths are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paths {
    /// With care, as this module says.
    #[default]
    Guarded,
    /// As the system does: links are followed, whoever made them.
    AsGiven,
}

/// Who can change what is in a directory, and so how we act there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Only root and we.
    Ours {
        /// Whether a link at the name is followed.
        follow: bool,
    },
    /// A group or everybody.
    Crowd {
        /// Whether they can touch only what is their own.
        sticky: bool,
    },
    /// This user.
    Of(u32),
    /// A link of this person led here.
    Lent(Person),
}

/// Why something was not opened that could have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// The system says it all.
    System,
    /// It is a link.
    Link,
    /// It is a FIFO, a device or a socket.
    NotPlain,
    /// It has a second name.
    SecondName,
    /// It belongs to somebody else.
    NotOurs(u32),
    /// The user with whose rights it is done may not.
    NotTheirs(u32),
}

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The number for it.
    pub errno: Errno,
    why: Why,
}

impl Refusal {
    fn new(error: Sys, why: Why) -> Self {
        Self {
            errno: crate::errno(error),
            why,
        }
    }

    /// Whether it was refused because others can change the directory, and there is more to say than the number.
    pub fn is_for_safety(&self) -> bool {
        self.why != Why::System
    }

    /// Whether nothing is there.
    pub fn is_absence(&self) -> bool {
        [libc::ENOENT, libc::ENOTDIR].contains(&self.errno.0)
    }
}

impl From<Sys> for Refusal {
    fn from(error: Sys) -> Self {
        Self::new(error, Why::System)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self {
            errno: Errno::of(&error),
            why: Why::System,
        }
    }
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::from_raw_os_error(refusal.errno.0)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Why::System => write!(f, "{}", self.errno),
            Why::Link => f.write_str("it is a link in a directory that other users can change"),
            Why::NotPlain => {
                f.write_str("it is no plain file, in a directory that other users can change")
            }
            Why::SecondName => f.write_str(
                "it has a second name elsewhere, in a directory that other users can change",
            ),
            Why::NotOurs(uid) => write!(
                f,
                "it belongs to {}, in a directory that everybody can change",
                name_of(uid)
            ),
            Why::NotTheirs(uid) => write!(
                f,
                "{}; the directory belongs to {user}, and files in it are opened with the rights of {user}",
                self.errno,
                user = name_of(uid)
            ),
        }
    }
}

fn name_of(uid: u32) -> String {
    let user = users::by_uid(uid).ok().flatten();
    user.map_or_else(
        || format!("uid {uid}"),
        |user| format!("user {}", user.name.to_string_lossy()),
    )
}

/// A name in an open directory: what is done there is done in that directory, whatever becomes of its path.
#[derive(Debug)]
pub struct Spot {
    dir: OwnedFd,
    name: OsString,
    standing: Standing,
}

impl Spot {
    /// Finds the directory of a path. The file need not be there.
    pub fn find(path: &Path, paths: Paths) -> Result<Self, Refusal> {
        let walk::Found {
            dir,
            name,
            standing,
        } = walk::find(path, paths)?;
        Ok(Self {
            dir,
            name,
            standing,
        })
    }

    /// The name.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// Opens for writing at the end without waiting, and makes the file if it is not there. A FIFO, where one is allowed,
    /// is opened so that it needs no reader.
    pub fn open_append(&self) -> Result<File, Refusal> {
        let flags = OFlags::WRONLY | OFlags::APPEND;
        for _ in 0..ATTEMPTS {
            match self.open(flags) {
                Err(refusal) if refusal.errno.0 == libc::ENOENT => {}
                other => return other,
            }
            match self.create(&self.name, Mode::from_raw_mode(LOG_MODE)) {
                Err(refusal) if refusal.errno.0 == libc::EEXIST => {}
                other => return other,
            }
        }
        Err(Sys::AGAIN.into())
    }

    /// Opens a file that is there for writing at the end.
    pub fn open_existing(&self) -> Result<File, Refusal> {
        self.open(OFlags::WRONLY | OFlags::APPEND)
    }

    /// Opens for reading.
    pub fn open_read(&self) -> Result<File, Refusal> {
        self.open(OFlags::RDONLY)
    }

    /// Makes a file of that name beside this one, for writing at the end. `EEXIST` if the name is taken, by a link too.
    pub fn create_beside(&self, name: &OsStr, mode: u32) -> Result<File, Refusal> {
        self.create(name, Mode::from_raw_mode(mode))
    }

    /// Renames a file of this directory.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> Result<(), Refusal> {
        let _lent = self.rights()?;
        renameat(&self.dir, from, &self.dir, to).map_err(|error| self.explain(error))
    }

    /// Removes a file of this directory.
    pub fn remove(&self, name: &OsStr) -> Result<(), Refusal> {
        let _lent = self.rights()?;
        unlinkat(&self.dir, name, AtFlags::empty()).map_err(|error| self.explain(error))
    }

    /// All names of this directory.
    pub fn names(&self) -> Result<Vec<OsString>, Refusal> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let readable = openat(&self.dir, ".", flags, Mode::empty())?;
        let entries = Dir::new(readable)?;
        let names = entries.filter_map(Result::ok);
        Ok(names
            .map(|entry| OsStr::from_bytes(entry.file_name().to_bytes()).to_owned())
            .collect())
    }

    /// Whether a name of this directory is a plain file that was made here by us.
    pub fn is_own_file(&self, name: &OsStr) -> bool {
        let us = match self.standing {
            Standing::Of(uid) | Standing::Lent(Person { uid, .. }) => uid,
            Standing::Ours { .. } | Standing::Crowd { .. } => users::current_euid(),
        };
        self.stat(name).is_some_and(|there| {
            is_plain(&there) && [us, users::current_euid()].contains(&there.st_uid)
        })
    }

    fn stat(&self, name: &OsStr) -> Option<Stat> {
        statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW).ok()
    }

    /// The rights to act with here; none means our own.
    fn rights(&self) -> Result<Option<Lent>, Refusal> {
        match self.standing {
            Standing::Ours { .. } | Standing::Crowd { .. } => Ok(None),
            // Who cannot become another user acts as what it is.
            Standing::Of(uid) => Ok(Lent::from(Person::of(uid)).ok()),
            Standing::Lent(person) => Ok(Some(Lent::from(person)?)),
        }
    }

    fn explain(&self, error: Sys) -> Refusal {
        match self.standing {
            Standing::Of(uid) | Standing::Lent(Person { uid, .. })
                if matches!(error, Sys::ACCESS | Sys::PERM) && users::current_euid() == 0 =>
            {
                Refusal::new(error, Why::NotTheirs(uid))
            }
            _ => error.into(),
        }
    }

    fn create(&self, name: &OsStr, mode: Mode) -> Result<File, Refusal> {
        let _lent = self.rights()?;
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        self.raw_open(name, flags, mode)
            .map_err(|error| self.explain(error))
    }

    fn raw_open(&self, name: &OsStr, flags: OFlags, mode: Mode) -> Result<File, Sys> {
        let flags = flags | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let open = || openat(&self.dir, name, flags, mode);
        rustix::io::retry_on_intr(open).map(File::from)
    }

    fn open(&self, flags: OFlags) -> Result<File, Refusal> {
        match self.standing {
            Standing::Ours { follow } => self.open_trusted(flags, follow),
            Standing::Crowd { sticky } => self.open_in_crowd(flags, sticky),
            Standing::Of(uid) => match Lent::from(Person::of(uid)) {
                Ok(lent) => self.open_as(flags, uid, lent),
                Err(_) => self.open_checked(flags, |_| true),
            },
            Standing::Lent(person) => {
                let _lent = Lent::from(person)?;
                let file = self
                    .raw_open(&self.name, flags | OFlags::NOFOLLOW, Mode::empty())
                    .map_err(|error| self.explain(error))?;
                plain(&file)?;
                Ok(file)
            }
        }
    }

    fn open_trusted(&self, flags: OFlags, follow: bool) -> Result<File, Refusal> {
        let look = if follow {
            AtFlags::empty()
        } else {
            AtFlags::SYMLINK_NOFOLLOW
        };
        let there = statat(&self.dir, &self.name, look);
        let is_fifo =
            there.is_ok_and(|there| FileType::from_raw_mode(there.st_mode) == FileType::Fifo);
        // Opened for reading too, a FIFO needs no reader yet, and one that leaves does not break it.
        if is_fifo
            && flags.contains(OFlags::WRONLY)
            && let Ok(file) = self.raw_open(&self.name, OFlags::RDWR, Mode::empty())
        {
            return Ok(file);
        }
        Ok(self.raw_open(&self.name, flags, Mode::empty())?)
    }

    /// What is ours is opened as ourselves, what belongs to another user with the rights of that one.
    fn open_in_crowd(&self, flags: OFlags, sticky: bool) -> Result<File, Refusal> {
        if sticky {
            return self.open_checked(flags, is_trusted);
        }
        match self.stat(&self.name) {
            Some(there) if !is_trusted(there.st_uid) && users::current_euid() == 0 => {
                let lent = Lent::from(Person::of(there.st_uid))?;
                self.open_as(flags, there.st_uid, lent)
            }
            _ => self.open_checked(flags, |uid| is_trusted(uid) || users::current_euid() != 0),
        }
    }

    /// Opens as another user. A file of ours, from before this was done, is opened as ourselves where nobody can have
    /// laid it there: the directory is that user's, and the system lets nobody make a second name for what is not his.
    fn open_as(&self, flags: OFlags, uid: u32, lent: Lent) -> Result<File, Refusal> {
        let opened = self.raw_open(&self.name, flags | OFlags::NOFOLLOW, Mode::empty());
        drop(lent);
        match opened {
            Ok(file) => {
                plain(&file)?;
                Ok(file)
            }
            Err(Sys::LOOP) => Err(Refusal::new(Sys::LOOP, Why::Link)),
            // A FIFO without reader.
            Err(Sys::NXIO) => Err(Refusal::new(Sys::NXIO, Why::NotPlain)),
            Err(Sys::ACCESS | Sys::PERM)
                if self
                    .stat(&self.name)
                    .is_some_and(|there| is_trusted(there.st_uid))
                    && hard_links_are_protected() =>
            {
                self.open_checked(flags, is_trusted)
            }
            Err(error @ (Sys::ACCESS | Sys::PERM)) => Err(Refusal::new(error, Why::NotTheirs(uid))),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a plain file with a single name whose owner will do.
    fn open_checked(&self, flags: OFlags, may_own: impl Fn(u32) -> bool) -> Result<File, Refusal> {
        let file = self
            .raw_open(&self.name, flags | OFlags::NOFOLLOW, Mode::empty())
            .map_err(|error| match error {
                Sys::LOOP => Refusal::new(error, Why::Link),
                // A FIFO without reader.
                Sys::NXIO => Refusal::new(error, Why::NotPlain),
                error => error.into(),
            })?;
        let there = plain(&file)?;
        if there.st_nlink > 1 {
            return Err(Refusal::new(Sys::PERM, Why::SecondName));
        }
        if !may_own(there.st_uid) {
            return Err(Refusal::new(Sys::PERM, Why::NotOurs(there.st_uid)));
        }
        Ok(file)
    }
}

fn plain(file: &File) -> Result<Stat, Refusal> {
    let there = fstat(file)?;
    if is_plain(&there) {
        Ok(there)
    } else {
        Err(Refusal::new(Sys::PERM, Why::NotPlain))
    }
}

fn is_plain(there: &Stat) -> bool {
    FileType::from_raw_mode(there.st_mode) == FileType::RegularFile
}

/// Whether the system keeps users from giving a second name to files that they may not write.
fn hard_links_are_protected() -> bool {
    std::fs::read_to_string("/proc/sys/fs/protected_hardlinks").is_ok_and(|text| text.trim() == "1")
}
