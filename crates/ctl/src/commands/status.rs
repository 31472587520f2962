//! `status`: what every process is doing.

use super::{Command, Completes, Flow, Outcome, details, offline, words};
use crate::exit;
use crate::namespec::Namespec;
use crate::records::StatusRow;
use crate::render;
use crate::session::{Session, read_rows};
use provost_model::ProcessState;

pub(super) const COMMAND: Command = Command {
    name: "status",
    help: "status <name>\t\tShow one process
status <gname>:*\tShow every process of a group
status <name> <name>\tShow several processes or groups
status\t\t\tShow everything
status -v [<name>]\tShow logs, last ends and event pools as well
status --offline [<name>]\tShow what lives on when no supervisord answers",
    completes: Completes::Processes,
    run,
};

/// The word that asks for all there is to know.
const VERBOSE: &str = "-v";

/// The states that make `status` exit with 3.
const STOPPED: [ProcessState; 4] = [
    ProcessState::Stopped,
    ProcessState::Exited,
    ProcessState::Fatal,
    ProcessState::Unknown,
];

/// The word that asks for the run records.
const OFFLINE: &str = "--offline";

pub(super) fn run(session: &mut Session, arg: &str) -> Outcome {
    let all_words = words(arg);
    if all_words.contains(&OFFLINE) && offline::is_called_for(session) {
        show_offline(session, &all_words);
        return Ok(Flow::Stay);
    }
    if !session.up_check()? {
        session.set_status(exit::STATUS_UNKNOWN);
        return Ok(Flow::Stay);
    }
    let answer = session.call("getAllProcessInfo", &[])?;
    let all = read_rows("getAllProcessInfo", &answer, StatusRow::read)?;
    let (flags, names): (Vec<&str>, Vec<&str>) = all_words
        .into_iter()
        .filter(|word| *word != OFFLINE)
        .partition(|word| *word == VERBOSE);
    let shown = if names.is_empty() || names.contains(&"all") {
        all.iter().collect()
    } else {
        select(session, &all, &names)
    };
    session.put(render::status_table(&shown).as_bytes());
    if !flags.is_empty() {
        details::show(session, &answer, &shown)?;
    }
    let is_stopped = |row: &&StatusRow| {
        STOPPED
            .iter()
            .any(|state| i64::from(state.code()) == row.state)
    };
    if shown.iter().any(is_stopped) {
        session.set_status(exit::STATUS_NOT_RUNNING);
    }
    Ok(Flow::Stay)
}

/// Shows the run records.
fn show_offline(session: &mut Session, all_words: &[&str]) {
    let Some(all) = offline::rows(session) else {
        return;
    };
    let is_name = |word: &&str| ![OFFLINE, VERBOSE].contains(word);
    let names: Vec<&str> = all_words.iter().copied().filter(is_name).collect();
    let shown = if names.is_empty() || names.contains(&"all") {
        all.iter().collect()
    } else {
        select(session, &all, &names)
    };
    session.put(render::status_table(&shown).as_bytes());
    if shown.iter().any(|row| offline::is_gone(row)) {
        session.set_status(exit::STATUS_NOT_RUNNING);
    }
}

/// The processes named, in that order. Says which names fit none.
fn select<'a>(session: &mut Session, all: &'a [StatusRow], names: &[&str]) -> Vec<&'a StatusRow> {
    let mut shown = Vec::new();
    for name in names {
        let spec = Namespec::split(name);
        let fits = |row: &&StatusRow| {
            row.group == spec.group && spec.process.is_none_or(|process| row.name == process)
        };
        let before = shown.len();
        shown.extend(all.iter().filter(fits));
        if shown.len() == before {
            session.say(match spec.process {
                None => format!("{}: ERROR (no such group)", spec.group),
                Some(_) => format!("{name}: ERROR (no such process)"),
            });
            session.set_status(exit::STATUS_UNKNOWN);
        }
    }
    shown
}
