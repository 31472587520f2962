//! Output that its log does not take just now, within a limit and with an account of what had to go.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Longest rest of a line that is kept for the line's sake.
const REST_MAX: usize = 64 << 10;

/// Bytes waiting for a log, oldest first. Beyond the limit the oldest lines are dropped and counted.
///
/// A line whose beginning was taken by the log is not dropped: its rest stays before the gap, so that the log has whole
/// lines before and after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The rest of a line that stands before the gap.
    rest: Vec<u8>,
    bytes: VecDeque<u8>,
    /// Whether `bytes` begins with the rest of a line.
    is_within_line: bool,
    max: usize,
    gap: Gap,
    /// What readers of the log were told of, since [`Held::take_told`].
    #[serde(default)]
    told: Gap,
    /// All that was ever dropped.
    #[serde(default)]
    total: Gap,
}

/// How much was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Bytes, newlines included.
    pub bytes: u64,
    /// Newlines among them.
    pub lines: u64,
}

impl Gap {
    /// What this one has more than an earlier one.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(earlier.bytes),
            lines: self.lines.saturating_sub(earlier.lines),
        }
    }

    /// Whether nothing was dropped.
    pub fn is_none(self) -> bool {
        self.bytes == 0
    }
}

impl Held {
    /// Nothing held, and room for `max` bytes.
    pub fn new(max: usize) -> Self {
        Self {
            rest: Vec::new(),
            bytes: VecDeque::new(),
            is_within_line: false,
            max,
            gap: Gap::default(),
            told: Gap::default(),
            total: Gap::default(),
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.bytes.is_empty()
    }

    /// Whether what is added next belongs to a line that has begun in the log. Counts while nothing waits.
    pub fn goes_on_within_line(&mut self, within: bool) {
        if self.is_empty() {
            self.is_within_line = within;
        }
    }

    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.rest.len().saturating_add(self.bytes.len())
    }

    /// Adds a chunk. If it does not fit, whole lines go from the front, or everything up to the limit's end where
    /// there is no end of a line.
    pub fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend(chunk);
        if self.len() <= self.max {
            return;
        }
        self.keep_rest();
        let excess = self.len().saturating_sub(self.max).min(self.bytes.len());
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

    /// Puts the rest of a line before the gap, if it is not too long.
    fn keep_rest(&mut self) {
        if !self.is_within_line || !self.gap.is_none() {
            return;
        }
        let limit = REST_MAX.min(self.max / 2);
        let end = self
            .bytes
            .iter()
            .take(limit)
            .position(|&byte| byte == b'\n');
        if let Some(end) = end {
            self.rest.extend(self.bytes.drain(..=end));
            self.is_within_line = false;
        }
    }

    /// The rest of a line that stands before the gap.
    pub fn before_gap(&self) -> &[u8] {
        &self.rest
    }

    /// The oldest bytes that lie together.
    pub fn front(&self) -> &[u8] {
        if !self.rest.is_empty() {
            return &self.rest;
        }
        let (front, back) = self.bytes.as_slices();
        if front.is_empty() { back } else { front }
    }

    /// Takes bytes off the front that were written.
    pub fn consume(&mut self, count: usize) {
        if !self.rest.is_empty() {
            self.rest.drain(..count.min(self.rest.len()));
            return;
        }
        let last = self.bytes.drain(..count.min(self.bytes.len())).next_back();
        if let Some(last) = last {
            self.is_within_line = last != b'\n';
        }
        if self.bytes.is_empty() {
            // One full disk must not cost memory for ever.
            self.bytes = VecDeque::new();
        }
    }

    /// Drops everything that waits, and counts it.
    pub fn drop_all(&mut self) {
        self.discard(self.bytes.len());
        let rest = std::mem::take(&mut self.rest);
        self.count(&rest);
    }

    /// Forgets everything that waits without counting it, because it was to be thrown away.
    pub fn clear(&mut self) {
        self.rest = Vec::new();
        self.bytes = VecDeque::new();
        self.is_within_line = false;
        self.gap = Gap::default();
        self.told = Gap::default();
    }

    /// What was dropped since [`Held::gap_told`].
    pub fn gap(&self) -> Gap {
        self.gap
    }

    /// What was dropped since the beginning.
    pub fn total(&self) -> Gap {
        self.total
    }

    /// The reader of the log was told of the gap.
    pub fn gap_told(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        self.told.bytes = self.told.bytes.saturating_add(gap.bytes);
        self.told.lines = self.told.lines.saturating_add(gap.lines);
    }

    /// The sum of all gaps that were told since the last call, for those who do not read the log.
    pub fn take_told(&mut self) -> Gap {
        std::mem::take(&mut self.told)
    }

    fn discard(&mut self, count: usize) {
        let dropped: Vec<u8> = self.bytes.drain(..count.min(self.bytes.len())).collect();
        if let Some(&last) = dropped.last() {
            self.is_within_line = last != b'\n';
        }
        self.count(&dropped);
    }

    fn count(&mut self, dropped: &[u8]) {
        let lines: u64 = dropped.iter().map(|&byte| u64::from(byte == b'\n')).sum();
        let bytes = u64::try_from(dropped.len()).unwrap_or(u64::MAX);
        for gap in [&mut self.gap, &mut self.total] {
            gap.bytes = gap.bytes.saturating_add(bytes);
            gap.lines = gap.lines.saturating_add(lines);
        }
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
        held.push(b"0123456789");
        held.gap_told();
        assert_eq!(held.take_told(), Gap { bytes: 8, lines: 2 });
        assert_eq!(held.total(), Gap { bytes: 8, lines: 2 });
        assert!(held.take_told().is_none());
    }

    #[test]
    fn without_a_line_end_only_the_excess_goes() {
        let mut held = Held::new(4);
        held.push(b"abcdefg");
        assert_eq!(held.gap(), Gap { bytes: 3, lines: 0 });
        assert_eq!(contents(&mut held), b"defg");
    }

    #[test]
    fn a_line_that_has_begun_is_ended_before_the_gap() {
        let mut held = Held::new(16);
        held.goes_on_within_line(true);
        held.push(b"rest\n");
        held.push(b"one\ntwo\n");
        held.push(b"three\n");
        assert_eq!(held.gap(), Gap { bytes: 4, lines: 1 });
        assert_eq!(held.before_gap(), b"rest\n");
        assert_eq!(contents(&mut held), b"rest\ntwo\nthree\n");
        // What is taken only in part is a line that has begun, too.
        held.gap_told();
        held.push(b"four\n");
        held.consume(2);
        held.push(b"0123456789\nend\n");
        assert_eq!(held.before_gap(), b"ur\n");
        assert_eq!(contents(&mut held), b"ur\nend\n");
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
