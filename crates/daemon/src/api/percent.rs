//! Percent signs of URLs, taken apart and put in.

use std::fmt::Write as _;

/// A path without percent signs. One that is followed by no two digits stands for itself; what is no UTF-8 is replaced.
pub(super) fn decode(text: &str) -> String {
    unescape(text.as_bytes())
}

/// The fields of a query or of a form's body in order. Ones without a value do not count, as in upstream.
pub(super) fn fields(text: &str) -> Vec<(String, String)> {
    let mut all = all_fields(text);
    all.retain(|(_, value)| !value.is_empty());
    all
}

/// The same with those that have no value.
pub(super) fn all_fields(text: &str) -> Vec<(String, String)> {
    let part = |text: &str| unescape(text.replace('+', " ").as_bytes());
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (part(name), part(value)))
        .collect()
}

/// As [`encode`], cut off before the character with which it would be longer than `limit` bytes.
pub(super) fn encode_up_to(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for character in text.chars() {
        let part = encode(character.encode_utf8(&mut [0; 4]));
        if out.len() + part.len() > limit {
            break;
        }
        out.push_str(&part);
    }
    out
}

/// Text for a URL: upstream's choice of what may stand as it is.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn unescape(bytes: &[u8]) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let code = match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        out.push(code.unwrap_or(byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_are_resolved_where_they_mean_something() {
        assert_eq!(decode("/logtail/a%3Ab/stderr"), "/logtail/a:b/stderr");
        assert_eq!(decode("/%52PC2"), "/RPC2");
        assert_eq!(decode("/100%/%zz%4"), "/100%/%zz%4");
        assert_eq!(decode("/%ff%C3%A9"), "/\u{fffd}\u{e9}");
        assert_eq!(decode("/a+b"), "/a+b");
    }

    #[test]
    fn fields_follow_upstreams_rules() {
        let expected = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        for (text, pairs) in [
            ("", &[] as &[_]),
            ("a", &[]),
            ("a=", &[]),
            ("=b", &[("", "b")]),
            ("a=1&a=2&&b", &[("a", "1"), ("a", "2")]),
            ("a=1;b=2", &[("a", "1;b=2")]),
            ("a=b=c", &[("a", "b=c")]),
            ("%61=x+y%2Bz%26", &[("a", "x y+z&")]),
            ("a=%ff%C3%A9%", &[("a", "\u{fffd}\u{e9}%")]),
        ] {
            assert_eq!(fields(text), expected(pairs), "{text}");
        }
    }

    #[test]
    fn text_comes_back_as_it_was() {
        assert_eq!(
            encode("g:p 1/\u{e9}\r\n*~'"),
            "g%3Ap%201/%C3%A9%0D%0A%2A~%27"
        );
        assert_eq!(encode_up_to("a\u{e9}b", 7), "a%C3%A9");
        assert_eq!(encode_up_to("a\u{e9}b", 8), "a%C3%A9b");
        assert_eq!(encode_up_to("\u{e9}", 5), "");
        for text in ["", "a:b", "100%", "\u{e9}\u{1f600} & <x>", "\r\n\0"] {
            assert_eq!(decode(&encode(text)), text);
        }
    }
}
