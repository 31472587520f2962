//! Output that its log does not take just now, within a limit and with an account of what had to go.

use std::collections::VecDeque;

/// Bytes waiting for a log, oldest first. Beyond the limit the oldest lines are dropped and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    bytes: VecDeque<u8>,
    max: usize,
    gap: Gap,
}

/// How much was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Bytes, newlines included.
    pub bytes: u64,
    /// Newlines among them.
    pub lines: u64,
}

impl Gap {
    /// Whether nothing was dropped.
    pub fn is_none(self) -> bool {
        self.bytes == 0
    }
}

impl Held {
    /// Nothing held, and room for `max` bytes.
    pub fn new(max: usize) -> Self {
        Self {
            bytes: VecDeque::new(),
            max,
            gap: Gap::default(),
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a chunk. If it does not fit, whole lines go from the front, or everything up to the limit's end where
    /// there is no end of a line.
    pub fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend(chunk);
        let Some(excess) = self
            .bytes
            .len()
            .checked_sub(self.max)
            .filter(|&excess| excess > 0)
        else {
            return;
        };
        // The byte before the cut may be the newline that makes it clean.
        let last_dropped = excess.saturating_sub(1);
        let to_line_end = self
            .bytes
            .iter()
            .skip(last_dropped)
            .position(|&byte| byte == b'\n');
        let cut = to_line_end.map_or(excess, |offset| excess.saturating_add(offset));
        self.discard(cut);
    }

    /// The oldest bytes that lie together.
    pub fn front(&self) -> &[u8] {
        let (front, back) = self.bytes.as_slices();
        if front.is_empty() { back } else { front }
    }

    /// Takes bytes off the front that were written.
    pub fn consume(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
        if self.bytes.is_empty() {
            // One full disk must not cost memory for ever.
            self.bytes = VecDeque::new();
        }
    }

    /// Drops everything that waits, and counts it.
    pub fn drop_all(&mut self) {
        self.discard(self.bytes.len());
    }

    /// Forgets everything that waits without counting it, because it was to be thrown away.
    pub fn clear(&mut self) {
        self.bytes = VecDeque::new();
        self.gap = Gap::default();
    }

    /// What was dropped since [`Held::gap_told`].
    pub fn gap(&self) -> Gap {
        self.gap
    }

    /// The reader of the log was told of the gap.
    pub fn gap_told(&mut self) {
        self.gap = Gap::default();
    }

    fn discard(&mut self, count: usize) {
        let dropped = self.bytes.drain(..count.min(self.bytes.len()));
        let (mut bytes, mut lines) = (0u64, 0u64);
        for byte in dropped {
            bytes = bytes.saturating_add(1);
            lines = lines.saturating_add(u64::from(byte == b'\n'));
        }
        self.gap.bytes = self.gap.bytes.saturating_add(bytes);
        self.gap.lines = self.gap.lines.saturating_add(lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn contents(held: &mut Held) -> Vec<u8> {
        let mut out = Vec::new();
        while !held.is_empty() {
            let front = held.front().to_vec();
            held.consume(front.len());
            out.extend(front);
        }
        out
    }

    #[test]
    fn what_fits_stays_in_order() {
        let mut held = Held::new(10);
        held.push(b"abc");
        held.push(b"defghij");
        assert!(held.gap().is_none());
        assert_eq!(contents(&mut held), b"abcdefghij");
    }

    #[test]
    fn the_oldest_lines_go_and_are_counted() {
        let mut held = Held::new(10);
        held.push(b"one\ntwo\n");
        held.push(b"three\n");
        assert_eq!(held.gap(), Gap { bytes: 4, lines: 1 });
        held.push(b"x\n");
        assert_eq!(held.gap(), Gap { bytes: 8, lines: 2 });
        assert_eq!(contents(&mut held), b"three\nx\n");
        held.gap_told();
        assert!(held.gap().is_none());
    }

    #[test]
    fn without_a_line_end_only_the_excess_goes() {
        let mut held = Held::new(4);
        held.push(b"abcdefg");
        assert_eq!(held.gap(), Gap { bytes: 3, lines: 0 });
        assert_eq!(contents(&mut held), b"defg");
    }

    #[test]
    fn a_cleared_hold_tells_of_no_gap() {
        let mut held = Held::new(4);
        held.push(b"abcdefg");
        held.clear();
        assert!(held.is_empty() && held.gap().is_none());
        held.push(b"a\nb");
        held.drop_all();
        assert_eq!(held.gap(), Gap { bytes: 3, lines: 1 });
    }

    proptest! {
        #[test]
        fn held_and_dropped_add_up(
            chunks in prop::collection::vec(prop::collection::vec(prop::sample::select(b"ab\n".to_vec()), 0..20), 0..10),
        ) {
            let whole = chunks.concat();
            let mut held = Held::new(16);
            for chunk in &chunks {
                held.push(chunk);
                prop_assert!(held.len() <= 16);
            }
            let gap = held.gap();
            let cut = usize::try_from(gap.bytes).unwrap();
            prop_assert_eq!(contents(&mut held), &whole[cut..]);
            let line_ends = whole[..cut].split(|&byte| byte == b'\n').count() - 1;
            prop_assert_eq!(gap.lines, u64::try_from(line_ends).unwrap());
        }
    }
}
