//! AUTO logs: the name of a new one, and the removal of those that an earlier life left.

use provost_model::Channel;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};

/// Characters of the random part of a name.
const ALPHABET: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz0123456789_";

/// Length of the random part of a name.
const RANDOM_LEN: usize = 8;

/// A new name `⟨process⟩-⟨channel⟩---⟨identifier⟩-⟨8 of a-z 0-9 _⟩.log` in `dir`.
pub fn auto_log_path(dir: &Path, process: &str, channel: Channel, identifier: &str) -> PathBuf {
    // Each RandomState is seeded by the system's generator.
    let mut random = RandomState::new().build_hasher().finish();
    let mut tail = String::with_capacity(RANDOM_LEN);
    for _ in 0..RANDOM_LEN {
        let index = usize::try_from(random % 37).unwrap_or_default();
        tail.push(ALPHABET.get(index).copied().map_or('_', char::from));
        random /= 37;
    }
    let safe = |name: &str| name.replace('/', "_");
    dir.join(format!(
        "{}-{channel}---{}-{tail}.log",
        safe(process),
        safe(identifier)
    ))
}
