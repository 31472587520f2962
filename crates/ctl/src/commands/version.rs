//! `version`: which Supervisor the server is compatible with.

use super::{Command, Completes, Flow, Outcome};
use crate::records::Lacking;
use crate::render;
use crate::session::{Session, unexpected};

pub(super) const COMMAND: Command = Command {
    name: "version",
    help: "version\t\t\tShow the version of the supervisord that is spoken to",
    completes: Completes::Nothing,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if COMMAND.refuses_arguments(session, arg) || !session.up_check()? {
        return Ok(Flow::Stay);
    }
    let value = session.call("getSupervisorVersion", &[])?;
    let version = value
        .as_str()
        .ok_or_else(|| unexpected("getSupervisorVersion", Lacking("a text")))?;
    session.say(render::one_line(version));
    Ok(Flow::Stay)
}
