//! The `supervisorctl` command.

/// Passwords pass through many buffers, none of which keeps one.
#[global_allocator]
static MEMORY: provost_ctl::Wiping = provost_ctl::Wiping;

fn main() {
    std::process::exit(provost_ctl::main(&provost_ctl::arguments()));
}
