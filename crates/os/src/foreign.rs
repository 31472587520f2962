//! Another process as it looks from outside: what it has open, whether it is halted, what it waits for; and copies of what
//! it has open.
//!
//! Nothing here changes the other process but [`PidFd::halt`] and [`PidFd::resume`].

use crate::errno;
use crate::pidfd::PidFd;
use crate::proc::stat_of;
use provost_model::{Errno, Pid, Signal};
use rustix::net::{AddressFamily, SocketType, sockopt};
use rustix::process::{PidfdGetfdFlags, pidfd_getfd};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Descriptors that a process waits for at most. More than this is no list of descriptors.
const POLLED_MAX: u64 = 1 << 20;

/// Bytes of one entry of the list that `poll` is given: the descriptor, what is waited for, what was found.
const POLLED_BYTES: usize = 8;

/// The system calls in which a process waits for many descriptors, or goes on to wait after a halt.
const WAITING_CALLS: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_restart_syscall,
];

/// What a process has open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its number there.
    pub number: i32,
    /// What it is.
    pub kind: Kind,
}

/// What a descriptor is, with the number by which the system knows the thing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The end of a pipe that is read from.
    PipeToRead(u64),
    /// The end of a pipe that is written to.
    PipeToWrite(u64),
    /// A socket.
    Socket(u64),
    /// Anything else.
    Other,
}

/// A socket, as far as it matters who is at its other end.
#[derive(Debug)]
pub enum SocketKind {
    /// It waits for clients at this name; it may be a file that has another name by now.
    ListensAtFile(UnixListener, PathBuf),
    /// It waits for clients at this address.
    ListensAtPort(TcpListener, SocketAddr),
    /// It is one of the two ends of a connection; so many bytes have come that nobody has read.
    Connected(u64),
    /// Anything else.
    Other,
}

/// A descriptor that a process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polled {
    /// Its number.
    pub number: i32,
    /// Whether the process wants to write there.
    pub to_write: bool,
}

/// Everything that a process has open. Needs the right to look into it.
pub fn descriptors(pid: Pid) -> io::Result<Vec<Descriptor>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(number) = name.and_then(|name| name.parse().ok()) else {
            continue;
        };
        // It may have been closed meanwhile.
        if let Some(kind) = kind_of(&path) {
            found.push(Descriptor { number, kind });
        }
    }
    found.sort_by_key(|descriptor| descriptor.number);
    Ok(found)
}

fn kind_of(path: &Path) -> Option<Kind> {
    /// The permissions of the entry say how it is open: this bit for reading.
    const READABLE: u32 = 0o400;
    let target = fs::read_link(path).ok()?;
    let target = target.as_os_str().as_bytes();
    if let Some(number) = numbered(target, b"socket:[") {
        return Some(Kind::Socket(number));
    }
    let Some(number) = numbered(target, b"pipe:[") else {
        return Some(Kind::Other);
    };
    let is_readable = fs::symlink_metadata(path).ok()?.mode() & READABLE != 0;
    Some(if is_readable {
        Kind::PipeToRead(number)
    } else {
        Kind::PipeToWrite(number)
    })
}

/// The number in `pipe:[12]`.
pub(crate) fn numbered(target: &[u8], kind: &[u8]) -> Option<u64> {
    let inner = target.strip_prefix(kind)?.strip_suffix(b"]")?;
    std::str::from_utf8(inner).ok()?.parse().ok()
}

/// The number of the pipe that a process has at this descriptor, if it has one there.
pub fn pipe_at(pid: Pid, number: i32) -> Option<u64> {
    let target = fs::read_link(format!("/proc/{pid}/fd/{number}")).ok()?;
    numbered(target.as_os_str().as_bytes(), b"pipe:[")
}

