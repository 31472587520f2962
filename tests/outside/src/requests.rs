//! What clients send before it is XML.

use provost_config::{Overrides, load};
use provost_daemon::outside::api::{self, Proof};
use provost_model::config::ServerSpec;
use provost_testkit::fuzz::{CONF, OneFile, parts};
use provost_wire::base64;
use provost_wire::methods::Range;
use std::path::Path;
use std::sync::LazyLock;

/// A server that anybody may ask, under a few names.
static SERVER: LazyLock<ServerSpec> = LazyLock::new(|| {
    let file = OneFile(
        b"[supervisord]\n[inet_http_server]\nport=127.0.0.1:9001\nallowed_hosts=sup.example.org,[fe80::1]:80,b.example:9001\n",
    );
    let config = load(Path::new(CONF), &Overrides::default(), &file);
    let servers = config.expect("the file is good").servers;
    servers.into_iter().next().expect("it has a server")
});

/// What is not UTF-8 is replaced by three bytes for one.
const GROWTH: usize = 3;

/// `data` is a request, a header of one, a path, a form, an offset in a log: each decoder returns, what was decoded is no
/// longer than what was sent, and what is encoded comes back as it was.
pub fn http_request(data: &[u8]) {
    let (said, pieces) = parts(data);
    let text = String::from_utf8_lossy(said);
    escapes(&text);
    if let Some(length) = api::request_length(said) {
        // More may follow, but the header is there.
        assert!(
            said.windows(2).any(|two| two == b"\n\n" || two == b"\n\r"),
            "{length}"
        );
    }
    assert_eq!(api::without_header(&pieces), api::without_header(&[said]));
    proofs(said);
    let _ = api::http_date(&text);
    let url = text.split_once('\n').map_or(&*text, |(_, url)| url);
    let first = said.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let (_, _, beginning) = api::names(&SERVER, first, url);
    assert!(beginning.starts_with("http://") && !beginning.contains(char::is_control));
    tokens(&text);
    pieces_of_logs(data);
}

fn escapes(text: &str) {
    assert!(api::percent_decoded(text).len() <= GROWTH * text.len());
    let encoded = api::percent_encoded(text, None);
    assert!(encoded.is_ascii() && !encoded.contains(char::is_control));
    assert_eq!(api::percent_decoded(&encoded), text);
    let cut = api::percent_encoded(text, Some(64));
    assert!(cut.len() <= 64 && encoded.starts_with(&cut));
    let fields = api::form_fields(text);
    let held: usize = fields
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    assert!(held <= GROWTH * text.len());
    let form: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            let part = |text: &str| api::percent_encoded(text, None);
            format!("{}={}", part(name), part(value))
        })
        .collect();
    assert_eq!(api::form_fields(&form.join("&")), fields);
    let page = api::escaped(text);
    assert!(!page.contains(['<', '>', '"']));
    let limit = api::page_limit(text);
    assert!((1 << 10..=1 << 20).contains(&limit));
}

fn proofs(said: &[u8]) {
    let (proof, permitted) = api::proof(said, ("user", "pass:word"));
    let right = Proof::Password(b"user".to_vec(), b"pass:word".to_vec());
    assert_eq!(permitted, proof == Some(right));
    if let Some(Proof::Password(name, password)) = &proof {
        let pair = [name, &b":"[..], password].concat();
        let again = format!("Basic {}", base64::encode(&pair));
        assert_eq!(api::proof(again.as_bytes(), ("", "")).0, proof);
    }
    // Whatever was sent as a password is one.
    let pair = [b"user:", said].concat();
    let header = format!("bAsIc {}", base64::encode(&pair));
    let (proof, _) = api::proof(header.as_bytes(), ("", ""));
    let expected = Proof::Password(b"user".to_vec(), said.to_vec());
    assert_eq!(proof, Some(expected));
}

/// Nobody gets in by a line that names another digest, or by one that has ended.
fn tokens(text: &str) {
    let digest = "a".repeat(64);
    for line in text.lines() {
        if let Some(name) = api::token_name(line, &digest, 1_800_000_000) {
            assert!(line.contains(&name) && line.to_ascii_lowercase().contains(&digest));
            assert_eq!(api::token_name(line, &"b".repeat(64), 1_800_000_000), None);
        }
    }
    // Few hashes are cheap enough to be tried so often.
    let is_cheap = |part: &str| part.contains("m=8,t=1,p=1");
    if text.len() < 256 && (is_cheap(text) || !text.contains("m=")) {
        let _ = api::argon2_fits(text, b"x");
    }
}

/// Any offset, length and size of a log: what is read lies in the log.
fn pieces_of_logs(data: &[u8]) {
    let number = |at: usize| {
        let bytes = data.get(at..at + 8)?;
        Some(i64::from_le_bytes(bytes.try_into().ok()?))
    };
    let (Some(offset), Some(length), Some(size)) = (number(0), number(8), number(16)) else {
        return;
    };
    // Sizes that logs have, and offsets near them.
    for shift in [0, 20, 44, 56] {
        let range = Range {
            offset: offset >> shift,
            length: length >> shift,
        };
        let size = (size >> shift).unsigned_abs();
        if let Some((start, length)) = api::piece_of_log(range, size) {
            assert!(length <= size && (length == 0 || start + length <= size));
        }
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let (start, length, _) = api::end_of_log(range, size);
        assert!(start >= 0 && length >= 0);
    }
}
