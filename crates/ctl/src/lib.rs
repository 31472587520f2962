//! `supervisorctl`, `pidproxy` and `echo_supervisord_conf`.
//!
//! supervisorctl is a blocking client: one connection a command, one place that prints, and a table of commands. It
//! starts no program and no thread, and decides nothing about programs: it asks, and shows the answer.

mod commands;
mod dispatch;
mod exchange;
mod exit;
mod follow;
mod host;
mod input;
mod namespec;
mod output;
pub mod outside;
mod parallel;
pub mod pidproxy;
mod pretty;
mod records;
mod render;
mod sample;
mod screen;
mod session;
mod shell;
mod start;
mod transport;
mod trouble;
mod watch;

pub use commands::commands_help;
pub use provost_os::stdio::arguments;
pub use provost_os::wiping::Wiping;
pub use sample::echo_sample;
pub use start::main;

#[cfg(test)]
mod tests;
