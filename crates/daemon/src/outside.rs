//! What the daemon makes of bytes that others wrote, besides what clients send: so that tests can give it any.

pub use crate::api::outside as api;
pub use crate::takeover::outside as takeover;

use crate::handover;
use crate::oom;
use std::path::PathBuf;

/// A state that another image packed, packed again; or why it cannot be gone on with.
pub fn repacked(state: &[u8]) -> Result<Vec<u8>, String> {
    handover::repacked(state)
}

/// Files that may count what the kernel killed, from the text of a `/proc/PID/cgroup`.
pub fn files_of_kills(groups: &str) -> Vec<PathBuf> {
    oom::candidates(groups)
}
