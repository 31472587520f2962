//! Moving log files: rotation and replacement, arranged so that a failure leaves the old file in use.

use provost_capture::rotate::{Plan, backup_number, plan};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Permission bits of a file's mode.
const PERMISSIONS: u32 = 0o7777;

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
    pub(super) fn rotate(self, path: &Path, current: &File) -> io::Result<Option<File>> {
        let Plan::Shift(numbers) = plan(self.backups, || backups_present(path)) else {
            current.set_len(0)?;
            return Ok(None);
        };
        let (fresh, fresh_path) = make_successor(path, current)?;
        let moved = shift(path, &numbers).and_then(|()| fs::rename(&fresh_path, path));
        if let Err(error) = moved {
            // It is empty and nobody knows it. If it cannot be removed now, the next rotation does.
            let _ = fs::remove_file(&fresh_path);
            return Err(error);
        }
        Ok(Some(fresh))
    }
}

/// Puts an empty file, with the permissions of `current`, in the place of the log at `path`.
pub(super) fn replace(path: &Path, current: &File) -> io::Result<File> {
    let (fresh, fresh_path) = make_successor(path, current)?;
    fs::rename(&fresh_path, path).inspect_err(|_| {
        let _ = fs::remove_file(&fresh_path);
    })?;
    Ok(fresh)
}

/// A new empty file beside the log, with the log's permissions: a private log stays private over the generations.
fn make_successor(path: &Path, current: &File) -> io::Result<(File, PathBuf)> {
    let mode = current.metadata()?.permissions().mode() & PERMISSIONS;
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(".rotating");
    let fresh_path = path.with_file_name(hidden);
    let create = || {
        OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(mode)
            .open(&fresh_path)
    };
    let fresh = create().or_else(|error| {
        if error.kind() != ErrorKind::AlreadyExists {
            return Err(error);
        }
        // An earlier life was cut off between making and renaming it.
        fs::remove_file(&fresh_path)?;
        create()
    })?;
    if fresh.metadata()?.permissions().mode() & PERMISSIONS != mode {
        fresh.set_permissions(Permissions::from_mode(mode))?;
    }
    Ok((fresh, fresh_path))
}

fn shift(path: &Path, numbers: &[u64]) -> io::Result<()> {
    for &number in numbers {
        rename_if_there(
            &backup_path(path, number),
            &backup_path(path, number.saturating_add(1)),
        )?;
    }
    rename_if_there(path, &backup_path(path, 1))
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// `⟨path⟩.⟨number⟩`.
fn backup_path(path: &Path, number: u64) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// Numbers of the backups beside the log; none when the directory cannot be read, as then they cannot be moved either.
fn backups_present(path: &Path) -> Vec<u64> {
    let (Some(name), Some(dir)) = (path.file_name(), path.parent()) else {
        return Vec::new();
    };
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| backup_number(name.as_bytes(), entry.ok()?.file_name().as_bytes()))
        .collect()
}
