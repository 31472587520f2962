//! Harness for the real binaries.
//!
//! A test gets a private directory ([`Place`]), starts a daemon of either side in it ([`Daemon`]), speaks XML-RPC
//! with it ([`Rpc`], written apart from the product's own codec on purpose), runs commands ([`run`]), and waits for
//! conditions with a deadline ([`wait_until`]). Every process it started ends with it, by pid. When a test fails, the
//! daemon's log is printed.
//!
//! A missing binary or a missing oracle fails the test and says which command puts it in place. Only a test whose means
//! of injecting a fault the machine does not have is skipped, and says so ([`means`]).

#![expect(
    clippy::missing_panics_doc,
    reason = "a harness fails a test by panicking, everywhere"
)]
#![expect(
    clippy::print_stderr,
    reason = "what a failed test left behind is printed for the person who reads its output"
)]

mod again;
mod daemon;
mod hang;
mod http;
mod image;
mod json;
mod many;
pub mod means;
mod namespace;
mod numbers;
mod order;
mod place;
mod ports;
mod process;
mod rpc;
mod run;
mod side;
mod successor;
mod terminal;
mod text;
mod value;
mod victim;
mod wait;

pub use daemon::{Daemon, Fixture, Start, clean};
pub use hang::Hang;
pub use http::{Answer, Stream, Target, read_answer};
pub use json::{EventStream, Told, WEB, one_of, start_web};
pub use many::{start_many, wait_all_running};
pub use namespace::{inside, mounting, run_inside};
pub use numbers::{assert_contiguous, numbered, with_backups};
pub use place::Place;
pub use ports::free_port;
pub use process::{
    children, descendants, descriptors, is_alive, is_asleep, kill_tree, own_bytes, send_signal,
    sleeps, sleeps_without_timer, threads, wait_quiet,
};
pub use rpc::{Outcome, Rpc};
pub use run::{Finished, run, run_with_input};
pub use side::{Side, fixtures, older, oracle, python, schemathesis, scripts};
pub use successor::successor;
pub use terminal::{CTRL_C, CTRL_D, Terminal};
pub use text::{Normal, after_digits};
pub use value::{Value, decode, encode_call};
pub use victim::{CREDENTIALS, Victim};
pub use wait::{PATIENCE, wait_for, wait_until};
