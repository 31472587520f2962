//! One connection: opened, asked, read from.

use super::address::Address;
use super::tls::{self, Trust};
use provost_model::access::wipe;
use provost_os::sockets::peer_uid;
use provost_os::users::current_euid;
use provost_wire::base64;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long one TCP address has to answer. Only a host that drops packets takes longer.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// What requests say of their sender.
const USER_AGENT: &str = concat!("Provost-supervisorctl/", env!("CARGO_PKG_VERSION"));

/// The permission bit with which everybody can make files in a directory.
const ALL_WRITE: u32 = 0o002;

/// Name and password for Basic authentication.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The user's name, without a colon.
    pub(crate) username: String,
    /// The password.
    pub(crate) password: String,
}

impl Drop for Credentials {
    fn drop(&mut self) {
        wipe(&mut std::mem::take(&mut self.password).into_bytes());
    }
}

impl Credentials {
    fn header(&self) -> String {
        let mut both = format!("{}:{}", self.username, self.password).into_bytes();
        let encoded = base64::encode(&both);
        wipe(&mut both);
        encoded
    }
}

#[derive(Debug)]
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
    Tls(Box<tls::Secret>),
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    /// Header lines that every request has.
    headers: String,
}

impl Connection {
    /// Connects; a host with several addresses is tried at each, and the last failure is told.
    ///
    /// `daemon` is the user that supervisord is known to run as, besides root and ourselves. A password is sent to
    /// nobody else who could have taken the place of its socket.
    pub(crate) fn open(
        address: &Address,
        credentials: Option<&Credentials>,
        daemon: Option<u32>,
        trust: &Trust,
    ) -> io::Result<Self> {
        let stream = match address {
            Address::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                if credentials.is_some() {
                    check_listener(Path::new(path), &stream, daemon)?;
                }
                Stream::Unix(stream)
            }
            Address::Tcp { host, port, secret } => {
                let stream = connect_tcp(host, *port)?;
                if *secret {
                    Stream::Tls(Box::new(tls::shake_hands(host, stream, trust)?))
                } else {
                    Stream::Tcp(stream)
                }
            }
        };
        let mut headers = format!(
            "Host: {}\r\nUser-Agent: {USER_AGENT}\r\n",
            address.host_header()
        );
        if let Some(credentials) = credentials {
            headers.push_str("Authorization: Basic ");
            headers.push_str(&credentials.header());
            headers.push_str("\r\n");
        }
        Ok(Self { stream, headers })
    }

    /// Gives up reading after this long without a byte.
    pub(crate) fn limit_reads(&self, limit: Duration) -> io::Result<()> {
        match &self.stream {
            Stream::Unix(stream) => stream.set_read_timeout(Some(limit)),
            Stream::Tcp(stream) => stream.set_read_timeout(Some(limit)),
            Stream::Tls(secret) => secret.sock.set_read_timeout(Some(limit)),
        }
    }

    /// Sends an XML-RPC call.
    pub(crate) fn send_call(&mut self, body: &[u8]) -> io::Result<()> {
        let mut request = format!(
            "POST /RPC2 HTTP/1.1\r\n{}Content-Type: text/xml\r\nAccept: text/xml\r\nContent-Length: {}\r\n\r\n",
            self.headers,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.write_all(&request)
    }

    /// Asks for what lies at the path, which is already percent-encoded.
    pub(crate) fn send_get(&mut self, path: &str) -> io::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\n{}Accept: */*\r\n\r\n", self.headers);
        self.write_all(request.as_bytes())
    }

    /// Reads what has come, waiting for something if nothing has; 0 at the end of the connection. None when that was of
    /// concern to TLS only: there may be nothing more for a long time, in which Ctrl-C must count.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            let outcome = match &mut self.stream {
                Stream::Unix(stream) => stream.read(buffer).map(Some),
                Stream::Tcp(stream) => stream.read(buffer).map(Some),
                Stream::Tls(secret) => tls::read(secret, buffer),
            };
            match outcome {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Unix(stream) => stream.write_all(bytes),
            Stream::Tcp(stream) => stream.write_all(bytes),
            Stream::Tls(secret) => tls::write(secret, bytes),
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.stream {
            Stream::Unix(stream) => stream.as_fd(),
            Stream::Tcp(stream) => stream.as_fd(),
            Stream::Tls(secret) => secret.sock.as_fd(),
        }
    }
}

/// Who listens in a directory where everybody can make files must be somebody whom we trust anyway.
fn check_listener(path: &Path, stream: &UnixStream, daemon: Option<u32>) -> io::Result<()> {
    let Some(uid) = peer_uid(stream) else {
        return Ok(());
    };
    let trusted = uid == 0 || uid == current_euid() || Some(uid) == daemon;
    let directory = path.parent().unwrap_or(Path::new("/"));
    let open = fs::metadata(directory).is_ok_and(|there| there.mode() & ALL_WRITE != 0);
    if trusted || !open {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "uid {uid} listens there, who is neither root nor you, so no password was sent; if supervisord runs as that \
         user, name it as `user` in [supervisord], or move the socket to a directory where not everybody can make \
         files"
    )))
}

fn connect_tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::AddrNotAvailable, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
