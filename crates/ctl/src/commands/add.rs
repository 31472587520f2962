//! `add`: makes groups of the configuration active.

use super::{Command, Completes, Flow, Outcome, words};
use crate::exit;
use crate::session::Session;
use provost_model::FaultCode;
use provost_wire::xmlrpc::Value;

pub(super) const COMMAND: Command = Command {
    name: "add",
    help: "add <name> [...]\tMake processes or groups active that a reread has found",
    completes: Completes::Groups,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    for name in words(arg) {
        let Err(trouble) = session.call("addProcessGroup", &[Value::text(name)]) else {
            session.say(format!("{name}: added process group"));
            continue;
        };
        match trouble.fault_code() {
            Some(FaultCode::ShutdownState) => {
                session.say("ERROR: shutting down");
                session.set_status(exit::GENERIC);
            }
            // That it is there already is what was wished for.
            Some(FaultCode::AlreadyAdded) => session.say("ERROR: process group already active"),
            Some(FaultCode::BadName) => {
                session.say(format!("ERROR: no such process/group: {name}"));
                session.set_status(exit::GENERIC);
            }
            _ => return Err(trouble),
        }
    }
    Ok(Flow::Stay)
}
