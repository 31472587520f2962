//! What `start`, `stop` and `signal` have in common: names, groups and `all`, and a line for each process.

use super::{Flow, Outcome};
use crate::exit;
use crate::namespec::{self, Namespec};
use crate::records::ResultRow;
use crate::render;
use crate::session::{Session, read_rows};
use crate::trouble::Trouble;
use provost_model::FaultCode;
use provost_wire::xmlrpc::{Value, WireFault};

/// How an action is called and spoken of.
pub(super) struct Verb {
    /// The method for one process.
    pub(super) one: &'static str,
    /// The method for a group.
    pub(super) group: &'static str,
    /// The method for all.
    pub(super) all: &'static str,
    /// What is said of success.
    pub(super) done: &'static str,
    /// The words for each refusal that is known.
    pub(super) refusals: &'static [(FaultCode, &'static str)],
    /// Whether the server's own words tell of a failure.
    pub(super) failure_in_servers_words: bool,
    /// The refusal that is no failure.
    pub(super) passes: Option<FaultCode>,
    /// The status when a group is unknown.
    pub(super) no_group: i32,
}

impl Verb {
    /// Acts on each name in turn. `extra` is a parameter behind the name.
    pub(super) fn act(
        &self,
        session: &mut Session,
        names: &[&str],
        extra: Option<&str>,
    ) -> Outcome {
        if names.contains(&"all") {
            let params: Vec<Value> = extra.map(Value::text).into_iter().collect();
            let value = session.call(self.all, &params)?;
            self.tell_all(session, self.all, &value)?;
            return Ok(Flow::Stay);
        }
        for &name in names {
            let spec = Namespec::split(name);
            match spec.process {
                Some(process) => self.act_on_one(session, name, spec.group, process, extra)?,
                None => self.act_on_group(session, spec.group, extra)?,
            }
        }
        Ok(Flow::Stay)
    }

    fn act_on_group(
        &self,
        session: &mut Session,
        group: &str,
        extra: Option<&str>,
    ) -> Result<(), Trouble> {
        match session.call(self.group, &params(group, extra)) {
            Ok(value) => self.tell_all(session, self.group, &value),
            Err(trouble) if trouble.fault_code() == Some(FaultCode::BadName) => {
                session.say(format!("{group}: ERROR (no such group)"));
                session.set_status(self.no_group);
                Ok(())
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn act_on_one(
        &self,
        session: &mut Session,
        name: &str,
        group: &str,
        process: &str,
        extra: Option<&str>,
    ) -> Result<(), Trouble> {
        let outcome = session.call(self.one, &params(name, extra));
        self.tell_one(session, (group, process), outcome)
    }

    /// Says what came of a call of [`Verb::one`] for a process.
    pub(super) fn tell_one(
        &self,
        session: &mut Session,
        (group, process): (&str, &str),
        outcome: Result<Value, Trouble>,
    ) -> Result<(), Trouble> {
        let (status, description) = match outcome {
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
        self.tell(session, &row)
    }

    fn tell_all(&self, session: &mut Session, method: &str, value: &Value) -> Result<(), Trouble> {
        for row in read_rows(method, value, ResultRow::read)? {
            self.tell(session, &row)?;
        }
        Ok(())
    }

    /// Says what became of one process.
    fn tell(&self, session: &mut Session, row: &ResultRow) -> Result<(), Trouble> {
        let name = namespec::join(&row.group, &row.name);
        let code = FaultCode::from_code(row.status);
        let words = self.refusals.iter().find(|(known, _)| Some(*known) == code);
        let line = match (words, code) {
            (_, Some(FaultCode::Success)) => format!("{name}: {}", self.done),
            (Some((_, words)), _) => format!("{name}: ERROR ({words})"),
            (None, Some(FaultCode::Failed)) if self.failure_in_servers_words => {
                row.description.clone()
            }
            _ => return Err(unknown_result(name, row)),
        };
        session.say(render::harmless(&line));
        session.set_status_of_fault(row.status, self.passes);
        Ok(())
    }
}

/// The trouble of a result that no words are known for.
pub(super) fn unknown_result(name: String, row: &ResultRow) -> Trouble {
    let code = i32::try_from(row.status).unwrap_or(i32::MAX);
    Trouble::Result {
        name,
        fault: WireFault {
            code,
            text: row.description.clone(),
        },
    }
}

fn params(name: &str, extra: Option<&str>) -> Vec<Value> {
    std::iter::once(name)
        .chain(extra)
        .map(Value::text)
        .collect()
}

/// The status of an unknown group where it has no number of its own.
pub(super) const NO_GROUP: i32 = exit::GENERIC;
