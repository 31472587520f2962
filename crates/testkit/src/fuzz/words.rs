//! Words, names and values: what is small enough to be decoded by one function.

use super::OneFile;
use provost_config::certificate::Certificate;
use provost_config::{cli, fnmatch, words as command};
use provost_model::{Authority, EventKind, Signal, quote};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// `data` is a command, a command line, a pattern, a certificate, the name of something: each decoder returns, and what it
/// understood can be written so that it understands the same again.
pub fn words(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let parts: Vec<&str> = text.split('\n').collect();
    split_again(&text);
    // What is in quotes comes out as it was, whatever it is.
    let quoted: Vec<String> = parts.iter().map(|part| in_quotes(part)).collect();
    assert_eq!(
        command::split(&quoted.join(" ")).as_deref(),
        Ok(parts
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .as_slice())
    );
    command_lines(data);
    if let [pattern, name, ..] = parts.as_slice() {
        let _ = fnmatch(pattern, name);
        assert!(fnmatch(&literally(name), name), "{name:?}");
        assert!(fnmatch("*", name));
    }
    names(&text);
    if let Some(read) = Certificate::read(data) {
        let held: usize = read.names.iter().map(String::len).sum();
        assert!(held <= 8 * data.len());
    }
    assert!(!quote::repr(&text).contains('\n'));
    assert!(quote::ascii(&text).is_ascii());
    assert!(quote::bytes_repr(data).is_ascii());
}

/// Words that were found are found again in the same words, each in quotes.
fn split_again(text: &str) {
    let Ok(found) = command::split(text) else {
        return;
    };
    let held: usize = found.iter().map(String::len).sum();
    assert!(held <= text.len());
    let quoted: Vec<String> = found.iter().map(|word| in_quotes(word)).collect();
    assert_eq!(command::split(&quoted.join(" ")), Ok(found));
}

/// As a shell takes it for one word.
fn in_quotes(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

/// A pattern that means this name only.
fn literally(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            '*' | '?' | '[' => format!("[{c}]"),
            c => c.to_string(),
        })
        .collect()
}

fn command_lines(data: &[u8]) {
    let argv: Vec<OsString> = data
        .split(|byte| *byte == b'\n')
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect();
    let host = OneFile(b"[supervisord]\n");
    if let Err(error) = cli::parse_supervisord(&argv, &host) {
        assert!(!error.to_string().is_empty());
    }
    if let Err(error) = cli::parse_supervisorctl(&argv) {
        assert!(!error.to_string().is_empty());
    }
}

fn names(text: &str) {
    if let Some(kind) = EventKind::from_name(text) {
        assert_eq!(kind.to_string(), text);
    }
    if let Some(signal) = Signal::from_name(text) {
        assert_eq!(
            Signal::from_number(i64::from(signal.number())),
            Some(signal)
        );
        let name = signal.to_string();
        assert_eq!(Signal::from_name(&name), Some(signal), "{name}");
    }
    if let Ok(authority) = text.parse::<Authority>() {
        let shown = authority.to_string();
        assert_eq!(shown.parse(), Ok(authority), "{shown}");
    }
}
