//! The room against a real system: real children, sockets, files and signals.

mod adoption;
mod children;
mod common;
mod pidfile;
mod process;
mod refusals;
mod shared_sockets;
mod sockets;
mod spawn;
mod syslog;
