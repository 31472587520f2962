//! What waits to be written to a child's standard input.

use provost_os::pipe;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes that may wait for one child that does not read; beyond it clients are told that the buffer is full.
const QUEUED_MAX: usize = 16 << 20;

/// One message on its way.
#[derive(Debug)]
struct Chunk {
    data: Vec<u8>,
    sent: usize,
    /// Serial of the event inside, for telling which one was lost.
    serial: Option<u64>,
}

/// What became of a write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// Everything is in the pipe.
    Empty,
    /// The pipe is full; the rest waits until it is writable.
    Waiting,
    /// The child closed its end; the serials of events it did not get.
    Broken(Vec<u64>),
}

/// The writing end of a child's standard input, and what waits for room in it.
#[derive(Debug)]
pub(crate) struct ChildStdin {
    fd: OwnedFd,
    /// Whether the reactor watches for room.
    pub(crate) watched: bool,
    /// Most programs are never sent anything.
    sent: Option<Box<Sent>>,
}

/// What was ever sent.
#[derive(Debug, Default)]
struct Sent {
    queue: VecDeque<Chunk>,
    queued: usize,
    newest: Option<u64>,
}

impl ChildStdin {
    /// Takes the writing end, which must be non-blocking.
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self {
            fd,
            watched: false,
            sent: None,
        }
    }

    /// Goes on with what an earlier image of ours could not write yet. The limit does not count: it was kept before.
    pub(crate) fn resume(
        fd: OwnedFd,
        waiting: impl Iterator<Item = (Vec<u8>, Option<u64>)>,
    ) -> Self {
        let mut this = Self::new(fd);
        for (data, serial) in waiting {
            let all = this.sent.get_or_insert_default();
            all.queued = all.queued.saturating_add(data.len());
            all.queue.push_back(Chunk {
                data,
                sent: 0,
                serial,
            });
        }
        this
    }

    /// The writing end, and what was not written yet.
    pub(crate) fn into_parts(self) -> (OwnedFd, impl Iterator<Item = (Vec<u8>, Option<u64>)>) {
        let queue = self.sent.unwrap_or_default().queue;
        let waiting = queue.into_iter().map(|mut chunk| {
            chunk.data.drain(..chunk.sent.min(chunk.data.len()));
            (chunk.data, chunk.serial)
        });
        (self.fd, waiting)
    }

    /// Takes bytes behind those that wait, or refuses them whole when too much waits.
    pub(crate) fn push(&mut self, data: Vec<u8>, serial: Option<u64>) -> bool {
        let all = self.sent.get_or_insert_default();
        if all.queued.saturating_add(data.len()) > QUEUED_MAX {
            return false;
        }
        all.queued += data.len();
        all.newest = serial;
        all.queue.push_back(Chunk {
            data,
            sent: 0,
            serial,
        });
        true
    }

    /// The event that was taken last, whether it is in the pipe by now or waits.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.sent.as_ref()?.newest
    }

    /// Writes as much as the pipe takes now.
    pub(crate) fn flush(&mut self) -> Flushed {
        let Some(all) = &mut self.sent else {
            return Flushed::Empty;
        };
        while let Some(chunk) = all.queue.front_mut() {
            let rest = chunk.data.get(chunk.sent..).unwrap_or_default();
            if rest.is_empty() {
                all.queue.pop_front();
                continue;
            }
            match pipe::write(self.fd.as_fd(), rest) {
                Ok(written) => {
                    chunk.sent += written;
                    all.queued -= written;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Flushed::Waiting,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    let lost = all
                        .queue
                        .drain(..)
                        .filter_map(|chunk| chunk.serial)
                        .collect();
                    all.queued = 0;
                    return Flushed::Broken(lost);
                }
            }
        }
        Flushed::Empty
    }
}

impl AsFd for ChildStdin {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_pipe_waits_and_a_closed_one_names_the_lost_event() {
        let (read, write) = pipe::pipe().unwrap();
        pipe::set_nonblocking(write.as_fd(), true).unwrap();
        let mut stdin = ChildStdin::new(write);
        assert!(stdin.push(vec![b'x'; 1 << 20], Some(7)));
        assert_eq!(stdin.flush(), Flushed::Waiting);
        drop(read);
        assert_eq!(stdin.flush(), Flushed::Broken(vec![7]));
        assert_eq!(stdin.flush(), Flushed::Empty);
    }

    #[test]
    fn f48_more_than_the_limit_is_refused_whole() {
        let (_read, write) = pipe::pipe().unwrap();
        pipe::set_nonblocking(write.as_fd(), true).unwrap();
        let mut stdin = ChildStdin::new(write);
        assert!(stdin.push(vec![0; QUEUED_MAX], None));
        assert!(!stdin.push(vec![0; 1], None));
    }
}
