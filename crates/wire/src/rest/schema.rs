//! Shapes of JSON that describe themselves.

use serde_json::{Map, Value, json};

/// Shapes by name, as JSON Schema has them.
pub type Definitions = Map<String, Value>;

/// Something whose JSON has a known shape.
pub trait Schema {
    /// The shape as JSON Schema: what has a name goes among the definitions, and is referred to.
    fn schema(definitions: &mut Definitions) -> Value;
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
        json!({ "anyOf": [T::schema(definitions), { "type": "null" }] })
    }
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

/// Makes structs that are written as JSON and describe themselves. A member that is an `Option` is `null` when there is
/// nothing to say.
macro_rules! shapes {
    ($($(#[doc = $about:literal])* $name:ident {
        $($(#[doc = $doc:literal])* $member:ident: $kind:ty,)*
    })*) => {
        $(
            $(#[doc = $about])*
            #[derive(Clone, Debug, PartialEq, serde::Serialize)]
            pub struct $name {
                $($(#[doc = $doc])* pub $member: $kind,)*
            }

            impl $crate::rest::schema::Schema for $name {
                fn schema(definitions: &mut $crate::rest::schema::Definitions) -> serde_json::Value {
                    use $crate::rest::schema::{member, named};
                    named(definitions, stringify!($name), &[$($about),*], |definitions| {
                        vec![$(
                            (stringify!($member), member::<$kind>(definitions, &[$($doc),*])),
                        )*]
                    })
                }
            }
        )*
    };
}
pub(super) use shapes;

/// The schema of a member, with what it means.
pub fn member<T: Schema>(definitions: &mut Definitions, text_lines: &[&str]) -> Value {
    let mut schema = T::schema(definitions);
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), text(text_lines).into());
    }
    schema
}

/// Defines an object, once, and refers to it.
pub fn named(
    definitions: &mut Definitions,
    name: &str,
    about: &[&str],
    members: impl FnOnce(&mut Definitions) -> Vec<(&'static str, Value)>,
) -> Value {
    if !definitions.contains_key(name) {
        // For shapes that hold themselves.
        definitions.insert(name.to_owned(), Value::Null);
        let members = members(definitions);
        let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
        let properties: Map<String, Value> = members
            .iter()
            .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
            .collect();
        let schema = json!({
            "type": "object",
            "description": text(about),
            "properties": properties,
            "required": required,
        });
        definitions.insert(name.to_owned(), schema);
    }
    refer(name)
}
