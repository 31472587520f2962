//! What children say about themselves: when they started and ended, on the clock that the harness reads, too.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// No step takes longer on a machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_mins(4);

/// How often a condition is looked at. A look costs little beside it.
const LOOK: Duration = Duration::from_micros(500);

const RECORD: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    /// `CLOCK_MONOTONIC` in nanoseconds.
    pub(crate) at: u64,
    pub(crate) pid: u32,
    /// A start, or else an end.
    pub(crate) start: bool,
}

/// Now, on the clock of the stamps.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let (secs, nanos) = (time.tv_sec.cast_unsigned(), time.tv_nsec.cast_unsigned());
    secs * 1_000_000_000 + nanos
}

/// All that have been written so far, in the order of their writing.
pub(crate) fn read(file: &Path) -> Vec<Stamp> {
    parse(&fs::read(file).unwrap_or_default())
}

fn parse(bytes: &[u8]) -> Vec<Stamp> {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0_u64, |value, &byte| value << 8 | u64::from(byte))
    };
    bytes
        .chunks_exact(RECORD)
        .map(|record| Stamp {
            at: number(&record[..8]),
            pid: u32::try_from(number(&record[8..12])).unwrap_or(0),
            start: record[12] == b'S',
        })
        .collect()
}

/// Waits until the file has so many stamps, and returns them.
pub(crate) fn wait_for(file: &Path, count: usize) -> Result<Vec<Stamp>, String> {
    let enough = (count * RECORD) as u64;
    let there = || fs::metadata(file).map_or(0, |status| status.len());
    wait_until(
        || there() >= enough,
        || format!("only {} of {count} stamps came", there() / RECORD as u64),
    )?;
    Ok(read(file))
}

/// Waits until a condition holds; the other closure says what is missing.
pub(crate) fn wait_until(
    mut holds: impl FnMut() -> bool,
    missing: impl FnOnce() -> String,
) -> Result<(), String> {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > PATIENCE {
            return Err(missing());
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Milliseconds between two times of this clock.
#[expect(
    clippy::cast_precision_loss,
    reason = "differences of some minutes at most"
)]
pub(crate) fn millis(from: u64, to: u64) -> f64 {
    to.saturating_sub(from) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_read_as_the_child_writes_them() {
        let mut bytes = Vec::new();
        bytes.extend(0x0123_4567_89ab_u64.to_le_bytes());
        bytes.extend(70_000_u32.to_le_bytes());
        bytes.extend(u32::from(b'E').to_le_bytes());
        bytes.push(1);
        let expected = Stamp {
            at: 0x0123_4567_89ab,
            pid: 70_000,
            start: false,
        };
        assert_eq!(parse(&bytes), vec![expected]);
    }
}
