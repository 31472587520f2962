//! Long lists of structs that have the same members: written as they come, into one buffer, around which the answer is
//! put without another copy.

use super::write::{RESPONSE, escape, int};
use super::{Value, Written};

const FIRST: &str = "<value><array><data>\n";
const LAST: &str = "</data></array></value>\n";

/// The name of a member, with what stands before a value of it.
pub(crate) struct Field {
    /// The name. Names of members are ours and need no escapes.
    pub(crate) name: &'static str,
    /// What stands before text.
    pub(crate) text: &'static str,
    /// What stands before a number.
    pub(crate) int: &'static str,
}

/// The [`Field`] of a name.
macro_rules! field {
    ($name:literal) => {
        &$crate::xmlrpc::Field {
            name: $name,
            text: concat!("<member>\n<name>", $name, "</name>\n<value><string>"),
            int: concat!("<member>\n<name>", $name, "</name>\n<value><int>"),
        }
    };
}
pub(crate) use field;

/// An array that is being written.
pub(crate) struct Rows(String);

impl Rows {
    /// An array with room for this many structs of about so many bytes, in `buffer`, whatever that has in it.
    pub(crate) fn within(mut buffer: String, rows: usize, bytes: usize) -> Self {
        buffer.clear();
        buffer.reserve(rows.saturating_mul(bytes));
        buffer.push_str(RESPONSE);
        buffer.push_str(FIRST);
        Self(buffer)
    }

    /// One more struct.
    pub(crate) fn row(&mut self, members: impl FnOnce(&mut Row<'_>)) {
        self.0.push_str("<value><struct>\n");
        members(&mut Row(&mut self.0));
        self.0.push_str("</struct></value>\n");
    }

    /// The array.
    pub(crate) fn finish(mut self) -> Value {
        self.0.push_str(LAST);
        Value::Written(Written(self.0))
    }
}

/// A struct that is being written.
pub(crate) struct Row<'a>(&'a mut String);

impl Row<'_> {
    /// A member that is text.
    pub(crate) fn text(&mut self, field: &'static Field, text: &str) {
        self.0.push_str(field.text);
        escape(self.0, text);
        self.0.push_str("</string></value>\n</member>\n");
    }

    /// A member that is a number.
    pub(crate) fn int(&mut self, field: &'static Field, number: i64) {
        self.0.push_str(field.int);
        int(self.0, number);
        self.0.push_str("</int></value>\n</member>\n");
    }
}
