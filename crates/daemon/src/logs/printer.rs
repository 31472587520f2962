//! Output of programs on our own standard output, for pools whose result handler prints.

use super::rotation::Rotation;
use super::sinks::{SinkKey, Sinks};
use std::path::Path;

/// Where it goes, and what the last text left behind.
#[derive(Debug, Default)]
pub(super) struct Printer {
    /// None until the first text, and while there is no standard output.
    stdout: Option<SinkKey>,
    /// The last text ended in the middle of a line: a blank parts it from the next, as Python's `print` does it.
    needs_blank: bool,
}

impl Printer {
    /// Writes a text, if there is a standard output at all.
    pub(super) fn print(&mut self, sinks: &mut Sinks, text: &[u8]) {
        if self.stdout.is_none() {
            // Shared with the lines of the main log; without it there is nobody to miss the text.
            self.stdout = sinks.open(Path::new("/dev/stdout")).ok();
        }
        let Some(key) = self.stdout else { return };
        let blank: &[u8] = if self.needs_blank { b" " } else { b"" };
        sinks.append(key, &[blank, text].concat(), Rotation::NEVER);
        self.needs_blank = text
            .last()
            .is_some_and(|byte| *byte == b' ' || !byte.is_ascii_whitespace());
    }
}
