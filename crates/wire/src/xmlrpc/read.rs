//! Bytes to calls and answers: one pass over the XML, a stack of open elements, no recursion.
//!
//! Each element becomes an [`Item`] when it closes, out of its text and the items of its children. White space and
//! comments between elements are ignored, as is any other text there. Bytes that are not UTF-8 become replacement
//! characters rather than a refusal.

use super::plain;
use super::{
    Call, DecodeError, MAX_ANSWER_ELEMENTS, MAX_DEPTH, MAX_ELEMENTS, Problem, Value, WireFault,
};
use crate::base64;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use std::borrow::Cow;

/// Characters of a bad value that are repeated in the message.
const SHOWN: usize = 64;

/// Reads a call.
pub fn read_call(body: &[u8]) -> Result<Call, DecodeError> {
    match plain::call(body, MAX_ELEMENTS) {
        Some(call) => Ok(call),
        None => read_call_as_xml(body),
    }
}

/// Reads an answer: a result, or the refusal that came in its place.
pub fn read_response(body: &[u8]) -> Result<Result<Value, WireFault>, DecodeError> {
    match plain::response(body, MAX_ANSWER_ELEMENTS) {
        Some(value) => Ok(Ok(value)),
        None => read_response_as_xml(body),
    }
}

/// Whether a message in the plain form, if it has that form, is what the parser reads out of it. For tests and fuzzing.
pub fn readers_agree(body: &[u8]) -> bool {
    let call = plain::call(body, MAX_ELEMENTS);
    let answer = plain::response(body, MAX_ANSWER_ELEMENTS);
    call.is_none_or(|call| read_call_as_xml(body) == Ok(call))
        && answer.is_none_or(|value| read_response_as_xml(body) == Ok(Ok(value)))
}

pub(super) fn read_call_as_xml(body: &[u8]) -> Result<Call, DecodeError> {
    match read(body, MAX_ELEMENTS)? {
        (Root::Call(call), _) => Ok(call),
        (Root::Response(_), at) => Err(DecodeError {
            at,
            problem: Problem::Missing("<methodCall>"),
        }),
    }
}

pub(super) fn read_response_as_xml(body: &[u8]) -> Result<Result<Value, WireFault>, DecodeError> {
    match read(body, MAX_ANSWER_ELEMENTS)? {
        (Root::Response(answer), _) => Ok(answer),
        (Root::Call(_), at) => Err(DecodeError {
            at,
            problem: Problem::Missing("<methodResponse>"),
        }),
    }
}

/// What a message is.
enum Root {
    Call(Call),
    Response(Result<Value, WireFault>),
}

/// The elements that have a meaning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    MethodCall,
    MethodResponse,
    MethodName,
    Params,
    Param,
    Fault,
    Value,
    Int,
    Boolean,
    Text,
    Double,
    DateTime,
    Base64,
    Nil,
    Array,
    Data,
    Struct,
    Member,
    Name,
}

impl Tag {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "methodCall" => Self::MethodCall,
            "methodResponse" => Self::MethodResponse,
            "methodName" => Self::MethodName,
            "params" => Self::Params,
            "param" => Self::Param,
            "fault" => Self::Fault,
            "value" => Self::Value,
            "int" | "i4" | "i8" | "i2" | "i1" | "biginteger" => Self::Int,
            "boolean" => Self::Boolean,
            "string" => Self::Text,
            "double" | "float" => Self::Double,
            "dateTime.iso8601" => Self::DateTime,
            "base64" => Self::Base64,
            "nil" => Self::Nil,
            "array" => Self::Array,
            "data" => Self::Data,
            "struct" => Self::Struct,
            "member" => Self::Member,
            "name" => Self::Name,
            _ => return None,
        })
    }

    /// Whether `child` may stand directly inside this element.
    fn takes(self, child: Self) -> bool {
        match self {
            Self::MethodCall => matches!(child, Self::MethodName | Self::Params),
            Self::MethodResponse => matches!(child, Self::Params | Self::Fault),
            Self::Params => child == Self::Param,
            Self::Param | Self::Fault | Self::Data => child == Self::Value,
            Self::Array => child == Self::Data,
            Self::Struct => child == Self::Member,
            Self::Member => matches!(child, Self::Name | Self::Value),
            Self::Value => child.is_scalar() || matches!(child, Self::Array | Self::Struct),
            _ => false,
        }
    }

    fn is_scalar(self) -> bool {
        matches!(
            self,
            Self::Int
                | Self::Boolean
                | Self::Text
                | Self::Double
                | Self::DateTime
                | Self::Base64
                | Self::Nil
        )
    }

    /// Whether the text inside belongs to the message.
    fn keeps_text(self) -> bool {
        self.is_scalar() || matches!(self, Self::Value | Self::Name | Self::MethodName)
    }
}

