//! The account of a log: what was given to it, what reached the file, what it says is missing.

use std::collections::VecDeque;

/// The bytes of a log in the order in which it got them.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Given, and neither written nor told as missing.
    pub(crate) pending: VecDeque<u8>,
    /// The rest of a marker that has begun.
    marker: Vec<u8>,
    /// Bytes that markers of this life tell of.
    pub(crate) told: u64,
    /// What the machine has dropped in this life by its own account.
    pub(crate) dropped: u64,
    /// Bytes that went with a daemon that was killed.
    pub(crate) lost: u64,
    /// In this life something was written.
    wrote: bool,
    pub(crate) markers: u64,
    pub(crate) violations: Vec<(&'static str, String)>,
}

impl Account {
    pub(crate) fn fail(&mut self, rule: &'static str, what: String) {
        self.violations.push((rule, what));
    }

    /// The first `count` of these bytes stand at the end of the file now; `at_line_start` is how it stood before.
    pub(crate) fn appended(&mut self, whole: &[u8], count: usize, at_line_start: bool) {
        let bytes = whole.get(..count).unwrap_or_default();
        if self.marker.is_empty() && whole.trim_ascii_start().starts_with(MARK) {
            if self.wrote && !at_line_start && whole.first() != Some(&b'\n') {
                self.fail("I12", "a marker stands within a line".to_owned());
            }
            self.marker_begins(whole);
        }
        self.wrote = true;
        if !self.marker.is_empty() {
            if !self.marker.starts_with(bytes) {
                self.fail("I12", "a marker is broken off".to_owned());
            }
            self.marker.drain(..count.min(self.marker.len()));
            return;
        }
        let is_next = |from: usize| {
            let next = self.pending.iter().skip(from);
            next.take(count).eq(bytes)
        };
        let gap = usize::try_from(self.dropped.saturating_sub(self.told)).unwrap_or(0);
        if is_next(0) {
            self.pending.drain(..count);
        } else if gap > 0 && is_next(gap) {
            self.fail("I12", format!("{gap} bytes are missing without a marker"));
        } else {
            self.fail("I11", "other bytes than those that come next".to_owned());
        }
    }

    /// A marker tells of the bytes that come next: they are in no file, and as many as it says.
    fn marker_begins(&mut self, whole: &[u8]) {
        self.marker = whole.to_vec();
        self.markers += 1;
        let text = String::from_utf8_lossy(whole);
        let mut numbers = text
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse::<usize>().ok());
        let (bytes, lines) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if bytes > self.pending.len() {
            let what = format!(
                "{bytes} bytes are told as missing of {}",
                self.pending.len()
            );
            return self.fail("I12", what);
        }
        let missing = self.pending.drain(..bytes);
        let ends = missing.filter(|byte| *byte == b'\n').count();
        self.told += bytes as u64;
        if ends != lines {
            self.fail(
                "I12",
                format!("{lines} lines are told as missing, {ends} are"),
            );
        }
        if !text.ends_with(")\n") {
            self.fail("I12", format!("a marker reads {text:?}"));
        }
    }

    /// The rest of a marker goes with its reader.
    pub(crate) fn reader_left(&mut self) {
        self.marker.clear();
    }

    /// All that waits was to be thrown away.
    pub(crate) fn cleared(&mut self) {
        self.pending.clear();
        self.marker.clear();
        self.told = self.dropped;
    }

    /// The daemon is dead. Tells how much went with it.
    pub(crate) fn killed(&mut self) -> usize {
        let lost = self.pending.len();
        self.lost += lost as u64;
        self.pending.clear();
        self.marker.clear();
        self.begins_life(false);
        lost
    }

    /// Another program goes on; with what waited, if anything did.
    pub(crate) fn begins_life(&mut self, with_state: bool) {
        self.wrote = false;
        if !with_state {
            self.told = 0;
            self.dropped = 0;
        }
    }

    /// I11, I12: what the machine says of itself, with all that waits in it.
    pub(crate) fn compare(&mut self, unwritten: usize, dropped: u64) {
        self.dropped = dropped;
        let untold = dropped.saturating_sub(self.told);
        let held = unwritten.saturating_sub(self.marker.len()) as u64;
        let (sum, pending) = (held + untold, self.pending.len() as u64);
        if sum != pending {
            let what =
                format!("{pending} bytes wait, of which {held} are held and {untold} dropped");
            self.fail("I11", what);
        }
    }

    /// I11, I12: in the end nothing waits, and nothing is untold.
    pub(crate) fn is_settled(&mut self) {
        if self.dropped != self.told {
            let what = format!(
                "{} bytes were dropped, {} are told",
                self.dropped, self.told
            );
            self.fail("I12", what);
        }
        if !self.pending.is_empty() || !self.marker.is_empty() {
            let what = format!("{} bytes still wait", self.pending.len());
            self.fail("I11", what);
        }
    }
}

/// How the line begins that tells of a gap; no child writes that here.
const MARK: &[u8] = b"supervisord: dropped ";
