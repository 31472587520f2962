//! What the kernel says about processes, and signals to the ones that a test started.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::Duration;

use crate::wait::{PATIENCE, wait_until};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Sends a signal to one process. A process that is gone is no error.
pub fn send_signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid)
        .ok()
        .filter(|pid| *pid > 1)
        .and_then(Pid::from_raw)
    {
        kill_process(pid, signal).ok();
    }
}

/// Whether a process exists (a zombie does not count).
pub fn is_alive(pid: u32) -> bool {
    let Some(target) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return false;
    };
    test_kill_process(target).is_ok() && state(pid) != Some('Z')
}

/// The one-letter state of a process.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// The direct children of a process, of all of its threads.
pub fn children(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for thread in threads(pid) {
        let path = format!("/proc/{pid}/task/{thread}/children");
        let text = fs::read_to_string(path).unwrap_or_default();
        found.extend(
            text.split_whitespace()
                .filter_map(|word| word.parse::<u32>().ok()),
        );
    }
    found
}

/// Children, their children, and so on.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = children(pid);
    let mut next = 0;
    while let Some(child) = found.get(next).copied() {
        found.extend(children(child));
        next += 1;
    }
    found
}

/// The thread ids of a process.
pub fn threads(pid: u32) -> Vec<u32> {
    entries(&format!("/proc/{pid}/task"))
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect()
}

/// How many file descriptors a process has open.
pub fn descriptors(pid: u32) -> usize {
    entries(&format!("/proc/{pid}/fd")).len()
}

fn entries(directory: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// How often the threads of a process have gone to sleep by themselves, which is how often they were woken, by
/// thread id.
pub fn sleeps(pid: u32) -> BTreeMap<u32, u64> {
    threads(pid)
        .into_iter()
        .filter_map(|thread| {
            let path = format!("/proc/{pid}/task/{thread}/status");
            let text = fs::read_to_string(path).ok()?;
            let count = text
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            Some((thread, count.trim().parse().ok()?))
        })
        .collect()
}

/// Whether the first thread of a process sleeps until something happens.
pub fn is_asleep(pid: u32) -> bool {
    state(pid) == Some('S')
}

/// Waits until what was begun is finished: one second without a wake.
pub fn wait_quiet(pid: u32) {
    wait_until(PATIENCE, "a second in which no thread wakes", || {
        let before = sleeps(pid);
        thread::sleep(Duration::from_secs(1));
        before == sleeps(pid)
    });
}

/// Whether a thread sleeps and only an event can wake it: it has no timer for anything.
pub fn sleeps_without_timer(pid: u32, name: &str) -> bool {
    /// What stands for no limit where the time is in milliseconds.
    const NEVER: u64 = 0xffff_ffff;
    threads(pid).into_iter().any(|thread| {
        let about = |file: &str| {
            fs::read_to_string(format!("/proc/{pid}/task/{thread}/{file}")).unwrap_or_default()
        };
        // The number of the call it is in, and its arguments; of those that wait for events the fourth is the time.
        let call = about("syscall");
        let time = call.split(' ').nth(4);
        let time = time.and_then(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok());
        about("comm").trim_end() == name && time.is_some_and(|time| time & NEVER == NEVER)
    })
}

/// The memory of a process that is its own, in bytes: not that of its program's file, which comes and goes.
pub fn own_bytes(pid: u32) -> u64 {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(path).unwrap_or_default();
    let kibibytes: Option<u64> = text.lines().find_map(|line| {
        let rest = line.strip_prefix("Pss_Anon:")?;
        rest.trim().strip_suffix(" kB")?.parse().ok()
    });
    kibibytes.unwrap_or(0) * 1024
}

/// Ends a process and all of its descendants at once.
///
/// The process is halted first, so that nothing it would start in the meantime is missed.
pub fn kill_tree(pid: u32) {
    send_signal(pid, Signal::STOP);
    let all = descendants(pid);
    send_signal(pid, Signal::KILL);
    for one in all {
        send_signal(one, Signal::KILL);
    }
}
