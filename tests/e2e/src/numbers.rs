//! Logs of programs that number their lines, so that a lost or doubled byte shows.

use crate::place::Place;
use crate::side::{python, scripts};

/// A program that writes numbered lines from 0 on, with this pause in seconds after every fifty, as fast as it can without
/// one. All of its log is kept; `more` says at least how long each file of it is.
pub fn numbered(name: &str, pause: &str, more: &str) -> String {
    format!(
        "[program:{name}]\ncommand={} {}/numbered_lines.py {pause}\nstartsecs=0\nstdout_logfile=%(here)s/{name}.log\n\
         stdout_logfile_backups=5000\n{more}",
        python().display(),
        scripts().display()
    )
}

/// The text of a log and its backups, the oldest first.
pub fn with_backups(place: &Place, directory: &str, name: &str) -> String {
    let prefix = format!("{name}.");
    let mut backups: Vec<u64> = place
        .list(directory)
        .iter()
        .filter_map(|file| file.strip_prefix(&prefix)?.parse().ok())
        .collect();
    backups.sort_unstable_by(|a, b| b.cmp(a));
    let mut text: String = backups
        .iter()
        .map(|number| place.read(&format!("{directory}/{name}.{number}")))
        .collect();
    text.push_str(&place.read(&format!("{directory}/{name}")));
    text
}

/// Asserts that `text` is the lines from `first` on, each number on a line of its own, none missing and none twice.
/// Returns the last number.
pub fn assert_contiguous(text: &str, first: u64) -> u64 {
    assert!(
        text.ends_with('\n'),
        "the last line is cut: {:?}",
        tail(text)
    );
    let mut next = first;
    for line in text.lines() {
        assert!(
            line.parse() == Ok(next),
            "{next} is wanted and {line:?} stands there, {} of {} lines in",
            next - first,
            text.lines().count()
        );
        next += 1;
    }
    assert!(next > first, "there are no lines");
    next - 1
}

/// The last few characters.
fn tail(text: &str) -> &str {
    let start = text
        .char_indices()
        .rev()
        .nth(40)
        .map_or(0, |(index, _)| index);
    text.get(start..).unwrap_or(text)
}
