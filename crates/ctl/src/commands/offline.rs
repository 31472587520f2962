//! `status --offline`: what the run records tell when no supervisord answers.

use crate::exit;
use crate::host::Machine;
use crate::records::StatusRow;
use crate::session::Session;
use provost_config::load_pidfile;
use provost_os::pidfd::PidFd;
use provost_os::{private, proc};
use provost_wire::describe::span;
use provost_wire::runs::{self, RunRecord};
use std::path::PathBuf;

/// Bytes of a file of records at most.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// A process that lives.
const ALIVE: &str = "ALIVE";
/// One that was running when supervisord ended, and is not any more.
const GONE: &str = "GONE";

/// Whether nobody answers; other trouble is told by the ordinary `status`.
pub(super) fn is_called_for(session: &mut Session) -> bool {
    let asked = session.call("getVersion", &[]);
    asked.is_err_and(|trouble| trouble.is_refused() || trouble.is_missing())
}

/// The recorded processes, by name. None when there are no records; then it is said why.
pub(super) fn rows(session: &mut Session) -> Option<Vec<StatusRow>> {
    let text = format!(
        "{}: no supervisord answers; this is what its run records tell",
        session.server.url
    );
    session.talk(&text);
    match read(session) {
        Ok(records) => {
            let boot = proc::boot_id().unwrap_or_default();
            let namespace = proc::pid_namespace();
            let is_here = |record: &RunRecord| {
                record.identity.boot == boot && record.identity.namespace == namespace
            };
            let mut rows: Vec<StatusRow> = records
                .iter()
                .map(|record| row(record, is_here(record)))
                .collect();
            rows.sort_by(|one, other| (&one.group, &one.name).cmp(&(&other.group, &other.name)));
            Some(rows)
        }
        Err(reason) => {
            session.talk(&format!("error: {reason}"));
            session.set_status(exit::STATUS_UNKNOWN);
            None
        }
    }
}

/// Whether a process of these is gone.
pub(super) fn is_gone(row: &StatusRow) -> bool {
    row.state_name == GONE
}

fn read(session: &Session) -> Result<Vec<RunRecord>, String> {
    let path = path_of(session)?;
    let shown = path.display();
    match private::read(&path, FILE_BYTES_MAX, true) {
        Ok(Some(bytes)) => Ok(runs::read(&bytes).running),
        Ok(None) => Err(format!(
            "there are no run records at {shown}: supervisord ended in order, or never ran with this pidfile"
        )),
        Err(problem) => Err(format!("cannot read the run records {shown}: {problem}")),
    }
}

fn path_of(session: &Session) -> Result<PathBuf, String> {
    let config = session.configuration.as_ref();
    let config = config.ok_or("no configuration file was found; name one with -c")?;
    match load_pidfile(config, &Machine) {
        Ok(Some(pidfile)) => Ok(runs::path_beside(&pidfile)),
        Ok(None) => Err(format!(
            "{} does not say where supervisord has its pidfile, so its run records are not found",
            config.display()
        )),
        Err(failure) => Err(failure.upstream_message),
    }
}

fn row(record: &RunRecord, is_here: bool) -> StatusRow {
    let identity = &record.identity;
    let open = || PidFd::open_same(identity.pid, identity.ticks, identity.pidfd, record.uid);
    let lives = is_here && open().is_some();
    let age = identity.ticks.map(proc::age_of).filter(|_| lives);
    let uptime = age.map_or_else(String::new, |age| {
        format!(", uptime {}", span(age.as_secs()))
    });
    StatusRow {
        group: record.group.clone(),
        name: record.name.clone(),
        state: 0,
        state_name: if lives { ALIVE } else { GONE }.to_owned(),
        description: format!("pid {}{uptime}", identity.pid),
        pid: i64::from(identity.pid.0),
    }
}
