//! `help`: the commands, or one of them.

use super::{COMMANDS, Command, Completes, Flow, Outcome, find};
use crate::render;
use crate::session::Session;

pub(super) const COMMAND: Command = Command {
    name: "help",
    help: "help\t\tList the commands
help <action>\tShow what a command does and how it is written",
    completes: Completes::Commands,
    run,
};

/// The heading of the list; `default` is how upstream names the commands that are built in.
const HEADING: &str = "default commands (type help <topic>):";

#[expect(clippy::unnecessary_wraps, reason = "commands share one signature")]
fn run(session: &mut Session, arg: &str) -> Outcome {
    match find(arg) {
        Some(command) => session.say(command.help),
        None if arg.is_empty() => say_list(session),
        None => session.say(render::harmless(&format!("*** No help on {arg}"))),
    }
    Ok(Flow::Stay)
}

fn say_list(session: &mut Session) {
    let names: Vec<&str> = COMMANDS
        .iter()
        .map(|command| command.name)
        .filter(|&name| name != COMMAND.name)
        .collect();
    session.say("");
    session.say(HEADING);
    session.say("=".repeat(HEADING.len()));
    session.put(render::columns(&names).as_bytes());
    session.say("");
}
