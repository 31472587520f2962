//! Listening on a path.

use super::{BACKLOG, BindProblem, listener_pid};
use crate::{errno, users};
use provost_model::Errno;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, Uid, chmod, chownat, fchmod, link, lstat, unlink,
};
use rustix::io::Errno as Sys;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Bytes of a path that a socket address holds, without the NUL that ends it.
pub(super) const PATH_MAX: usize = 107;

/// Times that another process may put something at the path while we clear it, before we give up.
const ATTEMPTS: usize = 16;

/// A listener on a path.
#[derive(Debug)]
pub struct UnixBound {
    /// It listens already. Blocks, and closes at exec.
    pub listener: UnixListener,
    /// A socket without listener was in the way and was removed: the operator is told
    /// `Unlinking stale socket ⟨path⟩`.
    pub removed_stale: bool,
}

/// Listens on a path, with these permission bits and this owner (user, and group or the one it has).
///
/// The socket is made under the name `⟨path⟩.⟨our pid⟩`, gets its mode and owner, listens, and only then gets its real
/// name: nobody can connect before all is right, and a failure leaves nothing behind. Where the file system has no hard
/// links, or the longer name does not fit, it is made under its real name, with no more rights than it shall have.
///
/// A path at which somebody listens is left alone. Old sockets and empty files are removed; nothing else is.
pub fn bind_unix(
    path: &Path,
    mode: u32,
    owner: Option<(u32, Option<u32>)>,
) -> Result<UnixBound, BindProblem> {
    let place = Place {
        path,
        mode,
        owner,
        backlog: BACKLOG,
        is_for_children: false,
    };
    let (listener, removed_stale) = place.bind()?;
    Ok(UnixBound {
        listener: UnixListener::from(listener),
        removed_stale,
    })
}

/// A socket to be.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) mode: u32,
    pub(super) owner: Option<(u32, Option<u32>)>,
    pub(super) backlog: i32,
    /// It is made under its own name only, because children may ask what it is called; and one that a supervisor has
    /// left to its children gives way.
    pub(super) is_for_children: bool,
}

