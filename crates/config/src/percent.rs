//! `%(name)s` and its relatives: Python's `%` operator on a text and a mapping of names.
//!
//! Values are texts and whole numbers; nothing else is ever mapped.

use crate::python;
use crate::vars::{Var, Vars};
use std::borrow::Cow;

/// Why a text cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FormatError {
    /// A name that the mapping lacks.
    Unknown(String),
    /// Anything else, in Python's words.
    Malformed(String),
}

/// The widest field and the most digits. Python would try to fill gigabytes out of a few bytes, and the standard library
/// panics from 65,535 on.
const MAX_WIDTH: usize = 1024;

/// Expands a text.
pub(crate) fn format<'a>(template: &'a str, vars: &'a Vars) -> Result<String, FormatError> {
    let mut out = String::with_capacity(template.len());
    let mut reader = Reader {
        rest: template.chars(),
        consumed: 0,
        argument: Argument::Mapping,
    };
    while let Some((plain, behind)) = reader.rest.as_str().split_once('%') {
        out.push_str(plain);
        reader.consumed += plain.chars().count() + 1;
        reader.rest = behind.chars();
        reader.conversion(vars, &mut out)?;
    }
    out.push_str(reader.rest.as_str());
    Ok(out)
}

fn malformed<T>(text: impl Into<String>) -> Result<T, FormatError> {
    Err(FormatError::Malformed(text.into()))
}

