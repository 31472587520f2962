//! What the api thread makes of bytes that clients sent, without a connection: so that tests can give it any.

use super::carry::framing::{self, Skip};
use super::hosts::Hosts;
use super::web::tail;
use super::{auth, clerk, clock, files, percent, respond};
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, USER_AGENT};
use jiff::Timestamp;
use provost_model::config::ServerSpec;
use provost_wire::methods::Range;

/// A path without percent signs.
pub fn percent_decoded(text: &str) -> String {
    percent::decode(text)
}

/// Text for a URL, of at most `limit` bytes if one is given.
pub fn percent_encoded(text: &str, limit: Option<usize>) -> String {
    limit.map_or_else(
        || percent::encode(text),
        |limit| percent::encode_up_to(text, limit),
    )
}

/// The fields of a query or of a form's body.
pub fn form_fields(text: &str) -> Vec<(String, String)> {
    percent::fields(text)
}

/// Text for a page.
pub fn escaped(text: &str) -> String {
    respond::escape(text)
}

/// The proof in an `Authorization` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A name and a password.
    Password(Vec<u8>, Vec<u8>),
    /// A token.
    Token(Vec<u8>),
}

/// The proof in an `Authorization` header of this value, and whether it is one of the user with this name and password.
pub fn proof(value: &[u8], user: (&str, &str)) -> (Option<Proof>, bool) {
    let headers = headers(&[(AUTHORIZATION, value)]);
    let password = auth::presented(&headers).map(|(name, word)| Proof::Password(name, word));
    let proof = password.or_else(|| auth::bearer(&headers).map(Proof::Token));
    let user = (user.0.to_owned(), user.1.to_owned());
    (proof, auth::permits(Some(&user), &headers))
}

/// The name of a token, when a line of a file of tokens is one of this digest that has not ended at this moment.
pub fn token_name(line: &str, digest: &str, now: i64) -> Option<String> {
    clerk::token_of(
        line,
        digest,
        Timestamp::from_second(now).unwrap_or_default(),
    )
}

/// Whether a password is the one that is stored as an Argon2id hash, which may be costly.
pub fn argon2_fits(stored: &str, given: &[u8]) -> bool {
    clerk::argon2_fits(stored, given)
}

/// How long the request is that begins here; none when that does not show.
pub fn request_length(bytes: &[u8]) -> Option<usize> {
    framing::length(bytes)
}

/// What is left of an answer without its header, however it is cut.
pub fn without_header(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut skip, mut left) = (Skip::Header(0), Vec::new());
    for piece in pieces {
        let (next, count) = skip.step(piece);
        skip = next;
        left.extend_from_slice(piece.get(count..).unwrap_or_default());
    }
    left
}

/// The seconds of a time in a header.
pub fn http_date(text: &str) -> Option<i64> {
    clock::read_http_date(text).map(Timestamp::as_second)
}

/// Whether a browser may ask a server under this name, whether this address is one of the server for it, and the beginning
/// of addresses that it is sent to.
pub fn names(spec: &ServerSpec, host: &[u8], url: &str) -> (bool, bool, String) {
    let hosts = Hosts::new(spec, "machine.example");
    let headers = headers(&[(HOST, host), (USER_AGENT, b"Mozilla/5.0")]);
    (
        hosts.permit(&headers),
        hosts.is_own(url, &headers),
        hosts.url(&headers),
    )
}

/// Start and length of the piece of a log of `size` bytes that a read asks for; none for one that makes no sense.
pub fn piece_of_log(range: Range, size: u64) -> Option<(u64, u64)> {
    files::piece(range, size)
}

/// Start and length of the piece of a log of `size` bytes that a tail asks for, and whether there is more.
pub fn end_of_log(range: Range, size: i64) -> (i64, i64, bool) {
    files::last_piece(range, size)
}

/// Bytes of a log that a page shows when this limit was asked for.
pub fn page_limit(text: &str) -> u64 {
    tail::bytes(text)
}

/// Headers of these values, without those that no header can have.
fn headers(all: &[(HeaderName, &[u8])]) -> HeaderMap {
    let value = |&(ref name, value): &(HeaderName, &[u8])| {
        Some((name.clone(), HeaderValue::from_bytes(value).ok()?))
    };
    all.iter().filter_map(value).collect()
}
