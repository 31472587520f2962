//! `open`: turns to another server.

use super::{Command, Completes, Flow, Outcome, status};
use crate::exit;
use crate::session::Session;

pub(super) const COMMAND: Command = Command {
    name: "open",
    help: "open <url>\tTurn to another supervisord, at http://host:port
\t\tor, for a UNIX domain socket, unix:///socket/path",
    completes: Completes::Nothing,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    let scheme = arg
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("unix" | "http")) {
        session.say("ERROR: url must be http:// or unix://");
        session.set_status(exit::GENERIC);
        return Ok(Flow::Stay);
    }
    arg.clone_into(&mut session.server.url);
    session.hang_up();
    let before = session.status();
    let outcome = status::run(session, "");
    if outcome.is_ok() {
        session.set_status(before);
    }
    outcome
}
