//! Values as Python's `pprint` shows them, which plugins print.

use crate::render::quoted;
use provost_wire::xmlrpc::Value;

/// The width that values are laid out for.
const WIDTH: usize = 80;

/// The value on one line where it fits, else spread over several.
pub(crate) fn pretty(value: &Value) -> String {
    let mut out = String::new();
    lay_out(&mut out, value, 0, 0);
    out
}

/// The value on one line.
fn plain(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Bool(truth) => if *truth { "True" } else { "False" }.to_owned(),
        Value::Str(text) => quoted(text),
        Value::Double(number) => format!("{number:?}"),
        Value::DateTime(text) => format!("<DateTime {}>", quoted(text)),
        Value::Bytes(bytes) => provost_model::quote::bytes_repr(bytes),
        Value::Array(values) => {
            let items: Vec<String> = values.iter().map(plain).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Struct(members) => {
            let items = sorted(members).into_iter();
            let items = items.map(|(name, value)| format!("{}: {}", quoted(name), plain(value)));
            format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
        }
        Value::Nil => "None".to_owned(),
        Value::Written(written) => plain(&written.read()),
    }
}

/// Members by name; of two with one name the later counts.
fn sorted(members: &[(String, Value)]) -> Vec<(&str, &Value)> {
    let mut by_name: Vec<(&str, &Value)> = Vec::new();
    for (name, value) in members {
        by_name.retain(|(known, _)| known != name);
        by_name.push((name, value));
    }
    by_name.sort_by_key(|&(name, _)| name);
    by_name
}

/// Writes a value that begins in column `indent`, with `behind` characters to come after it on its last line.
fn lay_out(out: &mut String, value: &Value, indent: usize, behind: usize) {
    let line = plain(value);
    if line.chars().count() + indent + behind <= WIDTH {
        out.push_str(&line);
        return;
    }
    match value {
        Value::Array(values) => {
            out.push('[');
            for (index, item) in values.iter().enumerate() {
                let is_last = index + 1 == values.len();
                lay_out(out, item, indent + 1, if is_last { behind + 1 } else { 1 });
                if !is_last {
                    part(out, ",", indent + 1);
                }
            }
            out.push(']');
        }
        Value::Struct(members) => {
            out.push('{');
            let members = sorted(members);
            for (index, (name, item)) in members.iter().enumerate() {
                let is_last = index + 1 == members.len();
                let name = quoted(name);
                let column = indent + name.chars().count() + 3;
                out.push_str(&name);
                out.push_str(": ");
                lay_out(out, item, column, if is_last { behind + 1 } else { 1 });
                if !is_last {
                    part(out, ",", indent + 1);
                }
            }
            out.push('}');
        }
        Value::Str(text) => lay_out_text(out, text, indent, behind),
        Value::Int(_)
        | Value::Bool(_)
        | Value::Double(_)
        | Value::DateTime(_)
        | Value::Bytes(_)
        | Value::Nil
        | Value::Written(_) => out.push_str(&line),
    }
}

fn part(out: &mut String, mark: &str, indent: usize) {
    out.push_str(mark);
    out.push('\n');
    out.push_str(&" ".repeat(indent));
}

/// A long text as several, one below the other: cut at line ends, and lines that are still too long between words.
/// Where nothing stands around it, it gets brackets.
fn lay_out_text(out: &mut String, text: &str, indent: usize, behind: usize) {
    let is_alone = indent == 0 && behind == 0;
    let (indent, behind) = if is_alone { (1, 1) } else { (indent, behind) };
    let room = WIDTH.saturating_sub(indent);
    let mut chunks: Vec<String> = Vec::new();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let is_last_line = index + 1 == lines.len();
        let whole = quoted(line);
        let least = room.saturating_sub(if is_last_line { behind } else { 0 });
        if whole.chars().count() <= least {
            chunks.push(whole);
            continue;
        }
        let words = words_with_blanks(line);
        let mut current = String::new();
        for (number, word) in words.iter().enumerate() {
            let candidate = format!("{current}{word}");
            let is_last = is_last_line && number + 1 == words.len();
            let most = room.saturating_sub(if is_last { behind } else { 0 });
            if quoted(&candidate).chars().count() > most && !current.is_empty() {
                chunks.push(quoted(&current));
                (*word).clone_into(&mut current);
            } else {
                current = candidate;
            }
        }
        if !current.is_empty() {
            chunks.push(quoted(&current));
        }
    }
    let has_brackets = is_alone && chunks.len() > 1;
    let chunks = chunks.join(&format!("\n{}", " ".repeat(indent)));
    if has_brackets {
        out.push('(');
    }
    out.push_str(&chunks);
    if has_brackets {
        out.push(')');
    }
}

/// Words, each with the blanks behind it.
fn words_with_blanks(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut was_blank) = (0, false);
    for (at, c) in line.char_indices() {
        if was_blank && !c.is_whitespace() {
            words.push(line.get(start..at).unwrap_or_default());
            start = at;
        }
        was_blank = c.is_whitespace();
    }
    words.push(line.get(start..).unwrap_or_default());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_on_one_line() {
        let members = vec![
            ("b".to_owned(), Value::Nil),
            ("a".to_owned(), Value::Bool(true)),
        ];
        let value = Value::Array(vec![Value::Struct(members), Value::Double(2.0)]);
        assert_eq!(pretty(&value), "[{'a': True, 'b': None}, 2.0]");
        assert_eq!(pretty(&Value::Bytes(vec![0, 65])), "b'\\x00A'");
    }

    #[test]
    fn a_long_text_is_cut_between_words_and_at_line_ends() {
        let text = format!("{} {}\nend", "a".repeat(50), "b".repeat(50));
        let expected = format!("('{} '\n '{}\\n'\n 'end')", "a".repeat(50), "b".repeat(50));
        assert_eq!(pretty(&Value::text(text)), expected);
    }

    #[test]
    fn a_long_list_has_one_item_a_line() {
        let items = vec![Value::text("a".repeat(40)); 2];
        let one = format!("'{}'", "a".repeat(40));
        assert_eq!(pretty(&Value::Array(items)), format!("[{one},\n {one}]"));
    }
}
