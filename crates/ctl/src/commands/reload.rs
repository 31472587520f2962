//! `reload`: restarts supervisord and all it runs.

use super::{Command, Completes, Flow, Outcome};
use crate::exit;
use crate::render;
use crate::session::Session;
use crate::trouble::Trouble;
use provost_model::FaultCode;

pub(super) const COMMAND: Command = Command {
    name: "reload",
    help: "reload \t\tRestart supervisord and everything it runs",
    completes: Completes::Nothing,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if COMMAND.refuses_arguments(session, arg)
        || !session.confirm("Really restart the remote supervisord process y/N? ")?
    {
        return Ok(Flow::Stay);
    }
    match session.call("restart", &[]) {
        Ok(_) => {
            session.say("Restarted supervisord");
            return Ok(Flow::Stay);
        }
        Err(Trouble::Fault(fault)) => match FaultCode::from_code(i64::from(fault.code)) {
            Some(FaultCode::ShutdownState) => session.say("ERROR: already shutting down"),
            // Upstream restarts into the broken file; this is the line with which it refuses a reread.
            Some(FaultCode::CantReread) => {
                session.say(render::harmless(&format!("ERROR: {}", fault.text)));
            }
            _ => return Err(Trouble::Fault(fault)),
        },
        Err(trouble) => return Err(trouble),
    }
    session.set_status(exit::GENERIC);
    Ok(Flow::Stay)
}
