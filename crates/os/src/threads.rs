//! Threads of this process that hang in the kernel.

use crate::proc::parse_stat;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// How long after one look the next one is.
const LOOK: Duration = Duration::from_millis(10);

/// The name of one that waits for a disk, and did so at each look within `patience`; none as soon as no thread does.
///
/// Until it goes on, another program cannot take our place: the system waits for each thread.
pub fn hung(patience: Duration) -> Option<String> {
    let until = Instant::now() + patience;
    let mut hung = waiting();
    while !hung.is_empty() && Instant::now() < until {
        std::thread::sleep(LOOK);
        let now = waiting();
        hung.retain(|number, _| now.contains_key(number));
    }
    hung.into_values().next()
}

/// Threads that wait in a way that nothing can break off: numbers and names.
fn waiting() -> BTreeMap<String, String> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    let waiting = tasks.flatten().filter_map(|task| {
        let stat = fs::read(task.path().join("stat")).ok()?;
        let is_waiting = parse_stat(&stat)?.state == 'D';
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let number = task.file_name().to_string_lossy().into_owned();
        is_waiting.then(|| (number, name.trim_end().to_owned()))
    });
    waiting.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_sleeps_or_works_does_not_hang() {
        let sleeper = std::thread::spawn(|| std::thread::park_timeout(Duration::from_mins(1)));
        assert_eq!(hung(Duration::from_mins(1)), None);
        sleeper.thread().unpark();
        sleeper.join().unwrap();
    }
}
