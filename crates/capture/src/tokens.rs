//! Capture mode: text between two tokens becomes an event instead of log output.

use serde::{Deserialize, Serialize};
/// Begins captured text.
pub const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";

/// Ends captured text.
pub const END: &[u8] = b"<!--XSUPERVISOR:END-->";

/// First byte of both tokens. It occurs nowhere else in them, so a failed match never hides the start of another.
const MARK: u8 = b'<';

/// What a stretch of output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Output for the log; never empty.
    Log(&'a [u8]),
    /// The begin token was seen.
    Begin,
    /// Captured text; never empty.
    Captured(&'a [u8]),
    /// The end token was seen.
    End,
}

/// Finds the tokens in a stream of chunks, wherever the chunks were cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    capturing: bool,
    /// Bytes of the awaited token seen at the end of the last chunk. They are held back until it is clear what they are.
    matched: usize,
}

impl Capture {
    /// Splits a chunk; `tell` gets the pieces in order.
    pub fn feed(&mut self, chunk: &[u8], mut tell: impl FnMut(Piece<'_>)) {
        let mut rest = chunk;
        while !rest.is_empty() {
            rest = if self.matched > 0 {
                self.go_on(rest, &mut tell)
            } else {
                self.search(rest, &mut tell)
            };
        }
    }

    /// The output has ended: what was held back is text after all.
    pub fn finish(&mut self, mut tell: impl FnMut(Piece<'_>)) {
        let (held, _) = self.split_token();
        self.matched = 0;
        self.text(held, &mut tell);
    }

    /// The awaited token, cut into what was seen of it and what was not.
    fn split_token(&self) -> (&'static [u8], &'static [u8]) {
        let token = if self.capturing { END } else { BEGIN };
        token.split_at_checked(self.matched).unwrap_or((&[], token))
    }

    /// Compares with the rest of a token that a former chunk began; returns what is left of the chunk.
    fn go_on<'a>(&mut self, rest: &'a [u8], tell: &mut impl FnMut(Piece<'_>)) -> &'a [u8] {
        let (held, missing) = self.split_token();
        if let Some(after) = rest.strip_prefix(missing) {
            self.toggle(tell);
            return after;
        }
        if missing.starts_with(rest) {
            self.matched = self.matched.saturating_add(rest.len());
            return &[];
        }
        self.matched = 0;
        self.text(held, tell);
        rest
    }

    /// Passes text on up to the next token or the start of one at the chunk's end.
    fn search<'a>(&mut self, rest: &'a [u8], tell: &mut impl FnMut(Piece<'_>)) -> &'a [u8] {
        let (_, token) = self.split_token();
        let mut from = 0;
        while let Some(at) = find(rest, from, MARK) {
            let (before, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            if let Some(after) = tail.strip_prefix(token) {
                self.text(before, tell);
                self.toggle(tell);
                return after;
            }
            if token.starts_with(tail) {
                self.text(before, tell);
                self.matched = tail.len();
                return &[];
            }
            from = at.saturating_add(1);
        }
        self.text(rest, tell);
        &[]
    }

    fn toggle(&mut self, tell: &mut impl FnMut(Piece<'_>)) {
        self.matched = 0;
        self.capturing = !self.capturing;
        tell(if self.capturing {
            Piece::Begin
        } else {
            Piece::End
        });
    }

    fn text(&self, text: &[u8], tell: &mut impl FnMut(Piece<'_>)) {
        if !text.is_empty() {
            tell(if self.capturing {
                Piece::Captured(text)
            } else {
                Piece::Log(text)
            });
        }
    }
}

/// Where `byte` next occurs at or after `from`.
fn find(bytes: &[u8], from: usize, byte: u8) -> Option<usize> {
    let offset = bytes.get(from..)?.iter().position(|&other| other == byte)?;
    from.checked_add(offset)
}

/// Captured text, limited by `…_capture_maxbytes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureBuffer {
    max: usize,
    bytes: Vec<u8>,
}

impl CaptureBuffer {
    /// An empty buffer for `max` bytes.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            bytes: Vec::new(),
        }
    }

    /// Adds a piece. When it would not fit, as many of the oldest bytes go as it is long, and it is added whole.
    ///
    /// So the limit can be passed by a piece longer than it, and what is left depends on how the output was cut.
    /// That is upstream's rule; only text beyond the limit is touched by it.
    pub fn push(&mut self, piece: &[u8]) {
        if self.bytes.len().saturating_add(piece.len()) > self.max {
            self.bytes.drain(..piece.len().min(self.bytes.len()));
        }
        self.bytes.extend_from_slice(piece);
    }

    /// Empties the buffer.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Log text, events, and captured text left without an end token.
    fn run(chunks: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>, Vec<u8>) {
        let (mut log, mut events, mut buffer) =
            (Vec::new(), Vec::new(), CaptureBuffer::new(1 << 20));
        let mut tell = |piece: Piece<'_>| match piece {
            Piece::Log(text) => log.extend_from_slice(text),
            Piece::Captured(text) => buffer.push(text),
            Piece::Begin => (),
            Piece::End => events.push(buffer.take()),
        };
        let mut capture = Capture::default();
        for chunk in chunks {
            capture.feed(chunk, &mut tell);
        }
        capture.finish(&mut tell);
        (log, events, buffer.take())
    }

    #[test]
    fn text_between_tokens_becomes_an_event() {
        let (log, events, open) =
            run(&[b"a\n<!--XSUPERVISOR:BEGIN-->hello<!--XSUPERVISOR:END-->b\n"]);
        assert_eq!(
            (log, events, open),
            (b"a\nb\n".to_vec(), vec![b"hello".to_vec()], vec![])
        );
    }

    #[test]
    fn short_output_is_not_lost_at_the_end() {
        assert_eq!(run(&[b"short tail\n"]).0, b"short tail\n");
        assert_eq!(run(&[b"x<!--XSUP"]).0, b"x<!--XSUP");
    }

    #[test]
    fn an_empty_capture_is_an_event_too() {
        assert_eq!(
            run(&[b"<!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:END-->"]).1,
            vec![Vec::<u8>::new()]
        );
    }

    #[test]
    fn a_token_out_of_place_is_text() {
        assert_eq!(
            run(&[b"<!--XSUPERVISOR:END-->x"]).0,
            b"<!--XSUPERVISOR:END-->x"
        );
        let (log, events, _) =
            run(&[b"<!--XSUPERVISOR:BEGIN-->a<!--XSUPERVISOR:BEGIN-->b<!--XSUPERVISOR:END-->"]);
        assert_eq!(
            (log, events),
            (vec![], vec![b"a<!--XSUPERVISOR:BEGIN-->b".to_vec()])
        );
    }

    #[test]
    fn a_repeated_start_does_not_hide_a_token() {
        assert_eq!(
            run(&[b"<", b"<!--XSUPERVISOR:BEGIN-->e<!--<!--XSUPERVISOR:END-->"]).1,
            vec![b"e<!--".to_vec()]
        );
    }

    #[test]
    fn captured_text_without_an_end_is_no_event() {
        let (log, events, open) = run(&[b"<!--XSUPERVISOR:BEGIN-->half"]);
        assert_eq!((log, events.len(), open), (vec![], 0, b"half".to_vec()));
    }

    #[test]
    fn an_overflowing_buffer_drops_as_much_as_comes() {
        let mut buffer = CaptureBuffer::new(10);
        buffer.push(b"0123456789");
        buffer.push(b"abc");
        assert_eq!(buffer.take(), b"3456789abc");
        buffer.push(b"01");
        buffer.push(b"longer than ten");
        assert_eq!(buffer.take(), b"longer than ten");
    }

    fn part() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            Just(BEGIN.to_vec()),
            Just(END.to_vec()),
            Just(b"<!--".to_vec()),
            Just(b"<".to_vec()),
            Just(b"<!--XSUPERVISOR:".to_vec()),
            prop::collection::vec(any::<u8>(), 0..5),
        ]
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_result(
            parts in prop::collection::vec(part(), 0..8),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let whole = parts.concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
            cuts.extend([0, whole.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &whole[pair[0]..pair[1]]).collect();
            prop_assert_eq!(run(&chunks), run(&[&whole]));
        }
    }
}
