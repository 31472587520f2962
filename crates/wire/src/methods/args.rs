//! Parameters to values of ours, as leniently as upstream takes them.
//!
//! Where upstream falls over a parameter of the wrong type (HTTP 500), the caller gets `INCORRECT_PARAMETERS` and the
//! reason.

use super::{Param, Range};
use crate::xmlrpc::Value;
use provost_model::{Fault, FaultCode};

/// The parameters of one call. Positions are those of the method's table entry.
pub(super) struct Args<'a> {
    namespace: &'a str,
    params: &'static [Param],
    values: &'a [Value],
}

impl<'a> Args<'a> {
    pub(super) fn new(namespace: &'a str, params: &'static [Param], values: &'a [Value]) -> Self {
        Self {
            namespace,
            params,
            values,
        }
    }

    /// The namespace under which the method was called.
    pub(super) fn namespace(&self) -> &'a str {
        self.namespace
    }

    /// A parameter as it came.
    pub(super) fn value(&self, index: usize) -> Option<&'a Value> {
        self.values.get(index)
    }

    /// A text; bytes are taken as UTF-8.
    pub(super) fn text(&self, index: usize) -> Result<String, Fault> {
        match self.values.get(index) {
            Some(Value::Str(text)) => Ok(text.clone()),
            Some(Value::Bytes(bytes)) => Ok(String::from_utf8_lossy(bytes).into_owned()),
            _ => Err(self.wrong(index, "a string")),
        }
    }

    /// A text that may be left out.
    pub(super) fn maybe_text(&self, index: usize) -> Result<Option<String>, Fault> {
        match self.values.get(index) {
            None => Ok(None),
            Some(_) => self.text(index).map(Some),
        }
    }

    /// A text, or anything that has a plain text form.
    pub(super) fn printed(&self, index: usize) -> Result<String, Fault> {
        match self.values.get(index) {
            Some(Value::Int(number)) => Ok(number.to_string()),
            Some(Value::Bool(truth)) => Ok(if *truth { "True" } else { "False" }.to_owned()),
            Some(Value::Double(number)) => Ok(format!("{number:?}")),
            _ => self.text(index),
        }
    }

    /// A signal by name or number, as text.
    pub(super) fn signal(&self, index: usize) -> Result<String, Fault> {
        match self.values.get(index) {
            Some(Value::Int(number)) => Ok(number.to_string()),
            _ => self.text(index),
        }
    }

    /// A whole number, also as text, truth or fraction.
    pub(super) fn integer(&self, index: usize) -> Result<i64, Fault> {
        let number = match self.values.get(index) {
            Some(Value::Int(number)) => Some(*number),
            Some(Value::Bool(truth)) => Some(i64::from(*truth)),
            Some(Value::Str(text)) => text.trim().parse().ok(),
            Some(Value::Double(number)) => whole(*number),
            _ => None,
        };
        number.ok_or_else(|| self.wrong(index, "an int"))
    }

    /// A truth: a boolean, or whatever Python takes for one.
    pub(super) fn truth(&self, index: usize, default: bool) -> bool {
        match self.values.get(index) {
            None => default,
            Some(Value::Bool(truth)) => *truth,
            Some(Value::Int(number)) => *number != 0,
            Some(Value::Double(number)) => *number != 0.0,
            Some(Value::Str(text) | Value::DateTime(text)) => !text.is_empty(),
            Some(Value::Bytes(bytes)) => !bytes.is_empty(),
            Some(Value::Array(values)) => !values.is_empty(),
            Some(Value::Struct(members)) => !members.is_empty(),
            Some(Value::Nil) => false,
            // No reader makes it.
            Some(Value::Written(_)) => true,
        }
    }

    /// An offset and, after it, a length.
    pub(super) fn range(&self, index: usize) -> Result<Range, Fault> {
        Ok(Range {
            offset: self.integer(index)?,
            length: self.integer(index + 1)?,
        })
    }

    /// An array.
    pub(super) fn array(&self, index: usize) -> Result<&'a [Value], Fault> {
        self.values
            .get(index)
            .and_then(Value::as_array)
            .ok_or_else(|| self.wrong(index, "an array"))
    }

    fn wrong(&self, index: usize, wanted: &str) -> Fault {
        let name = self
            .params
            .get(index)
            .map_or("parameter", |param| param.name);
        let got = self.values.get(index).map_or("nothing", Value::type_name);
        Fault::about(
            FaultCode::IncorrectParameters,
            format!("{name} must be {wanted}, not {got}"),
        )
    }
}

/// The whole part of a fraction that is within the range of exact integers.
fn whole(number: f64) -> Option<i64> {
    /// 2 to the power of 53: beyond it a fraction no longer names one integer.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.is_nan() || number.abs() > EXACT {
        return None;
    }
    format!("{:.0}", number.trunc()).parse().ok()
}
