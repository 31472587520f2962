//! `upgrade`: another supervisord in the place of the one that runs, and nothing restarts.

use super::{Command, Completes, Flow, Outcome, words};
use crate::exit;
use crate::records::Lacking;
use crate::render;
use crate::session::{Session, unexpected};
use crate::trouble::Trouble;
use provost_model::FaultCode;
use provost_wire::xmlrpc::Value;

pub(super) const COMMAND: Command = Command {
    name: "upgrade",
    help: "upgrade \t\tGo on with the supervisord that is installed now; no program is restarted\n\
           upgrade <path> \tGo on with the supervisord at this absolute path",
    completes: Completes::Nothing,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    let binary = match words(arg).as_slice() {
        [] => "",
        [path] if path.starts_with('/') => path,
        [path] => {
            session.say(render::harmless(&format!(
                "ERROR: {path} is not an absolute path"
            )));
            session.set_status(exit::GENERIC);
            return Ok(Flow::Stay);
        }
        _ => {
            session.say("ERROR: upgrade takes one path at most");
            session.set_status(exit::GENERIC);
            return Ok(Flow::Stay);
        }
    };
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    match session.call_in("provost", "upgrade", &[Value::Str(binary.to_owned())]) {
        Ok(value) => {
            let version = value
                .as_str()
                .ok_or_else(|| unexpected("provost.upgrade", Lacking("a text")))?;
            let text = format!("Upgraded supervisord to Provost {version}");
            session.say(render::harmless(&text));
            return Ok(Flow::Stay);
        }
        Err(Trouble::Fault(fault)) => match FaultCode::from_code(i64::from(fault.code)) {
            Some(FaultCode::UnknownMethod) => session.say(
                "ERROR: this supervisord cannot be upgraded in place; install the new one and restart it",
            ),
            Some(FaultCode::ShutdownState) => session.say("ERROR: supervisord is shutting down"),
            Some(FaultCode::Failed) => {
                let reason = fault.text.strip_prefix("FAILED: ").unwrap_or(&fault.text);
                let text = format!("ERROR: not upgraded, nothing has changed: {reason}");
                session.say(render::harmless(&text));
            }
            _ => return Err(Trouble::Fault(fault)),
        },
        Err(trouble) => return Err(trouble),
    }
    session.set_status(exit::GENERIC);
    Ok(Flow::Stay)
}
