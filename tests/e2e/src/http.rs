//! Plain HTTP over a unix socket or TCP, one request a connection.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::wait::PATIENCE;

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Target {
    /// A unix socket.
    Unix(PathBuf),
    /// A port of the loopback interface.
    Port(u16),
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status line and header lines, without their line ends.
    pub head: Vec<String>,
    /// The body, as many bytes as arrived.
    pub body: Vec<u8>,
}

impl Answer {
    /// The status code; 0 when there is none.
    pub fn status(&self) -> u16 {
        let line = self.head.first().map_or("", String::as_str);
        line.split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .unwrap_or(0)
    }

    /// The body as text, bytes that are no UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header, its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().skip(1).find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// A connection of either kind.
pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Target {
    /// Connects.
    pub fn connect(&self) -> io::Result<Box<dyn Stream>> {
        self.connect_with_timeout(PATIENCE)
    }

    /// Connects; reading and writing give up after `timeout`.
    pub fn connect_with_timeout(&self, timeout: Duration) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                Ok(Box::new(stream))
            }
            Self::Port(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port))?;
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                Ok(Box::new(stream))
            }
        }
    }

    /// Sends bytes as they are and reads one answer (as long as its `Content-Length` says, else to the end).
    pub fn exchange(&self, request: &[u8]) -> io::Result<Answer> {
        let mut stream = self.connect()?;
        // A server that refuses may have answered and left before it was told everything.
        let written = stream.write_all(request);
        read_answer(&mut *stream).map_err(|error| written.err().unwrap_or(error))
    }

    /// Posts an XML-RPC body. Further header lines are whole lines with their line ends.
    pub fn post(&self, body: &str, headers: &str) -> io::Result<Answer> {
        let length = body.len();
        let request = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\
             {headers}\r\n{body}"
        );
        self.exchange(request.as_bytes())
    }
}

/// Reads one answer from an open connection.
pub fn read_answer(stream: &mut dyn Stream) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if !more(stream, &mut bytes)? {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "closed before the header was whole",
            ));
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default())
        .split("\r\n")
        .map(str::to_owned)
        .collect();
    let mut answer = Answer {
        head,
        body: bytes.split_off(end + 4),
    };
    let length = answer
        .header("content-length")
        .and_then(|text| text.parse::<usize>().ok());
    while length.is_none_or(|length| answer.body.len() < length) {
        if !more(stream, &mut answer.body)? {
            break;
        }
    }
    Ok(answer)
}

fn more(stream: &mut dyn Stream, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 8192];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(false),
            Ok(count) => {
                bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
                return Ok(true);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
