//! The rules that upstream takes from Python, compared with Python's own answers.
//!
//! `tests/data/python_rules.json` holds answers that were written down; where a `python3` is at hand, new random cases
//! are asked about, too. Python 3.13 changed its parser, so only older ones are asked.

use crate::decode::decode;
use crate::document::Document;
use crate::percent::FormatError;
use crate::sections::{DEFAULT, Sections};
use crate::vars::{Var, Vars};
use crate::{environment, glob, percent, python, words};
use serde_json::{Map, Value, json};
use std::process::Command;
use std::sync::Arc;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python_rules.py");

/// How many random cases of each kind are asked about.
const LIVE_CASES: &str = "1500";

/// How many wrong answers are shown.
const SHOWN: usize = 10;

#[test]
fn answers_that_were_written_down_are_given() {
    compare(include_str!("../tests/data/python_rules.json"));
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped comparison must be seen")]
fn python_gives_the_same_answers() {
    let version = "import sys; sys.exit(sys.version_info >= (3, 13))";
    let usable = Command::new("python3")
        .args(["-c", version])
        .status()
        .is_ok_and(|status| status.success());
    if !usable {
        eprintln!("skipped: there is no python3 older than 3.13");
        return;
    }
    let seed = std::process::id().to_string();
    let output = Command::new("python3")
        .args([SCRIPT, &seed, LIVE_CASES])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    compare(&String::from_utf8(output.stdout).unwrap());
}

fn compare(cases: &str) {
    let cases: Vec<(String, Value, Value)> = serde_json::from_str(cases).unwrap();
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for (kind, case, expected) in &cases {
        let got = answer(kind, case);
        if !agrees(kind, &got, expected) {
            wrong.push(format!(
                "{kind} {case}\n  Python: {expected}\n  here:   {got}"
            ));
        }
    }
    let shown = wrong
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{shown}",
        wrong.len(),
        cases.len()
    );
}

fn agrees(kind: &str, got: &Value, expected: &Value) -> bool {
    match kind {
        // Only what an error is about matters; the sentences are made elsewhere.
        "int" | "octal" if expected.get("error").is_some() => got.get("error").is_some(),
        _ => got == expected,
    }
}

fn answer(kind: &str, case: &Value) -> Value {
    let text = case.as_str().unwrap_or_default();
    match kind {
        "ini" => ini(text),
        "utf8" => utf8(case),
        "words" => words::split(text).map_or_else(
            |error| json!({"error": error.to_string()}),
            |words| json!(words),
        ),
        "pairs" => pairs(text, true),
        "older-pairs" => pairs(text, false),
        "percent" => match percent::format(text, &names()) {
            Ok(text) => json!(text),
            Err(FormatError::Unknown(name)) => json!({"unknown": name}),
            Err(FormatError::Malformed(why)) => json!({"error": why}),
        },
        "fnmatch" => {
            json!(glob::fnmatch(
                case[0].as_str().unwrap_or_default(),
                case[1].as_str().unwrap_or_default()
            ))
        }
        "int" => python::int(text).map_or_else(|| json!({"error": ""}), |number| json!(number)),
        "octal" => {
            python::int_octal(text).map_or_else(|| json!({"error": ""}), |number| json!(number))
        }
        "repr" => json!(python::repr(text)),
        other => panic!("unknown kind {other}"),
    }
}

/// A case is how many bytes stand before, and bytes as Latin-1 characters.
fn utf8(case: &Value) -> Value {
    let before = usize::try_from(case[0].as_u64().unwrap()).unwrap();
    let mut bytes = vec![b'#'; before];
    bytes.extend(
        case[1]
            .as_str()
            .unwrap()
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap()),
    );
    decode(bytes)
        .error
        .map_or_else(|| json!("ok"), |error| json!({"error": error.upstream}))
}

fn pairs(text: &str, posix: bool) -> Value {
    environment::read(text, posix)
        .map_or_else(|error| json!({"error": error}), |pairs| json!(pairs))
}

fn names() -> Vars {
    let text = |text: &str| Var::Text(text.into());
    [
        ("here", text("/etc")),
        ("a(b)", text("q")),
        ("n", Var::Int(7)),
        ("m", Var::Int(-42)),
        ("big", Var::Int(1_234_567)),
        ("zero", Var::Int(0)),
        ("e", text("\u{e9}'")),
        ("one", text("x")),
    ]
    .into_iter()
    .map(|(name, var)| (name.to_owned(), var))
    .collect()
}

fn ini(text: &str) -> Value {
    let document = Document::parse(text);
    if let Some(error) = document.upstream_error(text, "x.conf") {
        return json!({"error": error});
    }
    let mut sections = Sections::default();
    // A section that nobody can name shows what the defaults are.
    let probe = "[probe]\n";
    for (source, text) in [text, probe].into_iter().enumerate() {
        let document = Document::parse(text);
        sections.merge(&Arc::new(text.to_owned()), &document, source, None);
    }
    let mut own = Map::new();
    let mut defaults = Value::Null;
    for section in sections.iter() {
        if section.name == "probe" {
            let keys = sections
                .keys(section)
                .map(|(key, value)| (key.to_owned(), json!(&*value.text)));
            defaults = Value::Object(keys.collect());
        } else {
            let keys = section
                .own_keys()
                .map(|(key, value)| (key.to_owned(), json!(&*value.text)));
            own.insert(section.name.clone(), Value::Object(keys.collect()));
        }
    }
    assert!(!own.contains_key(DEFAULT));
    json!([own, defaults])
}
