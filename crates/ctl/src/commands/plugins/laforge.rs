//! The command of `mr.laforge`: `kill` sends a signal.

use super::super::bulk::unknown_result;
use super::super::{Command, Completes, Flow, Outcome, words};
use crate::exit;
use crate::namespec::Namespec;
use crate::records::ResultRow;
use crate::render;
use crate::session::{Session, read_rows};
use crate::trouble::Trouble;
use provost_model::FaultCode;
use provost_wire::xmlrpc::Value;

/// The namespace of the methods.
const NAMESPACE: &str = "laforge";

pub(super) const COMMANDS: &[&Command] = &[&KILL];

const KILL: Command = Command {
    name: "kill",
    help: "kill <signal> <name>\t\tSend a signal to one process
kill <signal> <gname>:*\t\tSend it to every process of a group
kill <signal> <name> <name>\tSend it to several processes or groups",
    completes: Completes::Processes,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    match words(arg).as_slice() {
        // The package leaves the status alone here, and below it ends with an error.
        [] => {
            session.say("Error: kill requires a signal and process name");
            session.say(KILL.help);
        }
        [_] => {
            session.say("Error: kill requires a process name");
            session.say(KILL.help);
            session.set_status(exit::GENERIC);
        }
        [signal, names @ ..] => {
            for name in names {
                match Namespec::split(name).process {
                    Some(_) => kill_one(session, name, signal)?,
                    None => kill_group(session, Namespec::split(name).group, signal)?,
                }
            }
        }
    }
    Ok(Flow::Stay)
}

fn kill_one(session: &mut Session, name: &str, signal: &str) -> Result<(), Trouble> {
    let params = [Value::text(name), Value::text(signal)];
    let (status, description) = match session.call_in(NAMESPACE, "killProcess", &params) {
        Ok(_) => (FaultCode::Success.code(), String::new()),
        Err(Trouble::Fault(fault)) => (fault.code, fault.text),
        Err(trouble) => return Err(trouble),
    };
    let row = ResultRow {
        group: String::new(),
        name: name.to_owned(),
        status: status.into(),
        description,
    };
    tell(session, &row)
}

fn kill_group(session: &mut Session, group: &str, signal: &str) -> Result<(), Trouble> {
    let method = "killProcessGroup";
    let params = [Value::text(group), Value::text(signal)];
    let value = session.call_in(NAMESPACE, method, &params)?;
    for row in read_rows(method, &value, ResultRow::read)? {
        tell(session, &row)?;
    }
    Ok(())
}

/// The status stays as it was, whatever is told: the package never sets one.
fn tell(session: &mut Session, row: &ResultRow) -> Result<(), Trouble> {
    let name = &row.name;
    let line = match FaultCode::from_code(row.status) {
        Some(FaultCode::Success) => format!("{name}: signal sent"),
        Some(FaultCode::BadName) => format!("{name}: ERROR (no such process)"),
        Some(FaultCode::BadArguments) => format!("{name}: ERROR (signal not defined)"),
        Some(FaultCode::NotRunning) => format!("{name}: ERROR (not running)"),
        _ => return Err(unknown_result(name.clone(), row)),
    };
    session.say(render::harmless(&line));
    Ok(())
}
