//! Asking a daemon over XML-RPC.

use std::fmt;
use std::io;

use crate::http::{Answer, Target};
use crate::value::{Value, decode, encode_call};

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A value came back.
    Value(Value),
    /// A fault came back: its code and text.
    Fault(i64, String),
    /// The server answered something that is no XML-RPC: the status.
    Http(u16),
    /// No answer at all.
    Lost(String),
}

impl Outcome {
    /// The value.
    ///
    /// # Panics
    /// When there is none; the message shows what came instead.
    pub fn value(self) -> Value {
        match self {
            Self::Value(value) => value,
            other => panic!("expected a value, got {other}"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::Fault(code, text) => write!(f, "fault {code} {text}"),
            Self::Http(status) => write!(f, "HTTP {status}"),
            Self::Lost(why) => write!(f, "no answer: {why}"),
        }
    }
}

/// A client of one server. Every call is a connection of its own.
#[derive(Clone, Debug)]
pub struct Rpc {
    target: Target,
    headers: String,
}

impl Rpc {
    /// A client without credentials.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            headers: String::new(),
        }
    }

    /// The same with further header lines (each with its line end).
    #[must_use]
    pub fn with_headers(mut self, headers: &str) -> Self {
        headers.clone_into(&mut self.headers);
        self
    }

    /// Where it asks.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Calls a method and returns the answer's raw form.
    pub fn raw(&self, method: &str, params: &[Value]) -> io::Result<Answer> {
        self.target
            .post(&encode_call(method, params), &self.headers)
    }

    /// Calls a method.
    pub fn call(&self, method: &str, params: &[Value]) -> Outcome {
        match self.raw(method, params) {
            Err(error) => Outcome::Lost(error.to_string()),
            Ok(answer) if answer.status() != 200 => Outcome::Http(answer.status()),
            Ok(answer) => match decode(&answer.text()) {
                Some(Ok(value)) => Outcome::Value(value),
                Some(Err((code, text))) => Outcome::Fault(code, text),
                None => Outcome::Lost(format!("no XML-RPC: {}", answer.text())),
            },
        }
    }

    /// The info struct of a process; `None` when the daemon does not answer or does not know it.
    pub fn info(&self, name: &str) -> Option<Value> {
        match self.call("supervisor.getProcessInfo", &[name.into()]) {
            Outcome::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The state's name of a process; empty when there is none.
    pub fn state(&self, name: &str) -> String {
        self.info(name)
            .and_then(|info| info.get("statename").map(|state| state.text().to_owned()))
            .unwrap_or_default()
    }

    /// The pid of a process; 0 when it has none.
    pub fn pid(&self, name: &str) -> u32 {
        let pid = self
            .info(name)
            .and_then(|info| info.get("pid").map(Value::int))
            .unwrap_or(0);
        u32::try_from(pid).unwrap_or(0)
    }
}
