//! The `echo_supervisord_conf` command.

fn main() {}