/// What a closed element amounts to.
enum Item {
    Root(Root),
    Text(String),
    Values(Vec<Value>),
    Value(Value),
    Member(String, Value),
    Fault(WireFault),
}

/// An element whose end has not come yet.
struct Open {
    tag: Tag,
    text: String,
    items: Vec<Item>,
}

/// The state of the one pass.
struct Machine {
    open: Vec<Open>,
    elements: usize,
    elements_max: usize,
    root: Option<Root>,
}

fn read(body: &[u8], elements_max: usize) -> Result<(Root, usize), DecodeError> {
    let text = String::from_utf8_lossy(body);
    let mut reader = Reader::from_str(&text);
    let mut machine = Machine {
        open: Vec::new(),
        elements: 0,
        elements_max,
        root: None,
    };
    loop {
        let event = reader.read_event();
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let step = match event {
            Ok(Event::Eof) => {
                return machine
                    .finish()
                    .map(|root| (root, at))
                    .map_err(|problem| DecodeError { at, problem });
            }
            Ok(event) => machine.take(event),
            Err(error) => Err(Problem::Xml(error.to_string())),
        };
        step.map_err(|problem| DecodeError { at, problem })?;
    }
}

impl Machine {
    fn take(&mut self, event: Event<'_>) -> Result<(), Problem> {
        match event {
            Event::Start(start) => self.start(start.name().into_inner()),
            Event::Empty(start) => {
                self.start(start.name().into_inner())?;
                self.end()
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.text(&resolve(&reference)?),
            Event::DocType(_) => Err(Problem::DocType),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, name: &str) -> Result<(), Problem> {
        self.elements = self.elements.saturating_add(1);
        if self.elements > self.elements_max {
            return Err(Problem::TooMany(self.elements_max));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Problem::TooDeep);
        }
        let misplaced = || Problem::Misplaced(shown(name));
        let tag = Tag::named(name).ok_or_else(misplaced)?;
        let fits = match self.open.last() {
            // A value has a type or a text, and one of them.
            Some(parent) if parent.tag == Tag::Value => {
                parent.items.is_empty() && parent.tag.takes(tag)
            }
            Some(parent) => parent.tag.takes(tag),
            None => self.root.is_none() && matches!(tag, Tag::MethodCall | Tag::MethodResponse),
        };
        if !fits {
            return Err(misplaced());
        }
        self.open.push(Open {
            tag,
            text: String::new(),
            items: Vec::new(),
        });
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Problem> {
        match self.open.last_mut() {
            Some(open) if open.tag.keeps_text() => open.text.push_str(text),
            Some(_) => {}
            None if text.trim().is_empty() || text == "\u{feff}" => {}
            None => return Err(Problem::Xml("text outside the message".to_owned())),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else {
            return Err(Problem::Xml("an end tag without its start".to_owned()));
        };
        let item = open.close()?;
        match (self.open.last_mut(), item) {
            (Some(parent), item) => parent.items.push(item),
            (None, Item::Root(root)) => self.root = Some(root),
            (None, _) => return Err(Problem::Missing("<methodCall> or <methodResponse>")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Root, Problem> {
        if !self.open.is_empty() {
            return Err(Problem::Missing("an end tag"));
        }
        self.root
            .ok_or(Problem::Missing("<methodCall> or <methodResponse>"))
    }
}

impl Open {
    fn close(self) -> Result<Item, Problem> {
        let Self { tag, text, items } = self;
        Ok(match tag {
            Tag::MethodName | Tag::Name => Item::Text(text),
            Tag::Value => Item::Value(only_value(items).unwrap_or(Value::Str(text))),
            Tag::Param => {
                Item::Value(only_value(items).ok_or(Problem::Missing("the <value> of a <param>"))?)
            }
            Tag::Params | Tag::Data => {
                Item::Values(items.into_iter().filter_map(Item::value).collect())
            }
            Tag::Array => Item::Value(array(items)?),
            Tag::Struct => Item::Value(Value::Struct(
                items.into_iter().filter_map(Item::member).collect(),
            )),
            Tag::Member => member(items)?,
            Tag::Fault => Item::Fault(fault(only_value(items).as_ref())?),
            Tag::MethodCall => Item::Root(Root::Call(call(items)?)),
            Tag::MethodResponse => Item::Root(Root::Response(response(items)?)),
            _ => Item::Value(scalar(tag, text)?),
        })
    }
}

impl Item {
    fn value(self) -> Option<Value> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    fn member(self) -> Option<(String, Value)> {
        match self {
            Self::Member(name, value) => Some((name, value)),
            _ => None,
        }
    }
}

fn only_value(items: Vec<Item>) -> Option<Value> {
    items.into_iter().find_map(Item::value)
}

fn scalar(tag: Tag, text: String) -> Result<Value, Problem> {
    let bad = |kind| Problem::BadValue {
        kind,
        text: shown(&text),
    };
    Ok(match tag {
        Tag::Int => Value::Int(text.trim().parse().map_err(|_| bad("int"))?),
        Tag::Boolean => Value::Bool(text == "1"),
        Tag::Double => Value::Double(text.trim().parse().map_err(|_| bad("double"))?),
        Tag::Base64 => Value::Bytes(base64::decode(text.as_bytes()).ok_or_else(|| bad("base64"))?),
        Tag::DateTime => Value::DateTime(text),
        Tag::Nil => Value::Nil,
        _ => Value::Str(text),
    })
}

fn array(items: Vec<Item>) -> Result<Value, Problem> {
    let data = items.into_iter().find_map(|item| {
        if let Item::Values(values) = item {
            Some(values)
        } else {
            None
        }
    });
    data.map(Value::Array)
        .ok_or(Problem::Missing("the <data> of an <array>"))
}

fn member(items: Vec<Item>) -> Result<Item, Problem> {
    let (mut name, mut value) = (None, None);
    for item in items {
        match item {
            Item::Text(text) => name = Some(text),
            Item::Value(it) => value = Some(it),
            _ => {}
        }
    }
    let name = name.ok_or(Problem::Missing("the <name> of a <member>"))?;
    Ok(Item::Member(
        name,
        value.ok_or(Problem::Missing("the <value> of a <member>"))?,
    ))
}

fn fault(value: Option<&Value>) -> Result<WireFault, Problem> {
    let part = |name| value.and_then(|it| it.member(name));
    let code = part("faultCode")
        .and_then(Value::as_int)
        .ok_or(Problem::Missing("faultCode"))?;
    let text = part("faultString")
        .and_then(Value::as_str)
        .ok_or(Problem::Missing("faultString"))?;
    let code = i32::try_from(code).map_err(|_| Problem::BadValue {
        kind: "faultCode",
        text: code.to_string(),
    })?;
    Ok(WireFault {
        code,
        text: text.to_owned(),
    })
}

fn call(items: Vec<Item>) -> Result<Call, Problem> {
    let (mut method, mut params) = (String::new(), Vec::new());
    for item in items {
        match item {
            Item::Text(text) => method = text,
            Item::Values(values) => params = values,
            _ => {}
        }
    }
    if method.is_empty() {
        Err(Problem::Missing("<methodName>"))
    } else {
        Ok(Call { method, params })
    }
}

fn response(items: Vec<Item>) -> Result<Result<Value, WireFault>, Problem> {
    for item in items {
        match item {
            Item::Fault(fault) => return Ok(Err(fault)),
            Item::Values(values) => {
                let first = values.into_iter().next();
                return first.map(Ok).ok_or(Problem::Missing("the result"));
            }
            _ => {}
        }
    }
    Err(Problem::Missing("<params> or <fault>"))
}

fn resolve<'a>(reference: &BytesRef<'a>) -> Result<Cow<'a, str>, Problem> {
    if reference.is_char_ref() {
        let resolved = reference.resolve_char_ref().ok().flatten();
        return resolved
            .map(|c| Cow::Owned(c.to_string()))
            .ok_or_else(|| Problem::Entity(shown(reference)));
    }
    Ok(Cow::Borrowed(match &**reference {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        name => return Err(Problem::Entity(shown(name))),
    }))
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
