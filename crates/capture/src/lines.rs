//! Whole lines out of chunks, for syslog.

use serde::{Deserialize, Serialize};

/// Longest line kept together, in bytes. A longer one is cut into pieces of about this length, so that a child that never
/// ends its line cannot fill the memory.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// What is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A whole line, or the last piece of one that was cut.
    End,
    /// A piece of a line that was cut; the line goes on with the next.
    GoesOn,
}

/// Collects lines from chunks cut anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Passes on each line that ends in this chunk, without its newline.
    pub fn feed(&mut self, chunk: &[u8], mut tell: impl FnMut(&[u8], Piece)) {
        let mut parts = chunk.split(|&byte| byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            self.add(part, &mut tell);
            if parts.peek().is_some() {
                tell(&self.partial, Piece::End);
                self.partial.clear();
            }
        }
    }

    /// Passes on a last line without a newline.
    pub fn finish(&mut self, mut tell: impl FnMut(&[u8], Piece)) {
        if !self.partial.is_empty() {
            tell(&self.partial, Piece::End);
            self.partial.clear();
        }
    }

    /// Adds to the current line, which is at most the limit before and after.
    fn add(&mut self, mut part: &[u8], tell: &mut impl FnMut(&[u8], Piece)) {
        loop {
            let room = LINE_BYTES_MAX.saturating_sub(self.partial.len());
            let Some((fitting, rest)) = part.split_at_checked(room) else {
                self.partial.extend_from_slice(part);
                return;
            };
            self.partial.extend_from_slice(fitting);
            if rest.is_empty() {
                return;
            }
            let cut = whole_characters(&self.partial);
            tell(self.partial.get(..cut).unwrap_or_default(), Piece::GoesOn);
            self.partial.drain(..cut);
            part = rest;
        }
    }
}

/// Length without a character at the end whose rest is still to come, so that a cut makes no text unreadable.
fn whole_characters(piece: &[u8]) -> usize {
    match std::str::from_utf8(piece) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        _ => piece.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for chunk in chunks {
            lines.feed(chunk, |line, _| out.push(line.to_vec()));
        }
        lines.finish(|line, _| out.push(line.to_vec()));
        out
    }

    #[test]
    fn lines_are_put_together() {
        assert_eq!(run(&[b"a", b"b\n\nc\nd"]), [&b"ab"[..], b"", b"c", b"d"]);
        assert_eq!(run(&[b"a\n"]), [b"a"]);
        assert_eq!(run(&[]), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_line_of_exactly_the_limit_stays_whole() {
        let line = vec![b'x'; LINE_BYTES_MAX];
        assert_eq!(run(&[&line, b"\nb"]), [&line[..], b"b"]);
    }

    #[test]
    fn f26_an_endless_line_is_cut_into_pieces_that_say_so() {
        let line = vec![b'x'; 2 * LINE_BYTES_MAX + 3];
        let mut pieces = Vec::new();
        let mut lines = Lines::default();
        lines.feed(&line, |line, piece| pieces.push((line.len(), piece)));
        lines.feed(b"\nshort\n", |line, piece| pieces.push((line.len(), piece)));
        assert_eq!(
            pieces,
            [
                (LINE_BYTES_MAX, Piece::GoesOn),
                (LINE_BYTES_MAX, Piece::GoesOn),
                (3, Piece::End),
                (5, Piece::End)
            ]
        );
    }

    #[test]
    fn f26_no_character_is_cut_in_two() {
        let line = "x".to_owned() + &"\u{e9}".repeat(LINE_BYTES_MAX);
        let pieces = run(&[line.as_bytes()]);
        assert!(pieces.len() > 2);
        assert!(
            pieces
                .iter()
                .all(|piece| std::str::from_utf8(piece).is_ok())
        );
        assert_eq!(pieces.concat(), line.as_bytes());
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(
            parts in prop::collection::vec((prop::sample::select(b"x\n".to_vec()), 0usize..40_000), 0..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole: Vec<u8> = parts.iter().flat_map(|&(byte, count)| {
                std::iter::repeat_n(byte, if byte == b'\n' { count % 3 } else { count })
            }).collect();
            let (a, b) = whole.split_at(cut.index(whole.len() + 1));
            prop_assert_eq!(run(&[a, b]), run(&[&whole]));
        }
    }
}
