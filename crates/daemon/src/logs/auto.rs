//! AUTO logs: the name of a new one, and the removal of those that an earlier life left.

use super::main_log::MainLog;
use provost_model::quote;
use provost_model::{Channel, Level};
use provost_os::spot::{Paths, Refusal, Spot};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::os::unix::ffi::OsStrExt;
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
    dir.join(format!(
        "{}-{channel}---{}-{tail}.log",
        safe(process),
        safe(identifier)
    ))
}

/// A name as a part of a file name.
fn safe(name: &str) -> String {
    name.replace('/', "_")
}

/// Mode of a new AUTO log.
const MODE: u32 = 0o600;

/// Makes an empty log that only its user can read and write.
pub(super) fn create(path: &Path, paths: Paths) -> Result<(), Refusal> {
    let spot = Spot::find(path, paths)?;
    spot.create_beside(spot.name(), MODE).map(drop)
}

/// Removes the AUTO logs and their backups that an earlier life with this identifier left in `dir`.
///
/// Only regular files of our own user whose whole name has the form of an AUTO log are touched: an identifier that
/// is part of another one's, or that holds characters with a meaning in patterns, removes nothing of others. Those in
/// `kept` stay, with their backups: somebody still writes to them.
pub fn clean_auto_logs(dir: &Path, identifier: &str, kept: &[PathBuf], main: &mut MainLog) {
    // The name is that of any log there.
    let spot = Spot::find(&dir.join("log"), main.sinks.paths());
    let names = spot.and_then(|spot| Ok((spot.names()?, spot)));
    let Ok((names, spot)) = names else {
        main.write(Level::Warn, "Could not clear childlog dir");
        return;
    };
    let identifier = safe(identifier);
    for name in names {
        if !is_auto_log(name.as_bytes(), identifier.as_bytes()) {
            continue;
        }
        let path = dir.join(&name);
        if kept.iter().any(|kept| is_or_backs_up(&path, kept)) {
            continue;
        }
        if !spot.is_own_file(&name) || spot.remove(&name).is_err() {
            main.write(
                Level::Warn,
                &format!(
                    "Failed to clean up {}",
                    quote::repr(&path.to_string_lossy())
                ),
            );
        }
    }
}

/// Whether a file is this log or one of its backups.
fn is_or_backs_up(path: &Path, log: &Path) -> bool {
    let (path, log) = (path.as_os_str().as_bytes(), log.as_os_str().as_bytes());
    path.strip_prefix(log)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
}

/// Whether a file name is `⟨process⟩-⟨channel⟩---⟨identifier⟩-⟨8 random characters⟩.log`, or that with `.⟨number⟩`.
fn is_auto_log(name: &[u8], identifier: &[u8]) -> bool {
    let base = match name.iter().rposition(|&byte| byte == b'.') {
        Some(dot) if is_number(name.get(dot + 1..).unwrap_or_default()) => {
            name.get(..dot).unwrap_or_default()
        }
        _ => name,
    };
    let Some(stem) = base.strip_suffix(b".log") else {
        return false;
    };
    let Some(random_at) = stem.len().checked_sub(RANDOM_LEN) else {
        return false;
    };
    let (front, random) = stem.split_at(random_at);
    let front = front
        .strip_suffix(b"-")
        .and_then(|front| front.strip_suffix(identifier))
        .and_then(|front| front.strip_suffix(b"---"))
        .and_then(|front| {
            front
                .strip_suffix(b"-stdout")
                .or_else(|| front.strip_suffix(b"-stderr"))
        });
    random.iter().all(|byte| ALPHABET.contains(byte))
        && front.is_some_and(|process| !process.is_empty())
}

fn is_number(digits: &[u8]) -> bool {
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}
