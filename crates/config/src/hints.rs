//! The nearest known name to a mistyped one.

/// How far a hint may be off: a third of the name, and at most this many edits.
const MAX_EDITS: usize = 3;

/// The nearest candidate, if it is near enough to be what was meant. Case makes no difference.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let length = lower.chars().count();
    let limit = (length / 3).clamp(1, MAX_EDITS);
    // Each character more or less is an edit; what is far longer need not be compared, however long it is.
    let is_near = |candidate: &&str| candidate.chars().count().abs_diff(length) <= limit;
    let scored = candidates
        .into_iter()
        .filter(is_near)
        .map(|candidate| (edits(&lower, &candidate.to_lowercase()), candidate));
    scored
        .filter(|&(edits, _)| edits <= limit)
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

/// How many characters must be put in, taken out, replaced or swapped with their neighbour to get from one to the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous: Option<char> = None;
    for (row, c) in from.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, &d) in to.iter().enumerate() {
            let at =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, column) + usize::from(c != d))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            let swapped = column > 0 && previous == Some(d) && to.get(column - 1) == Some(&c);
            if swapped {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
        previous = Some(c);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let keys = ["command", "autostart", "autorestart", "startsecs", "user"];
        for (name, expected) in [
            ("comand", Some("command")),
            ("auto_start", Some("autostart")),
            ("autorestrat", Some("autorestart")),
            ("StartSec", Some("startsecs")),
            ("usr", Some("user")),
            ("cpu_quota", None),
            ("x", None),
        ] {
            assert_eq!(nearest(name, keys), expected, "{name}");
        }
        assert_eq!(nearest(&"command".repeat(1_000_000), keys), None);
        assert_eq!(edits("ab", "ba"), 1);
        assert_eq!(edits("", "abc"), 3);
    }
}
