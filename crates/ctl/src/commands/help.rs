//! `help`: the commands, or one of them.

use super::{COMMANDS, Command, Completes, Flow, Outcome};
use crate::render;
use crate::session::Session;

pub(super) const COMMAND: Command = Command {
    name: "help",
    help: "help\t\tList the commands
help <action>\tShow what a command does and how it is written",
    completes: Completes::Commands,
    run,
};

/// How upstream names the commands that are always there; others stand under the name of their section.
const DEFAULT: &str = "default";

/// The commands that upstream does not have, under a heading of their own: its list stays as it is.
const ADDED: &[&str] = &["upgrade"];

/// What they stand under.
const ADDED_HEADING: &str = "provost";

#[expect(clippy::unnecessary_wraps, reason = "commands share one signature")]
fn run(session: &mut Session, arg: &str) -> Outcome {
    match session.plugins.command(arg) {
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
        .filter(|name| *name != COMMAND.name && !ADDED.contains(name))
        .collect();
    say_block(session, DEFAULT, &names);
    say_block(session, ADDED_HEADING, ADDED);
    for (name, commands) in session.plugins.blocks() {
        say_block(session, &name, &commands);
    }
}

fn say_block(session: &mut Session, name: &str, commands: &[&str]) {
    let heading = format!("{} commands (type help <topic>):", render::one_line(name));
    session.say("");
    session.say(&heading);
    session.say("=".repeat(heading.chars().count()));
    session.put(render::columns(commands).as_bytes());
    session.say("");
}
