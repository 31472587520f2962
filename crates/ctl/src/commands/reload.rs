//! `reload`: restarts supervisord and all it runs.

use super::{Command, Completes, Flow, Outcome};
use crate::exit;
use crate::session::Session;
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
        Ok(_) => session.say("Restarted supervisord"),
        Err(trouble) if trouble.fault_code() == Some(FaultCode::ShutdownState) => {
            session.say("ERROR: already shutting down");
            session.set_status(exit::GENERIC);
        }
        Err(trouble) => return Err(trouble),
    }
    Ok(Flow::Stay)
}
