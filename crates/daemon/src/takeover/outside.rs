//! What a take-over makes of bytes that the old daemon, the system and systemd gave, without them: so that tests can give it
//! any.

use super::{rpc, service, state, target};
use provost_model::Pid;
use provost_wire::xmlrpc;
use std::path::Path;

/// How many processes an answer of the old daemon tells of, or why it is none.
pub fn processes_of(answer: &[u8]) -> Result<Option<usize>, String> {
    let body = rpc::body_of(answer)?;
    match xmlrpc::read_response(body) {
        Ok(Ok(value)) => Ok(state::read(&value).map(|states| states.len())),
        Ok(Err(fault)) => Err(fault.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// The pid that a pid file holds.
pub fn pid_in(bytes: &[u8]) -> Option<i32> {
    target::pid_of(bytes).map(|pid| pid.0)
}

/// What systemd would do when the old daemon ends, by what it told of its unit.
pub fn verdict(properties: &str) -> Result<Option<String>, String> {
    service::verdict("s.service", properties, Pid(7), Path::new("/run/s.pid"))
}
