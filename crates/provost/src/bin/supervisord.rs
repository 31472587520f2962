//! The `supervisord` command.

fn main() {
    std::process::exit(provost_daemon::boot::main(&provost_daemon::arguments()));
}
