//! Our own descriptors, and what files can do.

use rustix::fs::{Mode, OFlags, SeekFrom};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

/// Mode of a new private file.
const PRIVATE_MODE: u32 = 0o600;

/// Opens a record for writing at its end, and makes it, for us alone, if it is not there. A link in its place is refused
/// with `ELOOP`. Closes at exec.
pub fn open_audit(path: &Path) -> io::Result<File> {
    let flags = OFlags::APPEND
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::WRONLY
        | OFlags::CLOEXEC
        | OFlags::NOCTTY;
    let open = || rustix::fs::open(path, flags, Mode::from_raw_mode(PRIVATE_MODE));
    let file = File::from(rustix::io::retry_on_intr(open)?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file"))
    }
}

/// Whether there is a position: true for regular files, false for pipes, terminals and sockets.
///
/// Files that cannot seek cannot be rotated or cut.
pub fn is_seekable(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::seek(fd, SeekFrom::Current(0)).is_ok()
}

/// The descriptor of ours that a path names: `/dev/stdin`, `/dev/stdout`, `/dev/stderr`, `/dev/fd/N`,
/// `/proc/self/fd/N`. Such a path is never opened as a file: it may be a socket, or lead to what we must not open anew.
pub fn own_descriptor(path: &Path) -> Option<i32> {
    let path = path.to_str()?;
    match path {
        "/dev/stdin" => return Some(0),
        "/dev/stdout" => return Some(1),
        "/dev/stderr" => return Some(2),
        _ => {}
    }
    let digits = path
        .strip_prefix("/dev/fd/")
        .or_else(|| path.strip_prefix("/proc/self/fd/"))?;
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// A second way to write to one of our own descriptors.
#[derive(Debug)]
pub struct OwnFile {
    /// The file.
    pub file: File,
    /// Whether writes return `WouldBlock` instead of waiting. Where not, the open file is shared with other processes
    /// and must stay as it is: wait until it is writable, and write at most 4,096 bytes at a time.
    pub nonblocking: bool,
}

/// Opens one of our own descriptors again for writing; `EBADF` if there is none of that number.
///
/// Terminals and pipes are opened anew through `/proc`, so that not waiting belongs to us alone. Regular files (which
/// share their position with whoever gave them to us), sockets and what may not be opened are duplicated.
pub fn reopen_own_fd(number: i32) -> io::Result<OwnFile> {
    if number < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the number is only handed to the system, which refuses one that is not open; the borrow ends with this call.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    let duplicate = rustix::io::fcntl_dupfd_cloexec(fd, 3)?;
    if !is_seekable(duplicate.as_fd()) {
        let flags =
            OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let again = rustix::fs::open(format!("/proc/self/fd/{number}"), flags, Mode::empty());
        if let Ok(file) = again {
            return Ok(OwnFile {
                file: File::from(file),
                nonblocking: true,
            });
        }
    }
    Ok(OwnFile {
        file: File::from(duplicate),
        nonblocking: false,
    })
}

/// Whether this process may make and remove files in a directory.
pub fn is_writable(directory: &Path) -> bool {
    rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;

    #[test]
    fn our_own_descriptors_are_recognised_and_nothing_else() {
        for (path, number) in [
            ("/dev/stdin", Some(0)),
            ("/dev/stdout", Some(1)),
            ("/dev/stderr", Some(2)),
            ("/dev/fd/17", Some(17)),
            ("/proc/self/fd/1", Some(1)),
            ("/dev/fd/", None),
            ("/dev/fd/-1", None),
            ("/dev/fd/+1", None),
            ("/dev/fd/1/x", None),
            ("/dev/fd/99999999999", None),
            ("/dev/stdout2", None),
            ("/dev/null", None),
            ("dev/stdout", None),
        ] {
            assert_eq!(own_descriptor(Path::new(path)), number, "{path}");
        }
    }

    #[test]
    fn a_pipe_of_ours_is_opened_anew_without_changing_the_shared_one() {
        let (read, write) = crate::pipe::pipe().unwrap();
        let mut own = reopen_own_fd(write.as_raw_fd()).unwrap();
        assert!(own.nonblocking);
        own.file.write_all(b"x").unwrap();
        let flags = rustix::fs::fcntl_getfl(&write).unwrap();
        assert!(!flags.contains(OFlags::NONBLOCK));
        let full = [0; 4096];
        let error = loop {
            if let Err(error) = own.file.write(&full) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(read);
    }

    #[test]
    fn a_socket_and_a_regular_file_of_ours_are_shared() {
        let (mut here, there) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut own = reopen_own_fd(there.as_raw_fd()).unwrap();
        assert!(!own.nonblocking);
        own.file.write_all(b"hello").unwrap();
        let mut got = [0; 5];
        here.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"hello");

        let mut shared = tempfile();
        shared.write_all(b"one ").unwrap();
        let mut own = reopen_own_fd(shared.as_raw_fd()).unwrap();
        own.file.write_all(b"two ").unwrap();
        shared.write_all(b"three").unwrap();
        rustix::fs::seek(&shared, SeekFrom::Start(0)).unwrap();
        let mut text = String::new();
        shared.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one two three");
    }

    #[test]
    fn a_number_that_is_not_open_is_refused() {
        for number in [-1, 1_000_000] {
            assert_eq!(
                reopen_own_fd(number).unwrap_err().raw_os_error(),
                Some(libc::EBADF),
                "{number}"
            );
        }
    }

    fn tempfile() -> File {
        let memory = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        File::from(memory)
    }
}
