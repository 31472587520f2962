//! Rules of Python's text type that show in upstream's behaviour: blanks, `int`, lists of texts.
//!
//! Only what a user can see is here.

pub(crate) use provost_model::quote::{ascii, repr};

/// Whether Python's `str.isspace` holds: Unicode white space and the four separators `\x1c` to `\x1f`.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `str.strip()`.
pub(crate) fn strip(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if is_plain(bytes.first()) && is_plain(bytes.last()) {
        return text;
    }
    text.trim_matches(is_space)
}

/// `repr` of a list of texts.
pub(crate) fn repr_list(texts: &[String]) -> String {
    let items: Vec<_> = texts.iter().map(|text| repr(text)).collect();
    format!("[{}]", items.join(", "))
}

/// `int(text)`: blanks around, a sign, decimal digits with single underscores between them.
///
/// Python's integers have no bounds; values beyond 64 bits become the nearest one that fits.
pub(crate) fn int(text: &str) -> Option<i64> {
    let (negative, digits) = sign(strip(text));
    number(digits, 10, negative)
}

/// `int(text, 8)`: as [`int`] in base 8, with an optional `0o`.
pub(crate) fn int_octal(text: &str) -> Option<i64> {
    let (negative, digits) = sign(strip(text));
    let digits = match digits
        .strip_prefix("0o")
        .or_else(|| digits.strip_prefix("0O"))
    {
        Some(rest) => rest.strip_prefix('_').unwrap_or(rest),
        None => digits,
    };
    number(digits, 8, negative)
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn number(digits: &str, base: u32, negative: bool) -> Option<i64> {
    let mut value: i64 = 0;
    let mut after_digit = false;
    for c in digits.chars() {
        if c == '_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = i64::from(c.to_digit(base)?);
        let digit = if negative { -digit } else { digit };
        value = value.saturating_mul(i64::from(base)).saturating_add(digit);
        after_digit = true;
    }
    after_digit.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_texts_are_shown_as_python_shows_them() {
        assert_eq!(
            repr_list(&["foo".into(), "b'r".into()]),
            r#"['foo', "b'r"]"#
        );
    }

    #[test]
    fn integers_are_read_as_python_reads_them() {
        for (text, value) in [
            ("1", Some(1)),
            (" +1_000 ", Some(1000)),
            ("-0", Some(0)),
            ("007", Some(7)),
            ("", None),
            ("-", None),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("1.5", None),
            ("0x10", None),
            ("- 1", None),
            ("99999999999999999999", Some(i64::MAX)),
            ("-99999999999999999999", Some(i64::MIN)),
        ] {
            assert_eq!(int(text), value, "{text:?}");
        }
        for (text, value) in [
            ("022", Some(18)),
            ("22", Some(18)),
            ("0o22", Some(18)),
            ("0O_22", Some(18)),
            ("9", None),
            ("0o", None),
        ] {
            assert_eq!(int_octal(text), value, "{text:?}");
        }
    }
}
