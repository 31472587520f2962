//! The methods of `supervisor_cache`: values by key, in the daemon, as long as it serves.

use super::args::Args;
use super::process::core;
use super::{Invocation, Kind, Method, Param};
use crate::answer::pack;
use crate::xmlrpc::Value;
use provost_model::access::Verb;
use provost_model::{CacheDeed, Fault, FaultCode, Request};

/// What `getAPIVersion` answers: that of release 1.1.0 of the package.
const API_VERSION: &str = "0.2";

/// The text of the fault for a key that is none.
const NO_KEY: &str = "Cache key must be a non-empty string";

const KEY: Param = Param {
    name: "key",
    kind: Kind::Str,
    text: "A key: a string that is not empty.",
    default: None,
};

const OK: &str = "Always true; a failure is a fault.";
const BAD_NAME: &[FaultCode] = &[FaultCode::BadName];

/// The methods.
pub(super) const METHODS: &[Method] = &[
    Method {
        name: "getAPIVersion",
        verb: Verb::Status,
        aliases: &[],
        summary: "Tells the version of this interface.",
        params: &[],
        result: Kind::Str,
        result_text: "The version, 0.2.",
        faults: &[],
        decode: |_| Ok(Invocation::Tell(API_VERSION)),
    },
    Method {
        name: "getKeys",
        verb: Verb::Cache,
        aliases: &[],
        summary: "Names the keys that have a value.",
        params: &[],
        result: Kind::Array,
        result_text: "The keys, sorted.",
        faults: &[],
        decode: |args| ask(args, CacheDeed::Keys),
    },
    Method {
        name: "getCount",
        verb: Verb::Cache,
        aliases: &[],
        summary: "Counts the keys that have a value.",
        params: &[],
        result: Kind::Integer,
        result_text: "The number of keys.",
        faults: &[],
        decode: |args| ask(args, CacheDeed::Count),
    },
    Method {
        name: "store",
        verb: Verb::Cache,
        aliases: &[],
        summary: "Keeps a value under a key, in place of what it had. At most 10,000 keys and 16 MiB are kept.",
        params: &[
            KEY,
            Param {
                name: "data",
                kind: Kind::Str,
                text: "The value, of any type.",
                default: None,
            },
        ],
        result: Kind::Bool,
        result_text: OK,
        faults: &[FaultCode::BadName, FaultCode::Failed],
        decode: |args| {
            let value = args.value(1).unwrap_or(&Value::Nil);
            with_key(args, |key| CacheDeed::Store {
                key,
                value: pack(value),
            })
        },
    },
    Method {
        name: "fetch",
        verb: Verb::Cache,
        aliases: &[],
        summary: "Gives back the value of a key.",
        params: &[KEY],
        result: Kind::Str,
        result_text: "The value, of the type that was stored.",
        faults: BAD_NAME,
        decode: |args| with_key(args, |key| CacheDeed::Fetch { key }),
    },
    Method {
        name: "delete",
        verb: Verb::Cache,
        aliases: &[],
        summary: "Forgets a key and its value, if it has one.",
        params: &[KEY],
        result: Kind::Bool,
        result_text: OK,
        faults: BAD_NAME,
        decode: |args| with_key(args, |key| CacheDeed::Delete { key }),
    },
    Method {
        name: "clear",
        verb: Verb::Cache,
        aliases: &[],
        summary: "Forgets all keys and their values.",
        params: &[],
        result: Kind::Bool,
        result_text: OK,
        faults: &[],
        decode: |args| ask(args, CacheDeed::Clear),
    },
];

/// Each namespace has a store of its own.
fn ask(args: &Args<'_>, deed: CacheDeed) -> Result<Invocation, Fault> {
    core(Request::Cache {
        namespace: args.namespace().to_owned(),
        deed,
    })
}

fn with_key(args: &Args<'_>, deed: impl FnOnce(String) -> CacheDeed) -> Result<Invocation, Fault> {
    match args.value(0).and_then(Value::as_str) {
        Some(key) if !key.is_empty() => ask(args, deed(key.to_owned())),
        _ => Ok(Invocation::Refuse(Fault::about(FaultCode::BadName, NO_KEY))),
    }
}
