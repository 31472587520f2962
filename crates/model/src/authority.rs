//! A host and perhaps a port, as URLs and the `Host` header of HTTP have them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Bytes of a host name; the domain name system knows no longer ones.
const HOST_LEN: usize = 255;

/// A host and perhaps a port. Letters keep their case, and compare without it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

/// What is no [`Authority`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAuthority;

impl Authority {
    /// The host; an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where one is named.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether the host is this one, whatever the port.
    pub fn is_at(&self, host: &str) -> bool {
        self.host.eq_ignore_ascii_case(host)
    }

    /// The address, when the host is one and no name.
    pub fn address(&self) -> Option<IpAddr> {
        let bare = self
            .host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        match bare {
            Some(bare) => bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => self.host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        }
    }

    /// The same without a port that is `default`.
    #[must_use]
    pub fn without_port(mut self, default: u16) -> Self {
        self.port = self.port.filter(|port| *port != default);
        self
    }
}

impl PartialEq for Authority {
    fn eq(&self, other: &Self) -> bool {
        self.is_at(&other.host) && self.port == other.port
    }
}

impl Eq for Authority {}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

impl FromStr for Authority {
    type Err = NoAuthority;

    /// Takes `host`, `host:port` and `[address]:port`. A colon without a port behind it counts as none.
    fn from_str(text: &str) -> Result<Self, NoAuthority> {
        let (host, rest) = if text.starts_with('[') {
            let end = text.find(']').ok_or(NoAuthority)?;
            text.split_at(end + 1)
        } else {
            text.split_at(text.find(':').unwrap_or(text.len()))
        };
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().map_err(|_| NoAuthority)?)
            }
            _ => return Err(NoAuthority),
        };
        let authority = Self {
            host: host.to_owned(),
            port,
        };
        let is_host = if host.starts_with('[') {
            authority.address().is_some()
        } else {
            !host.is_empty()
                && host.len() <= HOST_LEN
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        };
        is_host.then_some(authority).ok_or(NoAuthority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Authority {
        text.parse().unwrap()
    }

    #[test]
    fn hosts_with_and_without_ports_are_taken() {
        for (text, host, port) in [
            ("app", "app", None),
            ("app:", "app", None),
            ("App.Example.org:9001", "App.Example.org", Some(9001)),
            ("my_app:80", "my_app", Some(80)),
            ("127.0.0.1:1", "127.0.0.1", Some(1)),
            ("[::1]", "[::1]", None),
            ("[::1]:9001", "[::1]", Some(9001)),
        ] {
            let authority = of(text);
            assert_eq!((authority.host(), authority.port()), (host, port), "{text}");
        }
        assert_eq!(of("app:80").without_port(80).to_string(), "app");
        assert_eq!(of("[::1]:81").without_port(80).to_string(), "[::1]:81");
        assert_eq!(of("APP:80"), of("app:80"));
        assert!(of("app") != of("app:80"));
    }

    #[test]
    fn what_no_host_can_be_is_refused() {
        for text in [
            "",
            ":",
            ":80",
            "a b",
            "a/b",
            "a@b",
            "a:b",
            "a:80:80",
            "a:99999",
            "a:+80",
            "::1",
            "[::1",
            "[::1]x",
            "[app]",
            "a\r\nb",
            "a%20b",
            "<unix domain socket>",
            "h\u{f6}st",
        ] {
            assert_eq!(text.parse::<Authority>(), Err(NoAuthority), "{text:?}");
        }
        assert!("a".repeat(256).parse::<Authority>().is_err());
    }

    #[test]
    fn addresses_are_told_from_names() {
        assert!(of("10.0.0.1:80").address().is_some());
        assert!(of("[fe80::1]").address().is_some());
        assert!(of("localhost").address().is_none());
        assert!(of("10.0.0.1.example.org").address().is_none());
    }
}