impl Place<'_> {
    /// The listener, and whether something old was removed.
    pub(super) fn bind(&self) -> Result<(OwnedFd, bool), BindProblem> {
        if self.path.as_os_str().len() > PATH_MAX {
            return Err(BindProblem::PathTooLong {
                path: self.path.to_path_buf(),
            });
        }
        let mut removed_stale = false;
        for _ in 0..ATTEMPTS {
            let listener = match self.try_linked() {
                Ok(Some(listener)) => Ok(listener),
                Ok(None) => self.listen_at(self.path),
                Err(problem) => Err(problem),
            };
            match listener {
                Ok(listener) => return Ok((listener, removed_stale)),
                Err(Attempt::Taken) => removed_stale |= self.clear()?,
                Err(Attempt::Failed(problem)) => return Err(problem),
            }
        }
        Err(self.system("bind", Sys::EXIST))
    }

    /// Nothing means that it cannot be done this way here.
    fn try_linked(&self) -> Result<Option<OwnedFd>, Attempt> {
        if self.is_for_children {
            return Ok(None);
        }
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{}", getpid().as_raw_pid()));
        if name.len() > PATH_MAX {
            return Ok(None);
        }
        let temporary = Temporary(PathBuf::from(name));
        // Only an earlier process with our pid can have left it.
        let _usually_not_there = unlink(&temporary.0);
        let socket = self.listen_at(&temporary.0)?;
        match link(&temporary.0, self.path) {
            Ok(()) => Ok(Some(socket)),
            Err(Sys::EXIST) => Err(Attempt::Taken),
            Err(Sys::PERM | Sys::OPNOTSUPP | Sys::NOSYS | Sys::MLINK | Sys::INVAL | Sys::XDEV) => {
                Ok(None)
            }
            Err(error) => Err(self.system("link", error).into()),
        }
    }

    /// A socket at `at`, complete before it listens. A failure leaves nothing there.
    fn listen_at(&self, at: &Path) -> Result<OwnedFd, Attempt> {
        let failed = |what| move |error| Attempt::from(self.system(what, error));
        let address = SocketAddrUnix::new(at).map_err(failed("bind"))?;
        let socket = socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .map_err(failed("socket"))?;
        let mode = Mode::from_raw_mode(self.mode);
        // The file gets the socket's mode less the umask: never more than it shall have.
        fchmod(&socket, mode).map_err(failed("chmod"))?;
        match bind(&socket, &address) {
            Ok(()) => {}
            Err(Sys::ADDRINUSE) => return Err(Attempt::Taken),
            Err(error) => return Err(failed("bind")(error)),
        }
        let complete = self.complete(&socket, at);
        if complete.is_err() {
            let _it_was_ours = unlink(at);
        }
        complete.map(|()| socket)
    }

    fn complete(&self, socket: &OwnedFd, at: &Path) -> Result<(), Attempt> {
        let failed = |what| move |error| Attempt::from(self.system(what, error));
        chmod(at, Mode::from_raw_mode(self.mode)).map_err(failed("chmod"))?;
        self.give_to_owner(at)?;
        listen(socket, self.backlog).map_err(failed("listen"))
    }

    fn give_to_owner(&self, at: &Path) -> Result<(), Attempt> {
        let Some((uid, gid)) = self.owner else {
            return Ok(());
        };
        let (user, group) = (Uid::from_raw(uid), gid.map(Gid::from_raw));
        match chownat(CWD, at, Some(user), group, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(()) => Ok(()),
            Err(Sys::PERM) => {
                let us = users::current_euid();
                let name = users::by_uid(us)
                    .ok()
                    .flatten()
                    .map(|user| user.name.to_string_lossy().into_owned());
                let us = name.unwrap_or_else(|| us.to_string());
                Err(BindProblem::Chown {
                    path: self.path.to_path_buf(),
                    uid,
                    gid,
                    us,
                }
                .into())
            }
            Err(error) => Err(self.system("chown", error).into()),
        }
    }

    /// Removes what is at the path if nobody lives behind it, and tells whether there was anything.
    fn clear(&self) -> Result<bool, BindProblem> {
        let there = match lstat(self.path) {
            Ok(there) => there,
            Err(Sys::NOENT) => return Ok(false),
            Err(error) => return Err(self.system("stat", error)),
        };
        if let Some(holder) = self.somebody_listens(there.st_uid)? {
            return Err(BindProblem::InUse {
                address: self.path.display().to_string(),
                holder: holder.pid,
            });
        }
        let ours_to_remove = match FileType::from_raw_mode(there.st_mode) {
            FileType::Socket | FileType::Symlink => true,
            FileType::RegularFile => there.st_size == 0,
            _ => false,
        };
        if !ours_to_remove {
            return Err(BindProblem::Occupied {
                path: self.path.to_path_buf(),
            });
        }
        match unlink(self.path) {
            Ok(()) => Ok(true),
            Err(Sys::NOENT) => Ok(false),
            Err(error) => Err(self.system("unlink", error)),
        }
    }

    /// Connects without waiting: a listener whose queue is full lives, too.
    ///
    /// `owner` is the owner of what is at the path.
    fn somebody_listens(&self, owner: u32) -> Result<Option<Holder>, BindProblem> {
        let failed = |what| move |error| self.system(what, error);
        let address = SocketAddrUnix::new(self.path).map_err(failed("connect"))?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
            .map_err(failed("socket"))?;
        match connect(&socket, &address) {
            Ok(()) => {
                let pid = listener_pid(&socket);
                let gives_way = self.is_for_children && pid.is_some_and(is_remnant);
                Ok((!gives_way).then_some(Holder { pid }))
            }
            // No place in its queue; or not a stream socket, but somebody has it open.
            Err(Sys::AGAIN | Sys::PROTOTYPE) => Ok(Some(Holder { pid: None })),
            // It is ours, with a mode that locks out ourselves.
            Err(Sys::ACCESS) if self.is_for_children && owner == users::current_euid() => Ok(None),
            // It is not ours to talk to, so there is no telling whether it lives.
            Err(Sys::ACCESS) => Err(failed("connect")(Sys::ACCESS)),
            Err(_) => Ok(None),
        }
    }

    fn system(&self, what: &'static str, error: Sys) -> BindProblem {
        let errno: Errno = errno(error);
        BindProblem::System {
            what,
            address: self.path.display().to_string(),
            errno,
        }
    }
}

/// Whether who began to listen under this pid has no use for the socket any more: ourselves, who know what we have open,
/// or a process that is gone. What is left are children that inherited the socket.
fn is_remnant(pid: i32) -> bool {
    if pid == getpid().as_raw_pid() {
        return true;
    }
    let Some(pid) = Pid::from_raw(pid) else {
        return false;
    };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => {
            // It is readable once the process has ended, although nobody may have waited for it yet.
            let mut ended = [PollFd::new(&process, PollFlags::IN)];
            poll(&mut ended, Some(&Timespec::default())).is_ok_and(|count| count > 0)
        }
        Err(error) => error == Sys::SRCH,
    }
}

/// Who listens at the path.
struct Holder {
    pid: Option<i32>,
}

/// Why one attempt did not succeed.
enum Attempt {
    /// Something is at the path.
    Taken,
    /// No other attempt will do better.
    Failed(BindProblem),
}

impl From<BindProblem> for Attempt {
    fn from(problem: BindProblem) -> Self {
        Self::Failed(problem)
    }
}

/// A name that goes away with this value; the socket stays reachable by its other name.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _never_made_or_already_gone = unlink(&self.0);
    }
}
