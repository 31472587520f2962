//! `stop`: stops programs and waits until they are gone.

use super::bulk::{NO_GROUP, Verb};
use super::{Command, Completes, Flow, Outcome, words};
use crate::session::Session;
use provost_model::FaultCode;

pub(super) const COMMAND: Command = Command {
    name: "stop",
    help: "stop <name>\t\tStop one process
stop <gname>:*\t\tStop every process of a group
stop <name> <name>\tStop several processes or groups
stop all\t\tStop everything",
    completes: Completes::Processes,
    run,
};

pub(super) const VERB: Verb = Verb {
    one: "stopProcess",
    group: "stopProcessGroup",
    all: "stopAllProcesses",
    done: "stopped",
    refusals: super::signal::REFUSALS,
    failure_in_servers_words: true,
    passes: Some(FaultCode::NotRunning),
    no_group: NO_GROUP,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    let names = words(arg);
    if names.is_empty() {
        COMMAND.refuse(session, "Error: stop requires a process name");
        return Ok(Flow::Stay);
    }
    VERB.act(session, &names, None)
}