#[derive(Clone, Copy, Default)]
struct Spec {
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// What a conversion takes its value from.
enum Argument<'a> {
    /// No name was given yet: Python hands out the mapping itself, once.
    Mapping,
    Var(&'a Var),
    /// Handed out already.
    Used,
}

struct Reader<'a> {
    rest: std::str::Chars<'a>,
    /// Characters read, for the position in messages.
    consumed: usize,
    /// What the next conversion without a name takes.
    argument: Argument<'a>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next();
        self.consumed += usize::from(c.is_some());
        c
    }

    fn need(&mut self) -> Result<char, FormatError> {
        self.next()
            .map_or_else(|| malformed("incomplete format"), Ok)
    }

    /// Everything behind a `%`.
    fn conversion(&mut self, vars: &'a Vars, out: &mut String) -> Result<(), FormatError> {
        if self.rest.as_str().starts_with('%') {
            self.next();
            out.push('%');
            return Ok(());
        }
        if self.rest.as_str().starts_with('(') {
            let name = self.name()?;
            self.argument = match vars.get(&name) {
                Some(var) => Argument::Var(var),
                None => return Err(FormatError::Unknown(name.into_owned())),
            };
            if let (Argument::Var(var), Some(rest)) =
                (&self.argument, self.rest.as_str().strip_prefix('s'))
            {
                // As nearly all are written.
                match var {
                    Var::Text(text) => out.push_str(text),
                    Var::Int(number) => out.push_str(&number.to_string()),
                }
                self.consumed += 1;
                self.rest = rest.chars();
                self.argument = Argument::Used;
                return Ok(());
            }
        }
        let mut spec = Spec::default();
        let mut c = self.need()?;
        loop {
            match c {
                '-' => spec.left = true,
                '+' => spec.plus = true,
                ' ' => spec.blank = true,
                '#' => spec.alternate = true,
                '0' => spec.zero = true,
                _ => break,
            }
            c = self.need()?;
        }
        if c == '*' {
            self.star()?;
            c = self.need()?;
        } else if c.is_ascii_digit() {
            (spec.width, c) = self.number(c, "width too big")?;
        }
        if c == '.' {
            c = self.need()?;
            let mut precision = 0;
            if c == '*' {
                self.star()?;
                c = self.need()?;
            } else if c.is_ascii_digit() {
                (precision, c) = self.number(c, "precision too big")?;
            }
            spec.precision = Some(precision);
        }
        if matches!(c, 'h' | 'l' | 'L') {
            c = self.need()?;
        }
        let var = match std::mem::replace(&mut self.argument, Argument::Used) {
            Argument::Var(var) => Some(var),
            Argument::Mapping => None,
            Argument::Used => return malformed("not enough arguments for format string"),
        };
        out.push_str(&self.convert(c, spec, var)?);
        Ok(())
    }

    /// A name in parentheses, which may hold balanced ones.
    fn name(&mut self) -> Result<Cow<'a, str>, FormatError> {
        self.next();
        let rest = self.rest.as_str();
        if let Some((name, behind)) = rest.split_once(')').filter(|(name, _)| !name.contains('(')) {
            self.consumed += name.chars().count() + 1;
            self.rest = behind.chars();
            return Ok(Cow::Borrowed(name));
        }
        let mut name = String::new();
        let mut depth = 1_usize;
        loop {
            let Some(c) = self.next() else {
                return malformed("incomplete format key");
            };
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(Cow::Owned(name));
            }
            name.push(c);
        }
    }

    /// A `*` takes a number for the width and uses it up, so that nothing is left to convert: such a text always fails.
    fn star(&mut self) -> Result<(), FormatError> {
        match std::mem::replace(&mut self.argument, Argument::Used) {
            Argument::Var(Var::Int(_)) => Ok(()),
            Argument::Used => malformed("not enough arguments for format string"),
            Argument::Var(Var::Text(_)) | Argument::Mapping => malformed("* wants int"),
        }
    }

    fn number(&mut self, first: char, too_big: &str) -> Result<(usize, char), FormatError> {
        let mut value = 0_u64;
        let mut c = first;
        while let Some(digit) = c.to_digit(10) {
            value = value.saturating_mul(10).saturating_add(u64::from(digit));
            c = self.need()?;
        }
        Ok((bounded(value, too_big)?, c))
    }

    fn convert(&self, c: char, spec: Spec, var: Option<&Var>) -> Result<String, FormatError> {
        let type_name = var.map_or("dict", Var::type_name);
        match c {
            's' | 'r' | 'a' => match var {
                // Upstream inserts the whole mapping here, the environment with its secrets included.
                None => malformed("not enough arguments for format string"),
                Some(var) => Ok(text(c, spec, var)),
            },
            'd' | 'i' | 'u' => match var {
                Some(Var::Int(value)) => Ok(integer(c, spec, *value)),
                _ => malformed(format!(
                    "%{c} format: a real number is required, not {type_name}"
                )),
            },
            'o' | 'x' | 'X' => match var {
                Some(Var::Int(value)) => Ok(integer(c, spec, *value)),
                _ => malformed(format!(
                    "%{c} format: an integer is required, not {type_name}"
                )),
            },
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => match var {
                Some(Var::Int(value)) => Ok(float(c, spec, *value)),
                _ => malformed(format!("must be real number, not {type_name}")),
            },
            'c' => match var {
                Some(Var::Text(text)) if text.chars().count() == 1 => {
                    Ok(padded(text, "", spec, ' '))
                }
                Some(Var::Int(value)) => {
                    match u32::try_from(*value).ok().and_then(char::from_u32) {
                        Some(character) => Ok(padded(&character.to_string(), "", spec, ' ')),
                        None => malformed("%c arg not in range(0x110000)"),
                    }
                }
                _ => malformed("%c requires int or char"),
            },
            other => {
                let shown = if (' '..='~').contains(&other) || other == '\u{1f}' {
                    other
                } else {
                    '?'
                };
                let code = u32::from(other);
                let index = self.consumed - 1;
                malformed(format!(
                    "unsupported format character '{shown}' (0x{code:x}) at index {index}"
                ))
            }
        }
    }
}

fn bounded(value: u64, too_big: &str) -> Result<usize, FormatError> {
    match usize::try_from(value) {
        Ok(value) if value <= MAX_WIDTH => Ok(value),
        _ => malformed(too_big),
    }
}

