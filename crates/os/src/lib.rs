//! Everything Provost asks of the system, in types that cannot be held wrong.
//!
//! This is the only room with `unsafe` code. It makes system calls and knows nothing of programs, groups or
//! configuration: it refuses to decide, to log and to start threads. Errors go to the caller with their number.

#![expect(
    unsafe_code,
    reason = "this room exists to keep unsafe calls in one place"
)]
#![deny(unsafe_op_in_unsafe_fn)]

pub mod arguments;
pub mod clock;
pub mod daemonize;
pub mod dumps;
pub mod family;
pub mod files;
pub mod foreign;
pub mod image;
pub mod kill;
pub mod limits;
pub mod memory;
pub mod outside;
pub mod pidfd;
pub mod pidfile;
pub mod pipe;
pub mod private;
pub mod proc;
pub mod random;
pub mod reactor;
pub mod reap;
pub mod signals;
pub mod sockets;
pub mod spawn;
pub mod spot;
pub mod stdio;
pub mod syslog;
pub mod threads;
pub mod trace;
pub mod tty;
pub mod users;
pub mod wiping;

use provost_model::Errno;

/// The number behind an error of the last C library call in this thread.
fn last_errno() -> Errno {
    Errno::of(&std::io::Error::last_os_error())
}

/// The same number in the word of the model.
fn errno(error: rustix::io::Errno) -> Errno {
    Errno(error.raw_os_error())
}
