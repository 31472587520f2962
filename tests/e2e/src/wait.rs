//! Waiting for conditions. Never a fixed sleep: a condition, what it means, and a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// How long a condition may take before a test fails.
///
/// Far more than any of them needs: on a busy machine a slow answer is no defect, and a passing test never waits for
/// the whole of it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// How often a condition is looked at. Short enough not to slow a test, long enough not to load the machine.
const PAUSE: Duration = Duration::from_millis(15);

/// Waits until `condition` answers something, and returns it.
///
/// # Panics
/// When `deadline` has passed; the message says `what` was waited for.
pub fn wait_for<T>(deadline: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(
            begun.elapsed() < deadline,
            "waited {} s in vain for {what}",
            deadline.as_secs()
        );
        thread::sleep(PAUSE);
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// When `deadline` has passed; the message says `what` was waited for.
pub fn wait_until(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(deadline, what, || condition().then_some(()));
}
