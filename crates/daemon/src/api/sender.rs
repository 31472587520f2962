//! Whether a request that may change something was sent by a page of somebody else.
//!
//! A browser adds the credentials it knows, and reaches sockets on loopback, for any page that asks it to: by a link, a
//! picture, a form. It says so in headers that a page cannot forge; programs do not send them.

use super::hosts::{Hosts, SEC_FETCH_SITE, is_browser};
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue, ORIGIN, REFERER};

/// The kinds of body that a page may send to another site without asking that site before.
const FORM_KINDS: [&str; 3] = [
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
];

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// A program, a person, or a page of this server.
    Trusted,
    /// The page of another site.
    Foreign,
    /// A browser that does not tell.
    Unclear,
}

/// Judges by the headers.
///
/// A `strict` server takes an address that was typed by hand, or followed from outside a browser, for unclear.
pub(super) fn judge(headers: &HeaderMap, hosts: &Hosts, strict: bool) -> Sender {
    let is_own = |value: &HeaderValue| value.to_str().is_ok_and(|url| hosts.is_own(url, headers));
    if !headers.get_all(ORIGIN).iter().all(is_own) {
        return Sender::Foreign;
    }
    if headers.contains_key(SEC_FETCH_SITE) {
        let all = headers.get_all(SEC_FETCH_SITE);
        let sites: Vec<&[u8]> = all.iter().map(HeaderValue::as_bytes).collect();
        let own = sites
            .iter()
            .all(|site| matches!(*site, b"same-origin" | b"none"));
        return match own {
            false => Sender::Foreign,
            true if strict && sites.contains(&&b"none"[..]) => Sender::Unclear,
            true => Sender::Trusted,
        };
    }
    if headers.contains_key(ORIGIN) || !is_browser(headers) {
        return Sender::Trusted;
    }
    match headers.get(REFERER).filter(|referer| !referer.is_empty()) {
        Some(referer) if is_own(referer) => Sender::Trusted,
        Some(_) => Sender::Foreign,
        None => Sender::Unclear,
    }
}

/// Whether a page of another site could have sent a body of this kind unasked.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return true;
    };
    let kind = kind.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.is_empty()
        || FORM_KINDS
            .iter()
            .any(|form| kind.eq_ignore_ascii_case(form))
}

#[cfg(test)]
mod tests {
    use super::super::hosts::tests::{headers, hosts};
    use super::*;

