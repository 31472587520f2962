//! `signal`: sends a signal to programs.

use super::bulk::{NO_GROUP, Verb};
use super::{Command, Completes, Flow, Outcome, words};
use crate::session::Session;
use provost_model::FaultCode;

pub(super) const COMMAND: Command = Command {
    name: "signal",
    help: "signal <signal name> <name>\t\tSend a signal to one process
signal <signal name> <gname>:*\t\tSend it to every process of a group
signal <signal name> <name> <name>\tSend it to several processes or groups
signal <signal name> all\t\tSend it to everything",
    completes: Completes::Processes,
    run,
};

pub(super) const REFUSALS: &[(FaultCode, &str)] = &[
    (FaultCode::BadName, "no such process"),
    (FaultCode::BadSignal, "bad signal name"),
    (FaultCode::NotRunning, "not running"),
];

const VERB: Verb = Verb {
    one: "signalProcess",
    group: "signalProcessGroup",
    all: "signalAllProcesses",
    done: "signalled",
    refusals: REFUSALS,
    failure_in_servers_words: true,
    passes: None,
    no_group: NO_GROUP,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    match words(arg).as_slice() {
        [signal, names @ ..] if !names.is_empty() => VERB.act(session, names, Some(signal)),
        _ => {
            COMMAND.refuse(
                session,
                "Error: signal requires a signal name and a process name",
            );
            Ok(Flow::Stay)
        }
    }
}
