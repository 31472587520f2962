//! The configuration cases, one file a topic.
//!
//! To add one: a line in the table of its topic. Names are unique; they stand in the list of differences.

pub mod command_line;
pub mod daemon;
pub mod environment;
pub mod expansion;
pub mod groups;
pub mod include;
pub mod lexing;
pub mod listeners;
pub mod programs;
pub mod servers;

use crate::config_case::Case;

/// All configuration cases.
pub fn all() -> Vec<Case> {
    [
        lexing::cases(),
        daemon::cases(),
        programs::cases(),
        environment::cases(),
        expansion::cases(),
        groups::cases(),
        listeners::cases(),
        servers::cases(),
        include::cases(),
        command_line::cases(),
    ]
    .concat()
}
