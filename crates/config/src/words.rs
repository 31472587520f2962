//! A command line cut into words, as upstream cuts it: Python's `shlex.split`.
//!
//! No shell is involved: variables, globs and operators stay text.

use crate::shlex::{Rules, tokens};

pub use crate::shlex::WordsError;

/// Cuts by whitespace, quotes and backslashes; `#` has no meaning.
///
/// Upstream: `shlex.split(command)`. Inside double quotes a backslash escapes only `"` and itself; single quotes take
/// everything literally; adjacent parts join; `''` is an empty word.
pub fn split(command: &str) -> Result<Vec<String>, WordsError> {
    tokens(
        command,
        Rules {
            posix: true,
            whitespace_split: true,
            comments: false,
            extra_word_chars: "",
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_as_by_a_posix_shell_without_operators() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  a  b ", &["a", "b"]),
            ("a 'b c' \"d e\"", &["a", "b c", "d e"]),
            ("a''b \"\" ''", &["ab", "", ""]),
            (r"a\ b c\\d", &["a b", r"c\d"]),
            (
                r#""a\"b" "a\\b" "a\nb" 'a\b'"#,
                &["a\"b", r"a\b", r"a\nb", r"a\b"],
            ),
            ("x=1;y|z # no", &["x=1;y|z", "#", "no"]),
            ("caf\u{e9} \u{4f60}", &["caf\u{e9}", "\u{4f60}"]),
            ("a\u{a0}b", &["a\u{a0}b"]),
        ];
        for (text, words) in cases {
            assert_eq!(split(text).unwrap(), *words, "{text:?}");
        }
    }

    #[test]
    fn open_quotes_and_a_last_backslash_are_named() {
        assert_eq!(
            split("echo 'a").unwrap_err().to_string(),
            "No closing quotation"
        );
        assert_eq!(
            split("echo \"a").unwrap_err().to_string(),
            "No closing quotation"
        );
        assert_eq!(
            split("echo a\\").unwrap_err().to_string(),
            "No escaped character"
        );
        assert_eq!(
            split("echo \"a\\").unwrap_err().to_string(),
            "No escaped character"
        );
    }
}
