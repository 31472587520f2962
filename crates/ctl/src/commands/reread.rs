//! `reread`: reads the configuration again and tells what is different, changing nothing that runs.

use super::{Command, Completes, Flow, Outcome};
use crate::exit;
use crate::records::Changes;
use crate::render;
use crate::session::{Session, unexpected};
use crate::trouble::Trouble;
use provost_model::FaultCode;

pub(super) const COMMAND: Command = Command {
    name: "reread",
    help: "reread\t\t\tRead the configuration files again; add, remove and update act on what changed",
    completes: Completes::Nothing,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if COMMAND.refuses_arguments(session, arg) {
        return Ok(Flow::Stay);
    }
    if let Some(changes) = read_changes(session, "ERROR: supervisor shutting down")? {
        say_changes(session, &changes);
    }
    Ok(Flow::Stay)
}

/// Has the configuration read again. Where it cannot be, says why and fails.
pub(super) fn read_changes(
    session: &mut Session,
    while_stopping: &str,
) -> Result<Option<Changes>, Trouble> {
    let line = match session.call("reloadConfig", &[]) {
        Ok(value) => {
            let changes = Changes::read(&value);
            return changes
                .map(Some)
                .map_err(|lacking| unexpected("reloadConfig", lacking));
        }
        Err(Trouble::Fault(fault)) => match FaultCode::from_code(i64::from(fault.code)) {
            Some(FaultCode::ShutdownState) => while_stopping.to_owned(),
            Some(FaultCode::CantReread) => format!("ERROR: {}", fault.text),
            _ => return Err(Trouble::Fault(fault)),
        },
        Err(trouble) => return Err(trouble),
    };
    session.say(render::harmless(&line));
    session.set_status(exit::GENERIC);
    Ok(None)
}

fn say_changes(session: &mut Session, changes: &Changes) {
    let kinds = [
        (&changes.added, "available"),
        (&changes.changed, "changed"),
        (&changes.removed, "disappeared"),
    ];
    let mut lines: Vec<(&String, &str)> = kinds
        .iter()
        .flat_map(|(names, word)| names.iter().map(move |name| (name, *word)))
        .collect();
    lines.sort();
    if lines.is_empty() {
        session.say("No config updates to processes");
    }
    for (name, word) in lines {
        session.say(format!("{}: {word}", render::one_line(name)));
    }
}
