//! The `supervisorctl` command.

fn main() {
    let args: Vec<_> = std::env::args_os().collect();
    std::process::exit(provost_ctl::main(&args));
}
