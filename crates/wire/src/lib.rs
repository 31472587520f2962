//! What crosses a socket or a pipe, as bytes and back: XML-RPC, the table of its methods, event frames, the
//! sentences of answers, and what is written to disk: spools and run records.
//!
//! This room is pure. It refuses to open, to wait, to know the time and to decide: it turns bytes into calls and
//! answers into bytes, within limits, and whatever it is given it returns.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod answer;
pub mod audit;
pub mod base64;
pub mod checksum;
pub mod describe;
pub mod events;
pub mod helper;
pub mod methods;
pub mod metrics;
pub mod rest;
pub mod runs;
pub mod spool;
pub mod xmlrpc;