fn text(c: char, spec: Spec, var: &Var) -> String {
    let whole = match var {
        Var::Int(value) => value.to_string(),
        Var::Text(text) => match c {
            'r' => python::repr(text),
            'a' => python::ascii(text),
            _ => text.as_ref().to_owned(),
        },
    };
    let shown: String = match spec.precision {
        Some(precision) => whole.chars().take(precision).collect(),
        None => whole,
    };
    padded(&shown, "", spec, ' ')
}

fn integer(c: char, spec: Spec, value: i64) -> String {
    let magnitude = value.unsigned_abs();
    let (prefix, digits) = match c {
        'o' => ("0o", format!("{magnitude:o}")),
        'x' => ("0x", format!("{magnitude:x}")),
        'X' => ("0X", format!("{magnitude:X}")),
        _ => ("", magnitude.to_string()),
    };
    let digits = format!("{digits:0>width$}", width = spec.precision.unwrap_or(0));
    let prefix = if spec.alternate { prefix } else { "" };
    numeric(&digits, prefix, value < 0, spec)
}

/// A number with its sign and prefix; zeros go between those and the digits.
fn numeric(digits: &str, prefix: &str, negative: bool, spec: Spec) -> String {
    let sign = match (negative, spec.plus, spec.blank) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    };
    let fill = if spec.zero { '0' } else { ' ' };
    padded(digits, &format!("{sign}{prefix}"), spec, fill)
}

fn padded(body: &str, lead: &str, spec: Spec, fill: char) -> String {
    let missing = spec
        .width
        .saturating_sub(body.chars().count() + lead.chars().count());
    let pad = |c: char| c.to_string().repeat(missing);
    if spec.left {
        format!("{lead}{body}{}", pad(' '))
    } else if fill == '0' {
        format!("{lead}{}{body}", pad('0'))
    } else {
        format!("{}{lead}{body}", pad(' '))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Python rounds whole numbers to floats in the same way"
)]
fn float(c: char, spec: Spec, value: i64) -> String {
    let magnitude = value.unsigned_abs() as f64;
    let precision = spec.precision.unwrap_or(6);
    let body = match c.to_ascii_lowercase() {
        'e' => scientific(magnitude, precision, spec.alternate),
        'f' => fixed(magnitude, precision, spec.alternate),
        _ => general(magnitude, precision.max(1), spec.alternate),
    };
    let body = if c.is_ascii_uppercase() {
        body.to_uppercase()
    } else {
        body
    };
    numeric(&body, "", value < 0, spec)
}

fn fixed(value: f64, precision: usize, alternate: bool) -> String {
    let point = if alternate && precision == 0 { "." } else { "" };
    format!("{value:.precision$}{point}")
}

