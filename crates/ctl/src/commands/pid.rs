//! `pid`: process ids of supervisord and of programs.

use super::{Command, Completes, Flow, Outcome, words};
use crate::exit;
use crate::namespec::Namespec;
use crate::records::Lacking;
use crate::session::{Session, unexpected};
use crate::trouble::Trouble;
use provost_model::FaultCode;

pub(super) const COMMAND: Command = Command {
    name: "pid",
    help: "pid\t\t\tShow the process id of supervisord
pid <name>\t\tShow the process id of one process, 0 if it does not run
pid <gname>:*\t\tShow the process id of every process of a group
pid all\t\t\tShow the process id of every process, one a line",
    completes: Completes::Processes,
    run,
};

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    let names = words(arg);
    if names.is_empty() {
        let value = session.call("getPID", &[])?;
        let pid = value
            .as_int()
            .ok_or_else(|| unexpected("getPID", Lacking("a number")))?;
        session.say(pid.to_string());
    } else if names.contains(&"all") {
        for row in session.all_processes()? {
            session.say(row.pid.to_string());
        }
    } else {
        for name in names {
            match Namespec::split(name) {
                Namespec {
                    group,
                    process: None,
                } => say_group(session, group)?,
                Namespec {
                    process: Some(_), ..
                } => say_one(session, name)?,
            }
        }
    }
    Ok(Flow::Stay)
}

fn say_one(session: &mut Session, name: &str) -> Result<(), Trouble> {
    match session.process(name) {
        Ok(row) => say_pid(session, row.pid),
        Err(trouble) if trouble.fault_code() == Some(FaultCode::BadName) => {
            session.say(format!("No such process {name}"));
            session.set_status(exit::GENERIC);
        }
        Err(trouble) => return Err(trouble),
    }
    Ok(())
}

fn say_group(session: &mut Session, group: &str) -> Result<(), Trouble> {
    let mut all = session.all_processes()?;
    all.retain(|row| row.group == group);
    if all.is_empty() {
        session.say(format!("No such group {group}"));
        session.set_status(exit::GENERIC);
    }
    for row in all {
        say_pid(session, row.pid);
    }
    Ok(())
}

fn say_pid(session: &mut Session, pid: i64) {
    session.say(pid.to_string());
    if pid == 0 {
        session.set_status(exit::NOT_RUNNING);
    }
}
