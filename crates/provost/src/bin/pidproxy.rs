//! The `pidproxy` command.

fn main() {}
