//! Server URLs.

use std::fmt;
use std::path::PathBuf;

/// The port of a `http://` URL without one.
const HTTP_PORT: u16 = 80;

/// And that of a `https://` URL.
const HTTPS_PORT: u16 = 443;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A socket file.
    Unix(PathBuf),
    /// A host (name or address, IPv6 without brackets) and a port.
    Tcp {
        /// Name or address.
        host: String,
        /// 1 to 65535.
        port: u16,
        /// Whether TLS is spoken there.
        secret: bool,
    },
}

/// A server URL that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownProtocol {
    url: String,
    hint: &'static str,
}

impl fmt::Display for UnknownProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Unknown protocol for serverurl {}; {}",
            self.url, self.hint
        )
    }
}

impl Address {
    /// Reads `unix:///path/of/socket`, `http://host:port` or `https://host:port`; a path behind the port is left aside, as is a user name
    /// before the host. IPv6 addresses stand in brackets.
    pub(crate) fn parse(url: &str) -> Result<Self, UnknownProtocol> {
        let refuse = |hint| UnknownProtocol {
            url: url.to_owned(),
            hint,
        };
        if let Some(path) = url.strip_prefix("unix://") {
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let (rest, usual_port) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (rest, HTTP_PORT),
            (_, Some(rest)) => (rest, HTTPS_PORT),
            (None, None) => {
                return Err(refuse(
                    "write http://host:port, https://host:port or unix:///path/of/socket",
                ));
            }
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let place = authority
            .rsplit_once('@')
            .map_or(authority, |(_, place)| place);
        let (host, port) =
            split_port(place).ok_or_else(|| refuse("an IPv6 address ends with ]"))?;
        let port = match port {
            None | Some("") => usual_port,
            Some(digits) => digits
                .parse()
                .map_err(|_| refuse("a port is a number from 1 to 65535"))?,
        };
        if host.is_empty() {
            return Err(refuse("the host is missing"));
        }
        Ok(Self::Tcp {
            host: host.to_lowercase(),
            port,
            secret: usual_port == HTTPS_PORT,
        })
    }

    /// What to write into the `Host` header.
    pub(crate) fn host_header(&self) -> String {
        match self {
            Self::Unix(_) => "localhost".to_owned(),
            Self::Tcp { host, port, .. } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Tcp { host, port, .. } => format!("{host}:{port}"),
        }
    }
}

fn split_port(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(inner) = place.strip_prefix('[') {
        let (host, rest) = inner.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        };
    }
    Some(match place.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (place, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp {
            host: host.to_owned(),
            port,
            secret: false,
        }
    }

    #[test]
    fn urls_name_sockets_hosts_and_ports() {
        let of = |url| Address::parse(url).unwrap();
        assert_eq!(
            of("unix:///tmp/x.sock"),
            Address::Unix("/tmp/x.sock".into())
        );
        assert_eq!(of("http://Localhost:9001"), tcp("localhost", 9001));
        assert_eq!(of("http://127.0.0.1"), tcp("127.0.0.1", 80));
        assert_eq!(of("http://h:9001/RPC2?x#y"), tcp("h", 9001));
        assert_eq!(of("http://me:secret@h:9001"), tcp("h", 9001));
        assert_eq!(of("http://[::1]:9001"), tcp("::1", 9001));
        assert_eq!(of("http://[::1]/"), tcp("::1", 80));
        let secret = of("https://h/RPC2");
        assert!(matches!(
            secret,
            Address::Tcp {
                port: 443,
                secret: true,
                ..
            }
        ));
        assert_eq!(secret.host_header(), "h:443");
        assert_eq!(of("http://[::1]:9001").host_header(), "[::1]:9001");
    }

    #[test]
    fn other_urls_are_refused_with_the_reason() {
        let of = |url| Address::parse(url).unwrap_err().to_string();
        assert!(of("ftp://h").starts_with("Unknown protocol for serverurl ftp://h"));
        assert!(of("http://h:x").ends_with("a port is a number from 1 to 65535"));
        assert!(of("http://[::1:9001").ends_with("ends with ]"));
        assert!(of("http://:9001").ends_with("the host is missing"));
    }
}
