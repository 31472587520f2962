//! What the kernel knows of processes: time, memory, switches, system calls.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::tools::Tools;

/// What processes have used since they began.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Usage {
    /// CPU time in seconds, of threads that have ended, too.
    pub(crate) cpu: f64,
    /// How often a thread went to sleep; each is followed by a wake-up.
    pub(crate) waits: f64,
    /// How often the kernel took the processor away.
    pub(crate) evictions: f64,
}

impl Usage {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu - before.cpu,
            waits: self.waits - before.waits,
            evictions: self.evictions - before.evictions,
        }
    }
}

/// The sum over these processes.
pub(crate) fn usage(tools: &Tools, pids: &[u32]) -> Result<Usage, String> {
    let mut usage = Usage {
        cpu: cpu(tools, pids)?,
        ..Usage::default()
    };
    for &pid in pids {
        for thread in names(Path::new(&format!("/proc/{pid}/task"))) {
            let status =
                fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).unwrap_or_default();
            usage.waits += field(&status, "voluntary_ctxt_switches:");
            usage.evictions += field(&status, "nonvoluntary_ctxt_switches:");
        }
    }
    Ok(usage)
}

/// CPU seconds of processes. The child program reads their clocks, which needs a system call that no safe library offers.
fn cpu(tools: &Tools, pids: &[u32]) -> Result<f64, String> {
    let words = pids.iter().map(u32::to_string);
    let output = Command::new(&tools.child)
        .arg("cpu")
        .args(words)
        .output()
        .map_err(|error| format!("cannot read clocks: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .filter_map(|line| line.parse::<f64>().ok())
        .sum::<f64>()
        / 1e9)
}

/// The sum of their proportional set sizes, in kB.
pub(crate) fn memory(pids: &[u32]) -> Result<f64, String> {
    let mut sum = 0.0;
    for pid in pids {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text =
            fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
        sum += field(&text, "Pss:");
    }
    Ok(sum)
}

fn field(text: &str, name: &str) -> f64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0.0)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// A process and what descends from it, the process first.
pub(crate) fn family(of: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for name in names(Path::new("/proc")) {
        let Ok(pid) = name.parse::<u32>() else {
            continue;
        };
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name before it may hold anything.
        let parent = status
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![of];
    let mut at = 0;
    while let Some(&pid) = found.get(at) {
        found.extend(children.remove(&pid).unwrap_or_default());
        at += 1;
    }
    found
}

/// Those of a family that are no programs under supervision, and those that are.
pub(crate) fn divided(tools: &Tools, of: u32) -> (Vec<u32>, Vec<u32>) {
    family(of).into_iter().partition(|pid| {
        fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|file| file != tools.child)
    })
}

/// Counts the system calls of processes from now on.
pub(crate) struct SystemCalls(Child);

impl SystemCalls {
    /// Nothing where `perf` or its right is missing.
    pub(crate) fn count(pids: &[u32]) -> Option<Self> {
        let list: Vec<String> = pids.iter().map(u32::to_string).collect();
        let child = Command::new("perf")
            .args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p"])
            .arg(list.join(","))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        // It tells nobody when it has begun; with a thousand processes that takes longest.
        std::thread::sleep(std::time::Duration::from_millis(300 + pids.len() as u64));
        Some(Self(child))
    }

    /// How many there were.
    pub(crate) fn finish(self) -> Option<f64> {
        let pid = rustix::process::Pid::from_raw(self.0.id().cast_signed())?;
        rustix::process::kill_process(pid, rustix::process::Signal::INT).ok()?;
        let output = self.0.wait_with_output().ok()?;
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text
            .lines()
            .find(|line| line.contains("raw_syscalls:sys_enter"))?;
        let number = line.split(',').next()?;
        // It has no number for none at all.
        if number.contains("not counted") {
            return Some(0.0);
        }
        number.parse().ok()
    }
}
