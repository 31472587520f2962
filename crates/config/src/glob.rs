//! File patterns as Python's `glob` and `fnmatch` take them: `*`, `?`, `[...]`, no recursion, no hidden files.

use crate::host::Host;
use crate::paths;
use std::path::{Path, PathBuf};

/// All paths that match, in no order. A pattern without wildcards matches what is there, a dangling link included.
pub(crate) fn glob(pattern: &str, host: &dyn Host) -> Vec<PathBuf> {
    let directory = paths::dirname(pattern);
    let name = pattern.rsplit('/').next().unwrap_or(pattern);
    if !has_magic(pattern) {
        let path = Path::new(pattern);
        let there = if name.is_empty() {
            host.is_dir(path)
        } else {
            host.link_exists(path)
        };
        return if there {
            vec![path.to_owned()]
        } else {
            Vec::new()
        };
    }
    let directories = if has_magic(directory) {
        glob(directory, host)
    } else {
        vec![PathBuf::from(directory)]
    };
    directories
        .into_iter()
        .flat_map(|directory| matches_in(&directory, name, host))
        .collect()
}

fn matches_in(directory: &Path, name: &str, host: &dyn Host) -> Vec<PathBuf> {
    if !has_magic(name) {
        let path = directory.join(name);
        let there = if name.is_empty() {
            host.is_dir(&path)
        } else {
            host.link_exists(&path)
        };
        return if there { vec![path] } else { Vec::new() };
    }
    let pattern = Pattern::new(name);
    let hidden = name.starts_with('.');
    let place = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let names = host.list_dir(place).unwrap_or_default();
    let fits = |name: &std::ffi::OsString| {
        let text = name.to_string_lossy();
        (hidden || !text.starts_with('.')) && pattern.matches(&text)
    };
    names
        .into_iter()
        .filter(fits)
        .map(|name| directory.join(name))
        .collect()
}

/// Whether a name matches a pattern, as Python's `fnmatch.fnmatchcase`.
pub fn fnmatch(pattern: &str, name: &str) -> bool {
    Pattern::new(pattern).matches(name)
}

fn has_magic(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

enum Part {
    /// `*`
    Many,
    /// `?`
    One,
    Literal(char),
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

struct Pattern(Vec<Part>);

impl Pattern {
    fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            parts.push(match c {
                '*' => Part::Many,
                '?' => Part::One,
                '[' => match set(rest.as_str()) {
                    Some((part, behind)) => {
                        rest = behind.chars();
                        part
                    }
                    None => Part::Literal('['),
                },
                c => Part::Literal(c),
            });
        }
        Self(parts)
    }

    /// Walks both once; behind a mismatch, the last `*` takes one character more.
    fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut part, mut at) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        loop {
            match (self.0.get(part), name.get(at)) {
                (None, None) => return true,
                (Some(Part::Many), _) => {
                    star = Some((part, at));
                    part += 1;
                    continue;
                }
                (Some(single), Some(&c)) if single.takes(c) => {
                    part += 1;
                    at += 1;
                    continue;
                }
                _ => {}
            }
            match star {
                Some((star_part, taken)) if taken < name.len() => {
                    star = Some((star_part, taken + 1));
                    part = star_part + 1;
                    at = taken + 1;
                }
                _ => return false,
            }
        }
    }
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Many => false,
            Self::One => true,
            Self::Literal(literal) => *literal == c,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|&(low, high)| low <= c && c <= high) != *negated
            }
        }
    }
}

/// The set behind a `[`, and what follows its `]`; none when it is not closed.
fn set(text: &str) -> Option<(Part, &str)> {
    let mut negated = text.starts_with('!');
    let body = text.strip_prefix('!').unwrap_or(text);
    // A `]` in the first place is one of the characters.
    let first = body.chars().next()?.len_utf8();
    let end = first + body.get(first..)?.find(']')?;
    let behind = body.get(end + 1..)?;
    let mut ranges = Vec::new();
    let mut is_at_start = !negated;
    let mut chars = body.get(..end)?.chars();
    while let Some(low) = chars.next() {
        let mut ahead = chars.clone();
        let high = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(high)) => Some(high),
            _ => None,
        };
        if high.is_some() {
            chars = ahead;
        }
        match high {
            // A range that holds nothing is left out, before Python looks at whether the set begins with a `!`.
            Some(high) if high < low => continue,
            Some(high) if is_at_start && low == '!' => {
                negated = true;
                ranges.extend([('-', '-'), (high, high)]);
            }
            None if is_at_start && low == '!' => negated = true,
            high => ranges.push((low, high.unwrap_or(low))),
        }
        is_at_start = false;
    }
    Some((Part::Set { negated, ranges }, behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use proptest::prelude::*;

    #[test]
    fn names_match_as_with_fnmatch() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf~", false),
            ("a?c", "abc", true),
            ("a*b*c", "aXbXbc", true),
            ("**", "x", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[", "[", true),
            ("[a-", "[a-", true),
            ("[c-a]", "b", false),
            ("[c-a!]", "b", true),
            ("[c-a!b]", "b", false),
            ("[c-a!b]", "x", true),
            ("[c-a!-z]", "b", true),
            ("[c-a!-z]", "z", false),
            ("[a-b-c]", "-", true),
            ("[\u{e9}]", "\u{e9}", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn patterns_find_files_but_not_hidden_ones() {
        let world = World::new()
            .file("/e/conf.d/b.conf", "")
            .file("/e/conf.d/a.conf", "")
            .file("/e/conf.d/.c.conf", "")
            .file("/e/other/a.conf", "")
            .file("/e/plain", "");
        let found = |pattern: &str| {
            let mut paths: Vec<_> = glob(pattern, &world)
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            paths.sort();
            paths
        };
        assert_eq!(
            found("/e/conf.d/*.conf"),
            ["/e/conf.d/a.conf", "/e/conf.d/b.conf"]
        );
        assert_eq!(
            found("/e/*/a.conf"),
            ["/e/conf.d/a.conf", "/e/other/a.conf"]
        );
        assert_eq!(
            found("/e/**/a.conf"),
            ["/e/conf.d/a.conf", "/e/other/a.conf"]
        );
        assert_eq!(found("/e/conf.d/.*"), ["/e/conf.d/.c.conf"]);
        assert_eq!(found("/e/plain"), ["/e/plain"]);
        assert_eq!(found("/e/nope*"), [""; 0]);
        assert_eq!(found("/e/*/"), ["/e/conf.d/", "/e/other/"]);
    }

    proptest! {
        #[test]
        fn no_pattern_is_too_strange(pattern in any::<String>(), name in any::<String>()) {
            Pattern::new(&pattern).matches(&name);
        }
    }
}
