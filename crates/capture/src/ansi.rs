//! Removal of ANSI escape sequences, for `strip_ansi`.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// First byte of a sequence.
const ESCAPE: u8 = 0x1b;

/// What ends a sequence: the final bytes that upstream knows. Others (`n`, `d`, `@`…) are passed over within it.
const FINAL_BYTES: &[u8] = b"HfABCDRsuJKhlpm";

/// Drops everything from `ESC [` to the first of `H f A B C D R s u J K h l p m`.
///
/// A sequence may be spread over chunks. (Upstream forgets at the end of a chunk that it was within one.)
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stripper {
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Plain text.
    #[default]
    Text,
    /// The last chunk ended with an escape, which is held back until the next byte tells what it is.
    Escape,
    /// Within a sequence.
    Sequence,
}

impl Stripper {
    /// The text of a chunk. Costs no copy when the chunk holds no escape.
    pub fn strip<'a>(&mut self, chunk: &'a [u8]) -> Cow<'a, [u8]> {
        if self.state == State::Text && !chunk.contains(&ESCAPE) {
            return Cow::Borrowed(chunk);
        }
        let mut text = Vec::with_capacity(chunk.len());
        let mut rest = chunk;
        while let Some((&first, after)) = rest.split_first() {
            match self.state {
                State::Text => rest = self.pass_text(rest, &mut text),
                State::Escape if first == b'[' => {
                    self.state = State::Sequence;
                    rest = after;
                }
                State::Escape => {
                    text.push(ESCAPE);
                    self.state = State::Text;
                }
                State::Sequence => {
                    if FINAL_BYTES.contains(&first) {
                        self.state = State::Text;
                    }
                    rest = after;
                }
            }
        }
        Cow::Owned(text)
    }

    /// Copies up to the next escape and returns what follows it.
    fn pass_text<'a>(&mut self, rest: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
        let mut parts = rest.splitn(2, |&byte| byte == ESCAPE);
        text.extend_from_slice(parts.next().unwrap_or_default());
        parts.next().map_or(&[], |after| {
            self.state = State::Escape;
            after
        })
    }

    /// What was held back when the text ends: an escape that begins nothing. An unfinished sequence is dropped.
    pub fn finish(&mut self) -> &'static [u8] {
        match std::mem::take(&mut self.state) {
            State::Escape => &[ESCAPE],
            State::Text | State::Sequence => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn strip(chunks: &[&[u8]]) -> Vec<u8> {
        let mut stripper = Stripper::default();
        let mut text: Vec<u8> = Vec::new();
        for chunk in chunks {
            text.extend_from_slice(&stripper.strip(chunk));
        }
        text.extend_from_slice(stripper.finish());
        text
    }

    #[test]
    fn colours_go_and_the_text_stays() {
        assert_eq!(strip(&[b"a\x1b[31mred\x1b[0m b"]), b"ared b");
        assert_eq!(strip(&[b"\x1b[2J\x1b[10;5Htop"]), b"top");
    }

    #[test]
    fn a_sequence_is_followed_over_chunks() {
        assert_eq!(strip(&[b"a\x1b", b"[3", b"1mred"]), b"ared");
    }

    #[test]
    fn an_escape_that_begins_no_sequence_stays() {
        assert_eq!(strip(&[b"a\x1bb\x1b", b"\x1b", b"c"]), b"a\x1bb\x1b\x1bc");
        assert_eq!(strip(&[b"end\x1b"]), b"end\x1b");
    }

    #[test]
    fn an_unknown_final_byte_does_not_end_a_sequence() {
        assert_eq!(strip(&[b"a\x1b[6n\nxmb"]), b"ab");
    }

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(
            Stripper::default().strip(b"plain"),
            Cow::Borrowed(b"plain")
        ));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_text(
            chunks in prop::collection::vec(
                prop::collection::vec(prop::sample::select(b"\x1b[[3mHx\n".to_vec()), 0..6), 0..8),
        ) {
            let whole = chunks.concat();
            let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(strip(&chunks), strip(&[&whole]));
        }
    }
}
