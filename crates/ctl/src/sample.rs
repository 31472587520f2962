//! `echo_supervisord_conf`: the sample configuration.

use crate::exit;
use crate::output::Output;
use crate::trouble::system_text;
use std::io;

/// Prints the sample configuration and answers the exit status. Arguments are left aside, as upstream does.
pub fn echo_sample() -> i32 {
    let mut output = Output::standard();
    output.put(provost_config::sample().as_bytes());
    match output.flush() {
        Ok(()) => exit::SUCCESS,
        // A reader that has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::SUCCESS,
        Err(error) => {
            let cause = system_text(&error);
            output.talk(&format!(
                "error: cannot write the sample configuration: {cause}"
            ));
            exit::GENERIC
        }
    }
}
