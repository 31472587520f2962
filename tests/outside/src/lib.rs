//! What must hold for any bytes that come from outside, in the rooms that the testkit may not use: the daemon, supervisorctl
//! and the one of system calls. The bodies of targets in `fuzz/`.
//!
//! Each function panics when something does not hold.

#![expect(
    clippy::missing_panics_doc,
    reason = "a fuzzer is told of what it found by a panic, everywhere"
)]

mod answers;
mod requests;
mod states;
mod system;
mod terminal;

pub use answers::server_answer;
pub use requests::http_request;
pub use states::packed_state;
pub use system::system_texts;
pub use terminal::terminal;
