//! `environment=KEY="value",KEY2='value2'`.
//!
//! Supervisor 4.3.0 and its successor cut this text differently. The rules here are the successor's (a POSIX lexer:
//! escapes in double quotes, adjacent parts join), because those are what people mean. Where they refuse a text that
//! 4.3.0 takes, the text keeps its meaning of 4.3.0, so that no working file is refused.

use crate::python::repr;
use crate::shlex::{Rules, WordsError, tokens};

/// The characters that a word may hold besides letters, digits and `_`.
const WORD_CHARS: &str = "/.+-():";

/// Variables in the order of their first appearance, each once.
pub(crate) type Pairs = Vec<(String, String)>;

/// What the text means, and whether every release agrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// The variables.
    pub(crate) pairs: Pairs,
    /// Supervisor 4.3.0 or its successor reads something else.
    pub(crate) ambiguous: bool,
}

/// Reads a list of pairs; the error is upstream's sentence.
pub(crate) fn parse(text: &str) -> Result<Parsed, String> {
    if let Some(pairs) = plain(text) {
        return Ok(Parsed {
            pairs,
            ambiguous: false,
        });
    }
    let posix = read(text, true);
    let older = read(text, false);
    match (posix, older) {
        (Ok(pairs), older) => Ok(Parsed {
            ambiguous: older.is_ok_and(|older| older != pairs),
            pairs,
        }),
        (Err(_), Ok(pairs)) => Ok(Parsed {
            pairs,
            ambiguous: true,
        }),
        (Err(message), Err(_)) => Err(message),
    }
}

/// `KEY="value",OTHER="value"`, as nearly all are written: names of letters, digits and `_`, values without quotes and
/// backslashes. Every release reads that alike.
fn plain(text: &str) -> Option<Pairs> {
    let mut pairs = Pairs::new();
    let mut rest = text;
    loop {
        let (key, after) = rest.split_once('=')?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let (value, after) = after.strip_prefix('"')?.split_once('"')?;
        if key.is_empty() || !key.bytes().all(is_name) || value.contains(['\'', '\\']) {
            return None;
        }
        set(&mut pairs, key.to_owned(), value.to_owned());
        if after.is_empty() {
            return Some(pairs);
        }
        rest = after.strip_prefix(',')?;
    }
}

/// Reads by the rules of one release.
pub(crate) fn read(text: &str, posix: bool) -> Result<Pairs, String> {
    let rules = Rules {
        posix,
        whitespace_split: false,
        comments: true,
        extra_word_chars: WORD_CHARS,
    };
    let words = tokens(text, rules).map_err(|error: WordsError| error.to_string())?;
    let mut pairs = Pairs::new();
    // The fourth token of each group, normally the comma, is not looked at.
    for group in words.chunks(4) {
        let [key, equals, value, ..] = group else {
            return Err(unexpected_end(text));
        };
        if equals != "=" {
            return Err(unexpected_end(text));
        }
        let value = if posix {
            value.as_str()
        } else {
            value.trim_matches(['\'', '"'])
        };
        set(&mut pairs, key.clone(), value.to_owned());
    }
    Ok(pairs)
}

fn unexpected_end(text: &str) -> String {
    format!("Unexpected end of key/value pairs in value '{text}'")
}

/// Sets a variable; one that is there keeps its place.
pub(crate) fn set(pairs: &mut Pairs, key: String, value: String) {
    match pairs.iter_mut().find(|(known, _)| *known == key) {
        Some((_, old)) => *old = value,
        None => pairs.push((key, value)),
    }
}

/// What to do about a text that is no list of pairs.
pub(crate) fn advice(text: &str) -> String {
    match text.split_once('=') {
        Some((key, value))
            if !value.contains(['"', '\'', ',', '=', '\n'])
                && !key.is_empty()
                && !value.is_empty() =>
        {
            format!(
                "put the value into double quotes: `environment={}=\"{}\"`",
                key.trim(),
                value.trim()
            )
        }
        _ => format!(
            "write pairs with commas between them and values in double quotes, such as `A=\"1\",B=\"2\"`; found {}",
            repr(text)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(parsed) => {
                let pairs: Vec<_> = parsed
                    .pairs
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                format!(
                    "{}{}",
                    pairs.join("|"),
                    if parsed.ambiguous { " (differs)" } else { "" }
                )
            }
            Err(message) => message,
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_plain_is_read_alike_by_every_release(text in "([AB_]=\"[a ,=#'\\\\\n;]{0,4}\",?){1,3}") {
            if let Some(pairs) = plain(&text) {
                proptest::prop_assert_eq!(read(&text, true), Ok(pairs.clone()));
                proptest::prop_assert_eq!(read(&text, false), Ok(pairs));
            }
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_lexer() {
        assert_eq!(
            plain("A=\"1\",B=\"x, y\""),
            Some(vec![
                ("A".to_owned(), "1".to_owned()),
                ("B".to_owned(), "x, y".to_owned())
            ])
        );
        for text in [
            "",
            "A=1",
            "A='1'",
            "A=\"'1'\"",
            "A=\"1\" ,B=\"2\"",
            "A=\"1\",",
        ] {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn pairs_are_read_as_by_upstream() {
        for (text, expected) in [
            ("", ""),
            ("A=\"1\",B='2'", "A=1|B=2"),
            ("A=1,", "A=1"),
            ("A=a b", "A=a"),
            ("A=a;B=b", "A=a|B=b"),
            ("A=http://x/y?z=1", "A=http://x/y|z=1"),
            ("A=*", "A=*"),
            ("A=$HOME", "A=$"),
            ("A=a#b", "A=a"),
            ("A='',B=1", "A=|B=1"),
            ("A=\"a\"\n,B=\"b\"", "A=a|B=b"),
            ("A=1,B=2,A=3", "A=3|B=2"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn texts_that_releases_read_differently_are_known() {
        for (text, expected) in [
            (r#"A="a\\b""#, r"A=a\b (differs)"),
            (r"A=C:\x", "A=C:x"),
            ("A=\"1\"x", "A=1x (differs)"),
            ("\"A\"=1", "A=1 (differs)"),
            // The successor alone would refuse these.
            ("A=it's", "A=it's (differs)"),
            (r"A='a\'b'", r"A=a\ (differs)"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "A", "A=", "=1", "A=1,,B=2", "A=1 B=2", "A=a=b", "A=1:B=2", "A=1\nB=2",
        ] {
            assert_eq!(
                shown(text),
                format!("Unexpected end of key/value pairs in value '{text}'"),
                "{text}"
            );
        }
        assert_eq!(shown("A=\"1"), "No closing quotation");
        assert_eq!(
            advice("A=b c"),
            "put the value into double quotes: `environment=A=\"b c\"`"
        );
    }
}
