//! What tests share: the simulated world that drives the real core.
//!
//! Nothing here ships. The world is made of plain data: no thread, no socket, no real clock, no randomness but the
//! seed's. What it refuses to do is decide: whatever a supervisor decides, the core under test has to decide.

pub mod fuzz;
#[cfg(feature = "sim")]
pub mod garble;
#[cfg(feature = "sim")]
pub mod sim;
pub mod specs;
