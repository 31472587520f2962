//! The names of a server: under which it may be reached, and under which it sends browsers back to itself.
//!
//! A page may make its own name point to this machine, and then reads and asks here as if it were ours. Such a request
//! carries the foreign name in `Host`. Only browsers can be led like that, and only where nobody asks for a password: a
//! browser has none for the foreign name.

use hyper::HeaderMap;
use hyper::header::{ACCEPT_LANGUAGE, COOKIE, HOST, HeaderName, ORIGIN, REFERER, USER_AGENT};
use provost_model::Authority;
use provost_model::config::{ServerAddress, ServerSpec};

/// What browsers send on trustworthy connections about who made them ask.
pub(super) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where a reverse proxy says below which path of its own it shows this server.
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// Bytes of such a path.
const PREFIX: usize = 256;

/// What browsers call themselves, all of them.
const BROWSER: &[u8] = b"Mozilla/";

/// Headers that browsers send and programs do not.
const MARKS: [HeaderName; 5] = [ACCEPT_LANGUAGE, COOKIE, REFERER, ORIGIN, SEC_FETCH_SITE];

/// Whether a browser sent a request with these headers, as far as they tell.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    MARKS.iter().any(|mark| headers.contains_key(mark))
        || headers.get(USER_AGENT).is_some_and(|agent| {
            let agent = agent.as_bytes();
            agent.windows(BROWSER.len()).any(|part| part == BROWSER)
        })
}

/// The names of one server.
#[derive(Debug)]
pub(super) struct Hosts {
    machine: String,
    allowed: Vec<Authority>,
    address: ServerAddress,
    asks_password: bool,
    is_secret: bool,
}

impl Hosts {
    /// `machine` is the name of the machine.
    pub(super) fn new(spec: &ServerSpec, machine: &str) -> Self {
        Self {
            machine: machine.to_owned(),
            allowed: spec.allowed_hosts.clone(),
            address: spec.address.clone(),
            asks_password: spec.credentials.is_some(),
            is_secret: spec.tls.is_some(),
        }
    }

    /// Whether a request with these headers came under a name that counts here.
    pub(super) fn permit(&self, headers: &HeaderMap) -> bool {
        let named = headers.contains_key(HOST);
        let is_checked = match self.address {
            ServerAddress::Unix { .. } => false,
            ServerAddress::Inet { .. } if !self.allowed.is_empty() => true,
            ServerAddress::Inet { .. } => !self.asks_password && named && is_browser(headers),
        };
        !is_checked || host(headers).is_some_and(|host| self.knows(&host))
    }

    fn knows(&self, host: &Authority) -> bool {
        // A name may end with the dot that names the root.
        let name = host.host().strip_suffix('.').unwrap_or(host.host());
        let short = self.machine.split('.').next().unwrap_or_default();
        host.address().is_some()
            || ["localhost", &self.machine, short]
                .iter()
                .any(|own| name.eq_ignore_ascii_case(own))
            || self.allowed.iter().any(|allowed| {
                allowed.is_at(name) && (allowed.port().is_none() || allowed.port() == host.port())
            })
    }

    /// Whether an address of a browser, `http://name:port` and perhaps more, is one of this server for a client that
    /// asked with these headers.
    pub(super) fn is_own(&self, url: &str, headers: &HeaderMap) -> bool {
        let (rest, usual_port) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (rest, 80),
            (_, Some(rest)) => (rest, 443),
            _ => return false,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, _) = rest.split_at(end);
        let Ok(authority) = authority.parse::<Authority>() else {
            return false;
        };
        let authority = authority.without_port(usual_port);
        let asked = host(headers).map(|host| host.without_port(usual_port));
        asked.as_ref() == Some(&authority)
            || self
                .allowed
                .iter()
                .any(|allowed| allowed.clone().without_port(usual_port) == authority)
    }

    /// The beginning of addresses of this server for a client that asked with these headers.
    pub(super) fn url(&self, headers: &HeaderMap) -> String {
        let authority = host(headers).or_else(|| self.listening());
        let (scheme, usual_port) = if self.is_secret {
            ("https", 443)
        } else {
            ("http", 80)
        };
        match authority {
            Some(authority) => format!("{scheme}://{}", authority.without_port(usual_port)),
            None => format!("{scheme}://localhost"),
        }
    }

    /// Where the server listens; none for a unix socket, which has no name in URLs.
    fn listening(&self) -> Option<Authority> {
        let ServerAddress::Inet { host, port } = &self.address else {
            return None;
        };
        let host = match host.as_str() {
            "" => self.machine.clone(),
            host if host.contains(':') => format!("[{host}]"),
            host => host.to_owned(),
        };
        format!("{host}:{port}").parse().ok()
    }
}

