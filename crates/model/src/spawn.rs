//! Why a process could not be spawned.

use crate::Errno;
use std::fmt::Write as _;

/// What stood in the way of a spawn, before the child could run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpawnProblem {
    /// The command line could not be split into words.
    BadCommand {
        /// The command as configured, after expansion.
        command: String,
        /// `No closing quotation` or `No escaped character`.
        why: String,
    },
    /// The command has no words.
    EmptyCommand,
    /// No such file.
    NotFound {
        /// The program word.
        file: String,
    },
    /// The file is a directory.
    IsDirectory {
        /// The path found.
        file: String,
    },
    /// The file has no execute bit.
    NotExecutable {
        /// The path found.
        file: String,
    },
    /// The file may not be executed by us.
    NoPermission {
        /// The path found.
        file: String,
    },
    /// No descriptors left for the pipes.
    TooManyFiles,
    /// A pipe or a log could not be made.
    Dispatchers {
        /// The system's reason.
        errno: Errno,
    },
    /// The process table is full.
    TooManyProcesses,
    /// fork failed otherwise.
    Fork {
        /// The system's reason.
        errno: Errno,
    },
}

impl SpawnProblem {
    /// Upstream's sentence, shown as `spawnerr` of the process called `name`.
    pub fn sentence(&self, name: &str) -> String {
        match self {
            Self::BadCommand { command, why } => {
                format!("can't parse command {}: {why}", python_repr(command))
            }
            Self::EmptyCommand => "command is empty".to_owned(),
            Self::NotFound { file } => format!("can't find command '{file}'"),
            Self::IsDirectory { file } => format!("command at '{file}' is a directory"),
            Self::NotExecutable { file } => format!("command at '{file}' is not executable"),
            Self::NoPermission { file } => format!("no permission to run command '{file}'"),
            Self::TooManyFiles => format!("too many open files to spawn '{name}'"),
            Self::Dispatchers { errno } => format!(
                "unknown error making dispatchers for '{name}': {}",
                errno.name()
            ),
            Self::TooManyProcesses => {
                format!("Too many processes in process table to spawn '{name}'")
            }
            Self::Fork { errno } => {
                format!("unknown error during fork for '{name}': {}", errno.name())
            }
        }
    }

    /// Whether it lies in the command itself (and so is found by looking at it, before any spawn).
    pub fn is_about_command(&self) -> bool {
        matches!(
            self,
            Self::BadCommand { .. }
                | Self::EmptyCommand
                | Self::NotFound { .. }
                | Self::IsDirectory { .. }
                | Self::NotExecutable { .. }
                | Self::NoPermission { .. }
        )
    }
}

/// A string the way upstream's messages quote it: single quotes, or double ones when it holds only single quotes.
pub fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => push_hex(&mut out, u32::from(c)),
            c if (0x80..0xa1).contains(&u32::from(c)) || u32::from(c) == 0xad => {
                push_hex(&mut out, u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// Bytes the way upstream's messages quote them: `b'…'` with `\xNN` for whatever is not printable ASCII.
pub fn python_bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(bytes.len() + 3);
    out.push('b');
    out.push(quote);
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            byte if char::from(byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..=0x7e => out.push(char::from(byte)),
            byte => push_hex(&mut out, u32::from(byte)),
        }
    }
    out.push(quote);
    out
}

/// `\xNN`. Writing into a string cannot fail.
fn push_hex(out: &mut String, number: u32) {
    let _ = write!(out, "\\x{number:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_python_quotes_it() {
        assert_eq!(python_repr("a"), "'a'");
        assert_eq!(python_repr("it's"), "\"it's\"");
        assert_eq!(python_repr("it's \"so\""), "'it\\'s \"so\"'");
        assert_eq!(python_repr("a\nb\u{1b}ä"), "'a\\nb\\x1bä'");
        assert_eq!(python_bytes_repr(b"\x88\n'"), "b\"\\x88\\n'\"");
    }
}
