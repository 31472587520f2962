//! Chores of the project, started as `cargo xtask <chore>`.

mod rooms;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <chore>

chores:
  rooms   check that crates, files and unsafe code keep to ARCHITECTURE.md
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("rooms") => rooms::main(),
        Some(other) => refuse(&format!("error: no chore is called `{other}`\n\n{USAGE}")),
        None => refuse(USAGE),
    }
}

/// Says what is wrong with the command line; 2 is the exit code for that.
#[expect(
    clippy::print_stderr,
    reason = "a chore speaks to the person who started it"
)]
fn refuse(text: &str) -> ExitCode {
    eprint!("{text}");
    ExitCode::from(2)
}
