//! `shutdown`: stops supervisord and all it runs.

use super::{Command, Completes, Flow, Outcome};
use crate::exit;
use crate::session::Session;
use provost_model::FaultCode;

pub(super) const COMMAND: Command = Command {
    name: "shutdown",
    help: "shutdown \t\tStop supervisord and everything it runs",
    completes: Completes::Nothing,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if COMMAND.refuses_arguments(session, arg)
        || !session.confirm("Really shut the remote supervisord process down y/N? ")?
    {
        return Ok(Flow::Stay);
    }
    let Err(trouble) = session.call("shutdown", &[]) else {
        session.say("Shut down");
        return Ok(Flow::Stay);
    };
    let url = session.server.url.clone();
    if trouble.fault_code() == Some(FaultCode::ShutdownState) {
        // It does what was wished for, so this is no failure.
        session.say("ERROR: already shutting down");
    } else if trouble.is_refused() {
        session.say(format!(
            "ERROR: {url} refused connection (already shut down?)"
        ));
        session.set_status(exit::GENERIC);
    } else if trouble.is_missing() {
        session.say(format!("ERROR: {url} no such file (already shut down?)"));
        session.set_status(exit::GENERIC);
    } else {
        return Err(trouble);
    }
    Ok(Flow::Stay)
}
