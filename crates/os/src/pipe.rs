//! Pipes, and reads and writes that know of interruptions.

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// A pipe: read end, write end. Both block, and close at exec.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

/// Makes reads and writes return `WouldBlock` instead of waiting, or wait again.
///
/// This belongs to the open file, which others may share: never for a terminal or another inherited descriptor.
pub fn set_nonblocking(fd: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    let mut flags = fcntl_getfl(fd)?;
    flags.set(OFlags::NONBLOCK, on);
    Ok(fcntl_setfl(fd, flags)?)
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
    use std::os::fd::AsFd;

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
}
