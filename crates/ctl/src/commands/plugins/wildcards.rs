//! The commands of `supervisor-wildcards`: start, stop and restart whatever matches, side by side.

use super::super::bulk::Verb;
use super::super::{Command, Completes, Flow, Outcome, start, stop, words};
use super::patterns::{ALL, NONE, long_name, matches_any};
use crate::parallel::{self, Call};
use crate::records::StatusRow;
use crate::session::Session;
use provost_config::Plugin;
use provost_wire::xmlrpc::Value;

pub(super) const COMMANDS: &[&Command] = &[&RESTART, &START, &STOP];

const RESTART: Command = Command {
    name: "mrestart",
    help: "mrestart <pattern> ...\tRestart all processes whose names match, side by side
mrestart all\t\tRestart everything, side by side",
    completes: Completes::Processes,
    run: |session, arg| act(session, arg, &[&stop::VERB, &start::VERB]),
};

const START: Command = Command {
    name: "mstart",
    help: "mstart <pattern> ...\tStart all processes whose names match, side by side
mstart all\t\tStart everything, side by side",
    completes: Completes::Processes,
    run: |session, arg| act(session, arg, &[&start::VERB]),
};

const STOP: Command = Command {
    name: "mstop",
    help: "mstop <pattern> ...\tStop all processes whose names match, side by side
mstop all\t\tStop everything, side by side",
    completes: Completes::Processes,
    run: |session, arg| act(session, arg, &[&stop::VERB]),
};

/// Does these things, in order, to each process that matches.
fn act(session: &mut Session, arg: &str, verbs: &[&Verb]) -> Outcome {
    let match_group = session.plugins.first(|plugin| match plugin {
        Plugin::Wildcards { match_group } => Some(match_group),
        _ => None,
    });
    let patterns = words(arg);
    let is_all = patterns.contains(&ALL);
    let matches = |row: &StatusRow| {
        let long = match_group == Some(true);
        let name = if long {
            long_name(row)
        } else {
            row.name.clone()
        };
        is_all || matches_any(&patterns, &name)
    };
    let mut rows = session.all_processes()?;
    rows.retain(matches);
    if rows.is_empty() {
        session.say(NONE);
        return Ok(Flow::Stay);
    }
    let calls = |row: &StatusRow| -> Vec<Call> {
        let name = long_name(row);
        let call = |verb: &&Verb| {
            let method = format!("supervisor.{}", verb.one);
            (method, vec![Value::text(&name)])
        };
        verbs.iter().map(call).collect()
    };
    let chains = rows.iter().map(calls).collect();
    parallel::run(session, chains, |session, process, call, outcome| {
        let (Some(row), Some(verb)) = (rows.get(process), verbs.get(call)) else {
            return Ok(());
        };
        verb.tell_one(session, (&row.group, &row.name), outcome)
    })?;
    Ok(Flow::Stay)
}
