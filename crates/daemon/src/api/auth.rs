//! Who may ask: HTTP Basic against the one user of a server.

use crate::seal;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use provost_os::wiping;
use provost_wire::base64;
use sha1::{Digest as _, Sha1};
use std::fmt::Write as _;
use subtle::{Choice, ConstantTimeEq as _};

/// What marks a password that is stored as the SHA-1 of itself, in lower-case hexadecimal digits.
const SHA: &str = "{SHA}";

/// What marks a password that is stored as an Argon2id hash.
pub(super) const ARGON2ID: &str = "{ARGON2ID}";

/// Whether a request with these headers may pass. A server without credentials lets everybody pass.
///
/// Wrong names and wrong passwords take the same time, and parts that are right do not show.
pub(super) fn permits(credentials: Option<&(String, String)>, headers: &HeaderMap) -> bool {
    let Some((user, password)) = credentials else {
        return true;
    };
    let Some((given_user, given_password)) = presented(headers) else {
        return false;
    };
    let fits = choice(password, &given_password);
    wiping::dead_stack();
    bool::from(given_user.ct_eq(user.as_bytes()) & fits)
}

/// Whether a password is the stored one, which is sealed, in clear or marked `{SHA}`.
pub(super) fn password_fits(stored: &str, given: &[u8]) -> bool {
    choice(stored, given).into()
}

fn choice(stored: &str, given: &[u8]) -> Choice {
    if let Some(fits) = seal::fits(stored, given) {
        return fits;
    }
    match stored.strip_prefix(SHA) {
        Some(digest) => hex_digest(given).as_bytes().ct_eq(digest.as_bytes()),
        None => given.ct_eq(stored.as_bytes()),
    }
}

/// Whether looking at a password takes so long that it must not be done here.
pub(super) fn is_slow(stored: &str) -> bool {
    stored.starts_with(ARGON2ID)
}

/// The token of an `Authorization: Bearer` header.
pub(super) fn bearer(headers: &HeaderMap) -> Option<Vec<u8>> {
    let header = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = header.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii().to_owned())
}

/// The name and password of the `Authorization` header.
pub(super) fn presented(headers: &HeaderMap) -> Option<(Vec<u8>, Vec<u8>)> {
    let header = headers.get(AUTHORIZATION)?.as_bytes();
    let blank = header.iter().position(|&byte| byte == b' ')?;
    let (scheme, cookie) = header.split_at_checked(blank)?;
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let mut user = base64::decode(cookie)?;
    let colon = user.iter().position(|&byte| byte == b':')?;
    let password = user.split_off(colon).into_iter().skip(1).collect();
    Some((user, password))
}

fn hex_digest(bytes: &[u8]) -> String {
    hex(&Sha1::digest(bytes))
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing into a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(stored: &str, header: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, header.parse().unwrap());
        permits(Some(&("user".to_owned(), stored.to_owned())), &headers)
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", base64::encode(text.as_bytes()))
    }

    #[test]
    fn the_right_password_passes_plain_and_hashed() {
        for stored in ["p:w".to_owned(), format!("{SHA}{}", hex_digest(b"p:w"))] {
            assert!(passes(&stored, &basic("user:p:w")), "{stored}");
            assert!(
                passes(&stored, &basic("user:p:w").replace("Basic", "bAsIc")),
                "{stored}"
            );
            assert!(!passes(&stored, &basic("user:p:")), "{stored}");
            assert!(!passes(&stored, &basic("users:p:w")), "{stored}");
            assert!(
                !passes(&stored, &basic(&format!("user:{stored}x"))),
                "{stored}"
            );
        }
        assert_eq!(
            hex_digest(b"abc"),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
    }

    #[test]
    fn whatever_is_no_basic_header_does_not_pass() {
        for header in [
            "",
            "Basic",
            "Basic !",
            "Basic dXNlcg==",
            "Digest dXNlcjpwdw==",
            "Bearer x",
            "dXNlcjpwdw==",
        ] {
            assert!(!passes("pw", header), "{header:?}");
        }
        assert!(!permits(
            Some(&(String::new(), String::new())),
            &HeaderMap::new()
        ));
        assert!(permits(None, &HeaderMap::new()));
    }
}
