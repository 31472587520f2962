//! `remove`: takes stopped groups out.

use super::{Command, Completes, Flow, Outcome, words};
use crate::exit;
use crate::session::Session;
use provost_model::FaultCode;
use provost_wire::xmlrpc::Value;

pub(super) const COMMAND: Command = Command {
    name: "remove",
    help: "remove <name> [...]\tTake stopped processes or groups out of the active configuration",
    completes: Completes::Groups,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    for name in words(arg) {
        let Err(trouble) = session.call("removeProcessGroup", &[Value::text(name)]) else {
            session.say(format!("{name}: removed process group"));
            continue;
        };
        match trouble.fault_code() {
            Some(FaultCode::StillRunning) => {
                session.say(format!("ERROR: process/group still running: {name}"));
            }
            Some(FaultCode::BadName) => {
                session.say(format!("ERROR: no such process/group: {name}"));
            }
            _ => return Err(trouble),
        }
        session.set_status(exit::GENERIC);
    }
    Ok(Flow::Stay)
}
