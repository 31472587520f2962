//! `tail`: the end of a program's log, or all that comes.

use super::{Command, Completes, Flow, Outcome, bytes_from_end, words};
use crate::exit;
use crate::follow::{self, percent_encoded};
use crate::records::Lacking;
use crate::render;
use crate::session::{Session, unexpected};
use crate::trouble::Trouble;
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

/// What is wrong with the arguments.
enum Misuse {
    /// Their number; the help tells more.
    Number(&'static str),
    /// One of them.
    Argument(String),
    /// One that cannot be sent.
    Unsendable(Trouble),
}

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    let wish = match read_wish(arg) {
        Ok(wish) => wish,
        Err(Misuse::Unsendable(trouble)) => return Err(trouble),
        Err(Misuse::Number(problem)) => {
            COMMAND.refuse(session, problem);
            return Ok(Flow::Stay);
        }
        Err(Misuse::Argument(problem)) => {
            session.say(problem);
            session.set_status(exit::GENERIC);
            return Ok(Flow::Stay);
        }
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

/// Whose log these arguments ask for, and from where; none for those that are refused, or follow a log.
pub(crate) fn wish(arg: &str) -> Option<(String, i64)> {
    let wish = read_wish(arg).ok()?;
    Some((wish.name.to_owned(), wish.offset?))
}

fn read_wish(arg: &str) -> Result<Wish<'_>, Misuse> {
    let args = words(arg);
    if args.is_empty() {
        return Err(Misuse::Number("Error: too few arguments"));
    }
    if args.len() > 3 {
        return Err(Misuse::Number("Error: too many arguments"));
    }
    let (modifier, rest) = match args.split_first() {
        Some((first, rest)) if first.starts_with('-') => (Some(*first), rest),
        _ => (None, args.as_slice()),
    };
    let (name, channel) = match rest {
        [] => {
            let problem = "Error: tail requires process name";
            return Err(Misuse::Argument(problem.to_owned()));
        }
        [name] => (*name, "stdout".to_owned()),
        [name, .., channel] => (*name, channel.to_lowercase()),
    };
    if channel != "stdout" && channel != "stderr" {
        let problem = format!("Error: bad channel {}", render::quoted(&channel));
        return Err(Misuse::Argument(problem));
    }
    let offset = read_offset(modifier)?;
    Ok(Wish {
        name,
        channel,
        offset,
    })
}

fn read_offset(modifier: Option<&str>) -> Result<Option<i64>, Misuse> {
    let Some(modifier) = modifier else {
        return Ok(Some(DEFAULT_OFFSET));
    };
    if modifier == "-f" {
        return Ok(None);
    }
    match modifier.strip_prefix('-').and_then(bytes_from_end) {
        Some(offset) => offset.map(Some).map_err(Misuse::Unsendable),
        None => Err(Misuse::Argument(format!("Error: bad argument {modifier}"))),
    }
}

/// Prints what a log method answers; refusals are told of `name`.
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
            session.show(text);
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
