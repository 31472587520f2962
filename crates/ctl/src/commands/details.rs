//! What `status -v` shows below the table: more of each process, and the pools of event listeners.

use crate::namespec;
use crate::records::{DetailRow, LogRow, PoolRow, StatusRow};
use crate::render;
use crate::session::{Session, read_rows};
use crate::trouble::Trouble;
use provost_model::FaultCode;
use provost_wire::xmlrpc::Value;

/// Says it all. `answer` is what `getAllProcessInfo` answered; the processes shown decide which pools are.
pub(super) fn show(
    session: &mut Session,
    answer: &Value,
    shown: &[&StatusRow],
) -> Result<(), Trouble> {
    let details = read_rows("getAllProcessInfo", answer, DetailRow::read)?;
    // What it is not told it does not show: it is one of an earlier version, or upstream's.
    let logs = match session.call_in("provost", "getLogs", &[]) {
        Ok(value) => read_rows("provost.getLogs", &value, LogRow::read)?,
        Err(trouble) if trouble.fault_code() == Some(FaultCode::UnknownMethod) => Vec::new(),
        Err(trouble) => return Err(trouble),
    };
    for row in shown {
        let found = details
            .iter()
            .find(|detail| (&detail.group, &detail.name) == (&row.group, &row.name));
        if let Some(detail) = found {
            session.say("");
            session.say(render::one_line(&namespec::join(&row.group, &row.name)));
            for line in render::details(detail, &logs) {
                session.say(line);
            }
        }
    }
    let pools = match session.call_in("provost", "getEventPools", &[]) {
        Ok(value) => read_rows("provost.getEventPools", &value, PoolRow::read)?,
        Err(trouble) if trouble.fault_code() == Some(FaultCode::UnknownMethod) => {
            session.say("");
            session.say("(this supervisord does not tell of its event pools)");
            return Ok(());
        }
        Err(trouble) => return Err(trouble),
    };
    let is_shown = |pool: &&PoolRow| shown.iter().any(|row| row.group == pool.name);
    for pool in pools.iter().filter(is_shown) {
        session.say("");
        for line in render::pool(pool) {
            session.say(line);
        }
    }
    Ok(())
}
