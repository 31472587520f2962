//! The command of `supervisor-serialrestart`: restarts one process after the other.

use super::super::{Command, Completes, Flow, Outcome, start, stop, words};
use super::patterns::{ALL, matches_any};
use crate::namespec;
use crate::render;
use crate::session::Session;

pub(super) const COMMANDS: &[&Command] = &[&COMMAND];

const COMMAND: Command = Command {
    name: "serialrestart",
    help: "serialrestart <name>\t\tRestart one process
serialrestart <gname>:*\tRestart every process of a group, one after the other
serialrestart <pattern>\t\tThe same for all whose names match; *, ? and [...] are taken
serialrestart <name> <name>\tThe same for several names or patterns
serialrestart all\t\tThe same for every process
A process is up again before the next one stops. Changed configuration files are not read.",
    completes: Completes::Processes,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    let patterns = words(arg);
    if patterns.is_empty() {
        session.say("Error: serialrestart requires a process name");
        session.say(COMMAND.help);
        return Ok(Flow::Stay);
    }
    let rows = session.all_processes()?;
    let mut names: Vec<String> = rows
        .iter()
        .map(|row| namespec::join(&row.group, &row.name))
        .collect();
    if !patterns.contains(&ALL) {
        for &pattern in &patterns {
            if !names.iter().any(|name| matches_any(&[pattern], name)) {
                let line = format!("No such process {pattern}");
                session.say(render::harmless(&line));
            }
        }
        names.retain(|name| matches_any(&patterns, name));
    }
    for name in &names {
        stop::VERB.act(session, &[name], None)?;
        start::VERB.act(session, &[name], None)?;
    }
    Ok(Flow::Stay)
}
