//! Listening on the network.

use super::{BACKLOG, BindProblem};
use crate::errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::OwnedFd;

/// Listens on a host and a port. The listener blocks, and closes at exec.
///
/// The host is an IPv4 or IPv6 address (without brackets), a name, or empty for all IPv4 interfaces. Of a name's
/// addresses the first IPv4 one is taken, as upstream does, and the first IPv6 one if there is no other. May ask the
/// network for the name, and block.
pub fn bind_tcp(host: &str, port: u16) -> Result<TcpListener, BindProblem> {
    listen_on(host, port, BACKLOG).map(TcpListener::from)
}

/// The same with a number of connections that may wait.
pub(super) fn listen_on(host: &str, port: u16, backlog: i32) -> Result<OwnedFd, BindProblem> {
    let address = SocketAddr::new(resolve(host)?, port);
    let system = |what| {
        move |error| match error {
            rustix::io::Errno::ADDRINUSE => BindProblem::InUse {
                address: address.to_string(),
                holder: None,
            },
            error => BindProblem::System {
                what,
                address: address.to_string(),
                errno: errno(error),
            },
        }
    };
    let family = if address.is_ipv6() {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .map_err(system("socket"))?;
    sockopt::set_socket_reuseaddr(&socket, true).map_err(system("setsockopt"))?;
    bind(&socket, &address).map_err(system("bind"))?;
    listen(&socket, backlog).map_err(system("listen"))?;
    Ok(socket)
}

fn resolve(host: &str) -> Result<IpAddr, BindProblem> {
    if host.is_empty() {
        return Ok(Ipv4Addr::UNSPECIFIED.into());
    }
    if let Ok(literal) = host.parse() {
        return Ok(literal);
    }
    let problem = |reason: String| BindProblem::Resolve {
        host: host.to_owned(),
        reason,
    };
    let found: Vec<IpAddr> = (host, 0)
        .to_socket_addrs()
        .map_err(|error| problem(error.to_string()))?
        .map(|address| address.ip())
        .collect();
    let first = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first());
    first
        .copied()
        .ok_or_else(|| problem("it has no address".to_owned()))
}
