//! The form in which Python and we write messages, read at once.
//!
//! Nearly every message has this form to the byte, and a long one is read many times faster so than by an XML parser. What
//! differs in anything, or is wrong in anything, is left to [`super::read`], which knows all of XML-RPC and all sentences.

use super::{Call, MAX_DEPTH, Value};

/// Values inside each other, two or three elements each.
const DEPTH: usize = MAX_DEPTH / 3;

/// A call, if it is one in this form.
pub(super) fn call(body: &[u8], elements_max: usize) -> Option<Call> {
    let mut reader = Reader::new(body, elements_max)?;
    reader.expect("<?xml version='1.0'?>\n<methodCall>\n<methodName>")?;
    let method = reader.text("</methodName>\n<params>\n")?;
    let mut params = Vec::new();
    while reader.accept("<param>\n") {
        params.push(reader.value(0)?);
        reader.expect("</param>\n")?;
        reader.count(1)?;
    }
    reader.expect("</params>\n</methodCall>\n")?;
    reader.count(3)?;
    (reader.rest.is_empty() && !method.is_empty()).then_some(Call { method, params })
}

/// A good answer, if it is one in this form.
pub(super) fn response(body: &[u8], elements_max: usize) -> Option<Value> {
    let mut reader = Reader::new(body, elements_max)?;
    reader.expect("<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n")?;
    let value = reader.value(0)?;
    reader.expect("</param>\n</params>\n</methodResponse>\n")?;
    reader.count(3)?;
    reader.rest.is_empty().then_some(value)
}

/// What is left to read. Each step answers none when it is not in this form.
struct Reader<'a> {
    rest: &'a str,
    elements: usize,
    elements_max: usize,
}

impl<'a> Reader<'a> {
    fn new(body: &'a [u8], elements_max: usize) -> Option<Self> {
        Some(Self {
            rest: std::str::from_utf8(body).ok()?,
            elements: 0,
            elements_max,
        })
    }

    fn accept(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, text: &str) -> Option<()> {
        self.accept(text).then_some(())
    }

    fn count(&mut self, elements: usize) -> Option<()> {
        self.elements = self.elements.saturating_add(elements);
        (self.elements <= self.elements_max).then_some(())
    }

    /// Text up to the next tag, which must be this.
    fn raw(&mut self, end: &str) -> Option<&'a str> {
        let (text, rest) = self.rest.split_at_checked(self.rest.find('<')?)?;
        self.rest = rest;
        self.expect(end)?;
        Some(text)
    }

    /// The same, with what stands for characters that XML needs for itself.
    fn text(&mut self, end: &str) -> Option<String> {
        let text = self.raw(end)?;
        // XML takes these for line feeds.
        if text.contains('\r') {
            return None;
        }
        if !text.contains('&') {
            return Some(text.to_owned());
        }
        let mut out = String::with_capacity(text.len());
        let mut pieces = text.split('&');
        out.push_str(pieces.next()?);
        for piece in pieces {
            let (name, rest) = piece.split_once(';')?;
            out.push(match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                _ => return None,
            });
            out.push_str(rest);
        }
        Some(out)
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.expect("<value><")?;
        self.count(2)?;
        if self.accept("string>") {
            return self.text("</string></value>\n").map(Value::Str);
        }
        if self.accept("int>") {
            let number = self.raw("</int></value>\n")?;
            return number.parse().ok().map(Value::Int);
        }
        if self.accept("boolean>") {
            let truth = self.raw("</boolean></value>\n")?;
            return Some(Value::Bool(truth == "1"));
        }
        if depth >= DEPTH {
            return None;
        }
        if self.accept("struct>\n") {
            return self.members(depth).map(Value::Struct);
        }
        if self.accept("array><data>\n") {
            self.count(1)?;
            let mut values = Vec::new();
            while !self.accept("</data></array></value>\n") {
                values.push(self.value(depth + 1)?);
            }
            return Some(Value::Array(values));
        }
        None
    }

    fn members(&mut self, depth: usize) -> Option<Vec<(String, Value)>> {
        let mut members = Vec::new();
        while !self.accept("</struct></value>\n") {
            self.count(2)?;
            self.expect("<member>\n<name>")?;
            let name = self.text("</name>\n")?;
            let value = self.value(depth + 1)?;
            self.expect("</member>\n")?;
            members.push((name, value));
        }
        Some(members)
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::super::{MAX_ANSWER_ELEMENTS, MAX_ELEMENTS, write_call, write_response};
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(|number| Value::Int(number.into())),
            any::<bool>().prop_map(Value::Bool),
            "[a-z<>&;\r\n\t é]{0,12}".prop_map(Value::Str),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                proptest::collection::vec(("[a-z&]{0,4}", inner), 0..5).prop_map(Value::Struct),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_we_write_is_read_as_the_parser_reads_it(value in values()) {
            let answer = write_response(&value);
            let known = read::read_response_as_xml(&answer).unwrap().unwrap();
            if let Some(plain) = response(&answer, MAX_ANSWER_ELEMENTS) {
                prop_assert_eq!(plain, known);
            } else {
                prop_assert!(answer.contains(&b'\r'));
            }
            let calling = write_call("a.b", &[value.clone(), value]);
            let known = read::read_call_as_xml(&calling).unwrap();
            if let Some(plain) = call(&calling, MAX_ELEMENTS) {
                prop_assert_eq!(plain, known);
            } else {
                prop_assert!(calling.contains(&b'\r'));
            }
        }

        #[test]
        fn what_is_cut_or_changed_is_read_as_the_parser_reads_it(
            value in values(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<bool>(),
        ) {
            let mut answer = write_response(&value);
            let at = at.index(answer.len());
            if cut {
                answer.truncate(at);
            } else {
                answer[at] = byte;
            }
            prop_assert!(read::readers_agree(&answer));
        }
    }

    #[test]
    fn what_is_too_much_is_left_to_the_parser_which_says_so() {
        let many = Value::Array(vec![Value::Int(1); 10]);
        let answer = write_response(&many);
        assert!(response(&answer, 26).is_some());
        assert!(response(&answer, 25).is_none());
        let mut deep = Value::Int(1);
        for _ in 0..MAX_DEPTH {
            deep = Value::Array(vec![deep]);
        }
        assert!(response(&write_response(&deep), MAX_ANSWER_ELEMENTS).is_none());
    }
}
