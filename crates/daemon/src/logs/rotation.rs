//! Moving log files: rotation and replacement, arranged so that a failure leaves the old file in use.

use provost_capture::rotate::{self, Name, Rotation, Shelf, backup_number};
use provost_os::spot::{Paths, Refusal, Spot};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Permission bits of a file's mode.
const PERMISSIONS: u32 = 0o7777;

/// There is no such file.
const ENOENT: i32 = 2;

/// The name is taken.
const EEXIST: i32 = 17;

/// Rotates the log at `path`, whose open file is `current`, and gives the file to write to from now on; none if it is the
/// same.
pub(super) fn rotate(
    rotation: Rotation,
    path: &Path,
    paths: Paths,
    current: &File,
) -> Result<Option<File>, Refusal> {
    let mut place = Place::new(Spot::find(path, paths)?, current);
    rotation.rotate(&mut place)?;
    Ok(place.fresh)
}

/// Puts an empty file, with the permissions of `current`, in the place of the log at `path`.
pub(super) fn replace(path: &Path, paths: Paths, current: &File) -> Result<File, Refusal> {
    replace_at(Spot::find(path, paths)?, current)
}

/// The same for a log that nobody has open.
pub(super) fn replace_closed(path: &Path, paths: Paths) -> Result<(), Refusal> {
    let spot = Spot::find(path, paths)?;
    let current = spot.open_existing()?;
    replace_at(spot, &current).map(drop)
}

fn replace_at(spot: Spot, current: &File) -> Result<File, Refusal> {
    let mut place = Place::new(spot, current);
    rotate::replace(&mut place)?;
    place
        .fresh
        .ok_or_else(|| std::io::Error::from_raw_os_error(ENOENT).into())
}

/// The directory of a log whose open file is `current`.
struct Place<'a> {
    spot: Spot,
    current: &'a File,
    hidden: OsString,
    fresh: Option<File>,
}

impl<'a> Place<'a> {
    fn new(spot: Spot, current: &'a File) -> Self {
        let mut hidden = OsString::from(".");
        hidden.push(spot.name());
        hidden.push(".rotating");
        Self {
            spot,
            current,
            hidden,
            fresh: None,
        }
    }

    fn name(&self, name: Name) -> Cow<'_, OsStr> {
        match name {
            Name::Log => Cow::Borrowed(self.spot.name()),
            Name::Backup(number) => Cow::Owned(backup_name(&self.spot, number)),
            Name::Successor => Cow::Borrowed(&self.hidden),
        }
    }
}

impl Shelf for Place<'_> {
    type Error = Refusal;

    fn numbers(&mut self) -> Vec<u64> {
        backups_present(&self.spot)
    }

    fn empty(&mut self) -> Result<(), Refusal> {
        self.current.set_len(0).map_err(Refusal::from)
    }

    fn make_successor(&mut self) -> Result<(), Refusal> {
        self.fresh = Some(make_successor(&self.spot, &self.hidden, self.current)?);
        Ok(())
    }

    fn rename(&mut self, from: Name, to: Name) -> Result<(), Refusal> {
        self.spot.rename(&self.name(from), &self.name(to))
    }

    fn is_absence(error: &Refusal) -> bool {
        error.is_absence()
    }

    fn remove_successor(&mut self) {
        let _ = self.spot.remove(&self.hidden);
    }
}

/// A new empty file beside the log, with the log's permissions: a private log stays private over the generations.
fn make_successor(spot: &Spot, hidden: &OsStr, current: &File) -> Result<File, Refusal> {
    let mode = current.metadata()?.permissions().mode() & PERMISSIONS;
    let create = || spot.create_beside(hidden, mode);
    let fresh = create().or_else(|refusal| {
        if refusal.errno.0 != EEXIST {
            return Err(refusal);
        }
        // An earlier life was cut off between making and renaming it.
        spot.remove(hidden)?;
        create()
    })?;
    if fresh.metadata()?.permissions().mode() & PERMISSIONS != mode {
        fresh.set_permissions(Permissions::from_mode(mode))?;
    }
    Ok(fresh)
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
