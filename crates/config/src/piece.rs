//! Parts of the text of a file, which share it: a file with thousands of programs has a hundred thousand keys and values.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A text: a part of a longer one, or one of its own.
#[derive(Clone)]
pub(crate) struct Piece {
    whole: Arc<String>,
    part: Range<u32>,
}

impl Piece {
    /// A part of a text, of which nothing is copied. What does not begin and end with characters is empty.
    pub(crate) fn of(whole: &Arc<String>, part: Range<usize>) -> Self {
        match (u32::try_from(part.start), u32::try_from(part.end)) {
            (Ok(start), Ok(end)) => Self {
                whole: Arc::clone(whole),
                part: start..end,
            },
            // Behind the first four gigabytes.
            _ => whole.get(part).unwrap_or_default().to_owned().into(),
        }
    }

    /// Whether it is this text; most are told apart by their lengths.
    pub(crate) fn is(&self, text: &str) -> bool {
        let part = self.part.start as usize..self.part.end as usize;
        part.end.wrapping_sub(part.start) == text.len()
            && self.whole.as_bytes().get(part) == Some(text.as_bytes())
    }

    /// Adds to it, in a text of its own.
    pub(crate) fn push(&mut self, more: &str) {
        let is_whole = self.part.start == 0 && self.part.end as usize == self.whole.len();
        match Arc::get_mut(&mut self.whole).filter(|_| is_whole) {
            Some(own) => {
                own.push_str(more);
                self.part.end = end_of(own);
            }
            None => *self = format!("{}{more}", &**self).into(),
        }
    }

    /// Keeps so many bytes of it.
    pub(crate) fn truncate(&mut self, length: usize) {
        if let Ok(length) = u32::try_from(length) {
            self.part.end = self.part.end.min(self.part.start.saturating_add(length));
        }
    }
}

/// No value has four gigabytes of its own: what is behind them is left out.
fn end_of(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self {
            part: 0..end_of(&text),
            whole: Arc::new(text),
        }
    }
}

impl Deref for Piece {
    type Target = str;

    fn deref(&self) -> &str {
        let part = self.part.start as usize..self.part.end as usize;
        self.whole.get(part).unwrap_or_default()
    }
}

impl PartialEq for Piece {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Piece {}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_read_as_what_they_stand_for() {
        let whole = Arc::new("key=grüße ".to_owned());
        let mut piece = Piece::of(&whole, 4..12);
        assert_eq!(&*piece, "grüße ");
        piece.truncate(7);
        assert_eq!(&*piece, "grüße");
        piece.push("\nmore");
        piece.push("\nand more");
        assert_eq!(&*piece, "grüße\nmore\nand more");
        assert_eq!(&*Piece::of(&whole, 4..7), "");
        assert_eq!(&*Piece::of(&whole, 8..99), "");
        assert_eq!(*whole, "key=grüße ");
    }
}
