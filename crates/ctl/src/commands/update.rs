//! `update`: reads the configuration again and makes what is active follow it.

use super::{Command, Completes, Flow, Outcome, reread, words};
use crate::exit;
use crate::records::ResultRow;
use crate::session::{Session, read_rows};
use crate::trouble::Trouble;
use provost_model::FaultCode;
use provost_wire::xmlrpc::Value;

pub(super) const COMMAND: Command = Command {
    name: "update",
    help: "update\t\t\tRead the configuration again; start new programs, stop those gone, restart those changed
update all\t\tThe same
update <gname> [...]\tThe same for these groups only",
    completes: Completes::Groups,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    let Some(changes) = reread::read_changes(session, "ERROR: already shutting down")? else {
        return Ok(Flow::Stay);
    };
    let mut wanted = words(arg);
    if wanted.contains(&"all") {
        wanted.clear();
    }
    if !wanted.is_empty() {
        name_unknown(session, &wanted, &changes.added)?;
    }
    let is_wanted = |group: &&String| wanted.is_empty() || wanted.contains(&group.as_str());
    for group in changes.removed.iter().filter(is_wanted) {
        if stop(session, group)? {
            remove(session, group)?;
            session.say(format!("{group}: removed process group"));
        } else {
            session.say(format!("{group}: has problems; not removing"));
            session.set_status(exit::GENERIC);
        }
    }
    for group in changes.changed.iter().filter(is_wanted) {
        stop(session, group)?;
        remove(session, group)?;
        add(session, group)?;
        session.say(format!("{group}: updated process group"));
    }
    for group in changes.added.iter().filter(is_wanted) {
        add(session, group)?;
        session.say(format!("{group}: added process group"));
    }
    Ok(Flow::Stay)
}

/// Says which of the names are no group, neither active nor new.
fn name_unknown(session: &mut Session, wanted: &[&str], added: &[String]) -> Result<(), Trouble> {
    let active = session.all_processes()?;
    let is_known = |name: &str| {
        added.iter().any(|group| group == name) || active.iter().any(|row| row.group == name)
    };
    for (index, name) in wanted.iter().enumerate() {
        let is_repeated = wanted.iter().take(index).any(|earlier| earlier == name);
        if !is_repeated && !is_known(name) {
            session.say(format!("ERROR: no such group: {name}"));
            session.set_status(exit::GENERIC);
        }
    }
    Ok(())
}

/// Stops a group; whether all of it did.
fn stop(session: &mut Session, group: &str) -> Result<bool, Trouble> {
    let value = session.call("stopProcessGroup", &[Value::text(group)])?;
    session.say(format!("{group}: stopped"));
    let failed = i64::from(FaultCode::Failed.code());
    let rows = read_rows("stopProcessGroup", &value, ResultRow::read)?;
    Ok(rows.iter().all(|row| row.status != failed))
}

fn remove(session: &mut Session, group: &str) -> Result<(), Trouble> {
    session
        .call("removeProcessGroup", &[Value::text(group)])
        .map(drop)
}

fn add(session: &mut Session, group: &str) -> Result<(), Trouble> {
    session
        .call("addProcessGroup", &[Value::text(group)])
        .map(drop)
}
