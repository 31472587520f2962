//! The simulation: the real core in a world that delays, reorders and fails everything.
//!
//! One thread, one seed, no real time. The world answers the core's orders, the [`monitor`] looks at every step of
//! the conversation, and [`run`] brings them together. [`mutants`] are planted bugs: they show that the monitor can
//! fail.

mod agenda;
mod children;
mod clients;
mod faults;
mod helpers;
mod impossible;
mod kernel;
mod kills;
mod listeners;
mod lives;
pub mod monitor;
pub mod mutants;
mod pids;
pub mod rng;
mod run;
pub mod saving;
mod scene;
mod script;
mod settings;
mod shrink;
mod sockets;
mod spools;
mod upgrades;
mod weather;
mod world;

pub use run::{Outcome, Subject, run, run_subject, run_traced, run_with};
pub use settings::{Deaths, Kinds, Settings};
pub use shrink::shrink;
