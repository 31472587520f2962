//! What a script that reads the web interface takes from a page: titles, messages, rows, links and their addresses.
//!
//! The markup around them is each side's own, and so are the order of attributes and the way characters are escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use provost_e2e::Answer;

/// Headers of pages that scripts and caches look at.
const HEADERS: &[&str] = &[
    "content-type",
    "pragma",
    "cache-control",
    "expires",
    "location",
];

/// An answer as a script sees it.
pub fn seen(answer: &Answer) -> String {
    let mut out = format!("{}\n", answer.head.first().map_or("", String::as_str));
    for name in HEADERS {
        if let Some(value) = answer.header(name) {
            let value = if *name == "location" {
                without_moment(&decode(value))
            } else {
                value.to_owned()
            };
            let _ = writeln!(out, "{name}: {value}");
        }
    }
    match answer.header("content-type") {
        Some(kind) if kind.starts_with("text/html;") && answer.status() == 200 => {
            read(&answer.text(), &mut out);
        }
        Some("text/plain") => out.push_str(&answer.text()),
        _ => {}
    }
    out
}

enum Token {
    Tag(String, BTreeMap<String, String>),
    Text(String),
}

/// A reader's way through a page.
#[derive(Default)]
struct Reader {
    /// The last tag.
    tag: String,
    attributes: BTreeMap<String, String>,
    in_pre: bool,
    in_row: bool,
    /// The message; one side has it above the buttons, one below.
    message: String,
    /// The addresses behind which the same page is found again; one side has them before the text, one after it.
    again: String,
}

fn read(html: &str, out: &mut String) {
    let mut reader = Reader::default();
    for token in tokens(html) {
        match token {
            Token::Tag(name, attributes) => reader.open(name, attributes, out),
            Token::Text(text) => reader.text(&text, out),
        }
    }
    out.push_str(&reader.message);
    out.push_str(&reader.again);
}

impl Reader {
    fn open(&mut self, name: String, attributes: BTreeMap<String, String>, out: &mut String) {
        match name.as_str() {
            "tbody" => self.in_row = true,
            "/tbody" => self.in_row = false,
            "tr" if self.in_row => {
                let class = attributes.get("class").map_or("", String::as_str);
                let _ = writeln!(out, "row {class}");
            }
            "pre" => {
                self.in_pre = true;
                out.push_str("text: ");
            }
            "/pre" => {
                self.in_pre = false;
                out.push_str("⟨end⟩\n");
            }
            // The button of upstream's tail page is no text.
            "a" if attributes
                .get("href")
                .is_some_and(|href| href.starts_with("tail.html"))
                && !self.in_row =>
            {
                let _ = writeln!(self.again, "again: {}", attributes["href"]);
            }
            _ => {}
        }
        self.tag = name;
        self.attributes = attributes;
    }

    fn text(&mut self, text: &str, out: &mut String) {
        if self.in_pre {
            out.push_str(text);
            return;
        }
        let text = text.trim();
        let of = |name: &str| self.attributes.get(name).map_or("", String::as_str);
        let address = || match self.tag.as_str() {
            "button" => of("formaction"),
            _ => of("href"),
        };
        let is_shown = !text.is_empty() && of("class") != "hidden";
        match self.tag.as_str() {
            _ if !is_shown => {}
            "title" => {
                let _ = writeln!(out, "title: {text}");
            }
            "div" if of("class") == "status_msg" => {
                let _ = writeln!(self.message, "message: {}", without_moment(text));
            }
            "span" if self.in_row => {
                let _ = writeln!(out, "  {} {text}", of("class"));
            }
            // An action is a link of upstream's, and a button that sends a form to the same address here.
            "a" | "button" if self.in_row || address().starts_with("index.html?") => {
                let _ = writeln!(
                    out,
                    "  {text} -> {} name={} target={}",
                    address(),
                    of("name"),
                    of("target")
                );
            }
            _ if text == "No programs to manage" => {
                let _ = writeln!(out, "{text}");
            }
            _ => {}
        }
    }
}

fn tokens(html: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = html;
    while let Some((text, tail)) = rest.split_once('<') {
        out.push(Token::Text(unescape(text)));
        let (tag, tail) = tail.split_once('>').expect("a tag has an end");
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        out.push(Token::Tag(name.to_owned(), pairs(attributes)));
        rest = tail;
    }
    out
}

/// `name="value"` pairs.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut rest = text;
    while let Some((name, tail)) = rest.split_once("=\"") {
        let (value, tail) = tail.split_once('"').expect("a value has an end");
        out.insert(name.trim().to_owned(), unescape(value));
        rest = tail;
    }
    out
}

fn unescape(text: &str) -> String {
    let mut text = text.to_owned();
    for (escape, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(escape, character);
    }
    text
}

/// Resolves percent signs.
fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).expect("two digits follow"));
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).expect("it is UTF-8")
}

/// Replaces the time in `… at Wed Nov  4 05:06:07 2026`, if it has just that form.
fn without_moment(text: &str) -> String {
    const SHAPE: &str = "Aaa Aaa  0 00:00:00 0000";
    let Some((head, tail)) = text.split_once(" at ") else {
        return text.to_owned();
    };
    let fits = tail.len() >= SHAPE.len()
        && tail
            .bytes()
            .zip(SHAPE.bytes())
            .enumerate()
            .all(|(at, (byte, shape))| match shape {
                b'0' => byte.is_ascii_digit(),
                b'A' => byte.is_ascii_uppercase(),
                b'a' => byte.is_ascii_lowercase(),
                // The first digit of the day.
                b' ' if at == 8 => byte == b' ' || byte.is_ascii_digit(),
                other => byte == other,
            });
    if fits {
        format!("{head} at ⟨moment⟩{}", &tail[SHAPE.len()..])
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, read, without_moment};

    #[test]
    fn what_scripts_look_for_is_found_in_either_markup() {
        let mut out = String::new();
        read(
            "<title>T</title><div class=\"hidden\">#</div><div class=\"status_msg\">a &lt;b></div>\
             <a href=\"index.html?action=refresh\">Refresh</a>\
             <tbody><tr class=\"\"><td><span class=\"x\">up</span></td><td><span>pid</span></td>\
             <td><a target=\"_blank\" href=\"q?a&amp;b\" name=\"N\">n</a>\
             <button form=\"f\" formaction=\"q?c\" name=\"M\">m</button><a class=\"hidden\" href=\"#\">no</a></td></tr>\
             <tr class=\"shade\"></tr></tbody><pre>1\n &amp;2</pre><a href=\"tail.html?x\">\n<input /></a>",
            &mut out,
        );
        let expected = "title: T\n  Refresh -> index.html?action=refresh name= target=\nrow \n  x up\n  \
                        \x20pid\n  n -> q?a&b name=N target=_blank\n  m -> q?c name=M target=\nrow shade\ntext: 1\n &2⟨end⟩\nmessage: a <b>\nagain: tail.html?x\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn only_times_of_the_right_form_are_replaced() {
        for text in [
            "All stopped at Wed Nov 25 22:56:18 2026",
            "All stopped at Sun Nov  1 22:56:18 2026",
        ] {
            assert_eq!(without_moment(text), "All stopped at ⟨moment⟩");
        }
        for text in [
            "at 5",
            "All stopped at 2026-11-25 22:56:18",
            "x at Wed Nov 5 22:56:18 2026",
        ] {
            assert_eq!(without_moment(text), text);
        }
        assert_eq!(decode("a%20b%C3%B6"), "a bö");
    }
}
