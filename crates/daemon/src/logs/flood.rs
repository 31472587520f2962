//! Sentences that come again and again: the first ones at once, the others counted and told by one line.
//!
//! Two lines are of one kind when they differ only in pids and numbers of events: then they say the same of the same
//! program. The names of programs may hold digits, so other numbers count.

use provost_model::Level;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

/// Lines of one kind that are written at once in one span. More than any start, stop or retry makes of one program.
const LINES_AT_ONCE: u32 = 10;

/// How long a span lasts.
const SPAN: Duration = Duration::from_secs(10);

/// Kinds that are kept in mind, as many as fit a table of 1,024 places. Lines of other kinds are written; each needs a
/// program or a file of its own.
const KINDS_MAX: usize = 896;

/// Lines that a program makes when it starts or stops: too few to be the beginning of a flood.
const FEW: u32 = 2;

/// Words before numbers that do not make another kind.
const NUMBERED: &[&str] = &["pid ", "event ", "fd ", "("];

/// What was said of one kind in the present span.
struct Kind {
    began: Instant,
    lines: u32,
    /// It flooded in the span before, too: not even the first lines are written.
    floods: bool,
    /// What was not written; most kinds have nothing.
    held: Option<Box<Held>>,
}

/// Lines that were not written: how many, and the last one of them.
struct Held {
    count: u32,
    level: Level,
    text: String,
}

/// All kinds of the present.
#[derive(Default)]
pub(super) struct Flood {
    kinds: HashMap<u64, Kind>,
    /// When the next summary is due; none while nothing is held back.
    due: Option<Instant>,
}

impl Flood {
    /// Whether a line is to be written now. If not, a summary will tell of it.
    pub(super) fn admits(&mut self, level: Level, text: &str, now: Instant) -> bool {
        let key = key_of(text);
        if !self.kinds.contains_key(&key) {
            self.forget_old(now);
            if self.kinds.len() >= KINDS_MAX {
                return true;
            }
        }
        let kind = self.kinds.entry(key).or_insert_with(|| Kind::new(now));
        if kind.held.is_none() && now >= kind.began + SPAN {
            *kind = Kind::new(now);
        }
        kind.lines = kind.lines.saturating_add(1);
        if !kind.floods && kind.lines <= LINES_AT_ONCE {
            return true;
        }
        let before = kind.held.as_ref().map_or(0, |held| held.count);
        kind.held = Some(Box::new(Held {
            count: before.saturating_add(1),
            level,
            text: text.to_owned(),
        }));
        let due = kind.began + SPAN;
        self.due = Some(self.due.map_or(due, |other| other.min(due)));
        false
    }

    /// When [`Flood::summaries`] has something to tell.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due
    }

    /// Lines that tell of what was held back in spans that are over; with `all`, of every span.
    pub(super) fn summaries(&mut self, now: Instant, all: bool) -> Vec<(Level, String)> {
        if self.due.is_none_or(|due| due > now && !all) {
            return Vec::new();
        }
        let mut told = Vec::new();
        self.due = None;
        for kind in self.kinds.values_mut() {
            let end = kind.began + SPAN;
            if kind.held.is_some() && end > now && !all {
                self.due = Some(self.due.map_or(end, |other| other.min(end)));
                continue;
            }
            let Some(held) = kind.held.take() else {
                continue;
            };
            *kind = Kind::new(now);
            kind.floods = held.count > LINES_AT_ONCE;
            let noun = if held.count == 1 { "line" } else { "lines" };
            let (count, secs, text) = (held.count, SPAN.as_secs(), held.text);
            told.push((
                held.level,
                format!("{count} more {noun} like this in {secs} seconds: {text}"),
            ));
        }
        told
    }

    /// Makes room, once there is none.
    fn forget_old(&mut self, now: Instant) {
        if self.kinds.len() < KINDS_MAX {
            return;
        }
        self.kinds
            .retain(|_, kind| kind.held.is_some() || now < kind.began + SPAN);
        // A start of thousands of programs must not hide the one that floods.
        if self.kinds.len() >= KINDS_MAX {
            self.kinds
                .retain(|_, kind| kind.held.is_some() || kind.lines > FEW);
        }
        // Places of what was taken out count as taken, and would make a larger table of the next ones.
        self.kinds.shrink_to_fit();
    }
}

impl Kind {
    fn new(began: Instant) -> Self {
        Self {
            began,
            lines: 0,
            floods: false,
            held: None,
        }
    }
}

/// The same for all lines of one kind.
fn key_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut rest = text;
    loop {
        let number = NUMBERED
            .iter()
            .filter_map(|word| Some(rest.find(word)? + word.len()))
            .min();
        let (before, after) = rest
            .split_at_checked(number.unwrap_or(rest.len()))
            .unwrap_or((rest, ""));
        before.hash(&mut hasher);
        if after.is_empty() {
            return hasher.finish();
        }
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(
        flood: &mut Flood,
        now: Instant,
        count: usize,
        text: impl Fn(usize) -> String,
    ) -> usize {
        (0..count)
            .filter(|&number| flood.admits(Level::Warn, &text(number), now))
            .count()
    }

    #[test]
    fn f31_ten_lines_at_once_then_one_in_ten_seconds() {
        let mut flood = Flood::default();
        let begin = Instant::now();
        let line = |number: usize| format!("spawned: 'p' with pid {number}");
        assert_eq!(admitted(&mut flood, begin, 100, line), 10);
        assert_eq!(flood.next_due(), Some(begin + SPAN));
        assert_eq!(flood.summaries(begin + SPAN / 2, false), []);
        let told = flood.summaries(begin + SPAN, false);
        assert_eq!(
            told,
            [(
                Level::Warn,
                "90 more lines like this in 10 seconds: spawned: 'p' with pid 99".to_owned()
            )]
        );
        // It goes on: one line each span.
        assert_eq!(admitted(&mut flood, begin + SPAN, 50, line), 0);
        assert_eq!(flood.summaries(begin + SPAN * 2, false).len(), 1);
        // It is over: nothing is due, and the next line is written at once.
        assert_eq!(flood.next_due(), None);
        assert_eq!(admitted(&mut flood, begin + SPAN * 4, 1, line), 1);
    }

    #[test]
    fn other_programs_and_other_words_are_other_kinds() {
        let mut flood = Flood::default();
        let now = Instant::now();
        let line = |number: usize| format!("exited: p_{number:02} (exit status 1; not expected)");
        assert_eq!(admitted(&mut flood, now, 100, line), 100);
        assert_ne!(
            key_of("killing 'a' (12) with SIGTERM"),
            key_of("killing 'a' (12) with SIGKILL")
        );
        assert_eq!(
            key_of("killing 'a' (12) with SIGTERM"),
            key_of("killing 'a' (345) with SIGTERM")
        );
        assert_eq!(key_of("ends with pid "), key_of("ends with pid "));
    }

    #[test]
    fn kinds_do_not_fill_the_memory() {
        let mut flood = Flood::default();
        let now = Instant::now();
        let line = |number: usize| format!("line of {number}");
        assert_eq!(
            admitted(&mut flood, now, KINDS_MAX * 2, line),
            KINDS_MAX * 2
        );
        assert!(flood.kinds.len() <= KINDS_MAX);
        assert_eq!(
            admitted(&mut flood, now + SPAN * 2, 1, |_| "another".to_owned()),
            1
        );
        assert!(flood.kinds.len() < 10);
    }
}
