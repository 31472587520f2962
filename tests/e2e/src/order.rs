//! What a daemon that has ended in order must not leave behind: I25 of `docs/simulation.md`, at the end of every test.

use std::fs;
use std::path::Path;

/// Children of a daemon whose socket is in this place that live on. What those have started themselves is not counted: it
/// is theirs to end.
pub(crate) fn children_left(place: &Path) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("there is one");
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| child_of(pid, place)).collect()
}

/// The process as a line, if it is one.
fn child_of(pid: u32, place: &Path) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let environment = String::from_utf8_lossy(&environment);
    let place = place.display().to_string();
    let is_of_place = |variable: &str| {
        let url = variable.strip_prefix("SUPERVISOR_SERVER_URL=unix://");
        url.and_then(|path| path.strip_prefix(&place))
            .is_some_and(|rest| rest.starts_with('/'))
    };
    if !environment.split('\0').any(is_of_place) {
        return None;
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let (state, group, session) = (fields.next()?, fields.nth(1)?, fields.next()?);
    // Supervisord has each child lead a group in its own session.
    let is_child = group == pid.to_string() && session != group;
    (is_child && state != "Z").then(|| format!("{pid} ({state})"))
}
