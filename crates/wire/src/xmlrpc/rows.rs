//! Long lists of structs that have the same members: written as they come, into one buffer.

use super::write::{escape, int};
use super::{Value, Written};

/// An array that is being written.
pub(crate) struct Rows(String);

impl Rows {
    /// An array with room for this many structs of about so many bytes.
    pub(crate) fn with_capacity(rows: usize, bytes: usize) -> Self {
        let mut out = String::with_capacity(rows.saturating_mul(bytes));
        out.push_str("<value><array><data>\n");
        Self(out)
    }

    /// One more struct.
    pub(crate) fn row(&mut self, members: impl FnOnce(&mut Row<'_>)) {
        self.0.push_str("<value><struct>\n");
        members(&mut Row(&mut self.0));
        self.0.push_str("</struct></value>\n");
    }

    /// The array.
    pub(crate) fn finish(mut self) -> Value {
        self.0.push_str("</data></array></value>\n");
        Value::Written(Written(self.0))
    }
}

/// A struct that is being written. Names of members are ours and need no escapes.
pub(crate) struct Row<'a>(&'a mut String);

impl Row<'_> {
    /// A member that is text.
    pub(crate) fn text(&mut self, name: &'static str, text: &str) {
        self.open(name, "string");
        escape(self.0, text);
        self.close("string");
    }

    /// A member that is a number.
    pub(crate) fn int(&mut self, name: &'static str, number: impl Into<i64>) {
        self.open(name, "int");
        int(self.0, number.into());
        self.close("int");
    }

    fn open(&mut self, name: &str, kind: &str) {
        for piece in ["<member>\n<name>", name, "</name>\n<value><", kind, ">"] {
            self.0.push_str(piece);
        }
    }

    fn close(&mut self, kind: &str) {
        for piece in ["</", kind, "></value>\n</member>\n"] {
            self.0.push_str(piece);
        }
    }
}
