//! What has been done for the request under way, as far as doing it anew would differ.
//!
//! After a hand-over a request is read and routed once more. Whatever must not happen twice, or could come out otherwise
//! the second time, leaves a note here when it is done, and is not done again where the note is found.

use crate::api::caller::PeerProcess;
use provost_wire::base64;
use provost_wire::xmlrpc::{MAX_DEPTH, Value, WireFault};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The notes. Each is absent until its moment has come.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::api) struct Progress {
    /// The request that the core has. Nothing before it asks the core for what it has not given yet, so it belongs to
    /// the first question that is reached again.
    pub(in crate::api) ask: Option<u64>,
    /// What the proof of the client was found to be.
    pub(in crate::api) login: Option<Login>,
    /// The page that sent the request may do so.
    pub(in crate::api) trusted: bool,
    /// The line about the reader of a page is written.
    pub(in crate::api) read: bool,
    /// The line about the beginning of the call is posted, and whether it was written in time.
    pub(in crate::api) began: Option<bool>,
    /// The last line about the call is posted.
    pub(in crate::api) ended: bool,
    /// The client left a work that lasts; that is recorded.
    pub(in crate::api) left: bool,
    /// When the call began, nanoseconds of the clock that only goes forward, which images share.
    pub(in crate::api) since: Option<u64>,
    /// Results of the calls of a `system.multicall` that are done.
    #[serde(with = "values")]
    pub(in crate::api) results: Vec<Value>,
    /// How the call ended.
    #[serde(with = "outcome")]
    pub(in crate::api) result: Option<Result<Value, WireFault>>,
    /// The process of a page's action exists.
    pub(in crate::api) known: bool,
    /// The work goes on when its client leaves, and was let in.
    pub(in crate::api) lasts: bool,
    /// What the action came to.
    pub(in crate::api) message: Option<String>,
    /// The first half of a restart is done; what did not stop.
    pub(in crate::api) stopped: Option<Vec<String>>,
    /// What an update is still to do, and what it has done.
    pub(in crate::api) steps: Option<(Vec<String>, Vec<String>)>,
    /// The client was told to send its body.
    pub(in crate::api) continued: bool,
}

impl Progress {
    /// Whether an earlier image, or this one, has done something for the request that must not be refused any more.
    pub(in crate::api) fn is_begun(&self) -> bool {
        self.ask.is_some()
            || self.began.is_some()
            || self.result.is_some()
            || self.stopped.is_some()
            || self.steps.is_some()
            || self.message.is_some()
            || self.known
            || !self.results.is_empty()
    }

    /// Forgets the current call; what concerns the whole request stays.
    pub(in crate::api) fn next_call(&mut self) {
        let (login, trusted, read) = (self.login.take(), self.trusted, self.read);
        *self = Self {
            login,
            trusted,
            read,
            continued: self.continued,
            results: std::mem::take(&mut self.results),
            ..Self::default()
        };
    }
}

/// What became of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::api) enum Login {
    /// The name and password of the server.
    Section(String),
    /// A user.
    User {
        /// Its name.
        name: String,
        /// What proved it.
        how: String,
    },
    /// None that holds; counted and made to wait as it has to be.
    Refused,
}

/// The process at the other end, for the state.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Process {
    uid: u32,
    gid: u32,
    pid: i32,
    groups: Vec<u32>,
}

/// `Option<PeerProcess>` as it is carried.
pub(super) mod process {
    use super::{Deserialize, Deserializer, PeerProcess, Process, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "it is called so")]
    pub(in super::super) fn serialize<S: Serializer>(
        process: &Option<PeerProcess>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let plain = process.as_ref().map(|process| Process {
            uid: process.uid,
            gid: process.gid,
            pid: process.pid,
            groups: process.groups.clone(),
        });
        plain.serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<PeerProcess>, D::Error> {
        let plain = Option::<Process>::deserialize(from)?;
        Ok(plain.map(|process| PeerProcess {
            uid: process.uid,
            gid: process.gid,
            pid: process.pid,
            groups: process.groups,
        }))
    }
}

/// Bytes as Base64.
pub(super) mod bytes {
    use super::{Deserialize, Deserializer, Serializer, base64};
    use serde::de::Error as _;

    pub(in super::super) fn serialize<S: Serializer>(
        bytes: &[u8],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&base64::encode(bytes))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        base64::decode(text.as_bytes()).ok_or_else(|| D::Error::custom("no Base64"))
    }
}

/// A value without nesting: what holds others says how many, and they follow. Readers of JSON bear less depth than values
/// may have.
#[derive(Serialize, Deserialize)]
enum Token {
    Int(i64),
    Bool(bool),
    Str(String),
    /// The bits of it.
    Double(u64),
    DateTime(String),
    Bytes(String),
    Array(usize),
    Struct(usize),
    /// Of a member; its value follows.
    Name(String),
    Nil,
}

fn flatten(value: &Value, out: &mut Vec<Token>) {
    out.push(match value {
        Value::Int(number) => Token::Int(*number),
        Value::Bool(truth) => Token::Bool(*truth),
        Value::Str(text) => Token::Str(text.clone()),
        Value::Double(number) => Token::Double(number.to_bits()),
        Value::DateTime(text) => Token::DateTime(text.clone()),
        Value::Bytes(bytes) => Token::Bytes(base64::encode(bytes)),
        Value::Nil => Token::Nil,
        Value::Written(written) => return flatten(&written.read(), out),
        Value::Array(values) => {
            out.push(Token::Array(values.len()));
            return values.iter().for_each(|value| flatten(value, out));
        }
        Value::Struct(members) => {
            out.push(Token::Struct(members.len()));
            for (name, value) in members {
                out.push(Token::Name(name.clone()));
                flatten(value, out);
            }
            return;
        }
    });
}

