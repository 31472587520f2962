//! The two clocks.

use provost_model::{Mono, Now, Wall};
use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;

/// Both clocks, read one after the other.
pub fn now() -> Now {
    Now {
        mono: mono(),
        wall: wall(),
    }
}

/// The clock that only goes forward. It is the one [`Reactor::wait`](crate::reactor::Reactor::wait) counts by,
/// and stands still while the machine sleeps.
pub fn mono() -> Mono {
    let time = clock_gettime(ClockId::Monotonic);
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    Mono(
        secs.saturating_mul(NANOS)
            .saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0)),
    )
}

/// The clock on the wall.
pub fn wall() -> Wall {
    let time = clock_gettime(ClockId::Realtime);
    Wall {
        secs: time.tv_sec,
        nanos: u32::try_from(time.tv_nsec).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_go_forward_and_stand_near_those_of_the_standard_library() {
        let first = now();
        let second = now();
        assert!(second.mono >= first.mono);
        let std = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        assert!(
            std.as_secs()
                .abs_diff(u64::try_from(first.wall.secs).unwrap())
                <= 1
        );
        assert!(first.wall.nanos < 1_000_000_000);
    }
}
