//! A client's socket, TCP or unix, that keeps its [`Watch`] and its [`Tape`] informed.

use super::caller::PeerProcess;
use super::carry::tape::Tape;
use super::connection::LINGER;
use super::watch::Watch;
use provost_os::sockets;
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// How long last words wait for room in the socket. A new one has room, but that must be found out.
const SAYING: Duration = Duration::from_millis(100);

/// A connected socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
    /// After the handshake.
    Tls(RefCell<Box<TlsStream<TcpStream>>>, SocketAddr),
    /// A client that has left work behind: it says nothing, and takes everything.
    Nobody,
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream, _) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
            Self::Tls(stream, _) => stream.borrow().get_ref().0.as_raw_fd(),
            // No descriptor at all.
            Self::Nobody => -1,
        }
    }
}

impl Socket {
    /// The socket that was carried here.
    pub(super) fn carried(
        socket: OwnedFd,
        address: Option<SocketAddr>,
        is_detached: bool,
    ) -> io::Result<Self> {
        if is_detached {
            return Ok(Self::Nobody);
        }
        if let Some(address) = address {
            let stream = std::net::TcpStream::from(socket);
            stream.set_nonblocking(true)?;
            return Ok(Self::Tcp(TcpStream::from_std(stream)?, address));
        }
        let stream = std::os::unix::net::UnixStream::from(socket);
        stream.set_nonblocking(true)?;
        Ok(Self::Unix(UnixStream::from_std(stream)?))
    }

    /// Gives the socket away.
    pub(super) fn into_descriptor(self) -> io::Result<OwnedFd> {
        Ok(match self {
            Self::Tcp(stream, _) => stream.into_std()?.into(),
            Self::Unix(stream) => stream.into_std()?.into(),
            // What was agreed with the client cannot be given away.
            Self::Tls(..) => return Err(io::ErrorKind::Unsupported.into()),
            Self::Nobody => nobody()?,
        })
    }

    /// The client's process, as far as the system knows it.
    pub(super) fn process(&self) -> Option<PeerProcess> {
        match self {
            Self::Unix(stream) => process(stream),
            Self::Tcp(..) | Self::Tls(..) | Self::Nobody => None,
        }
    }

    /// The client's address and port; none for one of a unix socket.
    pub(super) fn socket_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(_, address) | Self::Tls(_, address) => Some(*address),
            Self::Unix(_) | Self::Nobody => None,
        }
    }

    /// The client's address; none for one of a unix socket.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.socket_address()
            .map(|address| address.ip().to_canonical())
    }

    /// Writes what the kernel takes at once, for last words to somebody who may not read them.
    pub(super) async fn say(&self, words: &[u8]) {
        let writable = async {
            match self {
                Self::Tcp(stream, _) => stream.writable().await,
                Self::Unix(stream) => stream.writable().await,
                Self::Tls(..) | Self::Nobody => Ok(()),
            }
        };
        // Whoever has gone or does not read misses them.
        if timeout(SAYING, writable).await.is_ok() {
            let _ = self.try_write(words);
        }
    }

    /// Takes leave of a client that would else not know whether somebody cut the line. One that has no room for it does
    /// without.
    pub(super) fn part(&self) {
        if let Self::Tls(stream, _) = self {
            let mut cx = Context::from_waker(Waker::noop());
            let _ = Pin::new(&mut **stream.borrow_mut()).poll_shutdown(&mut cx);
        }
    }

    /// Says that nothing more will be said, then reads and forgets until the client ends too or is silent, or `limit` bytes.
    pub(super) async fn linger(&mut self, limit: usize) {
        match self {
            Self::Tcp(stream, _) => linger(stream, limit).await,
            Self::Unix(stream) => linger(stream, limit).await,
            Self::Tls(stream, _) => linger(&mut **stream.get_mut(), limit).await,
            Self::Nobody => {}
        }
    }

    /// Reads what has come.
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Self::Tls(stream, _) = self {
            let read = ready!(Pin::new(&mut **stream.borrow_mut()).poll_read(cx, buffer));
            // Many a client leaves without a word. HTTP knows what is complete without it.
            return Poll::Ready(match read {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
                read => read,
            });
        }
        loop {
            ready!(self.poll_read_ready(cx))?;
            match self.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Writes what there is room for, of one piece after the other.
    fn poll_write(&self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if let Self::Tls(stream, _) = self {
            return Pin::new(&mut **stream.borrow_mut()).poll_write_vectored(cx, pieces);
        }
        loop {
            ready!(self.poll_write_ready(cx))?;
            let written = match self {
                Self::Tcp(stream, _) => stream.try_write_vectored(pieces),
                Self::Unix(stream) => stream.try_write_vectored(pieces),
                Self::Tls(..) | Self::Nobody => Ok(pieces.iter().map(|piece| piece.len()).sum()),
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    /// Waits until what was written is the system's.
    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tls(stream, _) => Pin::new(&mut **stream.borrow_mut()).poll_flush(cx),
            Self::Tcp(..) | Self::Unix(_) | Self::Nobody => Poll::Ready(Ok(())),
        }
    }

    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream, _) => stream.poll_read_ready(cx),
            Self::Unix(stream) => stream.poll_read_ready(cx),
            Self::Tls(..) | Self::Nobody => Poll::Pending,
        }
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream, _) => stream.try_read(buffer),
            Self::Unix(stream) => stream.try_read(buffer),
            Self::Tls(..) | Self::Nobody => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream, _) => stream.poll_write_ready(cx),
            Self::Unix(stream) => stream.poll_write_ready(cx),
            Self::Tls(stream, _) => stream.borrow().get_ref().0.poll_write_ready(cx),
            Self::Nobody => Poll::Ready(Ok(())),
        }
    }

    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream, _) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
            Self::Tls(stream, _) => {
                let mut cx = Context::from_waker(Waker::noop());
                let mut stream = stream.borrow_mut();
                let written = Pin::new(&mut **stream).poll_write(&mut cx, bytes);
                // What does not leave now leaves with the next bytes, or not at all.
                let _ = Pin::new(&mut **stream).poll_flush(&mut cx);
                match written {
                    Poll::Ready(written) => written,
                    Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
            Self::Nobody => Ok(bytes.len()),
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

/// A descriptor for work that has no client.
pub(super) fn nobody() -> io::Result<OwnedFd> {
    std::fs::File::open("/dev/null").map(OwnedFd::from)
}

async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin, limit: usize) {
    // Errors mean that the client is gone, and the wait is over.
    if stream.shutdown().await.is_err() {
        return;
    }
    let (mut buffer, mut seen) = ([0; 4096], 0_usize);
    while seen < limit {
        match timeout(LINGER, stream.read(&mut buffer)).await {
            Err(_) | Ok(Ok(0) | Err(_)) => return,
            Ok(Ok(count)) => seen = seen.saturating_add(count),
        }
    }
}

/// A socket, its watch and its tape.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) socket: Rc<Socket>,
    pub(super) watch: Rc<Watch>,
    pub(super) tape: Rc<Tape>,
}

