//! The `supervisord` command.

/// Passwords pass through many buffers, none of which keeps one.
#[global_allocator]
static MEMORY: provost_daemon::Wiping = provost_daemon::Wiping;

fn main() {
    std::process::exit(provost_daemon::boot::main(&provost_daemon::arguments()));
}
