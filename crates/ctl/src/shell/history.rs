//! The lines typed earlier, kept in a file of plain lines as readline keeps them, so that the file can be shared with
//! upstream's shell. A file that cannot be read or written is no reason to say anything.

use super::completion::Completion;
use rustyline::Editor;
use rustyline::history::{DefaultHistory, History, SearchDirection};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How many lines are remembered.
pub(super) const LINES_MAX: usize = 10_000;

/// Only the user may read what was typed.
const MODE: u32 = 0o600;

/// Takes up the lines of the file.
pub(super) fn load(path: &Path, editor: &mut Editor<Completion, DefaultHistory>) {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(LINES_MAX)) {
        // A line that is not taken, such as a repeated one, is not missed.
        _ = editor.add_history_entry(*line);
    }
}

/// Writes all lines.
pub(super) fn save(path: &Path, editor: &Editor<Completion, DefaultHistory>) {
    let history = editor.history();
    let lines = (0..history.len())
        .filter_map(|index| history.get(index, SearchDirection::Forward).ok().flatten());
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.entry);
        text.push('\n');
    }
    _ = write(path, &text);
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(MODE)
        .open(path)?;
    file.write_all(text.as_bytes())
}
