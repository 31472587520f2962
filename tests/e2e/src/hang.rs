//! A control thread that does nothing while all others live.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::{Daemon, PATIENCE, Place, send_signal, wait_until};

/// Holds up the thread until this is dropped: `strace` lets none of its waits for events begin.
#[derive(Debug)]
pub struct Hang {
    strace: Child,
    _place: Place,
}

impl Hang {
    /// Takes hold of the control thread, which is the first of its process.
    pub fn of_control(daemon: &Daemon) -> Self {
        let place = Place::new();
        let said = File::create(place.join("said")).expect("the place is writable");
        let mut strace = Command::new("strace")
            .args([
                "-o",
                "/dev/null",
                "-e",
                "inject=/^epoll_p?wait:delay_enter=600s",
            ])
            .args(["-p", &daemon.pid().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .expect("this test needs strace: install it (apt install strace)");
        wait_until(PATIENCE, "strace to attach", || {
            let said = place.read("said");
            let ended = strace.try_wait().expect("strace is our child");
            assert!(ended.is_none(), "strace cannot attach, but must: {said}");
            said.contains(" attached")
        });
        Self {
            strace,
            _place: place,
        }
    }
}

impl Drop for Hang {
    /// Lets it go on.
    fn drop(&mut self) {
        send_signal(self.strace.id(), Signal::TERM);
        let _ = self.strace.wait();
    }
}
