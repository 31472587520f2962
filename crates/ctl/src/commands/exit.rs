//! `exit`: leaves the shell.

use super::{Command, Completes, Outcome};
use crate::session::Session;

pub(super) const COMMAND: Command = Command {
    name: "exit",
    help: "exit\tLeave the shell",
    completes: Completes::Nothing,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    super::quit::run(session, arg)
}
