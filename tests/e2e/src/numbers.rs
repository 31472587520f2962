//! Logs of programs that number their lines, so that a lost or doubled byte shows.

use crate::place::Place;

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