/// The path below which a reverse proxy shows this server, without a slash at its end; empty when there is none, or when
/// what the header says could be anything else than plain names between slashes.
///
/// It goes into the address of a redirect behind our own host, and nowhere else: whoever could invent it leads its own client
/// to another path of the same host.
pub(super) fn prefix(headers: &HeaderMap) -> &str {
    let mut all = headers.get_all(X_FORWARDED_PREFIX).iter();
    let (Some(given), None) = (all.next(), all.next()) else {
        return "";
    };
    let path = given.to_str().unwrap_or_default().trim_end_matches('/');
    let is_name = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !name.is_empty() && name.bytes().all(plain) && name.bytes().any(|byte| byte != b'.')
    };
    let names = path.strip_prefix('/').map(|path| path.split('/'));
    let is_path = path.len() <= PREFIX && names.is_some_and(|mut names| names.all(is_name));
    if is_path { path } else { "" }
}

/// What `Host` says; none unless it is there once and could be a host.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut all = headers.get_all(HOST).iter();
    let (host, more) = (all.next()?, all.next());
    match more {
        Some(_) => None,
        None => host.to_str().ok()?.trim().parse().ok(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Headers from pairs.
    pub(in crate::api) fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    /// A server on every interface of a machine called `box.example.org`.
    pub(in crate::api) fn hosts(allowed: &[&str], asks_password: bool) -> Hosts {
        Hosts {
            machine: "box.example.org".to_owned(),
            allowed: allowed.iter().map(|host| host.parse().unwrap()).collect(),
            address: ServerAddress::Inet {
                host: String::new(),
                port: 9001,
            },
            asks_password,
            is_secret: false,
        }
    }

    fn unix() -> Hosts {
        Hosts {
            address: ServerAddress::Unix {
                path: "/run/s.sock".into(),
                mode: 0o700,
                owner: None,
            },
            ..hosts(&[], false)
        }
    }

    const OWN: &[&str] = &[
        "127.0.0.1:9001",
        "10.1.2.3",
        "[::1]:9001",
        "localhost:9001",
        "LocalHost",
        "localhost.",
        "box",
        "BOX:9001",
        "box.example.org",
    ];

    const FOREIGN: &[&str] = &[
        "evil.example",
        "evil.example:9001",
        "box.evil.example",
        "example.org",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil@127.0.0.1",
        "::1",
        "a b",
        "",
    ];

    #[test]
    fn s05_a_browser_reaches_an_open_server_only_under_its_own_names() {
        let open = hosts(&[], false);
        for (name, value) in [
            ("accept-language", "en"),
            ("cookie", "a=b"),
            ("referer", "http://evil.example/"),
            ("user-agent", "Mozilla/5.0 (X11)"),
            ("origin", "http://evil.example"),
            ("sec-fetch-site", "same-origin"),
        ] {
            for host in OWN {
                assert!(
                    open.permit(&headers(&[("host", host), (name, value)])),
                    "{host} {name}"
                );
            }
            for host in FOREIGN {
                assert!(
                    !open.permit(&headers(&[("host", host), (name, value)])),
                    "{host:?} {name}"
                );
            }
            assert!(!open.permit(&headers(&[("host", "box"), ("host", "box"), (name, value)])));
            assert!(
                open.permit(&headers(&[(name, value)])),
                "no browser leaves Host out"
            );
        }
    }

    #[test]
    fn s05_programs_and_servers_with_a_password_are_not_checked() {
        for host in FOREIGN {
            let program = headers(&[
                ("host", host),
                ("user-agent", "curl/8.0"),
                ("accept", "*/*"),
            ]);
            assert!(hosts(&[], false).permit(&program), "{host:?}");
            let browser = headers(&[("host", host), ("user-agent", "Mozilla/5.0")]);
            assert!(hosts(&[], true).permit(&browser), "{host:?}");
            assert!(unix().permit(&browser), "{host:?}");
        }
    }

    #[test]
    fn s05_allowed_hosts_hold_for_all() {
        for asks_password in [false, true] {
            let listed = hosts(&["sup.example.org", "app:9001"], asks_password);
            for host in OWN.iter().chain(&[
                "sup.example.org",
                "SUP.example.org:8080",
                "app:9001",
                "sup.example.org.",
            ]) {
                assert!(listed.permit(&headers(&[("host", host)])), "{host}");
            }
            for host in FOREIGN
                .iter()
                .chain(&["app", "app:9002", "x.sup.example.org"])
            {
                assert!(!listed.permit(&headers(&[("host", host)])), "{host:?}");
            }
            assert!(!listed.permit(&headers(&[])));
        }
    }

    #[test]
    fn s06_a_redirect_goes_where_the_client_came_from_or_where_the_server_listens() {
        for (host, url) in [
            ("127.0.0.1:9001", "http://127.0.0.1:9001"),
            ("sup.example.org:80", "http://sup.example.org"),
            (" app ", "http://app"),
            ("app:", "http://app"),
            ("[::1]:9001", "http://[::1]:9001"),
            ("evil.example/x?", "http://box.example.org:9001"),
            ("a@evil.example", "http://box.example.org:9001"),
            ("a b", "http://box.example.org:9001"),
            ("a\"b", "http://box.example.org:9001"),
            ("a:port", "http://box.example.org:9001"),
            ("", "http://box.example.org:9001"),
        ] {
            assert_eq!(
                hosts(&[], false).url(&headers(&[("host", host)])),
                url,
                "{host:?}"
            );
        }
        let forwarded = headers(&[
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "host=evil.example"),
        ]);
        assert_eq!(
            hosts(&[], false).url(&forwarded),
            "http://box.example.org:9001"
        );
        assert_eq!(
            hosts(&[], false).url(&headers(&[("host", "a"), ("host", "b")])),
            "http://box.example.org:9001"
        );
        assert_eq!(unix().url(&headers(&[])), "http://localhost");
        let six = Hosts {
            address: ServerAddress::Inet {
                host: "::1".to_owned(),
                port: 80,
            },
            ..hosts(&[], false)
        };
        assert_eq!(six.url(&headers(&[])), "http://[::1]");
    }

    #[test]
    fn s04_a_prefix_is_plain_names_or_nothing() {
        for (given, expected) in [
            ("/ops/sup", "/ops/sup"),
            ("/ops/", "/ops"),
            ("/a-b.c_d~1", "/a-b.c_d~1"),
            ("/", ""),
            ("", ""),
            ("ops", ""),
            ("//evil.example", ""),
            ("/\\evil", ""),
            ("/a//b", ""),
            ("/a/../b", ""),
            ("/.", ""),
            ("/a?x", ""),
            ("/a#x", ""),
            ("/a%2f", ""),
            ("/a b", ""),
            ("http://evil", ""),
            ("/a, /b", ""),
        ] {
            let lines = headers(&[("x-forwarded-prefix", given)]);
            assert_eq!(prefix(&lines), expected, "{given}");
        }
        let two = headers(&[("x-forwarded-prefix", "/a"), ("x-forwarded-prefix", "/b")]);
        assert_eq!(prefix(&two), "");
        let long = format!("/{}", "a".repeat(PREFIX));
        assert_eq!(prefix(&headers(&[("x-forwarded-prefix", &long)])), "");
    }
}
