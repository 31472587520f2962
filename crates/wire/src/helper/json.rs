//! XML-RPC values as JSON and back.
//!
//! | XML-RPC | JSON |
//! |---|---|
//! | int | a number without fraction and exponent |
//! | double | a number with a fraction or an exponent; `{"$double": "nan"}`, `"inf"`, `"-inf"` |
//! | boolean, string, nil, array | `true` and `false`, a string, `null`, an array |
//! | dateTime.iso8601 | `{"$dateTime": "20260131T17:45:00"}` |
//! | base64 | `{"$base64": "aGk="}` |
//! | struct | an object; one whose only member begins with `$` stands inside `{"$struct": …}` |

use crate::base64;
use crate::xmlrpc::{MAX_DEPTH, MAX_INT, MIN_INT, Value, WireFault};
use serde_json::{Map, Number, Value as Json};
use std::fmt;

/// Values that an answer may hold, those inside others included: an XML document grows to many times their JSON.
pub const ANSWER_VALUES_MAX: usize = 200_000;

/// Longest date; `20260131T17:45:00` has 17 characters, with fraction and zone there may be more.
const DATE_BYTES_MAX: usize = 40;

const DOUBLE: &str = "$double";
const DATE: &str = "$dateTime";
const BASE64: &str = "$base64";
const STRUCT: &str = "$struct";

/// Why a body is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// It is no JSON, or no fault; carries why. The helper broke the protocol.
    Malformed(String),
    /// XML-RPC has no such value; carries what. The method is at fault, not the conversation.
    Unfit(String),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) | Self::Unfit(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for AnswerError {}

/// The body of a call: `{"method": "add", "params": [1, 2]}`.
pub fn call_body(method: &str, params: &[Value]) -> Vec<u8> {
    let mut call = Map::new();
    call.insert("method".to_owned(), Json::String(method.to_owned()));
    let params = params.iter().map(write_value).collect();
    call.insert("params".to_owned(), Json::Array(params));
    Json::Object(call).to_string().into_bytes()
}

/// A value as JSON. Recursive: values that were read nest at most [`MAX_DEPTH`] deep.
pub fn write_value(value: &Value) -> Json {
    match value {
        Value::Int(number) => Json::Number((*number).into()),
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Str(text) => Json::String(text.clone()),
        Value::Double(number) => match Number::from_f64(*number) {
            Some(number) => Json::Number(number),
            None => tagged(DOUBLE, odd_double(*number)),
        },
        Value::DateTime(text) => tagged(DATE, text),
        Value::Bytes(bytes) => tagged(BASE64, &base64::encode(bytes)),
        Value::Array(values) => Json::Array(values.iter().map(write_value).collect()),
        Value::Struct(members) => {
            let written = members
                .iter()
                .map(|(name, value)| (name.clone(), write_value(value)))
                .collect();
            if is_tagged(&written) {
                let mut outer = Map::new();
                outer.insert(STRUCT.to_owned(), Json::Object(written));
                Json::Object(outer)
            } else {
                Json::Object(written)
            }
        }
        Value::Nil => Json::Null,
        Value::Written(written) => write_value(&written.read()),
    }
}

fn tagged(tag: &str, text: &str) -> Json {
    let mut outer = Map::new();
    outer.insert(tag.to_owned(), Json::String(text.to_owned()));
    Json::Object(outer)
}

fn odd_double(number: f64) -> &'static str {
    if number.is_nan() {
        "nan"
    } else if number > 0.0 {
        "inf"
    } else {
        "-inf"
    }
}

/// Whether an object would be read as something else than a struct.
fn is_tagged(members: &Map<String, Json>) -> bool {
    let mut names = members.keys();
    matches!((names.next(), names.next()), (Some(name), None) if name.starts_with('$'))
}

/// The value of a result.
pub fn read_result(body: &[u8]) -> Result<Value, AnswerError> {
    let json = parse(body)?;
    let mut left = ANSWER_VALUES_MAX;
    read_value(json, 0, &mut left)
}

