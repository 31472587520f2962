//! The pipes of helpers: frames out of what they write, and calls into what they read.
//!
//! Only headers are looked at here. Bodies go on as they are to whoever asked, so that a large answer costs the control
//! thread no more than its reading.

use crate::shell::Shell;
use provost_core::{Input, StdinProblem};
use provost_model::helper::HelperWord;
use provost_model::{Run, Wall};
use provost_wire::helper;
use std::io;
use std::os::fd::AsFd;

/// Buffers of last words read from a helper that was reaped. A pipe holds at most 16 of them unless root made it larger;
/// what its own children write on must not hold up others.
pub(crate) const LAST_READS: usize = 17;

impl Shell {
    /// Whether a run is one of a helper that is still listened to.
    pub(crate) fn is_helper(&self, run: Run) -> bool {
        let child = self.children.runs.get(&run);
        child.is_some_and(|child| child.frames.is_some())
    }

    /// Writes a call.
    pub(crate) fn call_helper(&mut self, run: Run, call: u64, until: Wall, body: &[u8]) {
        let frame = helper::call(call, until, body);
        let child = self.children.runs.get_mut(&run);
        let stdin = child.and_then(|child| child.stdin.as_mut());
        match stdin.map(|stdin| stdin.push(frame, Some(call))) {
            // If its pipe is broken, the flush says which calls were lost.
            Some(true) => {
                self.flush_stdin(run);
            }
            Some(false) => self.call_lost(run, call, StdinProblem::Full),
            None => self.call_lost(run, call, StdinProblem::Closed),
        }
    }

    /// A call will not be read.
    pub(crate) fn call_lost(&mut self, run: Run, call: u64, problem: StdinProblem) {
        self.tell(Input::CallNotSent { run, call, problem });
    }

    /// Closes both pipes of a helper's conversation.
    pub(crate) fn hang_up(&mut self, run: Run) {
        let Some(child) = self.children.runs.get_mut(&run) else {
            return;
        };
        child.frames = None;
        let (stdin, stdout) = (child.stdin.take(), child.listener.take());
        let stdin = stdin.as_ref().filter(|stdin| stdin.watched);
        let watched = [stdin.map(AsFd::as_fd), stdout.as_ref().map(AsFd::as_fd)];
        for fd in watched.into_iter().flatten() {
            // It was added when it was made, so it can be taken out; both are closed in any case.
            let _ = self.reactor.remove(fd);
        }
    }

    /// Reads what a helper wrote, at most `turns` buffers of it.
    pub(crate) fn read_helper(&mut self, run: Run, turns: usize) {
        for _ in 0..turns {
            let Some(child) = self.children.runs.get_mut(&run) else {
                return;
            };
            let (Some(fd), Some(frames)) = (&child.listener, &mut child.frames) else {
                return;
            };
            match self.buffer.read(fd.as_fd()) {
                Ok([]) => {
                    let _ = self.reactor.remove(fd.as_fd());
                    child.listener = None;
                    self.tell(Input::HelperHungUp { run });
                    return;
                }
                Ok(data) => {
                    for told in frames.feed(data) {
                        let word = match told {
                            Ok(frame) => helper::word(frame),
                            Err(error) => HelperWord::Nonsense(error.to_string()),
                        };
                        self.tell(Input::HelperSaid { run, word });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}
