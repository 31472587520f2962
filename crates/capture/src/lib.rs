//! The bytes of children, as pure machines: fed with chunks cut anywhere, they tell what the chunks mean.
//!
//! Nothing here reads, writes, waits or knows a file descriptor; what must be done, whoever drives a machine does. Every machine gives the same result for the same
//! bytes however they were cut into chunks; where upstream's rule forbids that, the item says so.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod ansi;
pub mod held;
pub mod lines;
pub mod rotate;
pub mod sink;
pub mod tokens;
