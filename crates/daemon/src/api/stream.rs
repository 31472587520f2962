//! A client's socket, TCP or unix, that keeps its [`Watch`] informed.

use super::caller::{Peer, PeerProcess};
use super::watch::Watch;
use provost_os::sockets;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// How long last words wait for room in the socket. A new one has room, but that must be found out.
const SAYING: Duration = Duration::from_millis(100);

/// A connected socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Socket {
    /// The client, as far as the system knows it.
    pub(super) fn peer(&self) -> Peer {
        match self {
            Self::Tcp(_, address) => Peer {
                shown: format!("{}:{}", address.ip(), address.port()),
                address: Some(address.ip()),
                process: None,
            },
            Self::Unix(stream) => Peer {
                shown: "localhost:0".to_owned(),
                address: None,
                process: process(stream),
            },
        }
    }

    /// The client's address; none for one of a unix socket.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(_, address) => Some(address.ip().to_canonical()),
            Self::Unix(_) => None,
        }
    }

    /// Writes what the kernel takes at once, for last words to somebody who may not read them.
    pub(super) async fn say(&self, words: &[u8]) {
        let writable = async {
            match self {
                Self::Tcp(stream, _) => stream.writable().await,
                Self::Unix(stream) => stream.writable().await,
            }
        };
        // Whoever has gone or does not read misses them.
        if timeout(SAYING, writable).await.is_ok() {
            let _ = self.try_write(words);
        }
    }

    /// Says that nothing more will be said, then reads and forgets until the client ends too, or `limit` bytes.
    pub(super) async fn linger(self, limit: usize) {
        match self {
            Self::Tcp(stream, _) => linger(stream, limit).await,
            Self::Unix(stream) => linger(stream, limit).await,
        }
    }

    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream, _) => stream.poll_read_ready(cx),
            Self::Unix(stream) => stream.poll_read_ready(cx),
        }
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream, _) => stream.try_read(buffer),
            Self::Unix(stream) => stream.try_read(buffer),
        }
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream, _) => stream.poll_write_ready(cx),
            Self::Unix(stream) => stream.poll_write_ready(cx),
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream, _) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }
}

fn process(stream: &UnixStream) -> Option<PeerProcess> {
    let found = sockets::peer_credentials(stream.as_fd())?;
    Some(PeerProcess {
        uid: found.uid,
        gid: found.gid,
        pid: found.pid,
        groups: sockets::peer_groups(stream.as_fd()),
    })
}

async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin, limit: usize) {
    // Errors mean that the client is gone, and the wait is over.
    if stream.shutdown().await.is_err() {
        return;
    }
    let (mut buffer, mut seen) = ([0; 4096], 0_usize);
    while seen < limit {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => seen = seen.saturating_add(count),
        }
    }
}

/// A socket and its watch.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) socket: Rc<Socket>,
    pub(super) watch: Rc<Watch>,
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.socket.poll_read_ready(cx))?;
            let free = buffer.initialize_unfilled();
            match self.socket.try_read(free) {
                Ok(count) => {
                    self.watch.heard(free.get(..count).unwrap_or_default());
                    if self.watch.verdict().is_some() {
                        // The connection is over, and its task is about to find out.
                        return Poll::Pending;
                    }
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let Poll::Ready(ready) = self.socket.poll_write_ready(cx) else {
                self.watch.wrote(false);
                return Poll::Pending;
            };
            ready?;
            match self.socket.try_write(bytes) {
                Ok(count) => {
                    self.watch.wrote(true);
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The socket is closed when its last owner lets go, which is at the end of the connection.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
