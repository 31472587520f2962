//! The last step of this image: the state into a sealed file, the other program into our place.

use super::{Rehearsed, SavedState, capsule};
use provost_os::image;
use std::ffi::OsString;
use std::os::fd::{AsFd as _, IntoRawFd as _, OwnedFd};
use std::path::Path;

/// The argument that names the file with the state, and after a comma the program before. It is the first argument, so
/// that no other can hide it.
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
            let error = image::replace(path, &arguments(&format!("{HANDOVER}{named}")));
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
        Ok(image::replace(&path, &arguments(&format!("{HANDOVER}{named}"))).to_string())
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
    let error = image::replace(Path::new(&path), &arguments(&named));
    format!("the program before could not be executed: {error}")
}

/// Our arguments, with this one in front.
fn arguments(front: &str) -> Vec<OsString> {
    let mut all: Vec<OsString> = std::env::args_os().collect();
    if all.is_empty() {
        all.push("supervisord".into());
    }
    let is_ours = |argument: &OsString| {
        let bytes = argument.as_encoded_bytes();
        bytes.starts_with(HANDOVER.as_bytes()) || bytes.starts_with(HANDBACK.as_bytes())
    };
    // Only the first can be one of ours; a program of the user may have the same words further behind.
    if all.get(1).is_some_and(is_ours) {
        all.remove(1);
    }
    all.insert(1, front.into());
    all
}
