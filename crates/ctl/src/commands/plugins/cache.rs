//! The commands of `supervisor_cache`: values that supervisord keeps.

use super::super::{Command, Completes, Flow};
use crate::pretty::pretty;
use crate::session::Session;
use crate::trouble::Trouble;
use provost_config::words;
use provost_wire::xmlrpc::Value;

/// The namespace of the methods.
const NAMESPACE: &str = "cache";

pub(super) const COMMANDS: &[&Command] = &[&CLEAR, &COUNT, &DELETE, &FETCH, &KEYS, &STORE];

const CLEAR: Command = Command {
    name: "cache_clear",
    help: "cache_clear\tForget every key",
    completes: Completes::Nothing,
    run: |session, arg| {
        if let Some([]) = arguments(session, &CLEAR, arg)? {
            call(session, "clear", &[])?;
        }
        Ok(Flow::Stay)
    },
};

const COUNT: Command = Command {
    name: "cache_count",
    help: "cache_count\tShow how many keys there are",
    completes: Completes::Nothing,
    run: |session, arg| {
        if let Some([]) = arguments(session, &COUNT, arg)? {
            let count = call(session, "getCount", &[])?;
            session.say(pretty(&count));
        }
        Ok(Flow::Stay)
    },
};

const DELETE: Command = Command {
    name: "cache_delete",
    help: "cache_delete <key>\tForget a key",
    completes: Completes::Nothing,
    run: |session, arg| {
        if let Some([key]) = arguments(session, &DELETE, arg)? {
            call(session, "delete", &[&key])?;
        }
        Ok(Flow::Stay)
    },
};

const FETCH: Command = Command {
    name: "cache_fetch",
    help: "cache_fetch <key>\tShow the value of a key",
    completes: Completes::Nothing,
    run: |session, arg| {
        if let Some([key]) = arguments(session, &FETCH, arg)? {
            let value = call(session, "fetch", &[&key])?;
            session.say(pretty(&value));
        }
        Ok(Flow::Stay)
    },
};

const KEYS: Command = Command {
    name: "cache_keys",
    help: "cache_keys\tShow all keys",
    completes: Completes::Nothing,
    run: |session, arg| {
        if let Some([]) = arguments(session, &KEYS, arg)? {
            let keys = call(session, "getKeys", &[])?;
            session.say(pretty(&keys));
        }
        Ok(Flow::Stay)
    },
};

const STORE: Command = Command {
    name: "cache_store",
    help: "cache_store <key> <value>\tKeep a text under a key; quotes hold blanks together",
    completes: Completes::Nothing,
    run: |session, arg| {
        if let Some([key, value]) = arguments(session, &STORE, arg)? {
            call(session, "store", &[&key, &value])?;
        }
        Ok(Flow::Stay)
    },
};

/// As many words as a command takes, cut as by a shell; with another number of them its help is shown.
fn arguments<const N: usize>(
    session: &mut Session,
    command: &Command,
    arg: &str,
) -> Result<Option<[String; N]>, Trouble> {
    let words = words::split(arg).map_err(|problem| {
        Trouble::Argument(format!("{arg} cannot be cut into words: {problem}"))
    })?;
    let found: Option<[String; N]> = words.try_into().ok();
    if found.is_none() {
        session.say(command.help);
    }
    Ok(found)
}

fn call(session: &mut Session, method: &str, params: &[&str]) -> Result<Value, Trouble> {
    let params: Vec<Value> = params.iter().copied().map(Value::text).collect();
    session.call_in(NAMESPACE, method, &params)
}
