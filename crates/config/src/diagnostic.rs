//! Problems of a configuration, with the place in the file.
//!
//! This module only holds them; [`crate::render`] shows them.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration is accepted.
    Warning,
    /// The configuration is refused.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal;)*) => {
        /// What kind of problem, by a code that is never used again for another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// `C` and three digits.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// One sentence about it.
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc,)+),)* }
            }
        }
    };
}

codes! {
    /// The file is missing or cannot be read.
    Unreadable = "C001";
    /// The file is not UTF-8.
    Encoding = "C002";
    /// A line stands before the first section header.
    NoSectionHeader = "C003";
    /// A line is neither a section header, a `key=value` pair, a comment nor a continuation.
    Syntax = "C004";
    /// A section that must be there is missing.
    MissingSection = "C005";
    /// A key that must be there is missing.
    MissingKey = "C006";
    /// A `%(name)s` names nothing that is known here.
    UnknownName = "C007";
    /// A `%` sequence is malformed; a literal percent sign is written `%%`.
    BadFormat = "C008";
    /// A value is not of the kind that its key takes.
    BadValue = "C009";
    /// A directory that must exist does not.
    MissingDirectory = "C010";
    /// A user or group is not known on this machine.
    UnknownUser = "C011";
    /// A name holds a character that names must not have.
    BadName = "C012";
    /// Two keys contradict each other.
    Contradiction = "C013";
    /// A group lists a program that is not defined, or defined twice.
    UnknownProgram = "C014";
    /// An event type is not known.
    UnknownEvent = "C015";
    /// A Python object is named; only the built-in ones exist here.
    Plugin = "C016";
    /// `environment` is not a list of `KEY=value` pairs.
    Environment = "C017";
    /// More of something than the limit allows.
    Limit = "C018";
    /// A value of the command line is refused.
    CommandLine = "C019";
    /// A key that its section does not have; it is ignored.
    UnknownKey = "C101";
    /// A section that is not known; it is ignored.
    UnknownSection = "C102";
    /// A section stands more than once; its keys are merged.
    DuplicateSection = "C103";
    /// A key stands more than once; the last one counts.
    DuplicateKey = "C104";
    /// Two groups have one name; the second in order of priority and name is ignored.
    DuplicateGroup = "C105";
    /// Two processes of a group have one name; the later replaces the earlier.
    DuplicateProcess = "C106";
    /// An indented line reads like a header or a key, but continues the value above.
    Continuation = "C107";
    /// A comment begins inside quotes and cuts the value there.
    CutByComment = "C108";
    /// An included file or pattern gives nothing.
    Include = "C109";
    /// A value is accepted and has no or a surprising effect.
    NoEffect = "C110";
    /// A value is read differently by different releases of Supervisor.
    ReadDifferently = "C111";
    /// A deprecated spelling.
    Deprecated = "C112";
    /// A command cannot be cut into words, so that every start of it fails.
    Command = "C113";
    /// Somebody else can read or change what should be ours alone.
    Security = "C114";
    /// Everybody can change what root runs.
    OpenToAll = "C115";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A place in one of the files that were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which of the [`Sources`].
    pub source: usize,
    /// Bytes from its beginning.
    pub span: Range<usize>,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// What kind.
    pub code: Code,
    /// What is wrong, for people.
    pub message: String,
    /// The file, as it was named; none when the problem is in no file.
    pub file: Option<PathBuf>,
    /// Line, from 1; 0 when the problem is in no line.
    pub line: usize,
    /// Column in characters, from 1; 0 when the problem is in no line.
    pub column: usize,
    /// Where exactly.
    pub place: Option<Place>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, as it was named.
    pub path: PathBuf,
    /// Its text; what is not UTF-8 is replaced.
    pub text: Arc<String>,
}

impl Source {
    /// Line and column, from 1, of a byte offset. The column counts characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let mut line = 1;
        let mut start = 0;
        let mut after_cr = false;
        for (index, byte) in before.bytes().enumerate() {
            match byte {
                b'\n' if after_cr => start = index + 1,
                b'\n' | b'\r' => {
                    line += 1;
                    start = index + 1;
                }
                _ => {}
            }
            after_cr = byte == b'\r';
        }
        let column = before.get(start..).map_or(0, |text| text.chars().count()) + 1;
        (line, column)
    }
}

/// All files that a configuration was read from, the main file first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a file; returns its number.
    pub(crate) fn add(&mut self, path: &Path, text: Arc<String>) -> usize {
        self.0.push(Source {
            path: path.to_owned(),
            text,
        });
        self.0.len() - 1
    }

    /// The file with this number.
    pub fn get(&self, number: usize) -> Option<&Source> {
        self.0.get(number)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }
}

/// A configuration that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The first error in the order in which upstream looks, in upstream's words: what follows `Error: `.
    pub upstream_message: String,
    /// That error among the diagnostics.
    pub first: Option<Box<Diagnostic>>,
    /// All errors and warnings, by file and line.
    pub diagnostics: Vec<Diagnostic>,
    /// The files, to show the lines of.
    pub sources: Sources,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.upstream_message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_of_every_kind_and_columns_in_characters() {
        let source = Source {
            path: PathBuf::from("x"),
            text: Arc::new("a\r\nb\rc\n\u{e9}d".to_owned()),
        };
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(3), (2, 1));
        assert_eq!(source.position(5), (3, 1));
        assert_eq!(source.position(7), (4, 1));
        assert_eq!(source.position(9), (4, 2));
    }

    #[test]
    fn codes_are_unique() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.text()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
