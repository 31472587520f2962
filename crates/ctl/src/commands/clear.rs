//! `clear`: empties the logs of programs.

use super::bulk::unknown_result;
use super::{Command, Completes, Flow, Outcome, words};
use crate::exit;
use crate::namespec::{self, Namespec};
use crate::records::ResultRow;
use crate::session::{Session, read_rows};
use crate::trouble::Trouble;
use provost_model::FaultCode;
use provost_wire::xmlrpc::Value;

pub(super) const COMMAND: Command = Command {
    name: "clear",
    help: "clear <name>\t\tEmpty the log files of one process
clear <gname>:*\t\tEmpty the log files of every process of a group
clear <name> <name>\tEmpty the log files of several processes or groups
clear all\t\tEmpty the log files of everything",
    completes: Completes::Processes,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    let names = words(arg);
    if names.is_empty() {
        COMMAND.refuse(session, "Error: clear requires a process name");
    } else if names.contains(&"all") {
        let value = session.call("clearAllProcessLogs", &[])?;
        for row in read_rows("clearAllProcessLogs", &value, ResultRow::read)? {
            tell(session, &row)?;
        }
    } else {
        for name in names {
            match Namespec::split(name) {
                Namespec {
                    group,
                    process: None,
                } => clear_group(session, group)?,
                Namespec {
                    group,
                    process: Some(process),
                } => clear_one(session, group, process, name)?,
            }
        }
    }
    Ok(Flow::Stay)
}

/// The server clears single processes only, so a group is taken apart here.
fn clear_group(session: &mut Session, group: &str) -> Result<(), Trouble> {
    let mut all = session.all_processes()?;
    all.retain(|row| row.group == group);
    if all.is_empty() {
        session.say(format!("{group}: ERROR (no such group)"));
        session.set_status(exit::GENERIC);
    }
    for row in all {
        clear_one(session, group, &row.name, &format!("{group}:{}", row.name))?;
    }
    Ok(())
}

fn clear_one(session: &mut Session, group: &str, process: &str, name: &str) -> Result<(), Trouble> {
    let (status, description) = match session.call("clearProcessLogs", &[Value::text(name)]) {
        Ok(_) => (i64::from(FaultCode::Success.code()), String::new()),
        Err(Trouble::Fault(fault)) => (i64::from(fault.code), fault.text),
        Err(trouble) => return Err(trouble),
    };
    let row = ResultRow {
        group: group.to_owned(),
        name: process.to_owned(),
        status,
        description,
    };
    tell(session, &row)
}

fn tell(session: &mut Session, row: &ResultRow) -> Result<(), Trouble> {
    let name = namespec::join(&row.group, &row.name);
    let line = match FaultCode::from_code(row.status) {
        Some(FaultCode::Success) => format!("{name}: cleared"),
        Some(FaultCode::BadName) => format!("{name}: ERROR (no such process)"),
        Some(FaultCode::Failed) => format!("{name}: ERROR (failed)"),
        _ => return Err(unknown_result(name, row)),
    };
    session.say(line);
    session.set_status_of_fault(row.status, None);
    Ok(())
}