    fn judged(lines: &[(&'static str, &str)]) -> Sender {
        judge(
            &headers(lines),
            &hosts(&["sup.example.org", "alt:8080"], false),
            false,
        )
    }

    #[test]
    fn s04_programs_pass() {
        for lines in [
            &[] as &[_],
            &[("host", "app:9001")],
            &[
                ("host", "evil"),
                ("user-agent", "curl/8.5.0"),
                ("accept", "*/*"),
            ],
            &[
                ("host", "app"),
                ("user-agent", "Wget/1.21"),
                ("accept-encoding", "identity"),
            ],
            &[
                ("host", "app"),
                ("user-agent", "Python-xmlrpc/3.11"),
                ("content-type", "text/xml"),
            ],
        ] {
            assert_eq!(judged(lines), Sender::Trusted, "{lines:?}");
        }
    }

    #[test]
    fn s04_an_origin_that_is_not_ours_is_foreign_whatever_else_is_said() {
        for origin in [
            "null",
            "http://evil",
            "http://app",
            "http://app:9002",
            "https://app",
            "http://app.evil:9001",
            "app:9001",
            "ftp://app:9001",
            "http://app:9001@evil",
            "http://sup.example.org:8080",
            "http://alt",
            "\u{e9}",
            "",
        ] {
            for more in [
                ("accept", "*/*"),
                ("sec-fetch-site", "same-origin"),
                ("referer", "http://app:9001/"),
            ] {
                let lines = [("host", "app:9001"), ("origin", origin), more];
                assert_eq!(judged(&lines), Sender::Foreign, "{lines:?}");
            }
        }
        assert_eq!(judged(&[("origin", "http://app")]), Sender::Foreign);
        let two = [
            ("host", "app"),
            ("origin", "http://app"),
            ("origin", "http://evil"),
        ];
        assert_eq!(judged(&two), Sender::Foreign);
    }

    #[test]
    fn s04_our_own_origin_passes() {
        for (host, origin) in [
            ("app:9001", "http://app:9001"),
            ("app", "http://app"),
            ("app:80", "http://app"),
            ("app:443", "https://app"),
            ("app", "https://app"),
            ("[::1]:9001", "http://[::1]:9001"),
            ("127.0.0.1:9001", "https://sup.example.org"),
            ("127.0.0.1:9001", "http://alt:8080"),
        ] {
            for more in [("accept-language", "en"), ("sec-fetch-site", "same-origin")] {
                let lines = [("host", host), ("origin", origin), more];
                assert_eq!(judged(&lines), Sender::Trusted, "{lines:?}");
            }
        }
    }

    #[test]
    fn s04_what_the_browser_says_of_the_site_decides() {
        for (site, expected) in [
            ("same-origin", Sender::Trusted),
            ("none", Sender::Trusted),
            ("same-site", Sender::Foreign),
            ("cross-site", Sender::Foreign),
            ("something", Sender::Foreign),
            ("", Sender::Foreign),
        ] {
            for more in [
                ("user-agent", "Mozilla/5.0"),
                ("referer", "http://app/"),
                ("referer", "http://evil/"),
            ] {
                let lines = [("host", "app"), ("sec-fetch-site", site), more];
                assert_eq!(judged(&lines), expected, "{lines:?}");
            }
        }
    }

    #[test]
    fn s02_a_strict_server_has_typed_addresses_confirmed() {
        for (site, expected) in [
            ("none", Sender::Unclear),
            ("same-origin", Sender::Trusted),
            ("cross-site", Sender::Foreign),
        ] {
            let lines = headers(&[("host", "app"), ("sec-fetch-site", site)]);
            assert_eq!(judge(&lines, &hosts(&[], false), true), expected, "{site}");
        }
    }

    #[test]
    fn s04_a_browser_that_says_neither_is_judged_by_its_referer() {
        for (referer, expected) in [
            ("http://app:9001/", Sender::Trusted),
            ("http://app:9001/?message=x", Sender::Trusted),
            ("http://app:9001", Sender::Trusted),
            ("https://sup.example.org/supervisor/", Sender::Trusted),
            ("http://evil/http://app:9001/", Sender::Foreign),
            ("http://app:9001.evil/", Sender::Foreign),
            ("http://app:9001@evil/", Sender::Foreign),
            ("about:blank", Sender::Foreign),
            ("", Sender::Unclear),
        ] {
            let lines = [("host", "app:9001"), ("referer", referer)];
            assert_eq!(judged(&lines), expected, "{lines:?}");
        }
        for mark in [
            ("accept-language", "en"),
            ("cookie", "a=b"),
            ("user-agent", "Mozilla/5.0"),
        ] {
            assert_eq!(
                judged(&[("host", "app:9001"), mark]),
                Sender::Unclear,
                "{mark:?}"
            );
        }
    }

    #[test]
    fn s04_bodies_that_a_form_can_send_are_known() {
        assert!(is_form(&headers(&[])));
        for (kind, form) in [
            ("text/plain", true),
            ("Text/Plain; charset=utf-8", true),
            ("application/x-www-form-urlencoded", true),
            ("multipart/form-data; boundary=x", true),
            ("", true),
            ("text/xml", false),
            ("application/xml; charset=utf-8", false),
        ] {
            assert_eq!(is_form(&headers(&[("content-type", kind)])), form, "{kind}");
        }
    }
}
