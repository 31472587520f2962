//! Asking the supervisord that runs, in its own words: one XML-RPC call for each connection.

use provost_model::config::{ServerAddress, ServerSpec};
use provost_wire::base64;
use provost_wire::xmlrpc::{self, Value};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long it may be silent. One that is at work for longer is in no state to be taken over.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Bytes of an answer at most: 100,000 processes are far below.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// A server of the old daemon, as the configuration has it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    address: ServerAddress,
    credentials: Option<(String, String)>,
}

impl Client {
    /// For this server. An error says why its password is of no use.
    pub(super) fn new(server: &ServerSpec) -> Result<Self, String> {
        if let Some((_, password)) = &server.credentials
            && password.starts_with('{')
        {
            return Err(format!(
                "the password of [{}] is in the configuration as a digest only, so it cannot be asked with it",
                server.section
            ));
        }
        Ok(Self {
            address: server.address.clone(),
            credentials: server.credentials.clone(),
        })
    }

    /// Where it is, for messages.
    pub(super) fn place(&self) -> String {
        place(&self.address)
    }

    /// Calls a method without parameters.
    pub(super) fn call(&self, method: &str) -> Result<Value, String> {
        let place = self.place();
        let answer =
            self.exchange(&xmlrpc::write_call(method, &[]))
                .map_err(|error| match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => format!(
                        "{place} did not answer {method} within {} seconds",
                        SILENCE_MAX.as_secs()
                    ),
                    _ => format!("could not ask {place} for {method}: {error}"),
                })?;
        let body = body_of(&answer).map_err(|why| format!("{place} answered {method} {why}"))?;
        match xmlrpc::read_response(body) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(fault)) => Err(format!("{place} refused {method}: {fault}")),
            Err(error) => Err(format!("{place} answered {method} with {error}")),
        }
    }

    fn exchange(&self, call: &[u8]) -> io::Result<Vec<u8>> {
        // By this version of HTTP the end of the connection is the end of the answer.
        let mut request = String::from("POST /RPC2 HTTP/1.0\r\nContent-Type: text/xml\r\n");
        if let Some((name, password)) = &self.credentials {
            let pair = base64::encode(format!("{name}:{password}").as_bytes());
            // A text takes everything.
            let _ = write!(request, "Authorization: Basic {pair}\r\n");
        }
        let _ = write!(request, "Content-Length: {}\r\n\r\n", call.len());
        let request = [request.as_bytes(), call].concat();
        match &self.address {
            ServerAddress::Unix { path, .. } => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(SILENCE_MAX))?;
                stream.set_write_timeout(Some(SILENCE_MAX))?;
                converse(stream, &request)
            }
            ServerAddress::Inet { host, port } => {
                let addresses = (reachable(host), *port).to_socket_addrs()?;
                let mut last = io::Error::from(io::ErrorKind::NotFound);
                for address in addresses {
                    match TcpStream::connect_timeout(&address, SILENCE_MAX) {
                        Ok(stream) => {
                            stream.set_read_timeout(Some(SILENCE_MAX))?;
                            stream.set_write_timeout(Some(SILENCE_MAX))?;
                            return converse(stream, &request);
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }
}

/// A server's address as people write it.
pub(super) fn place(address: &ServerAddress) -> String {
    match address {
        ServerAddress::Unix { path, .. } => format!("unix://{}", path.display()),
        ServerAddress::Inet { host, port } if host.contains(':') => {
            format!("http://[{host}]:{port}")
        }
        ServerAddress::Inet { host, port } => format!("http://{host}:{port}"),
    }
}

/// A host that reaches who listens at this one on the same machine.
fn reachable(host: &str) -> &str {
    match host {
        "" | "*" | "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    }
}

fn converse(mut stream: impl Read + Write, request: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(answer)
}

/// The body of an answer, or what came in its place.
pub(super) fn body_of(answer: &[u8]) -> Result<&[u8], String> {
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or("with something that is not HTTP")?;
    let (head, rest) = answer.split_at(end);
    let head = String::from_utf8_lossy(head);
    let status = head.split_ascii_whitespace().nth(1).unwrap_or_default();
    match status {
        "200" => Ok(rest.get(4..).unwrap_or_default()),
        "401" => Err(
            "with HTTP 401: the name and password of the configuration are not those that it was started with"
                .to_owned(),
        ),
        other => Err(format!("with HTTP {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_body_or_the_reason_why_there_is_none() {
        assert_eq!(
            body_of(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n<x/>"),
            Ok(&b"<x/>"[..])
        );
        let refused = body_of(b"HTTP/1.0 401 Unauthorized\r\n\r\n").unwrap_err();
        assert!(refused.starts_with("with HTTP 401"), "{refused}");
        assert_eq!(
            body_of(b"HTTP/1.0 500 x\r\n\r\n"),
            Err("with HTTP 500".to_owned())
        );
        assert!(body_of(b"").is_err());
    }
}
