//! The room against a real system: real children, sockets, files and signals.

mod common;
mod pidfile;
mod process;
mod sockets;
mod spawn;
mod syslog;
