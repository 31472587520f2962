//! Texts and bytes quoted the way upstream's messages quote them, which is Python's.

use std::fmt::Write as _;

/// `repr(text)`: single quotes unless only single quotes occur inside, escapes for what cannot be printed.
pub fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => out.push_str(&escape(c)),
        }
    }
    out.push(quote);
    out
}

/// `ascii(text)`: as [`repr`], with everything outside ASCII escaped.
pub fn ascii(text: &str) -> String {
    repr(text)
        .chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                escape(c)
            }
        })
        .collect()
}

fn escape(c: char) -> String {
    match u32::from(c) {
        code @ ..=0xff => format!("\\x{code:02x}"),
        code @ ..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

/// `str.isprintable()` of one character.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // The standard library knows the same table (categories C* and Z*) but shows it through `escape_debug` only;
    // behind another character it does not escape combining marks, which Python prints.
    let mut text = String::from("a");
    text.push(c);
    text.escape_debug().eq(text.chars())
}

/// Bytes the way upstream's messages quote them: `b'…'` with `\xNN` for whatever is not printable ASCII.
pub fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(bytes.len() + 3);
    out.push('b');
    out.push(quote);
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            byte if char::from(byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..=0x7e => out.push(char::from(byte)),
            byte => push_hex(&mut out, u32::from(byte)),
        }
    }
    out.push(quote);
    out
}

/// `\xNN`. Writing into a string cannot fail.
fn push_hex(out: &mut String, number: u32) {
    let _ = write!(out, "\\x{number:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repr_quotes_and_escapes_as_python() {
        for (text, expected) in [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("it's \"x\"", r#"'it\'s "x"'"#),
            ("a\\b\n\t\r", r"'a\\b\n\t\r'"),
            ("\u{7f}\u{1b}\u{a0}", r"'\x7f\x1b\xa0'"),
            ("\u{e9}\u{4f60}\u{301}", "'\u{e9}\u{4f60}\u{301}'"),
            ("\u{2028}\u{feff}\u{e000}", r"'\u2028\ufeff\ue000'"),
            ("\u{1f600}\u{f0000}", "'\u{1f600}\\U000f0000'"),
        ] {
            assert_eq!(repr(text), expected);
        }
        assert_eq!(ascii("\u{e9}\u{1f600}"), r"'\xe9\U0001f600'");
    }

    #[test]
    fn bytes_are_quoted_with_escapes_for_what_is_not_ascii() {
        assert_eq!(bytes_repr(b"\x88\n'"), "b\"\\x88\\n'\"");
    }
}
