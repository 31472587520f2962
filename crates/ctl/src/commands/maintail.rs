//! `maintail`: the end of supervisord's own log, or all that comes.

use super::tail::{DEFAULT_OFFSET, say_log};
use super::{Command, Completes, Flow, Outcome, bytes_from_end, words};
use crate::exit;
use crate::follow;
use crate::session::Session;
use provost_wire::xmlrpc::Value;

pub(super) const COMMAND: Command = Command {
    name: "maintail",
    help: "maintail -f \tShow what supervisord logs as it comes (Ctrl-C ends this)
maintail -100\tShow the last 100 bytes of its log
maintail\tShow the last 1600 bytes of its log",
    completes: Completes::Nothing,
    run,
};

/// The path of the stream.
const PATH: &str = "/mainlogtail";

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    let offset = match words(arg).as_slice() {
        [] => DEFAULT_OFFSET,
        ["-f"] => return follow::tail(session, PATH, PATH),
        [word] => {
            let Some(offset) = word.strip_prefix('-').and_then(bytes_from_end) else {
                session.say(format!("Error: bad argument {word}"));
                session.set_status(exit::GENERIC);
                return Ok(Flow::Stay);
            };
            offset?
        }
        _ => {
            COMMAND.refuse(session, "Error: too many arguments");
            return Ok(Flow::Stay);
        }
    };
    say_log(
        session,
        "supervisord",
        "readLog",
        &[Value::Int(offset), Value::Int(0)],
    )
}
