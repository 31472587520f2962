//! What `/proc` tells: of this boot, of a process, and of the files that a process has open.

use provost_model::Pid;
use rustix::fs::{FileType, Mode, OFlags, fstat, stat};
use std::fs;
use std::io::Read as _;
use std::os::fd::OwnedFd;

/// Descriptors of a process that are looked at when a pipe is not where it was.
const DESCRIPTORS_MAX: usize = 1024;

/// The identity of this boot of the machine.
pub fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The number of our namespace of pids: a pid of another one means another process.
pub fn pid_namespace() -> Option<u64> {
    stat("/proc/self/ns/pid").ok().map(|found| found.st_ino)
}

/// What `/proc/PID/stat` tells of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// `Z` for one that has ended and was not collected.
    pub(crate) state: char,
    /// Its parent.
    pub(crate) parent: Pid,
    /// When it started, in ticks of the kernel since the boot.
    pub(crate) started: u64,
    /// Its wait status, once it has ended; 0 for whoever may not see it.
    pub(crate) exit_code: i32,
}

/// Looks at a process. None when there is none.
pub(crate) fn stat_of(pid: Pid) -> Option<Stat> {
    /// More than the line has: it comes whole, where reading to its end takes many small pieces.
    const ROOM: usize = 2048;
    let mut text = [0; ROOM];
    let mut file = fs::File::open(format!("/proc/{}/stat", pid.0)).ok()?;
    let length = file.read(&mut text).ok()?;
    parse_stat(text.get(..length)?)
}

pub(crate) fn parse_stat(text: &[u8]) -> Option<Stat> {
    // The name of the program comes second, in parentheses, and may hold anything.
    let end = text.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(text.get(end + 1..)?).ok()?;
    // The state is the third field, the parent the fourth, the start the 22nd, the status the 52nd.
    let mut fields = rest.split_ascii_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        parent: Pid(fields.next()?.parse().ok()?),
        started: fields.nth(17)?.parse().ok()?,
        exit_code: fields.nth(29)?.parse().ok()?,
    })
}

/// When a process started, in ticks of the kernel since the boot. With the pid it means one process only.
pub fn start_ticks(pid: Pid) -> Option<u64> {
    stat_of(pid).map(|stat| stat.started)
}

/// What a process takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What it has taken of processors since it began, all threads together.
    pub cpu: std::time::Duration,
    /// Bytes of memory in use.
    pub rss_bytes: u64,
}

/// What a process takes. None when there is none.
pub fn usage_of(pid: Pid) -> Option<Usage> {
    parse_usage(&fs::read(format!("/proc/{}/stat", pid.0)).ok()?)
}

fn parse_usage(text: &[u8]) -> Option<Usage> {
    let end = text.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(text.get(end + 1..)?).ok()?;
    // Ticks in user mode are the 14th field and those in the kernel the 15th, pages the 24th; the state is the third.
    let mut fields = rest.split_ascii_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    let pages: u64 = fields.nth(8)?.parse().ok()?;
    let rate = rustix::param::clock_ticks_per_second().max(1);
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(0);
    let ticks = user.saturating_add(kernel);
    Some(Usage {
        cpu: std::time::Duration::from_millis(ticks.saturating_mul(1000) / rate),
        rss_bytes: pages.saturating_mul(page),
    })
}

/// Descriptors that a process has open; none where the system tells it only by listing them all.
pub fn descriptors_of(pid: Pid) -> Option<u64> {
    let about = fs::metadata(format!("/proc/{}/fd", pid.0)).ok()?;
    Some(about.len()).filter(|count| *count > 0)
}

/// Descriptors that this process has open.
pub fn own_descriptors() -> u64 {
    // Newer kernels have the number as the size of the directory; with thousands of them that is far quicker.
    let size = fs::metadata("/proc/self/fd").map_or(0, |about| about.len());
    if size > 0 {
        return size;
    }
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        return 0;
    };
    let count = u64::try_from(entries.count()).unwrap_or(0);
    // The directory itself was open.
    count.saturating_sub(1)
}

/// Whether the first thread of a process has ended; others of it may not have yet.
pub(crate) fn is_zombie(pid: Pid) -> bool {
    stat_of(pid).is_some_and(|stat| stat.state == 'Z')
}