impl Watched {
    fn heard(&self, bytes: &[u8]) {
        self.tape.hear(bytes);
        self.watch.heard(bytes);
    }

    /// How much of what is offered for writing does not go to the socket: it was written by an earlier image, or a later one
    /// will write it.
    fn kept_here(&self, bytes: &[u8]) -> Option<usize> {
        self.tape.say(bytes);
        let skipped = self.tape.skip(bytes);
        if skipped > 0 {
            return Some(skipped);
        }
        self.tape.absorb(bytes).then_some(bytes.len())
    }

    /// Tells the watch how a write went.
    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(_)) => self.watch.wrote(true),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.watch.wrote(false),
        }
        written
    }

    /// Writes what is to be written before all else.
    pub(super) fn poll_rest(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Poll::Ready(ready) = self.socket.poll_write_ready(cx) else {
                self.watch.wrote(false);
                return Poll::Pending;
            };
            ready?;
            let is_done = self.tape.write_rest(|bytes| {
                let count = self.socket.try_write(bytes)?;
                self.watch.wrote(true);
                Ok(count)
            })?;
            if is_done {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.tape.is_wanted() {
            let before = buffer.filled().len();
            if self.tape.replay(buffer).is_some() {
                let bytes = buffer.filled().get(before..).unwrap_or_default();
                self.heard(bytes);
                if self.watch.verdict().is_some() {
                    return Poll::Pending;
                }
                return Poll::Ready(Ok(()));
            }
        }
        if self.tape.holds_back(cx.waker()) {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(self.socket.poll_read(cx, buffer))?;
        self.heard(buffer.filled().get(before..).unwrap_or_default());
        if self.watch.verdict().is_some() {
            // The connection is over, and its task is about to find out.
            buffer.set_filled(before);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(count) = self.kept_here(bytes) {
            return Poll::Ready(Ok(count));
        }
        self.noted(self.socket.poll_write(cx, &[IoSlice::new(bytes)]))
    }

    /// An answer's headers and its body go together, without being copied together first.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = pieces.iter().find(|piece| !piece.is_empty());
        let Some(first) = first.map(|piece| &**piece) else {
            return Poll::Ready(Ok(0));
        };
        if let Some(count) = self.kept_here(first) {
            return Poll::Ready(Ok(count));
        }
        self.noted(self.socket.poll_write(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(*self.socket, Socket::Tls(..)) {
            let flushed = self.socket.poll_flush(cx);
            self.watch.wrote(flushed.is_ready());
            ready!(flushed)?;
        }
        self.watch.flushed();
        Poll::Ready(Ok(()))
    }

    /// The socket is closed when its last owner lets go, which is at the end of the connection.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
