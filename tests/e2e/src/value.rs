//! XML-RPC values: just enough to ask and to understand, apart from the product's codec.

use std::fmt;

/// A value of a request or of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `int`, `i4` and whatever else holds a whole number.
    Int(i64),
    /// `boolean`.
    Bool(bool),
    /// `string`, typed or not, and every type this client does not know.
    Text(String),
    /// `array`.
    Array(Vec<Value>),
    /// `struct`, members in the order of the wire.
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// A member of a struct.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Struct(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string; empty for anything else.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// The number of an int; 0 for anything else.
    pub fn int(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            _ => 0,
        }
    }

    /// The elements of an array; none for anything else.
    pub fn items(&self) -> &[Value] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Array(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Struct(members) => {
                f.write_str("{")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    write!(f, "{}{name}: {value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// A request as text.
pub fn encode_call(method: &str, params: &[Value]) -> String {
    let params: Vec<String> = params
        .iter()
        .map(|param| format!("<param>\n{}</param>\n", encode(param)))
        .collect();
    let params = params.concat();
    format!(
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>{}</methodName>\n<params>\n{params}</params>\n</methodCall>\n",
        escape(method)
    )
}

fn encode(value: &Value) -> String {
    let inner = match value {
        Value::Int(number) => format!("<int>{number}</int>"),
        Value::Bool(flag) => format!("<boolean>{}</boolean>", u8::from(*flag)),
        Value::Text(text) => format!("<string>{}</string>", escape(text)),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(encode).collect();
            format!("<array><data>\n{}</data></array>", items.concat())
        }
        Value::Struct(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    format!(
                        "<member>\n<name>{}</name>\n{}</member>\n",
                        escape(name),
                        encode(value)
                    )
                })
                .collect();
            format!("<struct>\n{}</struct>", members.concat())
        }
    };
    format!("<value>{inner}</value>\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Reads an answer: the value, or the code and text of a fault. `None` when it is no XML-RPC.
pub fn decode(body: &str) -> Option<Result<Value, (i64, String)>> {
    let fault = body.contains("<fault>");
    let mut reader = Reader { rest: body };
    reader.skip_to("value")?;
    let value = reader.value()?;
    if !fault {
        return Some(Ok(value));
    }
    Some(Err((
        value.get("faultCode")?.int(),
        value.get("faultString")?.text().to_owned(),
    )))
}

/// Walks over tags and text. Attributes, comments and the like do not occur in what it reads.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// The text before the next tag, and the tag's name (with its slash when it closes).
    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let (text, rest) = self.rest.split_once('<')?;
        let (tag, rest) = rest.split_once('>')?;
        self.rest = rest;
        Some((text, tag))
    }

    /// Goes on behind the next tag of that name.
    fn skip_to(&mut self, name: &str) -> Option<()> {
        while self.next()?.1 != name {}
        Some(())
    }

    /// Reads what stands between `<value>` and `</value>`; the opening tag has been read.
    fn value(&mut self) -> Option<Value> {
        let (text, kind) = self.next()?;
        if kind == "/value" {
            return Some(Value::Text(unescape(text)));
        }
        let value = match kind {
            "array" => Value::Array(self.array()?),
            "struct" => Value::Struct(self.members()?),
            "string/" => Value::Text(String::new()),
            _ => {
                let (text, _) = self.next()?;
                match kind {
                    "int" | "i4" | "i8" => Value::Int(text.trim().parse().ok()?),
                    "boolean" => Value::Bool(text.trim() == "1"),
                    _ => Value::Text(unescape(text)),
                }
            }
        };
        self.skip_to("/value")?;
        Some(value)
    }

    fn array(&mut self) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        loop {
            match self.next()?.1 {
                "value" => items.push(self.value()?),
                "/array" => return Some(items),
                _ => {}
            }
        }
    }

    fn members(&mut self) -> Option<Vec<(String, Value)>> {
        let mut members = Vec::new();
        loop {
            match self.next()?.1 {
                "name" => {
                    let (name, _) = self.next()?;
                    self.skip_to("value")?;
                    members.push((unescape(name), self.value()?));
                }
                "/struct" => return Some(members),
                _ => {}
            }
        }
    }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::{Value, decode, encode_call};

    #[test]
    fn what_is_written_is_read_back() {
        let value = Value::Array(vec![
            Value::Struct(vec![
                ("a<b".to_owned(), "x & <y>".into()),
                ("n".to_owned(), (-7).into()),
            ]),
            Value::Array(Vec::new()),
            true.into(),
            "".into(),
        ]);
        let call = encode_call("some.method", std::slice::from_ref(&value));
        assert_eq!(decode(&call), Some(Ok(value)));
    }

    #[test]
    fn a_fault_is_told_from_a_value() {
        let body = "<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n<value><int>10</int>\
                    </value>\n</member>\n<member>\n<name>faultString</name>\n<value><string>BAD_NAME: x</string></value>\n\
                    </member>\n</struct></value>\n</fault>\n</methodResponse>\n";
        assert_eq!(decode(body), Some(Err((10, "BAD_NAME: x".to_owned()))));
    }
}