/// The fault of a fault: `{"faultCode": 30, "faultString": "text"}`.
pub fn read_fault(body: &[u8]) -> Result<WireFault, AnswerError> {
    let json = parse(body)?;
    let code = json.get("faultCode").and_then(Json::as_i64);
    let text = json.get("faultString").and_then(Json::as_str);
    let (Some(code), Some(text)) = (code, text) else {
        let why = "a fault needs a number `faultCode` and a string `faultString`";
        return Err(AnswerError::Malformed(why.to_owned()));
    };
    let code = i32::try_from(code).map_err(|_| too_large(&code.to_string()))?;
    let text = text.to_owned();
    Ok(WireFault { code, text })
}

fn parse(body: &[u8]) -> Result<Json, AnswerError> {
    serde_json::from_slice(body)
        .map_err(|error| AnswerError::Malformed(format!("it is no JSON: {error}")))
}

fn unfit(why: impl Into<String>) -> AnswerError {
    AnswerError::Unfit(why.into())
}

fn too_large(number: &str) -> AnswerError {
    unfit(format!(
        "{number} is outside of what an int of XML-RPC holds (32 bits); a double or a string would do"
    ))
}

fn read_value(json: Json, depth: usize, left: &mut usize) -> Result<Value, AnswerError> {
    if depth > MAX_DEPTH {
        return Err(unfit(format!("values nest more than {MAX_DEPTH} deep")));
    }
    *left = left
        .checked_sub(1)
        .ok_or_else(|| unfit(format!("there are more than {ANSWER_VALUES_MAX} values")))?;
    let deeper = depth.saturating_add(1);
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Bool(truth),
        Json::String(text) => Value::Str(text),
        Json::Number(number) => read_number(&number)?,
        Json::Array(items) => Value::Array(
            items
                .into_iter()
                .map(|item| read_value(item, deeper, left))
                .collect::<Result<_, _>>()?,
        ),
        Json::Object(members) if is_tagged(&members) => read_tagged(members, deeper, left)?,
        Json::Object(members) => read_struct(members, deeper, left)?,
    })
}

fn read_number(number: &Number) -> Result<Value, AnswerError> {
    match (number.as_i64(), number.as_f64()) {
        (Some(int), _) if (MIN_INT..=MAX_INT).contains(&int) => Ok(Value::Int(int)),
        (None, Some(double)) if number.is_f64() => Ok(Value::Double(double)),
        _ => Err(too_large(&number.to_string())),
    }
}

fn read_struct(
    members: Map<String, Json>,
    depth: usize,
    left: &mut usize,
) -> Result<Value, AnswerError> {
    let members = members.into_iter().map(|(name, item)| {
        let value = read_value(item, depth, left)?;
        Ok((name, value))
    });
    Ok(Value::Struct(members.collect::<Result<_, _>>()?))
}

fn read_tagged(
    members: Map<String, Json>,
    depth: usize,
    left: &mut usize,
) -> Result<Value, AnswerError> {
    let Some((tag, inner)) = members.into_iter().next() else {
        return Ok(Value::Struct(Vec::new()));
    };
    match (tag.as_str(), inner) {
        (STRUCT, Json::Object(members)) => read_struct(members, depth, left),
        (BASE64, Json::String(text)) => base64::decode(text.as_bytes())
            .map(Value::Bytes)
            .ok_or_else(|| unfit(format!("the text of a `{BASE64}` is not Base64"))),
        (DATE, Json::String(text)) if is_date(&text) => Ok(Value::DateTime(text)),
        (DATE, _) => Err(unfit(format!(
            "a `{DATE}` must hold a text like 20260131T17:45:00"
        ))),
        (DOUBLE, Json::String(text)) if matches!(&*text, "nan" | "inf" | "-inf") => {
            Ok(Value::Double(text.parse().unwrap_or(f64::NAN)))
        }
        (tag, _) => Err(unfit(format!(
            "an object of just `{tag}` means nothing here; a struct with such a member stands inside `{STRUCT}`"
        ))),
    }
}

