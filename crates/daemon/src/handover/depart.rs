//! The last step of this image: the state into a sealed file, the other program into our place.

use super::{Rehearsed, SavedState, capsule};
use provost_os::image;
use std::ffi::OsString;
use std::os::fd::{AsFd as _, IntoRawFd as _, OwnedFd};
use std::path::Path;

/// The variable that tells a program what it goes on with. It is no argument, so that the command line stays what it was.
pub(super) const VARIABLE: &str = "PROVOST_HANDOVER";

/// Its value begins so; the number of the file with the state follows, and after a comma that of the program before.
///
/// The first images told this by their first argument, and understand nothing else on the way back.
pub(super) const HANDOVER: &str = "--handover=";

/// The same on the way back; after the comma it says what was wrong with the program in between.
pub(super) const HANDBACK: &str = "--handback=";

/// Puts the other program into our place. It comes back only if that is not possible, with the reason.
pub(crate) fn depart(state: &SavedState, rehearsed: &Rehearsed) -> String {
    let path = &rehearsed.program.path;
    if !rehearsed.program.is_unchanged() {
        return format!("{} was changed after it was tried", path.display());
    }
    match pass_on(state) {
        Ok(named) => {
            let error = go(path, &format!("{HANDOVER}{named}"));
            format!("{} could not be executed: {error}", path.display())
        }
        Err(reason) => reason,
    }
}

/// Begins anew with our own program. It comes back only if that is not possible, with the reason.
pub(crate) fn begin_anew(state: &SavedState) -> String {
    let begun = pass_on(state).and_then(|named| {
        let own = image::own().map_err(|error| error.to_string())?;
        let path = image::path_of(own.as_fd());
        image::keep(own.as_fd()).map_err(|error| error.to_string())?;
        Ok(go(&path, &format!("{HANDOVER}{named}")).to_string())
    });
    let reason = begun.unwrap_or_else(|reason| reason);
    format!("our own program could not be executed again: {reason}")
}

/// Lets the program before go on, because this one has failed on probation. It comes back only if that is not possible,
/// with the reason.
pub(crate) fn go_back_to(before: &OwnedFd, state: &SavedState, reason: &str) -> String {
    let packed = capsule::pack(state).and_then(|packed| {
        image::sealed("supervisord-state", &packed).map_err(|error| error.to_string())
    });
    match packed {
        Ok(file) => go_back(file, before, reason),
        Err(reason) => reason,
    }
}

/// Writes the state; the numbers by which the other program finds it and the way back.
fn pass_on(state: &SavedState) -> Result<String, String> {
    let packed = capsule::pack(state)?;
    let system = |error: std::io::Error| format!("the state could not be written: {error}");
    let kept = |fd: OwnedFd| {
        image::keep(fd.as_fd()).map_err(system)?;
        Ok::<_, String>(fd.into_raw_fd())
    };
    let file = kept(image::sealed("supervisord-state", &packed).map_err(system)?)?;
    let before = kept(image::own().map_err(system)?)?;
    Ok(format!("{file},{before}"))
}

/// Gives the state back to the program before us. It comes back only if that is not possible, with the reason.
pub(super) fn go_back(state: OwnedFd, before: &OwnedFd, reason: &str) -> String {
    if let Err(error) = image::keep(state.as_fd()) {
        return error.to_string();
    }
    let named = format!("{HANDBACK}{},{reason}", state.into_raw_fd());
    let path = image::path_of(before.as_fd());
    // A script of its own would need it; a program does not mind.
    let _ = image::keep(before.as_fd());
    // Whoever told us by an argument wants to be told so.
    let error = if is_told(std::env::args_os().nth(1).as_ref()) {
        let mut arguments = arguments();
        arguments.insert(1, named.into());
        image::replace(&path, &arguments, None)
    } else {
        go(&path, &named)
    };
    format!("the program before could not be executed: {error}")
}

/// Puts a program into our place, which is told this.
fn go(path: &Path, told: &str) -> std::io::Error {
    image::replace(path, &arguments(), Some((VARIABLE, told)))
}

/// Our arguments, but for the one by which one of the first images told us what to go on with.
fn arguments() -> Vec<OsString> {
    let mut all: Vec<OsString> = std::env::args_os().collect();
    if all.is_empty() {
        all.push("supervisord".into());
    }
    // Only the first can be it; a program of the user may have the same words further behind.
    if is_told(all.get(1)) {
        all.remove(1);
    }
    all
}

/// Whether an argument tells what to go on with.
fn is_told(argument: Option<&OsString>) -> bool {
    argument.is_some_and(|argument| {
        let bytes = argument.as_encoded_bytes();
        bytes.starts_with(HANDOVER.as_bytes()) || bytes.starts_with(HANDBACK.as_bytes())
    })
}
