//! The pipes of children: taking them over, reading them, leaving them unread for a while, closing them.

use super::width::Width;
use super::{Pipe, Room};
use crate::logs::Fact;
use crate::logs::output::Output;
use provost_model::{Channel, Errno, Level, Run};
use provost_os::pipe::{self, Buffer, WIDE_BYTES};
use provost_os::reactor::Interest;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Bytes read from one pipe to have everything that its dead child wrote: no pipe of an unprivileged user holds more.
const DRAIN_BYTES_MAX: usize = 1 << 20;

/// What came of reading a pipe once.
pub(super) enum Read {
    /// So many bytes.
    Some(usize),
    /// Nothing is there now, or its log is full, or there is no such pipe.
    Nothing,
    /// The end.
    End,
}

impl Room {
    pub(super) fn attach(&mut self, run: Run, channel: Channel, fd: OwnedFd) {
        let Some(line) = self
            .runs
            .get_mut(&run)
            .and_then(|log| log.lines.get_mut(channel))
        else {
            return self.anomaly(&format!(
                "{channel} of run {} has no open log; its pipe is closed",
                run.0
            ));
        };
        let added = pipe::set_nonblocking(fd.as_fd(), true).and_then(|()| {
            if self.rests {
                return Ok(());
            }
            self.reactor
                .add(fd.as_fd(), token(run, channel), Interest::Read)
        });
        line.pipe = Some(Pipe {
            fd,
            watched: added.is_ok() && !self.rests,
            width: Width::default(),
        });
        if let Err(error) = added {
            // It is tried again with every turn, as for a full log.
            self.paused.insert((run, channel));
            let text = format!(
                "could not watch {}: {}",
                line.output.name(),
                Errno::of(&error)
            );
            self.desk.main.sinks.note(Level::Critical, text);
        }
    }

    /// Reads a pipe once. `everything` is for a dead child, whose last words go before the limit of undelivered facts.
    pub(super) fn read(&mut self, run: Run, channel: Channel, everything: bool) -> Read {
        let Some(line) = self
            .runs
            .get_mut(&run)
            .and_then(|log| log.lines.get_mut(channel))
        else {
            return Read::Nothing;
        };
        let Some(pipe) = &mut line.pipe else {
            return Read::Nothing;
        };
        let full = line.output.full();
        let log_is_full = line
            .output
            .sink()
            .is_some_and(|sink| self.desk.main.sinks.is_full(sink, full));
        if log_is_full || (!everything && line.output.events && self.desk.backlog.is_full()) {
            if std::mem::take(&mut pipe.watched) {
                // It can only fail for a descriptor that is not waited for, which is what is wanted.
                let _ = self.reactor.remove(pipe.fd.as_fd());
            }
            self.paused.insert((run, channel));
            return Read::Nothing;
        }
        let buffer = match pipe.width {
            Width::Wide { .. } => &mut self.wide,
            Width::Usual { .. } | Width::Fixed => &mut self.buffer,
        };
        match buffer.read(pipe.fd.as_fd()) {
            Ok([]) => Read::End,
            Ok(bytes) => {
                self.pace.found(bytes.len(), pipe.width.is_wide());
                if pipe.width.found(bytes.len()) {
                    pipe.width = if line.output.is_for_bulk(&self.desk.main) {
                        Width::widen(pipe.fd.as_fd())
                    } else {
                        Width::Fixed
                    };
                }
                line.output.take(bytes, &mut self.desk);
                Read::Some(bytes.len())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Read::Nothing,
            Err(error) => {
                let text = format!(
                    "could not read {}: {}",
                    line.output.name(),
                    Errno::of(&error)
                );
                self.desk.main.sinks.note(Level::Error, text);
                Read::End
            }
        }
    }

    /// Reads what is in the pipe now.
    pub(super) fn empty(&mut self, run: Run, channel: Channel) {
        let mut total = 0;
        while total < DRAIN_BYTES_MAX {
            match self.read(run, channel, true) {
                Read::Some(count) => total += count,
                Read::Nothing => return,
                Read::End => return self.close(run, channel),
            }
        }
    }

    /// The pipe has come to its end, or nobody cares any more.
    pub(super) fn close(&mut self, run: Run, channel: Channel) {
        let Some(log) = self.runs.get_mut(&run) else {
            return;
        };
        let Some(mut line) = log.lines.remove(channel) else {
            return;
        };
        let (proc, is_last) = (log.proc, log.lines.is_empty());
        let pipe = line.pipe.take();
        if let Some(pipe) = &pipe {
            self.release(run, channel, pipe, &line.output);
        }
        line.output.finish(&mut self.desk);
        // What was held back of the output is told and in the log by now: whoever hears of the end may tell of the exit.
        if pipe.is_some() {
            self.desk.tell(Fact::Closed { run, channel });
        }
        if is_last && let Some(remnants) = self.remnants.get_mut(&proc) {
            // A run that is not over yet stays: its end is still to be answered.
            if let Some(at) = remnants.iter().position(|&other| other == run) {
                remnants.remove(at);
                self.runs.remove(&run);
            }
            if self.remnants.get(&proc).is_some_and(VecDeque::is_empty) {
                self.remnants.remove(&proc);
            }
        }
    }

    pub(super) fn release(&mut self, run: Run, channel: Channel, pipe: &Pipe, output: &Output) {
        if pipe.watched {
            // It can only fail for a descriptor that is not waited for, which is what is wanted.
            let _ = self.reactor.remove(pipe.fd.as_fd());
        }
        self.paused.remove(&(run, channel));
        if pipe.width.is_wide() {
            // Its memory comes again where there are others.
            self.wide = Buffer::of(WIDE_BYTES);
        }
        if self.desk.main.enabled(Level::Debug) {
            let text = format!(
                "fd {} closed, stopped monitoring {}",
                pipe.fd.as_raw_fd(),
                output.name()
            );
            self.desk.main.sinks.note(Level::Debug, text);
        }
    }

    /// Takes up the pipes whose log takes output again.
    pub(super) fn resume(&mut self) {
        if self.paused.is_empty() || self.rests {
            return;
        }
        let backlog_is_full = self.desk.backlog.is_full();
        for (run, channel) in std::mem::take(&mut self.paused) {
            let Some(line) = self
                .runs
                .get_mut(&run)
                .and_then(|log| log.lines.get_mut(channel))
            else {
                continue;
            };
            let Some(pipe) = &mut line.pipe else { continue };
            let full = line.output.full();
            let has_room = line
                .output
                .sink()
                .is_none_or(|sink| self.desk.main.sinks.has_room(sink, full));
            if has_room && !(line.output.events && backlog_is_full) {
                pipe.watched = self
                    .reactor
                    .add(pipe.fd.as_fd(), token(run, channel), Interest::Read)
                    .is_ok();
            }
            if !pipe.watched {
                self.paused.insert((run, channel));
            }
        }
    }
}

/// The reactor's token of a pipe.
fn token(run: Run, channel: Channel) -> u64 {
    (run.0 << 1) | u64::from(channel == Channel::Stderr)
}

/// The pipe of a token.
pub(super) fn of_token(token: u64) -> (Run, Channel) {
    (
        Run(token >> 1),
        if token & 1 == 0 {
            Channel::Stdout
        } else {
            Channel::Stderr
        },
    )
}
