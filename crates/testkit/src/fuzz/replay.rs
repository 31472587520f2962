//! The kept corpus of a target, through the same function as under the fuzzer.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest time for one input. In the ordinary test run nothing is optimised, and the machine has other work.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Where the inputs of a target are kept.
fn folder(target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("fuzz/corpus").join(target)
}

/// Runs `check` on each kept input of `target`, in the order of their names. An empty corpus is a failure.
#[expect(clippy::print_stderr, reason = "the input that the check failed at")]
pub fn replay(target: &str, check: fn(&[u8])) {
    let folder = folder(target);
    let listing =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listing
        .map(|entry| entry.expect("the corpus can be listed").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} holds no input", folder.display());
    for path in paths {
        let input = fs::read(&path).expect("an input can be read");
        let begun = Instant::now();
        let held = catch_unwind(AssertUnwindSafe(|| check(&input)));
        if held.is_err() {
            eprintln!("while replaying {}", path.display());
        }
        assert!(held.is_ok(), "{target}: {}", path.display());
        assert!(
            begun.elapsed() < TIME_MAX,
            "{target}: {} takes too long",
            path.display()
        );
    }
}
