//! The `echo_supervisord_conf` command.

fn main() {
    std::process::exit(provost_ctl::echo_sample());
}
