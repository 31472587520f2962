//! Whether the kernel killed a child because memory ran out.
//!
//! The kernel counts such kills for each control group. Ours is looked at: programs are in it, or below it, unless
//! somebody moved them elsewhere, and then nothing is said.

use provost_model::spec::namespec;
use std::fs;
use std::path::{Path, PathBuf};

/// Where control groups are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// What is said of a process that the kernel killed.
pub(crate) const KILLED: &str = "killed by the kernel: out of memory";

/// The count of our control group.
#[derive(Debug, Default)]
pub(crate) struct Kills {
    file: Option<PathBuf>,
    seen: u64,
    /// Kills that were counted and whose victims have not been reaped.
    open: u64,
}

impl Kills {
    /// Counts from now on.
    pub(crate) fn from_now() -> Self {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let file = candidates(&groups)
            .into_iter()
            .find(|file| count(file).is_some());
        let seen = file.as_deref().and_then(count).unwrap_or(0);
        Self {
            file,
            seen,
            open: 0,
        }
    }

    /// Whether a child that SIGKILL has just ended, and not by us, is a victim of the kernel.
    pub(crate) fn explain(&mut self) -> bool {
        let Some(now) = self.file.as_deref().and_then(count) else {
            return false;
        };
        self.open = self.open.saturating_add(now.saturating_sub(self.seen));
        self.seen = now;
        let explained = self.open > 0;
        self.open = self.open.saturating_sub(1);
        explained
    }
}

/// Files that may hold the count, from the text of a `/proc/PID/cgroup`.
pub(crate) fn candidates(groups: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let path = path.trim_start_matches('/');
        if controllers.split(',').any(|name| name == "memory") {
            found.push(
                Path::new(ROOT)
                    .join("memory")
                    .join(path)
                    .join("memory.oom_control"),
            );
        } else if controllers.is_empty() {
            found.push(Path::new(ROOT).join(path).join("memory.events"));
        }
    }
    found
}

fn count(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?;
    line.trim().parse().ok()
}

/// The line of the log.
pub(crate) fn line(group: &str, name: &str) -> String {
    format!("{} was {KILLED}", namespec(group, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_control_groups_are_known() {
        let file = |text: &str| -> Vec<String> {
            candidates(text)
                .iter()
                .map(|path| path.display().to_string())
                .collect()
        };
        assert_eq!(file("0::/a/b\n"), ["/sys/fs/cgroup/a/b/memory.events"]);
        assert_eq!(
            file("9:name=systemd:/\n4:memory,x:/a:b\n0::/\n"),
            [
                "/sys/fs/cgroup/memory/a:b/memory.oom_control",
                "/sys/fs/cgroup/memory.events"
            ]
        );
        assert_eq!(file("broken\n"), [""; 0]);
    }

    #[test]
    fn each_kill_explains_one_exit() {
        let file = std::env::temp_dir().join(format!("provost-oom-{}", std::process::id()));
        let write = |number: u32| fs::write(&file, format!("oom 9\noom_kill {number}\n")).unwrap();
        write(3);
        let mut kills = Kills {
            file: Some(file.clone()),
            seen: 3,
            open: 0,
        };
        assert!(!kills.explain());
        write(5);
        assert!(kills.explain() && kills.explain() && !kills.explain());
        fs::remove_file(&file).unwrap();
    }
}
