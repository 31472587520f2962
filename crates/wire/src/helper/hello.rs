//! The handshake: `{"methods": {"add": {"signature": ["int", "int", "int"], "help": "Adds."}}}`.

use provost_model::helper::HelperMethod;
use serde_json::{Map, Value as Json};

/// Longest hello: 1,000 methods with 256 bytes each. It is read on the thread that supervises.
pub const HELLO_BYTES_MAX: usize = 256 * 1024;

/// Methods that a helper may have.
pub const METHODS_MAX: usize = 1_000;

/// Longest name of a method.
const NAME_BYTES_MAX: usize = 128;

/// Parameters that a signature may name, and the result.
const SIGNATURE_MAX: usize = 64;

/// The types that a signature may name.
const TYPES: &[&str] = &[
    "int",
    "boolean",
    "string",
    "double",
    "dateTime.iso8601",
    "base64",
    "array",
    "struct",
    "nil",
];

/// The methods that a hello announces, by name; or what is wrong with it, in words.
pub fn read_hello(body: &[u8]) -> Result<Vec<HelperMethod>, String> {
    if body.len() > HELLO_BYTES_MAX {
        return Err(format!(
            "it has {} bytes, at most {HELLO_BYTES_MAX} are taken",
            body.len()
        ));
    }
    let json: Json = serde_json::from_slice(body).map_err(|error| format!("{error}"))?;
    let methods = json.get("methods").and_then(Json::as_object);
    let methods = methods.ok_or("it has no object `methods`")?;
    if methods.len() > METHODS_MAX {
        return Err(format!(
            "it announces {} methods, at most {METHODS_MAX} are taken",
            methods.len()
        ));
    }
    methods
        .iter()
        .map(|(name, about)| method(name, about))
        .collect()
}

fn method(name: &str, about: &Json) -> Result<HelperMethod, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(fine) {
        let shown: String = name.chars().take(NAME_BYTES_MAX).collect();
        return Err(format!(
            "{shown:?} is no name of a method: letters, digits, `_` and `.`, at most {NAME_BYTES_MAX} of them"
        ));
    }
    let about = about
        .as_object()
        .ok_or_else(|| format!("what it tells about {name} is no object"))?;
    let help = match about.get("help") {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(_) => return Err(format!("the help of {name} is no string")),
    };
    Ok(HelperMethod {
        name: name.to_owned(),
        signature: signature(name, about)?,
        help,
    })
}

fn signature(name: &str, about: &Map<String, Json>) -> Result<Vec<String>, String> {
    let types = match about.get("signature") {
        None | Some(Json::Null) => return Ok(Vec::new()),
        Some(Json::Array(types)) if types.len() <= SIGNATURE_MAX => types,
        Some(_) => {
            return Err(format!(
                "the signature of {name} is no array of at most {SIGNATURE_MAX} types"
            ));
        }
    };
    let known = |kind: &Json| {
        let kind = kind.as_str().filter(|kind| TYPES.contains(kind));
        kind.map(str::to_owned).ok_or_else(|| {
            format!(
                "the signature of {name} names a type that XML-RPC does not have; it has {}",
                TYPES.join(", ")
            )
        })
    };
    types.iter().map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_come_with_what_is_told_of_them() {
        let methods = read_hello(
            br#"{"methods": {"b.c": {}, "add": {"signature": ["int", "int"], "help": "Adds."}}, "future": 1}"#,
        )
        .unwrap();
        let expected = [
            HelperMethod {
                name: "add".to_owned(),
                signature: vec!["int".to_owned(), "int".to_owned()],
                help: "Adds.".to_owned(),
            },
            HelperMethod {
                name: "b.c".to_owned(),
                signature: vec![],
                help: String::new(),
            },
        ];
        assert_eq!(methods, expected);
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        let many: Vec<String> = (0..=METHODS_MAX)
            .map(|n| format!(r#""m{n}":{{}}"#))
            .collect();
        let many = format!(r#"{{"methods":{{{}}}}}"#, many.join(","));
        for (body, why) in [
            ("", "EOF"),
            ("[]", "no object `methods`"),
            (r#"{"methods": ["add"]}"#, "no object `methods`"),
            (r#"{"methods": {"a b": {}}}"#, r#""a b" is no name"#),
            (r#"{"methods": {"": {}}}"#, r#""" is no name"#),
            (r#"{"methods": {"a": 1}}"#, "no object"),
            (r#"{"methods": {"a": {"help": 1}}}"#, "help of a"),
            (r#"{"methods": {"a": {"signature": "int"}}}"#, "no array"),
            (
                r#"{"methods": {"a": {"signature": ["float"]}}}"#,
                "does not have",
            ),
            (&many, "1001 methods"),
            (&" ".repeat(HELLO_BYTES_MAX + 1), "at most 262144"),
        ] {
            let told = read_hello(body.as_bytes()).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }
}
