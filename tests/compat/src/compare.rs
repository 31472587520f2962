//! Comparing two transcripts line by line, allowing for what is listed.

use std::fs;
use std::path::PathBuf;

use crate::differences;

/// Compares what upstream and Provost did in a case.
///
/// Equal transcripts are fine unless the case is listed as a difference; different ones are fine only when the list
/// has the case and Provost's transcript contains what the list says of it.
///
/// # Errors
/// What differs, as text for a person.
pub fn compare(case: &str, upstream: &str, ours: &str) -> Result<(), String> {
    keep(case, upstream, ours);
    let listed = differences::of_case(case);
    if upstream == ours {
        return match listed {
            None => Ok(()),
            Some(entry) if entry.is_broad() => Ok(()),
            Some(entry) => Err(format!(
                "{case}: listed as a difference (`{}`), but both sides agree: drop the entry",
                entry.key
            )),
        };
    }
    let Some(entry) = listed else {
        return Err(format!(
            "{case}: transcripts differ (- upstream, + ours)\n{}",
            diff(upstream, ours)
        ));
    };
    if ours.contains(entry.ours) {
        return Ok(());
    }
    Err(format!(
        "{case}: listed as a difference (`{}`), but ours lacks `{}`\n{}",
        entry.key,
        entry.ours,
        diff(upstream, ours)
    ))
}

/// Writes both transcripts into the directory that `PROVOST_TRANSCRIPTS` names, for a person to read.
fn keep(case: &str, upstream: &str, ours: &str) {
    let Some(directory) = std::env::var_os("PROVOST_TRANSCRIPTS").map(PathBuf::from) else {
        return;
    };
    fs::create_dir_all(&directory).expect("the directory for transcripts can be made");
    for (side, text) in [("upstream", upstream), ("ours", ours)] {
        let path = directory.join(format!("{}.{side}", case.replace('/', "_")));
        fs::write(path, text).expect("the directory for transcripts is writable");
    }
}

/// Panics when [`compare`] complains.
pub fn assert_same(case: &str, upstream: &str, ours: &str) {
    if let Err(complaint) = compare(case, upstream, ours) {
        panic!("{complaint}");
    }
}

/// A line diff: longest common subsequence, three lines of context.
pub fn diff(left: &str, right: &str) -> String {
    let left: Vec<&str> = left.lines().collect();
    let right: Vec<&str> = right.lines().collect();
    let marked = mark(&left, &right);
    let mut shown = vec![false; marked.len()];
    for (index, (mark, _)) in marked.iter().enumerate() {
        if *mark != ' ' {
            let end = (index + 4).min(shown.len());
            shown[index.saturating_sub(3)..end].fill(true);
        }
    }
    let mut out = Vec::new();
    for (index, (mark, line)) in marked.iter().enumerate() {
        if shown[index] {
            out.push(format!("{mark} {line}"));
        } else if index > 0 && shown[index - 1] {
            out.push("  …".to_owned());
        }
    }
    out.join("\n")
}

fn mark<'a>(left: &[&'a str], right: &[&'a str]) -> Vec<(char, &'a str)> {
    let mut longest = vec![vec![0_u32; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            longest[i][j] = if left[i] == right[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            out.push((' ', left[i]));
            i += 1;
            j += 1;
        } else if j == right.len() || (i < left.len() && longest[i + 1][j] >= longest[i][j + 1]) {
            out.push(('-', left[i]));
            i += 1;
        } else {
            out.push(('+', right[j]));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{compare, diff};

    #[test]
    fn a_difference_that_nobody_listed_is_an_error() {
        assert!(compare("no such case", "a\nb", "a\nc").is_err());
        assert!(compare("no such case", "a\nb", "a\nb").is_ok());
    }

    #[test]
    fn the_diff_shows_both_lines() {
        assert_eq!(diff("a\nb\nc", "a\nx\nc"), "  a\n- b\n+ x\n  c");
    }
}
