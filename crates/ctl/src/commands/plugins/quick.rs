//! The commands of `supervisor_quick`: start and stop all at once, and look until they are there.
//!
//! The order to start or stop is given to each without waiting for it; then the states are looked at every tenth of a
//! second, for as many times as the configuration allows.

use super::super::{Command, Completes, Flow, Outcome, words};
use super::patterns::{ALL, NONE, long_name, matches_any};
use crate::records::StatusRow;
use crate::render;
use crate::session::Session;
use crate::trouble::Trouble;
use provost_config::Plugin;
use provost_model::ProcessState;
use provost_wire::xmlrpc::Value;
use std::thread;
use std::time::Duration;

/// The time from one look to the next.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) const COMMANDS: &[&Command] = &[&RESTART, &START, &STOP];

const RESTART: Command = Command {
    name: "quickrestart",
    help:
        "quickrestart <pattern> ...\tStop all processes that match at once, then start them at once
quickrestart <gname>:\t\tThe same for every process of a group
quickrestart all\t\tThe same for everything",
    completes: Completes::Processes,
    run: |session, arg| {
        act(session, arg, &QUICK_STOP)?;
        act(session, arg, &QUICK_START)
    },
};

const START: Command = Command {
    name: "quickstart",
    help: "quickstart <pattern> ...\tStart all processes that match at once; patterns are compared with group:name
quickstart <gname>:\t\tStart every process of a group at once
quickstart all\t\t\tStart everything at once",
    completes: Completes::Processes,
    run: |session, arg| act(session, arg, &QUICK_START),
};

const STOP: Command = Command {
    name: "quickstop",
    help: "quickstop <pattern> ...\tStop all processes that match at once; patterns are compared with group:name
quickstop <gname>:\t\tStop every process of a group at once
quickstop all\t\t\tStop everything at once",
    completes: Completes::Processes,
    run: |session, arg| act(session, arg, &QUICK_STOP),
};

/// One direction.
struct Way {
    method: &'static str,
    /// The state to come to.
    goal: ProcessState,
    /// The states from which it can still be reached.
    hopeful: &'static [ProcessState],
}

const QUICK_START: Way = Way {
    method: "startProcess",
    goal: ProcessState::Running,
    hopeful: &[
        ProcessState::Starting,
        ProcessState::Backoff,
        // It may be started again.
        ProcessState::Exited,
    ],
};

const QUICK_STOP: Way = Way {
    method: "stopProcess",
    goal: ProcessState::Stopped,
    hopeful: &[
        ProcessState::Starting,
        ProcessState::Running,
        ProcessState::Backoff,
        ProcessState::Stopping,
    ],
};

impl Way {
    /// Whether waiting longer cannot change anything.
    fn is_over(&self, state: &str) -> bool {
        !self.hopeful.iter().any(|hopeful| hopeful.name() == state)
    }
}

fn act(session: &mut Session, arg: &str, way: &Way) -> Outcome {
    let mut patterns: Vec<String> = words(arg).into_iter().map(ToOwned::to_owned).collect();
    if patterns.is_empty() {
        session.say(NONE);
        return Ok(Flow::Stay);
    }
    for pattern in &mut patterns {
        if pattern.ends_with(':') {
            pattern.push('*');
        }
    }
    let is_all = patterns.iter().any(|pattern| pattern == ALL);
    let mut awaited: Vec<String> = Vec::new();
    let rows = session.all_processes()?;
    for name in rows.iter().map(long_name) {
        if (is_all || matches_any(&patterns, &name)) && order(session, &name, way)? {
            awaited.push(name);
        }
    }
    look_until_there(session, awaited, way)?;
    Ok(Flow::Stay)
}

/// Gives the order; false when it was refused, which is told.
fn order(session: &mut Session, name: &str, way: &Way) -> Result<bool, Trouble> {
    let params = [Value::text(name), Value::Bool(false)];
    match session.call(way.method, &params) {
        Ok(_) => Ok(true),
        Err(Trouble::Fault(fault)) => {
            let reason = fault.text.split(':').next().unwrap_or_default();
            session.say(render::harmless(&format!("{name} ERROR({reason})")));
            Ok(false)
        }
        Err(trouble) => Err(trouble),
    }
}

/// Says of each process when it is there, or in the end where it stays.
fn look_until_there(
    session: &mut Session,
    mut awaited: Vec<String>,
    way: &Way,
) -> Result<(), Trouble> {
    let retries = session.plugins.first(|plugin| match plugin {
        Plugin::Quick { retries } => Some(retries),
        _ => None,
    });
    for left in (0..retries.unwrap_or(1)).rev() {
        if awaited.is_empty() {
            break;
        }
        let rows = session.all_processes()?;
        let mut later = Vec::new();
        for name in awaited {
            let row = rows.iter().find(|row| long_name(row) == name);
            match row.map(|row: &StatusRow| row.state_name.as_str()) {
                Some(state) if state != way.goal.name() && !way.is_over(state) && left > 0 => {
                    later.push(name);
                }
                Some(state) => {
                    let line = format!("{name}: {state}");
                    session.say(render::harmless(&line));
                }
                // Its group has been taken away.
                None => {}
            }
        }
        awaited = later;
        if !awaited.is_empty() {
            session.flush()?;
            thread::sleep(PAUSE);
        }
    }
    Ok(())
}
