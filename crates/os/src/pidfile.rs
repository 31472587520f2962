//! The pid file: one daemon for each, however many are started.
//!
//! The lock belongs to the open file, so it goes along into the background and ends with the last process that has it,
//! however that ends. A file that was left behind holds nobody up.

use crate::errno;
use crate::pidfd::PidFd;
use crate::proc::is_zombie;
use provost_model::{Errno, Pid};
use rustix::fs::{FileType, FlockOperation, Mode, OFlags, flock, fstat, openat, stat};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Times that a file may vanish between being opened and being locked before we give up.
const ATTEMPTS: usize = 16;

/// How often the lock of a daemon that is dead is tried, and the pause in between: two seconds.
const LOCK_TRIES: usize = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Bytes looked at for the pid of a holder: a pid has at most 10 digits.
const PID_BYTES: u64 = 32;

/// Why the pid file is not ours.
#[derive(Debug, thiserror::Error)]
pub enum PidFileProblem {
    /// Another daemon lives and has it.
    #[error("pid file {} is locked by another supervisord{}", path.display(), holder_text(*.holder))]
    Held {
        /// Which file.
        path: PathBuf,
        /// The pid written in it, if one is.
        holder: Option<i32>,
    },
    /// It is a link, a device, a directory, or a file with several names.
    #[error("pid file {} is not a regular file with a single name; remove it or choose another path", path.display())]
    NotOurs {
        /// Which file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {what} pid file {}: {errno}", path.display())]
    System {
        /// `open` or `lock`.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
}

fn holder_text(holder: Option<i32>) -> String {
    holder.map_or_else(String::new, |pid| format!(" (pid {pid})"))
}

/// A pid file that is locked by us until the process ends or this is dropped.
///
/// One that was made for us and never written to goes away with this: a start that fails later leaves nothing behind.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: File,
    made: bool,
    written: bool,
}

impl PidFile {
    /// Locks the file, and makes it if it is not there. Nothing is written yet.
    ///
    /// Links are not followed, and a file with a second name is refused: somebody else's file would be overwritten.
    pub fn lock(path: &Path) -> Result<Self, PidFileProblem> {
        let path = path.to_path_buf();
        let system = |what, errno| PidFileProblem::System {
            what,
            path: path.clone(),
            errno,
        };
        for _ in 0..ATTEMPTS {
            let (file, made) = open(&path).map_err(|error| match error {
                rustix::io::Errno::LOOP | rustix::io::Errno::ISDIR | rustix::io::Errno::NXIO => {
                    PidFileProblem::NotOurs { path: path.clone() }
                }
                error => system("open", errno(error)),
            })?;
            let opened = fstat(&file).map_err(|error| system("open", errno(error)))?;
            if FileType::from_raw_mode(opened.st_mode) != FileType::RegularFile
                || opened.st_nlink > 1
            {
                return Err(PidFileProblem::NotOurs { path });
            }
            match lock_patiently(&file) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(PidFileProblem::Held {
                        holder: pid_in(&file),
                        path,
                    });
                }
                Err(error) => return Err(system("lock", errno(error))),
            }
            let this = Self {
                path: path.clone(),
                file,
                made,
                written: false,
            };
            if this.is_in_place() {
                return Ok(this);
            }
        }
        Err(system("lock", Errno(libc::EAGAIN)))
    }

    /// Goes on with one that an earlier image of this process locked and wrote.
    pub fn resume(path: &Path, file: impl Into<File>) -> Self {
        Self {
            path: path.to_path_buf(),
            file: file.into(),
            made: false,
            written: true,
        }
    }

    /// The locked file, for another image of this process. Nothing is removed.
    pub fn into_file(mut self) -> io::Result<File> {
        self.written = true;
        self.file.try_clone()
    }

    /// Writes the pid and a newline in place of what was there.
    ///
    /// A file that [`lock`](Self::lock) made gets the mode that the umask of now allows.
    pub fn write(&mut self, pid: u32) -> io::Result<()> {
        if self.made {
            let mode = Mode::from_raw_mode(0o666 & !current_umask());
            rustix::fs::fchmod(&self.file, mode)?;
        }
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.written = true;
        self.file.write_all(format!("{pid}\n").as_bytes())
    }

    /// Removes the file, unless another has taken its place meanwhile.
    pub fn remove(self) -> io::Result<()> {
        if self.is_in_place() {
            std::fs::remove_file(&self.path)
        } else {
            Ok(())
        }
    }

    fn is_in_place(&self) -> bool {
        let (Ok(ours), Ok(there)) = (fstat(&self.file), stat(&self.path)) else {
            return false;
        };
        (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if self.made && !self.written && self.is_in_place() {
            // An empty pid file that cannot be removed is taken over by the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Takes the lock. One that a daemon had who is dead is still held for a moment by its last threads, or by a child that it
/// has just forked; it is waited for.
fn lock_patiently(file: &File) -> rustix::io::Result<()> {
    let is_dead = |pid| {
        let ended = PidFd::open(Pid(pid)).map_or(true, |holder| holder.has_ended());
        ended || is_zombie(Pid(pid))
    };
    for _ in 0..LOCK_TRIES {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) if pid_in(file).is_some_and(is_dead) => {
                std::thread::sleep(LOCK_PAUSE);
            }
            other => return other,
        }
    }
    Err(rustix::io::Errno::WOULDBLOCK)
}

/// Opens, and tells whether the file was made. A FIFO without reader is not waited for.
fn open(path: &Path) -> rustix::io::Result<(File, bool)> {
    let flags =
        OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let create = flags | OFlags::CREATE | OFlags::EXCL;
    // Nobody else may write to it, whatever the umask is before the daemon sets its own.
    let private = Mode::from_raw_mode(0o644);
    match openat(rustix::fs::CWD, path, create, private) {
        Ok(file) => Ok((File::from(file), true)),
        Err(rustix::io::Errno::EXIST) => match openat(rustix::fs::CWD, path, flags, private) {
            // It vanished in between.
            Err(rustix::io::Errno::NOENT) => {
                openat(rustix::fs::CWD, path, create, private).map(|file| (File::from(file), true))
            }
            other => other.map(|file| (File::from(file), false)),
        },
        Err(error) => Err(error),
    }
}

fn pid_in(mut file: &File) -> Option<i32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(PID_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The umask of this process, read without changing it: another thread may be making a file.
fn current_umask() -> u32 {
    /// The usual one, for a system that does not tell (Linux before 4.7, or without `/proc`).
    const USUAL: u32 = 0o022;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    umask
        .and_then(|text| u32::from_str_radix(text.trim(), 8).ok())
        .unwrap_or(USUAL)
}
