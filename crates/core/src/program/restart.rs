//! When a process that ended is started again, and after how long.

use provost_model::spawn::SpawnProblem;
use provost_model::spec::AutoRestart;
use provost_model::{Errno, Mono, ProcessSpec};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Shortest time between two starts of one process that ends as soon as it runs, in milliseconds.
///
/// Upstream restarts `startsecs=0` programs without delay; without a floor such a program takes a whole processor.
pub(crate) const RESPAWN_FLOOR_MS: u64 = 10;

/// Starts a second that one process gets without anybody's asking when it ends again and again.
pub(crate) const RESPAWNS_A_SECOND: u64 = 20;

/// The time over which they are averaged: so long, a process may start faster.
const RESPAWN_SPAN: Duration = Duration::from_secs(10);

/// What one start takes of that time.
const RESPAWN_SHARE: Duration = Duration::from_millis(1_000 / RESPAWNS_A_SECOND);

/// Longest wait between two attempts while the system is short of something.
pub(crate) const SHORTAGE_DELAY_MAX: Duration = Duration::from_secs(30);

/// `ENOMEM`: the system is short of memory.
const OUT_OF_MEMORY: Errno = Errno(12);
/// `ENFILE`: the whole system is out of descriptors.
const OUT_OF_SYSTEM_FILES: Errno = Errno(23);
/// `EMFILE`: we are out of descriptors.
const OUT_OF_FILES: Errno = Errno(24);

/// Whether a spawn failed because the system is short of something, and not because of the program.
///
/// Such failures do not use up `startretries`: the program is not to blame, and it must come up by itself when the
/// shortage is over.
pub(crate) fn is_shortage(problem: &SpawnProblem) -> bool {
    match problem {
        SpawnProblem::TooManyFiles
        | SpawnProblem::TooManyProcesses
        | SpawnProblem::Record { .. } => true,
        SpawnProblem::Dispatchers { errno }
        | SpawnProblem::Log { errno, .. }
        | SpawnProblem::Fork { errno } => *errno == OUT_OF_MEMORY || *errno == OUT_OF_SYSTEM_FILES,
        SpawnProblem::Socket(problem) => matches!(
            problem.errno,
            Some(OUT_OF_MEMORY | OUT_OF_SYSTEM_FILES | OUT_OF_FILES)
        ),
        SpawnProblem::BadCommand { .. }
        | SpawnProblem::EmptyCommand
        | SpawnProblem::NotFound { .. }
        | SpawnProblem::IsDirectory { .. }
        | SpawnProblem::NotExecutable { .. }
        | SpawnProblem::NoPermission { .. } => false,
    }
}

/// Wait before the attempt after `tries` early ends: as many seconds (upstream).
pub(crate) fn backoff_delay(tries: u32) -> Duration {
    Duration::from_secs(u64::from(tries.max(1)))
}

/// Wait after the `shortages`-th shortage in a row: 1, 2, 4 … seconds, at most `SHORTAGE_DELAY_MAX`.
pub(crate) fn shortage_delay(shortages: u32) -> Duration {
    let doublings = shortages.saturating_sub(1).min(5);
    Duration::from_secs(1 << doublings).min(SHORTAGE_DELAY_MAX)
}

/// Whether `tries` early ends are more than `startretries` allows.
pub(crate) fn is_spent(spec: &ProcessSpec, tries: u32) -> bool {
    i64::from(tries) > spec.startretries
}

/// Whether an exit with this code is followed by a start.
pub(crate) fn wants_restart(spec: &ProcessSpec, code: i32) -> bool {
    match spec.autorestart {
        AutoRestart::Never => false,
        AutoRestart::Always => true,
        AutoRestart::Unexpected => !spec.exitcodes.contains(&code),
    }
}

/// A configured number of seconds as a span; what is not positive counts as none.
pub(crate) fn seconds(configured: i64) -> Duration {
    Duration::from_secs(u64::try_from(configured).unwrap_or(0))
}

/// When a process last started at `started` may start again by itself.
pub(crate) fn respawn_at(started: Mono) -> Mono {
    started.plus(Duration::from_millis(RESPAWN_FLOOR_MS))
}

/// How much of its starts a process has used up that ends again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Respawns {
    /// When all starts so far would be over if they had been evenly spread.
    spread_until: Mono,
    /// The operator knows that they are spread.
    told: bool,
}

impl Respawns {
    /// Takes a start that is wanted `at` this time. Answers when it may be, and whether that is new to the operator.
    pub(crate) fn take(&mut self, at: Mono) -> (Mono, bool) {
        let ahead = self.spread_until.since(at);
        let late = ahead.saturating_sub(RESPAWN_SPAN.saturating_sub(RESPAWN_SHARE));
        let at = at.plus(late);
        self.spread_until = self.spread_until.max(at).plus(RESPAWN_SHARE);
        let is_new = !late.is_zero() && !std::mem::replace(&mut self.told, true);
        (at, is_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_by_a_second_and_shortages_double_to_thirty() {
        let plain: Vec<u64> = (1..5).map(|tries| backoff_delay(tries).as_secs()).collect();
        assert_eq!(plain, [1, 2, 3, 4]);
        let short: Vec<u64> = (1..9).map(|n| shortage_delay(n).as_secs()).collect();
        assert_eq!(short, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn f43_starts_are_spread_once_ten_seconds_of_them_are_used_up() {
        let mut respawns = Respawns::default();
        let mut now = Mono(5_000_000_000);
        let begun = now;
        let mut times = Vec::new();
        let mut told = Vec::new();
        for number in 0..600 {
            let (at, is_new) = respawns.take(now.plus(Duration::from_millis(10)));
            if is_new {
                told.push(number);
            }
            times.push(at.since(begun));
            now = at;
        }
        // 200 are free, and while they are used up 50 more come in.
        assert_eq!(times[199], Duration::from_secs(2));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!((230..=250).contains(&told[0]), "{told:?}");
        let pauses = times[300..].windows(2);
        assert!(
            pauses
                .into_iter()
                .all(|two| two[1] == two[0].saturating_add(RESPAWN_SHARE))
        );
        // One that then runs for a while gets its starts back.
        let later = now.plus(Duration::from_mins(1));
        assert_eq!(respawns.take(later), (later, false));
    }

    #[test]
    fn only_shortages_spare_the_retries() {
        assert!(is_shortage(&SpawnProblem::TooManyFiles));
        assert!(is_shortage(&SpawnProblem::TooManyProcesses));
        assert!(is_shortage(&SpawnProblem::Fork { errno: Errno(12) }));
        assert!(is_shortage(&SpawnProblem::Dispatchers { errno: Errno(23) }));
        assert!(!is_shortage(&SpawnProblem::Dispatchers { errno: Errno(2) }));
        let path = "/run/supervisord.pid.runs".to_owned();
        let errno = Errno(28);
        assert!(is_shortage(&SpawnProblem::Record { path, errno }));
        assert!(!is_shortage(&SpawnProblem::EmptyCommand));
    }
}
