//! What a log's path leads to, and opening it without waiting for anybody.

pub(super) use provost_capture::sink::Kind;

use provost_os::files::{own_descriptor, reopen_own_fd};
use provost_os::spot::{Paths, Refusal, Spot};
use std::fs::{self, File, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// An opened log.
pub(super) struct Target {
    pub(super) file: File,
    pub(super) kind: Kind,
}

impl Target {
    /// Bytes that are in it.
    pub(super) fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Opens for appending; makes the file if there is none.
    pub(super) fn open(path: &Path, paths: Paths) -> Result<Self, Refusal> {
        if let Some(number) = own_descriptor(path) {
            let own = reopen_own_fd(number)?;
            let kind = match (never_blocks(&own.file.metadata()?), own.nonblocking) {
                (true, _) => Kind::OwnRegular,
                (false, true) => Kind::Stream,
                (false, false) => Kind::Shared,
            };
            return Ok(Self {
                file: own.file,
                kind,
            });
        }
        let file = Spot::find(path, paths)?.open_append()?;
        let kind = if file.metadata()?.is_file() {
            Kind::Regular
        } else {
            Kind::Stream
        };
        Ok(Self { file, kind })
    }
}

/// Whether writing cannot block. The null device is named because the system refuses to wait for it.
fn never_blocks(metadata: &Metadata) -> bool {
    let is_null = || fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == metadata.rdev());
    metadata.is_file() || (metadata.file_type().is_char_device() && is_null())
}

/// The name under which a log is known, so that all names of one of our descriptors share one log.
pub(super) fn canonical(path: &Path) -> PathBuf {
    own_descriptor(path).map_or_else(
        || path.to_path_buf(),
        |number| PathBuf::from(format!("/dev/fd/{number}")),
    )
}

/// Whether there is a regular file that can be replaced.
pub(super) fn is_replaceable(path: &Path) -> bool {
    own_descriptor(path).is_none() && fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}
