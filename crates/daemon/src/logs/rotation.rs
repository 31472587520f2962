//! Moving log files: rotation and replacement, arranged so that a failure leaves the old file in use.

use provost_capture::rotate::{Plan, backup_number, plan};
use provost_os::spot::{Paths, Refusal, Spot};
use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Permission bits of a file's mode.
const PERMISSIONS: u32 = 0o7777;

/// The name is taken.
const EEXIST: i32 = 17;

/// When a log is rotated and what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rotation {
    /// The length at which the file is rotated; none means never.
    maxbytes: Option<u64>,
    /// Rotated files kept; 0 or less means that the file is emptied.
    backups: i64,
}

impl Rotation {
    /// From the values of the configuration, where a limit of 0 or less means no rotation.
    pub(super) fn new(maxbytes: i64, backups: i64) -> Self {
        Self {
            maxbytes: u64::try_from(maxbytes).ok().filter(|&max| max > 0),
            backups,
        }
    }

    /// No rotation.
    pub(super) const NEVER: Self = Self {
        maxbytes: None,
        backups: 0,
    };

    /// Whether a file of this length is to be rotated.
    pub(super) fn is_due(self, length: u64) -> bool {
        self.maxbytes.is_some_and(|max| length >= max)
    }

    /// Rotates the log at `path`, whose open file is `current`, and gives the file to write to from now on.
    ///
    /// The new file exists before anything is moved: with a full disk or without descriptors nothing changes.
    pub(super) fn rotate(
        self,
        path: &Path,
        paths: Paths,
        current: &File,
    ) -> Result<Option<File>, Refusal> {
        let spot = Spot::find(path, paths)?;
        let Plan::Shift(numbers) = plan(self.backups, || backups_present(&spot)) else {
            current.set_len(0)?;
            return Ok(None);
        };
        let (fresh, hidden) = make_successor(&spot, current)?;
        let moved = shift(&spot, &numbers).and_then(|()| spot.rename(&hidden, spot.name()));
        if let Err(error) = moved {
            // It is empty and nobody knows it. If it cannot be removed now, the next rotation does.
            let _ = spot.remove(&hidden);
            return Err(error);
        }
        Ok(Some(fresh))
    }
}

/// Puts an empty file, with the permissions of `current`, in the place of the log at `path`.
pub(super) fn replace(path: &Path, paths: Paths, current: &File) -> Result<File, Refusal> {
    replace_at(&Spot::find(path, paths)?, current)
}

/// The same for a log that nobody has open.
pub(super) fn replace_closed(path: &Path, paths: Paths) -> Result<(), Refusal> {
    let spot = Spot::find(path, paths)?;
    replace_at(&spot, &spot.open_existing()?).map(drop)
}

fn replace_at(spot: &Spot, current: &File) -> Result<File, Refusal> {
    let (fresh, hidden) = make_successor(spot, current)?;
    spot.rename(&hidden, spot.name()).inspect_err(|_| {
        let _ = spot.remove(&hidden);
    })?;
    Ok(fresh)
}

/// A new empty file beside the log, with the log's permissions: a private log stays private over the generations.
fn make_successor(spot: &Spot, current: &File) -> Result<(File, OsString), Refusal> {
    let mode = current.metadata()?.permissions().mode() & PERMISSIONS;
    let mut hidden = OsString::from(".");
    hidden.push(spot.name());
    hidden.push(".rotating");
    let create = || spot.create_beside(&hidden, mode);
    let fresh = create().or_else(|refusal| {
        if refusal.errno.0 != EEXIST {
            return Err(refusal);
        }
        // An earlier life was cut off between making and renaming it.
        spot.remove(&hidden)?;
        create()
    })?;
    if fresh.metadata()?.permissions().mode() & PERMISSIONS != mode {
        fresh.set_permissions(Permissions::from_mode(mode))?;
    }
    Ok((fresh, hidden))
}

fn shift(spot: &Spot, numbers: &[u64]) -> Result<(), Refusal> {
    for &number in numbers {
        rename_if_there(
            spot,
            &backup_name(spot, number),
            &backup_name(spot, number.saturating_add(1)),
        )?;
    }
    rename_if_there(spot, spot.name(), &backup_name(spot, 1))
}

fn rename_if_there(spot: &Spot, from: &OsStr, to: &OsStr) -> Result<(), Refusal> {
    match spot.rename(from, to) {
        Err(refusal) if refusal.is_absence() => Ok(()),
        other => other,
    }
}

/// `⟨name⟩.⟨number⟩`.
fn backup_name(spot: &Spot, number: u64) -> OsString {
    let mut name = spot.name().to_owned();
    name.push(format!(".{number}"));
    name
}

/// Numbers of the backups beside the log; none when the directory cannot be read, as then they cannot be moved either.
fn backups_present(spot: &Spot) -> Vec<u64> {
    let names = spot.names().unwrap_or_default();
    names
        .iter()
        .filter_map(|name| backup_number(spot.name().as_bytes(), name.as_bytes()))
        .collect()
}
