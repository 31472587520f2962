//! XML-RPC as Supervisor's clients and servers write it.
//!
//! Answers are byte for byte what upstream sends, because clients older than any specification parse them. Reading is
//! iterative and bounded: elements may nest [`MAX_DEPTH`] deep and there may be [`MAX_ELEMENTS`] of
//! them in a call and [`MAX_ANSWER_ELEMENTS`] in an answer; a document
//! type declaration and entities beyond the five predefined ones are refused, so that nothing can grow out of little.

mod plain;
mod read;
mod rows;
mod write;

pub use read::{read_call, read_response, readers_agree};
pub(crate) use rows::{Field, Row, Rows, field};
pub use write::{into_response, write_call, write_fault, write_response};

use provost_model::Fault;
use std::fmt;

/// How deep elements may nest. A call inside `system.multicall` needs 15; hand-written clients stay far below 64.
pub const MAX_DEPTH: usize = 64;

/// How many elements a call may have. 10,000 calls of two parameters in one `system.multicall` need 170,000.
pub const MAX_ELEMENTS: usize = 200_000;

/// How many elements an answer may have. Clients choose their server, so this only stops nonsense: a process has 60 of
/// them in `getAllProcessInfo` and 130 in `getAllConfigInfo`, and 100,000 processes are more than one machine runs.
pub const MAX_ANSWER_ELEMENTS: usize = 20_000_000;

/// The largest integer that is written; larger ones are capped, as the type on the wire has 32 bits.
pub const MAX_INT: i64 = i32::MAX as i64;

/// The smallest integer that is written; smaller ones are capped.
pub const MIN_INT: i64 = i32::MIN as i64;

/// A value of a call or an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `int`, `i4`, and on reading the other integer types. Written within 32 bits.
    Int(i64),
    /// `boolean`; on reading only the text `1` is true.
    Bool(bool),
    /// `string`, or a value without a type.
    Str(String),
    /// `double`.
    Double(f64),
    /// `dateTime.iso8601`, as it stands.
    DateTime(String),
    /// `base64`.
    Bytes(Vec<u8>),
    /// `array`.
    Array(Vec<Value>),
    /// `struct`, its members in their order; where a name comes twice the later one counts.
    Struct(Vec<(String, Value)>),
    /// `nil`.
    Nil,
    /// What is so large that it was written at once instead of being put together first. Never read.
    Written(Written),
}

/// A value as it goes over the wire, behind what stands before it in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written(String);

impl Written {
    /// The value that was written.
    pub fn read(&self) -> Value {
        match read_response(&into_response(Value::Written(self.clone()))) {
            Ok(Ok(value)) => value,
            // It was written here, so nothing else comes of it.
            Ok(Err(_)) | Err(_) => Value::Nil,
        }
    }

    /// As it stands in an answer.
    fn value(&self) -> &str {
        self.0.strip_prefix(write::RESPONSE).unwrap_or_default()
    }
}

impl Value {
    /// A string value.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Str(text.into())
    }

    /// The member of a struct with this name, none when there is none or when this is no struct.
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(members) => members
                .iter()
                .rev()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an integer.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    /// Bytes of text in this value and all inside it, for limits.
    pub fn text_len(&self) -> usize {
        match self {
            Self::Str(text) | Self::DateTime(text) => text.len(),
            Self::Written(written) => written.0.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Array(values) => values.iter().map(Self::text_len).sum(),
            Self::Struct(members) => members
                .iter()
                .map(|(name, value)| name.len() + value.text_len())
                .sum(),
            Self::Int(_) | Self::Bool(_) | Self::Double(_) | Self::Nil => 0,
        }
    }

    /// The name of the type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Bool(_) => "boolean",
            Self::Str(_) => "string",
            Self::Double(_) => "double",
            Self::DateTime(_) => "dateTime.iso8601",
            Self::Bytes(_) => "base64",
            Self::Array(_) => "array",
            Self::Struct(_) => "struct",
            Self::Nil => "nil",
            Self::Written(_) => "value",
        }
    }
}

/// A method call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `namespace.method`, never empty.
    pub method: String,
    /// Its parameters; none when `<params>` is missing.
    pub params: Vec<Value>,
}

/// A refusal that came in place of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireFault {
    /// `faultCode`.
    pub code: i32,
    /// `faultString`.
    pub text: String,
}

impl From<Fault> for WireFault {
    fn from(fault: Fault) -> Self {
        Self {
            code: fault.code.code(),
            text: fault.to_string(),
        }
    }
}

impl fmt::Display for WireFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault {}: {}", self.code, self.text)
    }
}

/// Why bytes are not an XML-RPC message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Bytes of the message read when it was noticed.
    pub at: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with an XML-RPC message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The XML itself; carries the parser's words.
    Xml(String),
    /// A document type declaration.
    DocType,
    /// An entity that is not predefined.
    Entity(String),
    /// More than [`MAX_DEPTH`] elements inside each other.
    TooDeep,
    /// More elements than this limit.
    TooMany(usize),
    /// An element that has no meaning, or none here.
    Misplaced(String),
    /// A value that does not fit its type.
    BadValue {
        /// The type.
        kind: &'static str,
        /// The text, cut to 64 characters.
        text: String,
    },
    /// Something that must be there is not.
    Missing(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an XML-RPC message, at byte {}: ", self.at)?;
        match &self.problem {
            Problem::Xml(words) => f.write_str(words),
            Problem::DocType => f.write_str("a document type declaration is not accepted"),
            Problem::Entity(name) => write!(f, "unknown entity &{name};"),
            Problem::TooDeep => write!(f, "elements nest more than {MAX_DEPTH} deep"),
            Problem::TooMany(limit) => write!(f, "more than {limit} elements"),
            Problem::Misplaced(name) => write!(f, "element <{name}> does not belong here"),
            Problem::BadValue { kind, text } => write!(f, "{text:?} is no {kind}"),
            Problem::Missing(what) => write!(f, "{what} is missing"),
        }
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests;
