//! Decisions of the supervisor: `(state, input, now) -> (state, effects)`.
//!
//! The core has no clock, makes no system call, rolls no dice and writes no log. Time comes in with every input;
//! what is to be done goes out as effects; an order that fails comes back as a fact.

pub mod effect;
pub mod input;

pub use effect::Effect;
pub use input::{ClearProblem, Input, LoadedConfig, StdinProblem};
