//! `tail`: the end of a program's log, or all that comes.

use super::{Command, Completes, Flow, Outcome, bytes_from_end, words};
use crate::exit;
use crate::follow::{self, percent_encoded};
use crate::records::Lacking;
use crate::render;
use crate::session::{Session, unexpected};
use provost_model::FaultCode;
use provost_wire::xmlrpc::Value;

pub(super) const COMMAND: Command = Command {
    name: "tail",
    help: "tail [-f] <name> [stdout|stderr] (stdout unless told otherwise)
Examples:
tail -f <name>\t\tShow what the process writes as it comes
\t\t\tCtrl-C ends this
tail -100 <name>\tShow the last 100 bytes of its stdout
tail <name> stderr\tShow the last 1600 bytes of its stderr",
    completes: Completes::Processes,
    run,
};

/// How many bytes from the end are shown unless told otherwise.
pub(super) const DEFAULT_OFFSET: i64 = -1600;

/// What is asked for.
struct Wish<'a> {
    name: &'a str,
    channel: String,
    /// The offset, or none to follow.
    offset: Option<i64>,
}

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    let Some(wish) = read_wish(session, arg)? else {
        return Ok(Flow::Stay);
    };
    let Some(offset) = wish.offset else {
        let shown = format!("/logtail/{}/{}", wish.name, wish.channel);
        let path = format!("/logtail/{}/{}", percent_encoded(wish.name), wish.channel);
        return follow::tail(session, &path, &shown);
    };
    let method = if wish.channel == "stdout" {
        "readProcessStdoutLog"
    } else {
        "readProcessStderrLog"
    };
    let params = [Value::text(wish.name), Value::Int(offset), Value::Int(0)];
    say_log(session, wish.name, method, &params)
}

/// Reads the arguments; says what is wrong with them.
fn read_wish<'a>(
    session: &mut Session,
    arg: &'a str,
) -> Result<Option<Wish<'a>>, crate::trouble::Trouble> {
    let args = words(arg);
    if args.is_empty() {
        COMMAND.refuse(session, "Error: too few arguments");
        return Ok(None);
    }
    if args.len() > 3 {
        COMMAND.refuse(session, "Error: too many arguments");
        return Ok(None);
    }
    let (modifier, rest) = match args.split_first() {
        Some((first, rest)) if first.starts_with('-') => (Some(*first), rest),
        _ => (None, args.as_slice()),
    };
    let (name, channel) = match rest {
        [] => return refuse(session, "Error: tail requires process name"),
        [name] => (*name, "stdout".to_owned()),
        [name, .., channel] => (*name, channel.to_lowercase()),
    };
    if channel != "stdout" && channel != "stderr" {
        return refuse(
            session,
            &format!("Error: bad channel {}", render::quoted(&channel)),
        );
    }
    let offset = match modifier.map(|modifier| (modifier, &modifier[1..])) {
        None => Some(DEFAULT_OFFSET),
        Some((_, "f")) => None,
        Some((modifier, digits)) => match bytes_from_end(digits) {
            Some(offset) => Some(offset?),
            None => return refuse(session, &format!("Error: bad argument {modifier}")),
        },
    };
    Ok(Some(Wish {
        name,
        channel,
        offset,
    }))
}

fn refuse<T>(session: &mut Session, problem: &str) -> Result<Option<T>, crate::trouble::Trouble> {
    session.say(problem);
    session.set_status(exit::GENERIC);
    Ok(None)
}

/// Prints what a log method answers, as it is; refusals are told of `name`.
pub(super) fn say_log(
    session: &mut Session,
    name: &str,
    method: &str,
    params: &[Value],
) -> Outcome {
    let trouble = match session.call(method, params) {
        Ok(value) => {
            let text = value
                .as_str()
                .ok_or_else(|| unexpected(method, Lacking("a text")))?;
            session.say(text);
            return Ok(Flow::Stay);
        }
        Err(trouble) => trouble,
    };
    let words = match trouble.fault_code() {
        Some(FaultCode::NoFile) => "no log file",
        Some(FaultCode::Failed) => "unknown error reading log",
        Some(FaultCode::BadName) => "no such process name",
        _ => return Err(trouble),
    };
    session.say(format!("{name}: ERROR ({words})"));
    session.set_status(exit::GENERIC);
    Ok(Flow::Stay)
}
