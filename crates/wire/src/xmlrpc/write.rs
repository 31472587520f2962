//! Values to bytes, as Python's `xmlrpc.client` writes them.
//!
//! Nothing here can fail: numbers that the wire has no room for are capped, and characters that XML forbids are replaced,
//! where upstream answers with an error or with bytes that no client can read.

use super::{MAX_INT, MIN_INT, Value, Written};
use crate::base64;

const DECLARATION: &str = "<?xml version='1.0'?>\n";

/// What stands before the value of a good answer.
pub(super) const RESPONSE: &str = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n";

/// And what stands behind it.
const RESPONSE_END: &str = "</param>\n</params>\n</methodResponse>\n";

/// Digits of Base64 on a line, as Python breaks them.
const BASE64_LINE: usize = 76;

/// A call of `method`.
pub fn write_call(method: &str, params: &[Value]) -> Vec<u8> {
    let mut out = String::from(DECLARATION);
    out.push_str("<methodCall>\n<methodName>");
    escape(&mut out, method);
    out.push_str("</methodName>\n<params>\n");
    for param in params {
        out.push_str("<param>\n");
        value(&mut out, param);
        out.push_str("</param>\n");
    }
    out.push_str("</params>\n</methodCall>\n");
    out.into_bytes()
}

/// A good answer.
pub fn write_response(result: &Value) -> Vec<u8> {
    let mut out = String::from(RESPONSE);
    value(&mut out, result);
    out.push_str(RESPONSE_END);
    out.into_bytes()
}

/// A good answer, without a copy of what is written already.
pub fn into_response(result: Value) -> Vec<u8> {
    match result {
        Value::Written(Written(mut text)) => {
            text.push_str(RESPONSE_END);
            text.into_bytes()
        }
        result => write_response(&result),
    }
}

/// A refusal.
pub fn write_fault(code: i32, text: &str) -> Vec<u8> {
    let mut out = String::from(DECLARATION);
    out.push_str("<methodResponse>\n<fault>\n");
    let members = [
        ("faultCode".to_owned(), Value::Int(code.into())),
        ("faultString".to_owned(), Value::text(text)),
    ];
    value(&mut out, &Value::Struct(members.into()));
    out.push_str("</fault>\n</methodResponse>\n");
    out.into_bytes()
}

/// One value with its line end. Recursive: values that were read nest at most `MAX_DEPTH` deep, ours far less.
fn value(out: &mut String, it: &Value) {
    match it {
        Value::Int(number) => {
            out.push_str("<value><int>");
            int(out, *number);
            out.push_str("</int></value>\n");
        }
        Value::Bool(truth) => simple(out, "boolean", if *truth { "1" } else { "0" }),
        Value::Str(text) => simple(out, "string", text),
        Value::Double(number) => simple(out, "double", &format!("{number:?}")),
        Value::DateTime(text) => simple(out, "dateTime.iso8601", text),
        Value::Bytes(bytes) => binary(out, bytes),
        Value::Array(values) => {
            out.push_str("<value><array><data>\n");
            for one in values {
                value(out, one);
            }
            out.push_str("</data></array></value>\n");
        }
        Value::Struct(members) => {
            out.push_str("<value><struct>\n");
            for (name, one) in members {
                out.push_str("<member>\n<name>");
                escape(out, name);
                out.push_str("</name>\n");
                value(out, one);
                out.push_str("</member>\n");
            }
            out.push_str("</struct></value>\n");
        }
        Value::Nil => out.push_str("<value><nil/></value>\n"),
        Value::Written(written) => out.push_str(written.value()),
    }
}

fn simple(out: &mut String, tag: &str, text: &str) {
    out.push_str("<value><");
    out.push_str(tag);
    out.push('>');
    escape(out, text);
    out.push_str("</");
    out.push_str(tag);
    out.push_str("></value>\n");
}

fn binary(out: &mut String, bytes: &[u8]) {
    out.push_str("<value><base64>\n");
    for line in bytes.chunks(BASE64_LINE / 4 * 3) {
        out.push_str(&base64::encode(line));
        out.push('\n');
    }
    out.push_str("</base64></value>\n");
}

/// A number, within what the wire has room for.
pub(super) fn int(out: &mut String, number: i64) {
    out.push_str(itoa::Buffer::new().format(number.clamp(MIN_INT, MAX_INT)));
}

/// Escapes as Python does, and puts the replacement character in place of what XML 1.0 cannot carry.
pub(super) fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    // What needs nothing goes in whole stretches: nearly all text is one of them.
    while let Some(at) = first_special(rest.as_bytes()) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = special.chars();
        if let Some(c) = chars.next() {
            escape_one(out, c);
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// Where the first byte is that [`is_special`].
fn first_special(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<WORD>();
    let plain = words.iter().take_while(|word| !has_special(**word)).count();
    // The last word of a text shares bytes with the one before, where it has no whole number of them.
    if let Some(last) = bytes.last_chunk()
        && plain == words.len()
        && !has_special(*last)
    {
        return None;
    }
    let from = plain * WORD;
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter()
        .position(|&byte| is_special(byte))
        .map(|at| from + at)
}

const WORD: usize = size_of::<u64>();

/// Whether a byte of a word [`is_special`], all of them looked at together.
fn has_special(word: [u8; WORD]) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; WORD]);
    const HIGH: u64 = EACH << 7;
    let word = u64::from_ne_bytes(word);
    // A byte that is less borrows from its highest bit; so does one that is nothing, less one.
    let less = |word: u64, than: u8| word.wrapping_sub(EACH * u64::from(than)) & !word;
    let equals = |word: u64, byte: u8| less(word ^ (EACH * u64::from(byte)), 1);
    // `<` is `>` but for one bit.
    let bracket = equals(word | (EACH << 1), b'>');
    (less(word, 0x20) | equals(word, b'&') | bracket | equals(word, 0xef)) & HIGH != 0
}

/// Whether a character may begin with this byte that is not written as it is.
const fn is_special(byte: u8) -> bool {
    // U+FFFE and U+FFFF begin with the last.
    matches!(byte, b'&' | b'<' | b'>' | 0..=0x1f | 0xef)
}

fn escape_one(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '\t' | '\n' | '\r' => out.push(c),
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_special_byte_is_found_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for length in 1..20 {
                for at in 0..length {
                    let mut bytes = vec![b'='; length];
                    bytes[at] = byte;
                    let expected = is_special(byte).then_some(at);
                    assert_eq!(
                        first_special(&bytes),
                        expected,
                        "{byte} at {at} of {length}"
                    );
                }
            }
        }
        // The highest bytes beside one that is less than they.
        assert_eq!(
            first_special(&[0xff, 0x80, 0xf0, 0x7f, 0xee, 0x20, 0xff, 0xff]),
            None
        );
        assert_eq!(first_special(b"0123456789<abcdef"), Some(10));
    }
}
