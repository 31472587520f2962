//! Shapes of JSON that describe themselves.

use serde_json::{Map, Value, json};

/// Shapes by name, as JSON Schema has them.
pub type Definitions = Map<String, Value>;

/// Something whose JSON has a known shape.
pub trait Schema {
    /// The shape as JSON Schema: what has a name goes among the definitions, and is referred to.
    fn schema(definitions: &mut Definitions) -> Value;

    /// Whether a member of this kind may be left out.
    const IS_OPTIONAL: bool = false;
}

/// A reference to a definition.
pub fn refer(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

macro_rules! plain {
    ($($kind:ty = $schema:tt;)*) => {
        $(impl Schema for $kind {
            fn schema(_: &mut Definitions) -> Value {
                json!($schema)
            }
        })*
    };
}

plain! {
    String = { "type": "string" };
    &str = { "type": "string" };
    std::sync::Arc<str> = { "type": "string" };
    bool = { "type": "boolean" };
    u64 = { "type": "integer", "minimum": 0 };
    u32 = { "type": "integer", "minimum": 0 };
    i64 = { "type": "integer" };
    i32 = { "type": "integer" };
    f64 = { "type": "number" };
    Value = {};
}

impl<T: Schema> Schema for Vec<T> {
    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "type": "array", "items": T::schema(definitions) })
    }
}

impl<T: Schema> Schema for Option<T> {
    fn schema(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }

    const IS_OPTIONAL: bool = true;
}

impl<T: Schema> Schema for std::collections::BTreeMap<String, T> {
    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "type": "object", "additionalProperties": T::schema(definitions) })
    }
}

/// Text of doc comments, line by line, as one text.
pub(super) fn text(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}

/// Makes structs that are written as JSON and describe themselves. A member that is an `Option` is left out when there is
/// nothing to say.
macro_rules! shapes {
    ($($(#[doc = $about:literal])* $name:ident {
        $($(#[doc = $doc:literal])* $member:ident: $kind:ty,)*
    })*) => {
        $(
            $(#[doc = $about])*
            #[derive(Clone, Debug, PartialEq, serde::Serialize)]
            #[serde_with_skips]
            pub struct $name {
                $($(#[doc = $doc])* pub $member: $kind,)*
            }
        )*
    };
}
