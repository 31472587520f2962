//! What this room makes of bytes that the system and other processes gave, without them: so that tests can give it any.

use crate::foreign::{self, Polled};
use crate::proc;
use provost_model::Pid;
use std::collections::BTreeMap;

/// State, parent, start and wait status from the text of a `/proc/PID/stat`.
pub fn stat(text: &[u8]) -> Option<(char, Pid, u64, i32)> {
    let stat = proc::parse_stat(text)?;
    Some((stat.state, stat.parent, stat.started, stat.exit_code))
}

/// The effective user of a `/proc/PID/status`, and whether this one is among its four.
pub fn users(text: &str, uid: u32) -> (Option<u32>, bool) {
    (foreign::effective_user(text), proc::names_user(text, uid))
}

/// The words of a `/proc/PID/cmdline`.
pub fn words(bytes: &[u8]) -> Vec<String> {
    foreign::words_of(bytes)
}

/// The pairs of a `/proc/PID/environ`.
pub fn pairs(bytes: &[u8]) -> BTreeMap<String, String> {
    foreign::pairs_of(bytes)
}

/// The number in `pipe:[12]`.
pub fn pipe_number(target: &[u8]) -> Option<u64> {
    foreign::numbered(target, b"pipe:[")
}

/// Where the list of awaited descriptors is that a `/proc/PID/syscall` tells of, and how long it is.
pub fn awaited(text: &str) -> Option<(u64, u64)> {
    foreign::parse_wait(text)
}

/// The list itself, from the memory of the process.
pub fn polled(bytes: &[u8]) -> Vec<Polled> {
    foreign::parse_polled(bytes)
}
