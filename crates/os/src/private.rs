//! Small files of ours that we believe: nobody else can have written them, and no link leads elsewhere.

use crate::users;
use rustix::fs::{FileType, Mode, OFlags, fstat};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Why a file is not believed.
#[derive(Debug, thiserror::Error)]
pub enum PrivateProblem {
    /// It is a link, a device, a directory, or has several names.
    #[error("it is not a regular file with a single name")]
    Shape,
    /// It belongs to somebody else.
    #[error("it belongs to uid {0}")]
    Owner(u32),
    /// Others may write or read it.
    #[error("others may read or write it (mode {0:o})")]
    Mode(u32),
    /// It is larger than it can be.
    #[error("it has {0} bytes, too many")]
    Size(u64),
    /// The system refused.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// The permissions of such a file.
const MODE: u32 = 0o600;

/// Permission bits that others have.
const OF_OTHERS: u32 = 0o077;

/// Reads such a file of at most `max` bytes. None if there is no such file.
///
/// It must be ours; to root that of any user will do if `any_owner` is set, for looking only.
pub fn read(path: &Path, max: u64, any_owner: bool) -> Result<Option<Vec<u8>>, PrivateProblem> {
    let Some((file, size)) = open(path, OFlags::RDONLY, any_owner)? else {
        return Ok(None);
    };
    if size > max {
        return Err(PrivateProblem::Size(size));
    }
    let mut bytes = Vec::new();
    file.take(max).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Opens such a file to append to it. None if there is no such file.
pub fn open_append(path: &Path) -> Result<Option<File>, PrivateProblem> {
    let opened = open(path, OFlags::WRONLY | OFlags::APPEND, false)?;
    Ok(opened.map(|(file, _)| file))
}

/// Opens, and tells the size.
fn open(path: &Path, way: OFlags, any_owner: bool) -> Result<Option<(File, u64)>, PrivateProblem> {
    let flags = way | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO | rustix::io::Errno::ISDIR) => {
            return Err(PrivateProblem::Shape);
        }
        Err(error) => return Err(PrivateProblem::System(error.into())),
    };
    let found = fstat(&file).map_err(io::Error::from)?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile || found.st_nlink > 1 {
        return Err(PrivateProblem::Shape);
    }
    let us = users::current_euid();
    if found.st_uid != us && !(any_owner && us == 0) {
        return Err(PrivateProblem::Owner(found.st_uid));
    }
    if found.st_mode & OF_OTHERS != 0 {
        return Err(PrivateProblem::Mode(found.st_mode & 0o7777));
    }
    Ok(Some((file, u64::try_from(found.st_size).unwrap_or(0))))
}

/// Makes such a file for appending; `EEXIST` if the name is taken, by a link too.
pub fn create(path: &Path) -> io::Result<File> {
    let flags = OFlags::WRONLY
        | OFlags::APPEND
        | OFlags::CREATE
        | OFlags::EXCL
        | OFlags::CLOEXEC
        | OFlags::NOCTTY;
    let open = || rustix::fs::open(path, flags, Mode::from_raw_mode(MODE));
    Ok(File::from(rustix::io::retry_on_intr(open)?))
}
