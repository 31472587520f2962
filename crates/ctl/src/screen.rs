//! Output of programs on a terminal: colours pass, everything else that steers a terminal is shown as text.
//!
//! A program must not be able to rename the operator's window, move over what stands there, or make the terminal type.

use std::fmt::Write as _;

/// Bytes of a colour sequence that are waited for; a longer one is none.
const COLOUR_BYTES_MAX: usize = 64;

const ESCAPE: u8 = 0x1b;

/// Takes output piece by piece; a character or a colour that is cut by the end of a piece waits for the next one.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    waiting: Vec<u8>,
}

impl Screen {
    /// What may be written of all that has come.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.waiting.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.waiting);
        let mut out = Vec::with_capacity(all.len());
        let mut rest = all.as_slice();
        while let Some(&first) = rest.first() {
            let Some((shown, length)) = piece(rest, first) else {
                self.waiting = rest.to_vec();
                break;
            };
            out.extend_from_slice(shown.as_slice());
            rest = rest.get(length..).unwrap_or_default();
        }
        out
    }

    /// What still waits, at the end.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.waiting);
        let mut out = Vec::new();
        for byte in rest {
            out.extend_from_slice(&escaped(byte));
        }
        out
    }
}

/// The first piece and how long it is; none if its end has not come.
fn piece(rest: &[u8], first: u8) -> Option<(Vec<u8>, usize)> {
    match first {
        b'\n' | b'\t' => Some((vec![first], 1)),
        b'\r' => match rest.get(1) {
            None => None,
            Some(b'\n') => Some((b"\r\n".to_vec(), 2)),
            // What follows would be written over what stands there.
            Some(_) => Some((escaped(first), 1)),
        },
        ESCAPE => match colour(rest) {
            Sequence::Unfinished => None,
            Sequence::Colour(length) => {
                Some((rest.get(..length).unwrap_or_default().to_vec(), length))
            }
            Sequence::Other => Some((escaped(first), 1)),
        },
        0x20..0x7f => Some((vec![first], 1)),
        0..0x80 => Some((escaped(first), 1)),
        _ => character(rest, first),
    }
}

/// A character of several bytes; those of Unicode that steer, and bytes that are no character, are escaped.
fn character(rest: &[u8], first: u8) -> Option<(Vec<u8>, usize)> {
    let length = match first {
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return Some((escaped(first), 1)),
    };
    let follows = |byte: &u8| (0x80..0xc0).contains(byte);
    let whole = rest.get(..length);
    let there = whole.unwrap_or(rest);
    if !there.iter().skip(1).all(follows) {
        return Some((escaped(first), 1));
    }
    let whole = whole?;
    match std::str::from_utf8(whole) {
        Ok(text) if !text.chars().any(char::is_control) => Some((whole.to_vec(), length)),
        _ => Some((
            whole.iter().flat_map(|&byte| escaped(byte)).collect(),
            length,
        )),
    }
}

enum Sequence {
    Colour(usize),
    Unfinished,
    Other,
}

/// `ESC [`, digits, semicolons and colons, and an `m`.
fn colour(rest: &[u8]) -> Sequence {
    match rest.get(1) {
        None => return Sequence::Unfinished,
        Some(b'[') => {}
        Some(_) => return Sequence::Other,
    }
    for (index, &byte) in rest.iter().enumerate().skip(2) {
        match byte {
            b'm' => return Sequence::Colour(index + 1),
            b'0'..=b';' if index < COLOUR_BYTES_MAX => {}
            _ => return Sequence::Other,
        }
    }
    Sequence::Unfinished
}

fn escaped(byte: u8) -> Vec<u8> {
    let mut text = String::new();
    // Writing to a String cannot fail.
    _ = write!(text, "\\x{byte:02x}");
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(bytes: &[u8]) -> String {
        let mut screen = Screen::default();
        let mut out = screen.take(bytes);
        out.extend(screen.finish());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn s12_colours_pass_and_what_steers_is_shown() {
        for (bytes, expected) in [
            (&b"plain\tline\r\n"[..], "plain\tline\r\n"),
            (b"\x1b[1;31mred\x1b[0m\n", "\x1b[1;31mred\x1b[0m\n"),
            (b"\x1b[38:2::255:0:0mred", "\x1b[38:2::255:0:0mred"),
            (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            (b"\x1b[2J\x1b[H", "\\x1b[2J\\x1b[H"),
            (b"\x1b[6n", "\\x1b[6n"),
            (b"\x1bc", "\\x1bc"),
            (b"good\rbad\n", "good\\x0dbad\n"),
            (b"\x00\x08\x7f", "\\x00\\x08\\x7f"),
            ("é€😀".as_bytes(), "é€😀"),
            ("\u{9b}6n".as_bytes(), "\\xc2\\x9b6n"),
            (b"\x9b6n\xff", "\\x9b6n\\xff"),
            (b"\xe2\x28\xa1", "\\xe2(\\xa1"),
            (b"cut \xe2\x82", "cut \\xe2\\x82"),
            (b"cut \x1b[1", "cut \\x1b\\x5b\\x31"),
        ] {
            assert_eq!(shown(bytes), expected, "{bytes:?}");
        }
        let long = [b"\x1b[".as_slice(), &[b'1'; 100], b"m"].concat();
        assert!(shown(&long).starts_with("\\x1b["));
    }

    proptest! {
        #[test]
        fn s12_nothing_that_steers_gets_through_however_it_is_cut(
            bytes: Vec<u8>,
            cut in 0..40usize,
        ) {
            let whole = shown(&bytes);
            let mut screen = Screen::default();
            let (front, back) = bytes.split_at(cut.min(bytes.len()));
            let mut pieces = screen.take(front);
            pieces.extend(screen.take(back));
            pieces.extend(screen.finish());
            prop_assert_eq!(String::from_utf8(pieces).unwrap(), whole.clone());
            let mut left = whole.as_str();
            while let Some(at) = left.find(|c: char| c.is_control() && !"\n\t\r".contains(c)) {
                prop_assert!(left[at..].starts_with("\x1b["), "{:?}", &left[at..]);
                left = &left[at + 2..];
                let end = left.find(|c: char| !"0123456789:;".contains(c)).unwrap_or(left.len());
                prop_assert!(left[end..].starts_with('m'));
            }
        }
    }
}