/// None for tokens that are no value.
fn build(tokens: &mut impl Iterator<Item = Token>, depth: usize) -> Option<Value> {
    // A result may hold a value that a client sent, and its own frame around it.
    let depth = depth.checked_sub(1)?;
    Some(match tokens.next()? {
        Token::Int(number) => Value::Int(number),
        Token::Bool(truth) => Value::Bool(truth),
        Token::Str(text) => Value::Str(text),
        Token::Double(bits) => Value::Double(f64::from_bits(bits)),
        Token::DateTime(text) => Value::DateTime(text),
        Token::Bytes(text) => Value::Bytes(base64::decode(text.as_bytes())?),
        Token::Nil => Value::Nil,
        Token::Name(_) => return None,
        Token::Array(count) => {
            let mut values = Vec::new();
            for _ in 0..count {
                values.push(build(tokens, depth)?);
            }
            Value::Array(values)
        }
        Token::Struct(count) => {
            let mut members = Vec::new();
            for _ in 0..count {
                let Token::Name(name) = tokens.next()? else {
                    return None;
                };
                members.push((name, build(tokens, depth)?));
            }
            Value::Struct(members)
        }
    })
}

fn tokens(value: &Value) -> Vec<Token> {
    let mut out = Vec::new();
    flatten(value, &mut out);
    out
}

fn value(tokens: Vec<Token>) -> Option<Value> {
    build(&mut tokens.into_iter(), MAX_DEPTH + 8)
}

/// Values as they are carried.
mod values {
    use super::{Deserialize, Deserializer, Serializer, Token, Value, tokens, value};
    use serde::de::Error as _;

    pub(super) fn serialize<S: Serializer>(values: &[Value], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(tokens))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Value>, D::Error> {
        let flat = Vec::<Vec<Token>>::deserialize(from)?;
        let values: Option<Vec<Value>> = flat.into_iter().map(value).collect();
        values.ok_or_else(|| D::Error::custom("no values"))
    }
}

#[derive(Serialize, Deserialize)]
enum Outcome {
    Good(Vec<Token>),
    Fault(i32, String),
}

/// The end of a call as it is carried.
mod outcome {
    use super::{Deserialize, Deserializer, Outcome, Serialize, Serializer, Value, WireFault};

    #[expect(clippy::ref_option, reason = "it is called so")]
    pub(super) fn serialize<S: Serializer>(
        result: &Option<Result<Value, WireFault>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let outcome = result.as_ref().map(|result| match result {
            Ok(value) => Outcome::Good(super::tokens(value)),
            Err(fault) => Outcome::Fault(fault.code, fault.text.clone()),
        });
        outcome.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Result<Value, WireFault>>, D::Error> {
        Option::<Outcome>::deserialize(from)?
            .map(|outcome| match outcome {
                Outcome::Good(tokens) => super::value(tokens).map(Ok).ok_or_else(super::no_value),
                Outcome::Fault(code, text) => Ok(Err(WireFault { code, text })),
            })
            .transpose()
    }
}

fn no_value<E: serde::de::Error>() -> E {
    E::custom("no value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(progress: &Progress) -> Progress {
        let text = serde_json::to_string(progress).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn values_come_back_as_they_were() {
        let mut deep = Value::Str("\r\n\u{1}<&>".to_owned());
        for _ in 0..MAX_DEPTH {
            deep = Value::Array(vec![deep]);
        }
        let members = vec![
            ("a".to_owned(), Value::Double(0.1)),
            ("a".to_owned(), Value::Bytes(vec![0, 255])),
            (String::new(), Value::Nil),
            ("d".to_owned(), Value::DateTime("x".to_owned())),
            ("s".to_owned(), Value::Struct(Vec::new())),
        ];
        let progress = Progress {
            results: vec![deep, Value::Struct(members), Value::Int(i64::MIN)],
            result: Some(Ok(Value::Bool(false))),
            ..Progress::default()
        };
        let back = again(&progress);
        assert_eq!(back.results, progress.results);
        assert_eq!(back.result, progress.result);
    }

    #[test]
    fn what_is_missing_is_as_if_never_done_and_what_is_unknown_is_passed_over() {
        let progress: Progress = serde_json::from_str("{\"later\": 1, \"ask\": 7}").unwrap();
        assert_eq!(progress.ask, Some(7));
        assert!(progress.results.is_empty() && progress.result.is_none());
    }

    #[test]
    fn tokens_that_are_no_value_are_refused() {
        for text in [
            "{\"results\": [[{\"Array\": 2}, \"Nil\"]]}",
            "{\"results\": [[{\"Name\": \"x\"}]]}",
            "{\"results\": [[]]}",
            "{\"result\": {\"Good\": []}}",
        ] {
            assert!(serde_json::from_str::<Progress>(text).is_err(), "{text}");
        }
        let deep = "{\"Array\": 1},".repeat(5000);
        let text = format!("{{\"results\": [[{deep} \"Nil\"]]}}");
        assert!(serde_json::from_str::<Progress>(&text).is_err());
    }
}