/// As `{:e}`, with a sign and at least two digits in the exponent.
fn scientific(value: f64, precision: usize, alternate: bool) -> String {
    let shown = format!("{value:.precision$e}");
    let (mantissa, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
    let point = if alternate && precision == 0 { "." } else { "" };
    format!("{mantissa}{point}e+{exponent:0>2}")
}

/// The shorter of the two forms, with `precision` significant digits and without zeros at the end.
fn general(value: f64, precision: usize, alternate: bool) -> String {
    let rounded = format!("{value:.digits$e}", digits = precision - 1);
    let exponent: usize = rounded
        .split_once('e')
        .and_then(|(_, text)| text.parse().ok())
        .unwrap_or(0);
    if exponent >= precision {
        let shown = scientific(value, precision - 1, alternate);
        let (mantissa, exponent) = shown.split_once('e').unwrap_or((&shown, "+00"));
        return format!("{}e{exponent}", without_zeros(mantissa, alternate));
    }
    without_zeros(
        &fixed(value, precision - 1 - exponent, alternate),
        alternate,
    )
    .to_owned()
}

fn without_zeros(text: &str, alternate: bool) -> &str {
    if alternate || !text.contains('.') {
        text
    } else {
        text.trim_end_matches('0').trim_end_matches('.')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn vars() -> Vars {
        let text = |text: &str| Var::Text(text.into());
        let mut vars = Vars::default();
        vars.insert("here".into(), text("/etc"));
        vars.insert("a(b)".into(), text("q"));
        vars.insert("n".into(), Var::Int(7));
        vars.insert("m".into(), Var::Int(-42));
        vars.insert("big".into(), Var::Int(1_234_567));
        vars
    }

    fn run(template: &str) -> String {
        match format(template, &vars()) {
            Ok(text) => text,
            Err(FormatError::Unknown(name)) => format!("? {name}"),
            Err(FormatError::Malformed(text)) => format!("! {text}"),
        }
    }

    #[test]
    fn texts_are_expanded() {
        for (template, expected) in [
            ("a%(here)s/b%%", "a/etc/b%"),
            ("[%(here)6s|%(here)-6s|%(here).2s]", "[  /etc|/etc  |/e]"),
            ("%(a(b))s %(here)r", "q '/etc'"),
            (
                "%(n)d %(n)02d %(n)5.2f %(n)x %(n)#o %(m)05d %(n)+d %(n) d",
                "7 07  7.00 7 0o7 -0042 +7  7",
            ),
            ("%(m)#06X %(n).3d %(n)c|%(n)-4d|", "-0X02A 007 \u{7}|7   |"),
            (
                "%(n)e %(big)g %(big).3g %(n)g %(big)E",
                "7.000000e+00 1.23457e+06 1.23e+06 7 1.234567E+06",
            ),
            ("%%%(n)ld", "%7"),
        ] {
            assert_eq!(run(template), expected, "{template}");
        }
    }

    #[test]
    fn wrong_texts_get_pythons_words() {
        for (template, expected) in [
            ("%(nope)s", "? nope"),
            ("%", "! incomplete format"),
            ("%(here)", "! incomplete format"),
            ("%(here", "! incomplete format key"),
            ("%5", "! incomplete format"),
            (
                "100%Y",
                "! unsupported format character 'Y' (0x59) at index 4",
            ),
            (
                "\u{e9}%\u{e9}",
                "! unsupported format character '?' (0xe9) at index 2",
            ),
            (
                "%(here)d",
                "! %d format: a real number is required, not str",
            ),
            ("%(here)x", "! %x format: an integer is required, not str"),
            ("%d", "! %d format: a real number is required, not dict"),
            ("%f", "! must be real number, not dict"),
            ("%(here)c", "! %c requires int or char"),
            ("%(here)*d", "! * wants int"),
            (
                "%(here)5%",
                "! unsupported format character '%' (0x25) at index 8",
            ),
            ("%(n)*d", "! not enough arguments for format string"),
            ("%(here)99999999s", "! width too big"),
            ("%s", "! not enough arguments for format string"),
        ] {
            assert_eq!(run(template), expected, "{template}");
        }
    }

    #[test]
    fn the_widest_fields_are_filled_and_wider_ones_refused() {
        for (kind, length) in [("d", 1024), ("x", 1024), ("f", 1026), ("e", 1030)] {
            assert_eq!(run(&format!("%(n).1024{kind}")).len(), length, "{kind}");
            for wide in ["1025", "65535", "65536", "99999999999999999999"] {
                let precise = format!("%(n).{wide}{kind}");
                assert_eq!(run(&precise), "! precision too big", "{precise}");
                let padded = format!("%(n){wide}{kind}");
                assert_eq!(run(&padded), "! width too big", "{padded}");
            }
        }
        assert_eq!(run("%(n).1024g"), "7");
        assert_eq!(run("%(n)1024s").len(), 1024);
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(template in "[%()nm.*0-9diouxXeEfFgGcrsahlL# +-]{0,30}") {
            run(&template);
        }
    }
}
