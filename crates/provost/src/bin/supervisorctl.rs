//! The `supervisorctl` command.

fn main() {
    std::process::exit(provost_ctl::main(&provost_ctl::arguments()));
}
