//! Helpers: processes that serve a namespace of XML-RPC methods.

use crate::Run;
use serde::{Deserialize, Serialize};

/// What an `[rpcinterface:x]` section with a command adds to its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperSpec {
    /// Seconds from a call to its answer; at least 1.
    pub call_timeout_secs: u64,
}

/// A method as its helper announces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperMethod {
    /// Its name after the dot.
    pub name: String,
    /// The type of the result, then the types of the parameters; empty when the helper names none.
    pub signature: Vec<String>,
    /// What it does; empty when the helper does not tell.
    pub help: String,
}

/// One thing that a helper said. The bodies of answers stay as they came: whoever asked makes values of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HelperWord {
    /// The handshake: these methods exist.
    Hello(Vec<HelperMethod>),
    /// The answer to a call.
    Answer {
        /// Number of the call.
        call: u64,
        /// Which kind of answer.
        kind: HelperAnswerKind,
        /// JSON, not yet looked at.
        #[serde(with = "crate::saved::bytes")]
        body: Vec<u8>,
    },
    /// Something that is not of the protocol, in words.
    Nonsense(String),
}

/// Which kind of answer a helper gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HelperAnswerKind {
    /// A value.
    Result,
    /// A fault of its own.
    Fault,
}

/// A helper's answer on its way to whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperAnswer {
    /// Who said it, for a complaint.
    pub run: Run,
    /// Which kind of answer.
    pub kind: HelperAnswerKind,
    /// JSON, not yet looked at.
    #[serde(with = "crate::saved::bytes")]
    pub body: Vec<u8>,
}
