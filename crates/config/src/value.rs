//! A value of a configuration, and where it stands.

use crate::diagnostic::Place;
use crate::piece::Piece;
use std::ops::Range;

/// A value and where it stands. There is one for each line, so places are kept in half the bytes of a [`Place`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// The text; lines are joined with line feeds.
    pub(crate) text: Piece,
    source: u32,
    key: Range<u32>,
    place: Range<u32>,
}

impl Value {
    /// A value in the file with this number; `key` and `place` are bytes from its beginning.
    pub(crate) fn new(
        text: Piece,
        source: usize,
        key: &Range<usize>,
        place: &Range<usize>,
    ) -> Self {
        let both = |span: &Range<usize>| short(span.start)..short(span.end);
        Self {
            text,
            source: short(source),
            key: both(key),
            place: both(place),
        }
    }

    /// The key in its file.
    pub(crate) fn key(&self) -> Place {
        self.in_file(&self.key)
    }

    /// The value in its file, from its first to its last character.
    pub(crate) fn place(&self) -> Place {
        self.in_file(&self.place)
    }

    /// It goes on to there.
    pub(crate) fn ends_at(&mut self, end: usize) {
        self.place.end = short(end);
    }

    fn in_file(&self, span: &Range<u32>) -> Place {
        Place {
            source: self.source as usize,
            span: span.start as usize..span.end as usize,
        }
    }
}

/// What is behind the first four gigabytes of a file is said to be at their end.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
