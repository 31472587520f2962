//! Output of programs on our own standard output, for pools whose result handler prints.

use super::sinks::{SinkKey, Sinks};
use provost_capture::rotate::Rotation;
use std::path::Path;

/// Where it goes, and what the last text left behind.
#[derive(Debug, Default)]
pub(super) struct Printer {
    /// None until the first text, and while there is no standard output.
    stdout: Option<SinkKey>,
    /// Whether a blank parts the last text from the next.
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
        self.needs_blank = needs_blank(text);
    }
}

/// Whether the next text stands apart from this one only by a blank, as it does with the `print` of Python 2: after an
/// end in the middle of a line, a blank there included, but not after a tab.
fn needs_blank(text: &[u8]) -> bool {
    text.last()
        .is_some_and(|byte| *byte == b' ' || !byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::needs_blank;

    #[test]
    fn a_text_in_the_middle_of_a_line_is_parted_from_the_next_as_python_does_it() {
        for (text, blank) in [
            ("cat stdout | one\n", false),
            ("cat stdout | half", true),
            ("cat stdout | ", true),
            ("cat stdout | tab\t", false),
            ("", false),
        ] {
            assert_eq!(needs_blank(text.as_bytes()), blank, "{text:?}");
        }
    }
}