/// The effective user of a process.
pub fn user_of(pid: Pid) -> Option<u32> {
    effective_user(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// The effective user, from the text of a `/proc/PID/status`.
pub(crate) fn effective_user(text: &str) -> Option<u32> {
    let line = text.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The words of its command line.
pub fn command_line(pid: Pid) -> Vec<String> {
    words_of(&fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default())
}

/// The words of a `/proc/PID/cmdline`.
pub(crate) fn words_of(bytes: &[u8]) -> Vec<String> {
    let words = bytes.split(|&byte| byte == 0);
    words
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// The environment that a process was started with, as far as it is text; empty when we may not see it.
pub fn environment(pid: Pid) -> BTreeMap<String, String> {
    pairs_of(&fs::read(format!("/proc/{pid}/environ")).unwrap_or_default())
}

/// The pairs of a `/proc/PID/environ`.
pub(crate) fn pairs_of(bytes: &[u8]) -> BTreeMap<String, String> {
    let pairs = bytes.split(|&byte| byte == 0);
    pairs
        .filter_map(|pair| {
            let pair = String::from_utf8_lossy(pair);
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// Whether a process sees the same processes and the same files as we do. None when we may not ask.
pub fn shares_view(pid: Pid) -> Option<bool> {
    for name in ["pid", "mnt"] {
        let theirs = fs::metadata(format!("/proc/{pid}/ns/{name}")).ok()?;
        let ours = fs::metadata(format!("/proc/self/ns/{name}")).ok()?;
        if (theirs.dev(), theirs.ino()) != (ours.dev(), ours.ino()) {
            return Some(false);
        }
    }
    Some(true)
}

/// What the system lets a process look into another one by: the setting `kernel.yama.ptrace_scope`, where there is one.
pub fn ptrace_scope() -> Option<u32> {
    let text = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok()?;
    text.trim().parse().ok()
}

/// Whether a process has this other one as its parent, and has not ended.
pub fn is_living_child(pid: Pid, parent: Pid) -> bool {
    stat_of(pid).is_some_and(|stat| stat.parent == parent && !matches!(stat.state, 'Z' | 'X'))
}

/// Whether every thread of a process is halted by a signal. None when there is no such process.
pub fn is_halted(pid: Pid) -> Option<bool> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut any = false;
    for thread in threads.flatten() {
        let name = thread.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok())?;
        match stat_of(Pid(number)).map(|stat| stat.state) {
            Some('T') => any = true,
            Some('X' | 'Z') | None => {}
            Some(_) => return Some(false),
        }
    }
    Some(any)
}

/// What the first thread of a halted process waits for, if it was halted while it waited for descriptors: then it has
/// nothing in its hands. None when it was halted anywhere else.
pub fn polled(pid: Pid) -> io::Result<Option<Vec<Polled>>> {
    let text = fs::read_to_string(format!("/proc/{pid}/syscall"))?;
    let Some((list, count)) = parse_wait(&text) else {
        return Ok(None);
    };
    let length = usize::try_from(count).unwrap_or(0) * POLLED_BYTES;
    let mut bytes = vec![0; length];
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    // Where a restarted call is none of these, the address may mean nothing.
    if memory.read_exact_at(&mut bytes, list).is_err() {
        return Ok(None);
    }
    Ok(Some(parse_polled(&bytes)))
}

/// Whether a process that stands still does so at a wait for descriptors.
pub(crate) fn is_at_wait(pid: Pid) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/syscall"));
    text.is_ok_and(|text| parse_wait(&text).is_some())
}

/// Where the list is that a process waits for, and how long it is, from a line of `/proc/PID/syscall`.
pub(crate) fn parse_wait(text: &str) -> Option<(u64, u64)> {
    let mut words = text.split_ascii_whitespace();
    let call: i64 = words.next()?.parse().ok()?;
    let mut number = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let (list, count) = (number()?, number()?);
    (WAITING_CALLS.contains(&call) && count <= POLLED_MAX).then_some((list, count))
}

pub(crate) fn parse_polled(bytes: &[u8]) -> Vec<Polled> {
    let entries = bytes.chunks_exact(POLLED_BYTES);
    entries
        .filter_map(|entry| {
            let (number, rest) = entry.split_first_chunk()?;
            let (events, _) = rest.split_first_chunk()?;
            Some(Polled {
                number: i32::from_ne_bytes(*number),
                to_write: i16::from_ne_bytes(*events) & libc::POLLOUT != 0,
            })
        })
        .collect()
}

/// What kind of socket this is.
pub fn look_at_socket(socket: OwnedFd) -> SocketKind {
    if sockopt::socket_type(&socket) != Ok(SocketType::STREAM) {
        return SocketKind::Other;
    }
    if sockopt::socket_acceptconn(&socket) != Ok(true) {
        let unread = rustix::io::ioctl_fionread(&socket);
        return SocketKind::Connected(unread.unwrap_or(0));
    }
    match sockopt::socket_domain(&socket) {
        Ok(AddressFamily::UNIX) => {
            let listener = UnixListener::from(socket);
            let path = listener
                .local_addr()
                .ok()
                .and_then(|address| address.as_pathname().map(Path::to_owned));
            path.map_or(SocketKind::Other, |path| {
                SocketKind::ListensAtFile(listener, path)
            })
        }
        Ok(AddressFamily::INET | AddressFamily::INET6) => {
            let listener = TcpListener::from(socket);
            let address = listener.local_addr();
            address.map_or(SocketKind::Other, |address| {
                SocketKind::ListensAtPort(listener, address)
            })
        }
        _ => SocketKind::Other,
    }
}

impl PidFd {
    /// A copy of what the process has open at this number (Linux 5.6). Needs the right to look into it.
    pub fn copy_of(&self, number: i32) -> Result<OwnedFd, Errno> {
        pidfd_getfd(self.as_fd(), number, PidfdGetfdFlags::empty()).map_err(errno)
    }

    /// Halts it. It takes a moment until all of its threads stand still: [`is_halted`].
    pub fn halt(&self) -> Result<(), Errno> {
        // SIGSTOP, which nobody can ignore.
        self.signal(Signal::from_raw(libc::SIGSTOP), false)
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<(), Errno> {
        self.signal(Signal::CONT, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    #[test]
    fn the_system_names_pipes_and_sockets_by_number() {
        assert_eq!(numbered(b"pipe:[12]", b"pipe:["), Some(12));
        for other in [&b"pipe:[x]"[..], b"pipe:[12", b"/tmp/pipe:[12]", b""] {
            assert_eq!(numbered(other, b"pipe:["), None);
        }
    }

    #[test]
    fn only_who_waits_has_nothing_in_hand() {
        let waits = format!("{} 0x10 0x2 0x3e8 0x0 0x0 0x0 0x7f 0x7f", libc::SYS_ppoll);
        assert_eq!(parse_wait(&waits), Some((16, 2)));
        let reads = format!("{} 0x10 0x2 0x3e8 0x0 0x0 0x0 0x7f 0x7f", libc::SYS_read);
        for other in [reads.as_str(), "running", "-1 0x7f 0x7f", "", "7 x y"] {
            assert_eq!(parse_wait(other), None, "{other}");
        }
        let mut list = Vec::new();
        for (number, events) in [(3_i32, libc::POLLIN), (4, libc::POLLOUT | libc::POLLIN)] {
            list.extend(number.to_ne_bytes());
            list.extend(events.to_ne_bytes());
            list.extend([0, 0]);
        }
        let polled = |number, to_write| Polled { number, to_write };
        assert_eq!(parse_polled(&list), [polled(3, false), polled(4, true)]);
    }

    #[test]
    fn a_copy_of_a_pipe_reads_what_its_owner_does_not() {
        let mut child = Command::new("/bin/cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid(i32::try_from(child.id()).unwrap());
        let process = PidFd::open(pid).unwrap();
        let begun = Instant::now();
        // Until it has become `cat`, what it has open is ours.
        while command_line(pid) != ["/bin/cat"] {
            assert!(begun.elapsed() < Duration::from_secs(10));
        }
        assert_eq!(user_of(pid), Some(crate::users::current_euid()));
        assert_eq!(shares_view(pid), Some(true));
        let kinds: Vec<_> = descriptors(pid).unwrap();
        let at = |number| kinds.iter().find(|found| found.number == number);
        let Some(Kind::PipeToRead(inode)) = at(0).map(|found| found.kind) else {
            panic!("{kinds:?}")
        };
        assert_eq!(pipe_at(pid, 0), Some(inode));
        process.halt().unwrap();
        while is_halted(pid) != Some(true) {
            assert!(begun.elapsed() < Duration::from_secs(10));
        }
        assert_eq!(polled(pid).ok(), Some(None));
        let mut copy = File::from(process.copy_of(0).unwrap());
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"taken").unwrap();
        let mut text = String::new();
        copy.read_to_string(&mut text).unwrap();
        assert_eq!(text, "taken");
        process.resume().unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(
            process.copy_of(0).unwrap_err().0,
            libc::ESRCH,
            "it has ended"
        );
    }
}
