//! Listening, and knowing who is at the other end.

mod groups;
mod problem;
mod shared;
mod tcp;
mod unix;

pub use groups::peer_groups;
pub use problem::BindProblem;
pub use shared::{listen_tcp, listen_unix};
pub use tcp::bind_tcp;
pub use unix::{UnixBound, bind_unix};

use rustix::fs::{Mode, OFlags};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Connections that wait to be accepted: upstream's number. The system may have a lower ceiling.
const BACKLOG: i32 = 1024;

/// A process at the other end of a unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its pid when it connected or began to listen; 0 if it lives outside our namespace.
    pub pid: i32,
    /// Its effective user then.
    pub uid: u32,
    /// Its effective group then.
    pub gid: u32,
}

/// Who is at the other end; nothing for a socket that is no unix socket.
pub fn peer_credentials(fd: BorrowedFd<'_>) -> Option<Peer> {
    let mut credentials = MaybeUninit::<libc::ucred>::zeroed();
    let mut size = libc::socklen_t::try_from(size_of::<libc::ucred>()).ok()?;
    // SAFETY: `credentials` has place for `size` bytes, and both outlive the call.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            credentials.as_mut_ptr().cast(),
            &raw mut size,
        )
    };
    if result != 0 {
        return None;
    }
    // SAFETY: it was zeroed and then filled by the system; any bytes are a valid value of it.
    let credentials = unsafe { credentials.assume_init() };
    // A TCP socket answers too, with nobody.
    (credentials.uid != u32::MAX).then_some(Peer {
        pid: credentials.pid,
        uid: credentials.uid,
        gid: credentials.gid,
    })
}

/// Tells the system who listens now: to be called after going into the background, because clients are shown the pid
/// and user of the process that called `listen` last.
pub fn listen_again(listener: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::net::listen(listener, BACKLOG)?)
}

/// A descriptor kept in reserve, so that a connection can be turned away when there are no others left.
///
/// Without it, a listener without descriptors stays readable and its thread spins.
#[derive(Debug)]
pub struct SpareDescriptor {
    held: Option<OwnedFd>,
}

impl SpareDescriptor {
    /// Takes one.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            held: Some(open_null()?),
        })
    }

    /// Accepts one waiting connection and closes it at once. To be called after `EMFILE` or `ENFILE`.
    pub fn turn_one_away(&mut self, listener: BorrowedFd<'_>) -> io::Result<()> {
        self.held = None;
        let turned_away =
            rustix::net::accept_with(listener, rustix::net::SocketFlags::CLOEXEC).map(drop);
        // Another thread may have been faster; then the next call has none to give up, and finds one again.
        self.held = open_null().ok();
        Ok(turned_away?)
    }
}

fn open_null() -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(
        "/dev/null",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// The pid of who listens at the other end, if it is in our namespace.
/// The user who listens at the other end of a connected unix socket: the one that the listener had when it began to.
pub fn peer_uid(connected: impl AsFd) -> Option<u32> {
    peer_credentials(connected.as_fd()).map(|peer| peer.uid)
}

fn listener_pid(connected: impl AsFd) -> Option<i32> {
    peer_credentials(connected.as_fd())
        .map(|peer| peer.pid)
        .filter(|&pid| pid > 0)
}
