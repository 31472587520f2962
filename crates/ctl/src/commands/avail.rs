//! `avail`: what the configuration holds.

use super::{Command, Completes, Flow, Outcome};
use crate::exit;
use crate::records::ConfigRow;
use crate::render;
use crate::session::{Session, read_rows};
use provost_model::FaultCode;

pub(super) const COMMAND: Command = Command {
    name: "avail",
    help: "avail\t\t\tShow every configured process, active or not",
    completes: Completes::Nothing,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if COMMAND.refuses_arguments(session, arg) {
        return Ok(Flow::Stay);
    }
    match session.call("getAllConfigInfo", &[]) {
        Ok(value) => {
            for row in read_rows("getAllConfigInfo", &value, ConfigRow::read)? {
                session.say(render::config_line(&row));
            }
        }
        Err(trouble) if trouble.fault_code() == Some(FaultCode::ShutdownState) => {
            session.say("ERROR: supervisor shutting down");
            session.set_status(exit::GENERIC);
        }
        Err(trouble) => return Err(trouble),
    }
    Ok(Flow::Stay)
}
