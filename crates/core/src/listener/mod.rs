//! Event listeners: what they say, which events wait for them, and who gets what.

pub(crate) mod ack;
pub(crate) mod bus;
pub(crate) mod losses;
pub(crate) mod pool;
pub(crate) mod reserve;
mod result;
pub(crate) mod spool;
#[cfg(test)]
mod spool_tests;
pub(crate) mod spooling;
#[cfg(test)]
mod tests;
mod twice;
