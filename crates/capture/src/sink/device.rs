//! A log as the machine sees it: what can be done with it, and what there is to say about it.

use crate::held::Gap;
use crate::rotate::Rotation;
use provost_model::Errno;
use std::fmt;
use std::io;
use std::time::SystemTime;

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file opened by its path.
    Regular,
    /// A regular file, or the null device, given to us as a descriptor: writing does not block, and there is no name by
    /// which to rotate, reopen or replace it.
    OwnRegular,
    /// Anything else, in a mode that does not block.
    Stream,
    /// A descriptor of ours that may block and must stay so, since others share it.
    Shared,
}

/// A file before a write, as the system has it, since others may cut and remove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its length in bytes.
    pub length: u64,
    /// Whether it has a name; what goes into one without could never be read.
    pub has_name: bool,
}

/// The log itself. Each call is one system call or a few.
pub trait Device {
    /// Why something could not be done, for people.
    type Error: fmt::Display;
    /// How it is written.
    fn kind(&self) -> Kind;
    /// Writes at its end as much as it takes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// How the file stands; none where nobody can say. Asked for regular files only.
    fn standing(&mut self) -> Option<Standing>;
    /// Opens the log by its name, and makes it if there is none. What was open stays in use if that fails.
    fn make_anew(&mut self) -> Result<(), Self::Error>;
    /// Moves its generations ([`Rotation::rotate`]); goes on with the new file.
    fn rotate(&mut self, rotation: Rotation) -> Result<(), Self::Error>;
    /// The wall clock.
    fn wall(&self) -> SystemTime;
    /// A time as it stands in a log.
    fn stamp(&mut self, when: SystemTime) -> String;
    /// Something for the main log.
    fn say(&mut self, said: Said<'_>);
}

/// What there is to say about a log.
pub enum Said<'a> {
    /// Programs wait, because nothing of theirs may be dropped.
    Waits {
        /// Why it takes nothing.
        reason: &'a str,
    },
    /// Programs wait for its reader.
    ReaderIsSlow,
    /// There is no reader any more.
    ReaderLeft,
    /// Writing fails; output is held back.
    Fails {
        /// Why.
        errno: Errno,
        /// Bytes held back at most, without the last chunk.
        limit: usize,
    },
    /// It works again.
    Works {
        /// What was dropped meanwhile.
        lost: Gap,
    },
    /// It was removed and has been made anew.
    MadeAnew,
    /// It was removed, and cannot be made anew.
    Orphaned {
        /// Why.
        error: &'a dyn fmt::Display,
    },
    /// It cannot be rotated.
    NotRotated {
        /// Why.
        error: &'a dyn fmt::Display,
    },
}
