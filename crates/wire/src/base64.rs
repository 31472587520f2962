//! Base64 with the standard alphabet, for binary values and for HTTP Basic authentication.
//!
//! Refuses nothing when encoding. When decoding, white space is skipped, padding may be missing, anything else is refused.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text for `bytes`, padded, on one line.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for position in 0..4 {
            out.push(if position <= chunk.len() {
                digit(word >> (18 - 6 * position))
            } else {
                '='
            });
        }
    }
    out
}

/// The bytes behind `text`; none when it is not Base64.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut bits, mut padded) = (0_u32, 0_u32, false);
    for &byte in text {
        if byte.is_ascii_whitespace() {
            continue;
        }
        if byte == b'=' {
            padded = true;
            continue;
        }
        if padded {
            return None;
        }
        word = (word << 6) | value(byte)?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from((word >> bits) & 0xff).ok()?);
        }
    }
    // Six left-over bits are a lone digit, which stands for no byte.
    (bits < 6).then_some(out)
}

fn digit(word: u32) -> char {
    let index = usize::try_from(word & 0x3f).unwrap_or(0);
    char::from(ALPHABET.get(index).copied().unwrap_or(b'A'))
}

fn value(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4648_hold_both_ways() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(plain.as_bytes()));
        }
    }

    #[test]
    fn white_space_and_missing_padding_are_taken_and_foreign_characters_are_not() {
        assert_eq!(decode(b"Zm9v\nYg").as_deref(), Some(b"foob".as_slice()));
        for bad in ["Zg==Zg", "Z", "Zm9v!", "Zm9v\u{e4}"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }
}
