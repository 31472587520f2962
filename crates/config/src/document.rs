//! The INI dialect of `supervisord.conf`: text to lines with spans, nothing lost.
//!
//! The rules are those of Python's `RawConfigParser` with `strict=False` and `inline_comment_prefixes=(';', '#')`, which
//! is how upstream reads its files. A [`Document`] is one file; another module merges several. Meaning is not
//! looked at here.

use crate::python::{is_space, repr, strip};
use std::ops::Range;

/// One file, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// All lines; their spans touch and cover the whole text.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Bytes of the whole line, its end included.
    pub span: Range<usize>,
    /// Where a comment begins; what is behind it has no meaning.
    pub comment: Option<usize>,
    /// What it is.
    pub kind: LineKind,
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// Nothing but blanks.
    Blank,
    /// Nothing but a comment.
    Comment,
    /// `[name]`.
    Section {
        /// What stands between the first `[` and the last `]`.
        name: Range<usize>,
    },
    /// `key=value` or `key: value`.
    Option {
        /// As written; keys are compared in lower case.
        key: Range<usize>,
        /// Without blanks around.
        value: Range<usize>,
    },
    /// A deeper indented line: more of the value above.
    Continuation {
        /// Without blanks around.
        text: Range<usize>,
    },
    /// A line before the first section header.
    Homeless,
    /// Neither a header nor a pair, or a pair without a key.
    Malformed,
}

impl Document {
    /// Cuts a text into lines and tells what they are.
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader {
            in_section: false,
            in_value: false,
            indent: 0,
        };
        let mut lines = Vec::new();
        let mut start = 0;
        for length in line_lengths(text) {
            let span = start..start + length;
            start += length;
            let line = text.get(span.clone()).unwrap_or_default();
            lines.push(reader.line(line, span));
        }
        Self { lines }
    }

    /// The lines that upstream complains about, in its order: number from 1, and the line.
    ///
    /// A line before the first header ends upstream's reading at once, so it hides all later ones.
    pub(crate) fn upstream_error(&self, text: &str, path: &str) -> Option<String> {
        let shown = |line: &Line| {
            let whole = text.get(line.span.clone()).unwrap_or_default();
            let body = whole.trim_end_matches(['\r', '\n']);
            repr(&if body.len() < whole.len() {
                format!("{body}\n")
            } else {
                body.to_owned()
            })
        };
        let numbered = || {
            self.lines
                .iter()
                .enumerate()
                .map(|(index, line)| (index + 1, line))
        };
        if let Some((number, line)) = numbered().find(|(_, line)| line.kind == LineKind::Homeless) {
            return Some(format!(
                "File contains no section headers.\nfile: {}, line: {number}\n{}",
                repr(path),
                shown(line)
            ));
        }
        let bad: Vec<String> = numbered()
            .filter(|(_, line)| line.kind == LineKind::Malformed)
            .map(|(number, line)| format!("\n\t[line {number:2}]: {}", shown(line)))
            .collect();
        (!bad.is_empty()).then(|| {
            format!(
                "Source contains parsing errors: {}{}",
                repr(path),
                bad.concat()
            )
        })
    }
}

/// The length of each line with its end: `\n`, `\r\n` or `\r`.
fn line_lengths(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(start..)?;
        if rest.is_empty() {
            return None;
        }
        let length = match rest.iter().position(|&byte| byte == b'\n' || byte == b'\r') {
            None => rest.len(),
            Some(at) if rest.get(at) == Some(&b'\r') && rest.get(at + 1) == Some(&b'\n') => at + 2,
            Some(at) => at + 1,
        };
        start += length;
        Some(length)
    })
}

/// What Python's parser remembers from line to line.
struct Reader {
    in_section: bool,
    /// An option has been seen in this section and its name is not empty.
    in_value: bool,
    indent: usize,
}

impl Reader {
    fn line(&mut self, line: &str, span: Range<usize>) -> Line {
        let comment = comment_start(line);
        let kept = line
            .get(..comment.unwrap_or(line.len()))
            .unwrap_or_default();
        let value = strip(kept);
        // `value` is a part of `kept`, which begins where the line begins.
        let at = span.start + (value.as_ptr() as usize - line.as_ptr() as usize);
        let kind = if value.is_empty() {
            if comment.is_some() {
                LineKind::Comment
            } else {
                LineKind::Blank
            }
        } else {
            // Python counts the whole line here, a comment included, and characters, not bytes.
            let indent = line.chars().take_while(|&c| is_space(c)).count();
            self.meaningful(value, at, indent)
        };
        Line {
            comment: comment.map(|offset| span.start + offset),
            span,
            kind,
        }
    }

    fn meaningful(&mut self, value: &str, at: usize, indent: usize) -> LineKind {
        if self.in_section && self.in_value && indent > self.indent {
            return LineKind::Continuation {
                text: at..at + value.len(),
            };
        }
        self.indent = indent;
        if let Some(end) = header_end(value) {
            self.in_section = true;
            self.in_value = false;
            return LineKind::Section {
                name: at + 1..at + end,
            };
        }
        if !self.in_section {
            return LineKind::Homeless;
        }
        let Some(delimiter) = value.find(['=', ':']) else {
            return LineKind::Malformed;
        };
        let (before, after) = value.split_at(delimiter);
        let key = before.trim_end_matches(is_space);
        self.in_value = !key.is_empty();
        if key.is_empty() {
            return LineKind::Malformed;
        }
        let text = strip(after.get(1..).unwrap_or_default());
        let end = at + value.len();
        LineKind::Option {
            key: at..at + key.len(),
            value: end - text.len()..end,
        }
    }
}

