//! The `supervisorctl` command.

fn main() {}
