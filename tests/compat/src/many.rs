//! Running many independent cases, a few at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many cases run at once. Most of a case is waiting for upstream, which looks around once a second.
const WORKERS: usize = 4;

/// Runs `check` for every case and collects what it complains about.
///
/// # Panics
/// When any case failed, with all complaints in the order of the cases.
pub fn check_all<T: Sync>(cases: &[T], check: impl Fn(&T) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let complaints = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { break };
                    let verdict = catch_unwind(AssertUnwindSafe(|| check(case)))
                        .unwrap_or_else(|_| Err("the check itself failed, see above".to_owned()));
                    if let Err(complaint) = verdict {
                        complaints
                            .lock()
                            .expect("no check holds it")
                            .push((index, complaint));
                    }
                }
            });
        }
    });
    let mut complaints = complaints.into_inner().expect("no check holds it");
    complaints.sort();
    let texts: Vec<&str> = complaints.iter().map(|(_, text)| text.as_str()).collect();
    assert!(
        texts.is_empty(),
        "{} of {} cases failed:\n\n{}",
        texts.len(),
        cases.len(),
        texts.join("\n\n")
    );
}
