//! Pipes, and reads and writes that know of interruptions.

use rustix::fs::{FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// A pipe: read end, write end. Both block, and close at exec.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

/// A pipe that outlives its reader: whoever has the second end can write on while nobody reads, until the pipe is full,
/// and what is written waits for the next reader. Both block, and close at exec.
///
/// The second end is open for both directions, so it counts as a reader, too. The first end comes to its end when all
/// copies of the second are closed. Without `/proc` it is an ordinary pipe.
pub fn lasting() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe()?;
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY;
    // The pipe belongs to us, whoever is to write to it: the copy is opened here and only inherited there.
    let both = rustix::fs::open(
        format!("/proc/self/fd/{}", write.as_raw_fd()),
        flags,
        Mode::empty(),
    );
    Ok((read, both.unwrap_or(write)))
}

/// The number by which a pipe is known to the system, the same at both of its ends. None for what is no pipe.
pub fn number(fd: BorrowedFd<'_>) -> Option<u64> {
    let status = rustix::fs::fstat(fd).ok()?;
    let is_pipe = FileType::from_raw_mode(status.st_mode) == FileType::Fifo;
    is_pipe.then_some(status.st_ino)
}

/// Bytes that wait to be read.
pub fn waiting(fd: impl AsFd) -> io::Result<usize> {
    let bytes = rustix::io::ioctl_fionread(fd)?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Makes reads and writes return `WouldBlock` instead of waiting, or wait again.
///
/// This belongs to the open file, which others may share: never for a terminal or another inherited descriptor.
pub fn set_nonblocking(fd: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    let mut flags = fcntl_getfl(fd)?;
    flags.set(OFlags::NONBLOCK, on);
    Ok(fcntl_setfl(fd, flags)?)
}

/// Bytes that a pipe holds by itself.
pub const PIPE_BYTES: usize = 64 << 10;

/// Bytes that a wide pipe holds: with more, what is read no longer stays in the processor's caches.
pub const WIDE_BYTES: usize = 256 << 10;

/// Has a pipe hold [`WIDE_BYTES`], so that its writer and its reader wait less for each other. `EPERM` when a user has too
/// many of them.
pub fn widen(fd: BorrowedFd<'_>) -> io::Result<()> {
    rustix::pipe::fcntl_setpipe_size(fd, WIDE_BYTES)?;
    Ok(())
}

/// Where pipes are read into. It has no memory before the first look: most programs say nothing when they are started, and
/// each page of it that is touched delays the start.
#[derive(Debug)]
pub struct Buffer {
    memory: Vec<u8>,
    size: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Self::of(PIPE_BYTES)
    }
}

impl Buffer {
    /// One for so many bytes at a time.
    pub fn of(size: usize) -> Self {
        Self {
            memory: Vec::new(),
            size,
        }
    }

    /// Reads what is there, as far as it has room; nothing is the end. An interruption is tried again.
    pub fn read(&mut self, fd: BorrowedFd<'_>) -> io::Result<&[u8]> {
        self.memory.resize(self.size, 0);
        let count = read(fd, &mut self.memory)?;
        Ok(self.memory.get(..count).unwrap_or_default())
    }
}

/// Reads what is there; 0 is the end. An interruption is tried again.
pub fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| {
        rustix::io::read(fd, &mut *buffer)
    })?)
}

/// Writes what fits, and tells how much that was. An interruption is tried again.
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| rustix::io::write(fd, bytes))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_and_an_empty_pipe_does_not_block_when_told_so() {
        let (reader, writer) = pipe().unwrap();
        set_nonblocking(reader.as_fd(), true).unwrap();
        let mut buffer = [0; 8];
        assert_eq!(
            read(reader.as_fd(), &mut buffer).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        assert_eq!(write(writer.as_fd(), b"abc").unwrap(), 3);
        assert_eq!(read(reader.as_fd(), &mut buffer).unwrap(), 3);
        drop(writer);
        assert_eq!(read(reader.as_fd(), &mut buffer).unwrap(), 0);
    }

    #[test]
    fn a_wide_pipe_holds_more_and_is_read_at_once() {
        let (reader, writer) = pipe().unwrap();
        widen(reader.as_fd()).unwrap();
        set_nonblocking(writer.as_fd(), true).unwrap();
        let text = vec![b'x'; WIDE_BYTES + 1];
        assert_eq!(write(writer.as_fd(), &text).unwrap(), WIDE_BYTES);
        assert_eq!(
            Buffer::default().read(reader.as_fd()).unwrap().len(),
            PIPE_BYTES
        );
        let rest = Buffer::of(WIDE_BYTES).read(reader.as_fd()).unwrap().len();
        assert_eq!(rest, WIDE_BYTES - PIPE_BYTES);
    }

    #[test]
    fn what_is_written_without_a_reader_waits_for_the_next_one() {
        let (reader, writer) = lasting().unwrap();
        let known = number(reader.as_fd());
        assert!(known.is_some());
        assert_eq!(number(writer.as_fd()), known);
        drop(reader);
        assert_eq!(write(writer.as_fd(), b"kept").unwrap(), 4);
        let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
        let again = rustix::fs::open(path, OFlags::RDONLY, Mode::empty()).unwrap();
        let mut buffer = [0; 8];
        assert_eq!(read(again.as_fd(), &mut buffer).unwrap(), 4);
        drop(writer);
        assert_eq!(read(again.as_fd(), &mut buffer).unwrap(), 0);
        assert_eq!(
            number(std::fs::File::open("/dev/null").unwrap().as_fd()),
            None
        );
    }
}
