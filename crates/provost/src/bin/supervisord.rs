//! The `supervisord` command.

fn main() {}