/// Where the name of a header ends: at the last `]`, with at least one character before it.
fn header_end(value: &str) -> Option<usize> {
    value.strip_prefix('[')?;
    value.rfind(']').filter(|&end| end > 1)
}

/// Where a comment begins.
///
/// Python looks for both prefixes in rounds: the first `;` and the first `#`, then the second of each, and so on. It
/// stops after the first round in which one stands at the beginning or behind a blank, and takes the earlier of those.
/// So it can miss an earlier comment, and files are written around that. A line whose first visible character is a
/// prefix is a comment as a whole.
fn comment_start(line: &str) -> Option<usize> {
    if !line.bytes().any(|byte| matches!(byte, b';' | b'#')) {
        return None;
    }
    if strip(line).starts_with(['#', ';']) {
        return Some(0);
    }
    let mut semicolons = line.match_indices(';');
    let mut hashes = line.match_indices('#');
    loop {
        let round = [semicolons.next(), hashes.next()];
        let begins = |&(at, _): &(usize, &str)| {
            line.get(..at)
                .is_some_and(|before| before.chars().last().is_none_or(is_space))
        };
        let found = round
            .iter()
            .flatten()
            .filter(|candidate| begins(candidate))
            .map(|&(at, _)| at)
            .min();
        if found.is_some() || round.iter().all(Option::is_none) {
            return found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One word a line, with the parts of the text that matter.
    fn outline(text: &str) -> Vec<String> {
        let part = |range: &Range<usize>| text[range.clone()].to_owned();
        let shown = |line: &Line| match &line.kind {
            LineKind::Blank => "blank".to_owned(),
            LineKind::Comment => "comment".to_owned(),
            LineKind::Section { name } => format!("[{}]", part(name)),
            LineKind::Option { key, value } => format!("{}={}", part(key), part(value)),
            LineKind::Continuation { text } => format!("+{}", part(text)),
            LineKind::Homeless => "homeless".to_owned(),
            LineKind::Malformed => "malformed".to_owned(),
        };
        Document::parse(text).lines.iter().map(shown).collect()
    }

    #[test]
    fn lines_are_told_apart() {
        let text = "; c\n[program:b]junk ] x ; c\n  a = 1\n b: 2=3\r\n\n   more\n # c\n[x\nnothing\n=1\n  deep\n";
        assert_eq!(
            outline(text),
            [
                "comment",
                "[program:b]junk ]",
                "a=1",
                "b=2=3",
                "blank",
                "+more",
                "comment",
                "malformed",
                "malformed",
                "malformed",
                "malformed"
            ]
        );
    }

    #[test]
    fn comments_inside_lines_are_found_in_rounds() {
        for (line, kept) in [
            ("x=a;b;c ;real #later", "a;b;c ;real"),
            ("x=a ;b", "a"),
            ("x=a;b", "a;b"),
            ("x=a#b ;c", "a#b"),
            ("x='a ; b'", "'a"),
            ("x=\u{a0};b", ""),
        ] {
            let text = format!("[s]\n{line}");
            assert_eq!(outline(&text)[1], format!("x={kept}"), "{line}");
        }
    }

    #[test]
    fn an_indented_header_is_more_of_the_value_and_a_dedented_one_is_not() {
        assert_eq!(
            outline("[a]\nx=1\n [b]\n[c]\n  y=1\n z=2"),
            ["[a]", "x=1", "+[b]", "[c]", "y=1", "z=2"]
        );
        assert_eq!(outline("  [a]\n x=1"), ["[a]", "x=1"]);
    }

    #[test]
    fn syntax_errors_read_as_pythons() {
        let text = "\u{feff}[a]\n";
        assert_eq!(
            Document::parse(text)
                .upstream_error(text, "x.conf")
                .unwrap(),
            "File contains no section headers.\nfile: 'x.conf', line: 1\n'\\ufeff[a]\\n'"
        );
        let text = "[a]\nfoo\r\nx=1\n= 'y'";
        assert_eq!(
            Document::parse(text)
                .upstream_error(text, "x.conf")
                .unwrap(),
            "Source contains parsing errors: 'x.conf'\n\t[line  2]: 'foo\\n'\n\t[line  4]: \"= 'y'\""
        );
    }

    proptest! {
        #[test]
        fn spans_cover_every_text_without_gaps(text in "[\\[\\]a=:;# \t\r\n\u{e9}\u{a0}]{0,80}") {
            let document = Document::parse(&text);
            let joined: String = document.lines.iter().map(|line| &text[line.span.clone()]).collect();
            prop_assert_eq!(&joined, &text);
            for line in &document.lines {
                let inner = match &line.kind {
                    LineKind::Section { name } => name.clone(),
                    LineKind::Option { key, value } => key.start..value.end,
                    LineKind::Continuation { text } => text.clone(),
                    LineKind::Blank | LineKind::Comment | LineKind::Homeless | LineKind::Malformed => continue,
                };
                prop_assert!(line.span.start <= inner.start && inner.end <= line.span.end);
                prop_assert!(text.get(inner).is_some());
            }
        }

        #[test]
        fn no_text_is_too_strange(text in any::<String>()) {
            let document = Document::parse(&text);
            document.upstream_error(&text, "x");
        }
    }
}
