//! Listening on behalf of children that inherit the socket.

use super::BindProblem;
use super::tcp;
use super::unix::Place;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Connections that wait to be accepted where nothing is configured: the `SOMAXCONN` of the C library, which upstream
/// takes. The system may have a lower ceiling.
const BACKLOG_DEFAULT: i32 = 4096;

/// Listens on a path, with these permission bits and this owner (user, and group or the one it has). The descriptor
/// blocks, and closes at exec.
///
/// Mode and owner are right before the socket listens. What is in the way is treated as by
/// [`bind_unix`](super::bind_unix), but for sockets that a supervisor has left to its children: they are replaced, when
/// who began to listen is this process, which knows what it has open, or has ended.
pub fn listen_unix(
    path: &Path,
    mode: u32,
    owner: Option<(u32, Option<u32>)>,
    backlog: Option<i32>,
) -> Result<OwnedFd, BindProblem> {
    let place = Place {
        path,
        mode,
        owner,
        backlog: backlog.unwrap_or(BACKLOG_DEFAULT),
        is_for_children: true,
    };
    place.bind().map(|(listener, _)| listener)
}

/// Listens on a host and a port, as [`bind_tcp`](super::bind_tcp) does. May ask the network for the name, and block.
pub fn listen_tcp(host: &str, port: u16, backlog: Option<i32>) -> Result<OwnedFd, BindProblem> {
    tcp::listen_on(host, port, backlog.unwrap_or(BACKLOG_DEFAULT))
}
