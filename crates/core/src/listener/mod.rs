//! Event listeners: what they say, which events wait for them, and who gets what.

pub(crate) mod ack;
pub(crate) mod bus;
pub(crate) mod pool;
mod result;
#[cfg(test)]
mod tests;
