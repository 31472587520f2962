//! `restart`: `stop`, then `start`.

use super::{Command, Completes, Flow, Outcome, start, stop, words};
use crate::session::Session;

pub(super) const COMMAND: Command = Command {
    name: "restart",
    help: "restart <name>\t\tStop and start one process
restart <gname>:*\tStop and start every process of a group
restart <name> <name>\tStop and start several processes or groups
restart all\t\tStop everything, then start everything
Changed configuration files are not read; reread and update do that.",
    completes: Completes::Processes,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    let names = words(arg);
    if names.is_empty() {
        COMMAND.refuse(session, "Error: restart requires a process name");
        return Ok(Flow::Stay);
    }
    stop::VERB.act(session, &names, None)?;
    start::VERB.act(session, &names, None)
}