/// The wait status of a zombie. None for other processes, and where we may not see it: the system shows 0 then.
pub(crate) fn exit_code(pid: Pid) -> Option<i32> {
    // Asks for the same permission, and says so when we do not have it.
    fs::read(format!("/proc/{}/io", pid.0)).ok()?;
    let stat = stat_of(pid).filter(|stat| stat.state == 'Z')?;
    Some(stat.exit_code)
}

/// How long ago that was, counting time in which the machine slept.
pub fn age_of(ticks: u64) -> std::time::Duration {
    let rate = rustix::param::clock_ticks_per_second().max(1);
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let now = std::time::Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    );
    let start = std::time::Duration::from_millis(ticks.saturating_mul(1000) / rate);
    now.saturating_sub(start)
}

/// Whether a process has this user as its real, effective, saved or file user.
pub fn has_user(pid: Pid, uid: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/{}/status", pid.0));
    text.is_ok_and(|text| names_user(&text, uid))
}

/// Whether the text of a `/proc/PID/status` has this user as one of its four.
pub(crate) fn names_user(text: &str, uid: u32) -> bool {
    let line = text.lines().find_map(|line| line.strip_prefix("Uid:"));
    line.is_some_and(|line| {
        line.split_ascii_whitespace()
            .any(|word| word.parse() == Ok(uid))
    })
}

/// Which end of a pipe is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// To read what the process writes.
    Reading,
    /// To write what the process reads.
    Writing,
}

/// Opens a pipe that a process has open, known by its number. `usual` is the descriptor where it should be; if it is
/// not there, the others are looked at. Does not block. Whoever holds the process by a descriptor knows that it was that
/// one; the number of the pipe says the same of the pipe.
pub fn open_pipe_of(pid: Pid, usual: i32, number: u64, end: End) -> Option<OwnedFd> {
    let directory = format!("/proc/{}/fd", pid.0);
    let usual = format!("{directory}/{usual}");
    if let Some(found) = open_pipe(&usual, number, end) {
        return Some(found);
    }
    let entries = fs::read_dir(directory).ok()?.flatten();
    entries
        .take(DESCRIPTORS_MAX)
        .find_map(|entry| open_pipe(entry.path().to_str()?, number, end))
}

fn open_pipe(path: &str, number: u64, end: End) -> Option<OwnedFd> {
    let is_it = |found: &rustix::fs::Stat| {
        found.st_ino == number && FileType::from_raw_mode(found.st_mode) == FileType::Fifo
    };
    // Looked at before it is opened: opening may mean something to what else is there.
    if !stat(path).is_ok_and(|found| is_it(&found)) {
        return None;
    }
    let way = match end {
        End::Reading => OFlags::RDONLY,
        End::Writing => OFlags::WRONLY,
    };
    let flags = way | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let fd = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    fstat(&fd).is_ok_and(|found| is_it(&found)).then_some(fd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_takes_what_it_takes() {
        let text = "7 (a) b) S 1 7 7 0 -1 0 1 0 0 0 250 50 0 0 20 0 3 0 4242 1000 25 0 0";
        let usage = parse_usage(text.as_bytes()).unwrap();
        let rate = rustix::param::clock_ticks_per_second();
        assert_eq!(usage.cpu.as_millis(), u128::from(300 * 1000 / rate));
        let page = u64::try_from(rustix::param::page_size()).unwrap();
        assert_eq!(usage.rss_bytes, 25 * page);
        let us = Pid(i32::try_from(std::process::id()).unwrap());
        assert!(usage_of(us).unwrap().rss_bytes > 100_000);
        assert!(own_descriptors() >= 3);
    }

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_confuse() {
        let fields: Vec<String> = (4..=52).map(|number| number.to_string()).collect();
        let text = format!("12 (a) b) R {}", fields.join(" "));
        let stat = Stat {
            state: 'R',
            parent: Pid(4),
            started: 22,
            exit_code: 52,
        };
        assert_eq!(parse_stat(text.as_bytes()), Some(stat));
        for broken in ["", "1 (a", "1 (a) ", "1 (a) R 1 2 3"] {
            assert_eq!(parse_stat(broken.as_bytes()), None, "{broken}");
        }
    }
}
