//! Whether a request that may change something was sent by a page of somebody else.
//!
//! A browser adds the credentials it knows, and reaches sockets on loopback, for any page that asks it to. It says so in
//! headers that a page cannot forge; programs do not send them.

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, HeaderValue, ORIGIN};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the headers name another site as the sender.
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    let foreign_site = headers
        .get(SEC_FETCH_SITE)
        .is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    let foreign_origin = headers.get(ORIGIN).is_some_and(|origin| {
        let origin = origin.as_bytes();
        let authority = origin
            .strip_prefix(b"http://")
            .or_else(|| origin.strip_prefix(b"https://"));
        authority.is_none() || authority != headers.get(HOST).map(HeaderValue::as_bytes)
    });
    foreign_site || foreign_origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(lines: &[(&'static str, &str)]) -> bool {
        let headers = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        is_foreign(&headers.collect())
    }

    #[test]
    fn programs_and_own_pages_pass_and_foreign_pages_do_not() {
        assert!(!foreign(&[]));
        assert!(!foreign(&[("host", "app:9001")]));
        assert!(!foreign(&[
            ("host", "app:9001"),
            ("origin", "http://app:9001"),
            ("sec-fetch-site", "same-origin")
        ]));
        assert!(!foreign(&[("sec-fetch-site", "none")]));
        assert!(foreign(&[("host", "app:9001"), ("origin", "http://evil")]));
        assert!(foreign(&[("host", "app:9001"), ("origin", "null")]));
        assert!(foreign(&[("origin", "null")]));
        assert!(foreign(&[("sec-fetch-site", "cross-site")]));
        assert!(foreign(&[("sec-fetch-site", "same-site")]));
    }
}
