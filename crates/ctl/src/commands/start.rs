//! `start`: starts programs and waits until they are up.

use super::bulk::Verb;
use super::{Command, Completes, Flow, Outcome, words};
use crate::exit;
use crate::session::Session;
use provost_model::FaultCode;

pub(super) const COMMAND: Command = Command {
    name: "start",
    help: "start <name>\t\tStart one process
start <gname>:*\t\tStart every process of a group
start <name> <name>\tStart several processes or groups
start all\t\tStart everything",
    completes: Completes::Processes,
    run,
};

pub(super) const VERB: Verb = Verb {
    one: "startProcess",
    group: "startProcessGroup",
    all: "startAllProcesses",
    done: "started",
    refusals: &[
        (FaultCode::BadName, "no such process"),
        (FaultCode::NoFile, "no such file"),
        (FaultCode::NotExecutable, "file is not executable"),
        (FaultCode::AlreadyStarted, "already started"),
        (FaultCode::SpawnError, "spawn error"),
        (FaultCode::AbnormalTermination, "abnormal termination"),
    ],
    failure_in_servers_words: false,
    passes: Some(FaultCode::AlreadyStarted),
    no_group: exit::INVALID_ARGS,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    let names = words(arg);
    if names.is_empty() {
        COMMAND.refuse(session, "Error: start requires a process name");
        session.set_status(exit::INVALID_ARGS);
        return Ok(Flow::Stay);
    }
    VERB.act(session, &names, None)
}
