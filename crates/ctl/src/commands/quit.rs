//! `quit`: leaves the shell.

use super::{Command, Completes, Flow, Outcome};
use crate::session::Session;

pub(super) const COMMAND: Command = Command {
    name: "quit",
    help: "quit\tLeave the shell",
    completes: Completes::Nothing,
    run,
};

#[expect(clippy::unnecessary_wraps, reason = "commands share one signature")]
pub(super) fn run(session: &mut Session, _arg: &str) -> Outcome {
    session.say("");
    Ok(Flow::Leave)
}
