//! The room against a real system: real children, sockets, files and signals.

mod children;
mod common;
mod pidfile;
mod process;
mod refusals;
mod sockets;
mod spawn;
mod syslog;
