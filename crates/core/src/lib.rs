//! Decisions of the supervisor: `(state, input, now) -> (state, effects)`.
//!
//! The core has no clock, makes no system call, rolls no dice and writes no log. Time comes in with every input;
//! what is to be done goes out as effects; an order that fails comes back as a fact.
//!
//! The way through it: [`Core::handle`] takes an input (`supervisor.rs`) to the machine of one process (`program/`) or
//! to a client's job (`job/`). What a process did is then followed by its group, its listener pool and the clients that
//! wait (`settle.rs`), the calls of a helper (`helper/`) among them. Last come the deadlines that are due, the next stage of a shutdown (`lifecycle.rs`) and the events
//! that a listener can take (`listener/`).

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::wildcard_enum_match_arm
    )
)]

pub mod adopt;
mod deadlines;
mod difference;
#[cfg(test)]
mod driver;
pub mod effect;
mod group;
mod helper;
pub mod input;
mod job;
mod lifecycle;
mod listener;
#[cfg(test)]
mod lookup_tests;
mod program;
mod query;
mod reload;
mod request;
mod saved;
mod schedule;
#[cfg(test)]
mod scope_tests;
mod settle;
mod sockets;
mod store;
mod supervisor;
#[cfg(test)]
mod tests;
mod turn;
mod twiddle;
mod upgrade;

pub use effect::{Effect, SpoolOrder};
pub use input::{ClearProblem, Input, LoadedConfig, SpoolAnswer, SpoolProblem, StdinProblem};
pub use listener::reserve::SERIALS_BLOCK;
pub use supervisor::Core;
pub use turn::Effects;
