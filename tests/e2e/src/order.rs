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

/// Files of a daemon that somebody still has open whom it has started, or who was started by those: each as a line.
pub(crate) fn files_held(place: &Path, files: &[&str]) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("there is one");
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let of_place = pids.filter(|pid| is_of_place(*pid, place) == Some(true));
    let held = of_place.flat_map(|pid| {
        let open = fs::read_dir(format!("/proc/{pid}/fd"));
        let open = open.into_iter().flatten().flatten();
        let links = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        links.map(move |link| (pid, link))
    });
    let is_one = |link: &Path| {
        let link = link.to_string_lossy();
        let path = Path::new(link.trim_end_matches(" (deleted)"));
        files.iter().any(|file| path == place.join(file))
    };
    held.filter(|(_, link)| is_one(link))
        .map(|(pid, link)| format!("{pid} has {}", link.display()))
        .collect()
}

/// Whether a process, if it is there, was started by a daemon whose socket is in this place, or by somebody who was.
fn is_of_place(pid: u32, place: &Path) -> Option<bool> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let environment = String::from_utf8_lossy(&environment);
    let place = place.display().to_string();
    let is_of_place = |variable: &str| {
        let url = variable.strip_prefix("SUPERVISOR_SERVER_URL=unix://");
        url.and_then(|path| path.strip_prefix(&place))
            .is_some_and(|rest| rest.starts_with('/'))
    };
    Some(environment.split('\0').any(is_of_place))
}

/// The process as a line, if it is one.
fn child_of(pid: u32, place: &Path) -> Option<String> {
    if !is_of_place(pid, place)? {
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