fn is_date(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_digit() || "TZ+-:.".contains(c);
    !text.is_empty() && text.len() <= DATE_BYTES_MAX && text.chars().all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Value, String> {
        read_result(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_type_has_its_form() {
        let member = |name: &str, value| (name.to_owned(), value);
        for (value, text) in [
            (Value::Int(-2_147_483_648), "-2147483648"),
            (Value::Double(1.0), "1.0"),
            (Value::Double(-0.25), "-0.25"),
            (Value::Double(1e300), "1e300"),
            (Value::Double(f64::INFINITY), r#"{"$double":"inf"}"#),
            (Value::Bool(true), "true"),
            (Value::text("h\"é\n"), r#""h\"é\n""#),
            (Value::Nil, "null"),
            (
                Value::DateTime("20260131T17:45:00".to_owned()),
                r#"{"$dateTime":"20260131T17:45:00"}"#,
            ),
            (Value::Bytes(b"hi".to_vec()), r#"{"$base64":"aGk="}"#),
            (Value::Array(vec![Value::Int(1), Value::Nil]), "[1,null]"),
            (Value::Struct(vec![]), "{}"),
            (
                Value::Struct(vec![member("a", Value::Int(1))]),
                r#"{"a":1}"#,
            ),
            (
                Value::Struct(vec![member("$base64", Value::text("x"))]),
                r#"{"$struct":{"$base64":"x"}}"#,
            ),
            (
                Value::Struct(vec![
                    member("$x", Value::Int(1)),
                    member("y", Value::Int(2)),
                ]),
                r#"{"$x":1,"y":2}"#,
            ),
        ] {
            let (written, known) = (write_value(&value).to_string(), text);
            if !matches!(value, Value::Double(number) if number > 1e100) {
                assert_eq!(written, known);
            }
            assert_eq!(read(text), Ok(value), "{text}");
        }
        let Ok(Value::Double(number)) = read(r#"{"$double":"nan"}"#) else {
            panic!("no double")
        };
        assert!(number.is_nan());
    }

    #[test]
    fn a_call_names_its_method_and_parameters() {
        let body = call_body("add", &[Value::Int(1), Value::Double(2.0)]);
        assert_eq!(body, br#"{"method":"add","params":[1,2.0]}"#);
    }

    #[test]
    fn what_xml_rpc_cannot_carry_is_the_methods_fault() {
        let many = format!("[{}0]", "0,".repeat(ANSWER_VALUES_MAX));
        let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
        for (text, why) in [
            ("2147483648", "2147483648 is outside"),
            ("18446744073709551615", "outside"),
            (r#"{"$when": 1}"#, "just `$when`"),
            (r#"{"$base64": "!"}"#, "not Base64"),
            (r#"{"$base64": 1}"#, "just `$base64`"),
            (r#"{"$dateTime": "<x>"}"#, "20260131T17:45:00"),
            (r#"{"$double": "1"}"#, "just `$double`"),
            (&many, "more than 200000"),
            (&deep, "more than 64 deep"),
        ] {
            let error = read_result(text.as_bytes()).unwrap_err();
            assert!(
                matches!(&error, AnswerError::Unfit(told) if told.contains(why)),
                "{error:?}"
            );
        }
    }

    #[test]
    fn what_is_no_answer_is_the_helpers_fault() {
        for text in ["", "{", "1 2", "nan", "'x'", "[1,]", "\u{feff}1"] {
            let told = read_result(text.as_bytes());
            assert!(matches!(told, Err(AnswerError::Malformed(_))), "{told:?}");
        }
        for text in ["1", "{}", r#"{"faultCode": "1", "faultString": "x"}"#] {
            let told = read_fault(text.as_bytes());
            assert!(matches!(told, Err(AnswerError::Malformed(_))), "{told:?}");
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(read(&deep).is_err());
    }

    #[test]
    fn a_fault_has_its_own_code() {
        let fault = read_fault(br#"{"faultCode": -7, "faultString": "no"}"#).unwrap();
        assert_eq!((fault.code, fault.text.as_str()), (-7, "no"));
        let far = read_fault(br#"{"faultCode": 5000000000, "faultString": "no"}"#);
        assert!(matches!(far, Err(AnswerError::Unfit(_))));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(|number| Value::Int(number.into())),
            any::<bool>().prop_map(Value::Bool),
            ".{0,8}".prop_map(Value::Str),
            (-1e15..1e15).prop_map(Value::Double),
            proptest::collection::vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
            Just(Value::DateTime("20260131T17:45:00".to_owned())),
            Just(Value::Nil),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::btree_map("[$a-c]{0,3}", inner, 0..4)
                    .prop_map(|members| Value::Struct(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in values()) {
            let text = write_value(&value).to_string();
            prop_assert_eq!(read(&text), Ok(value));
        }

        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            // Either is fine.
            let _ = (read_result(&body), read_fault(&body));
        }
    }
}
