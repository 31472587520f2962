//! A log that is read as it grows, across rotation and truncation.

use super::files::{self, OpenError};
use super::follow::Mark;
use super::reserve;
use provost_os::spot::Paths;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// What a look at the file brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It has not grown.
    Nothing,
    /// What was added, at most a piece.
    Text(Vec<u8>),
    /// It has become shorter, and is read from its beginning.
    Truncated,
    /// Another file has taken its place.
    Replaced,
    /// Its reader was too far behind, and goes on near the end.
    Skipped {
        /// Where it was.
        from: u64,
        /// Where it goes on.
        to: u64,
        /// Whether what came before ended with a line.
        is_line_end: bool,
    },
}

/// What a reader takes, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// At once.
    pub(super) piece: u64,
    /// How far it may be behind.
    pub(super) behind: u64,
    /// What it is shown at most when it is further behind.
    pub(super) tail: u64,
}

/// A file that is followed, and how far.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) path: PathBuf,
    pub(super) file: Arc<File>,
    /// Device and number.
    pub(super) inode: (u64, u64),
    /// The next byte.
    pub(super) position: u64,
    paths: Paths,
    reach: Reach,
}

impl Followed {
    /// From `offset` on; a negative one counts from the end. And when the file was changed last.
    pub(super) fn open(
        path: PathBuf,
        paths: Paths,
        offset: i64,
        reach: Reach,
    ) -> Result<(Self, SystemTime), OpenError> {
        let (file, metadata) = files::open(&path, paths)?;
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let size = metadata.len();
        let followed = Self {
            path,
            file: Arc::new(file),
            inode: identity(&metadata),
            position: match u64::try_from(offset) {
                Ok(offset) => offset.min(size),
                Err(_) => size.saturating_sub(offset.unsigned_abs()),
            },
            paths,
            reach,
        };
        Ok((followed, changed))
    }

    /// From where another image has come.
    pub(super) fn again(mark: Mark, paths: Paths, reach: Reach) -> Result<Self, OpenError> {
        let Mark {
            file,
            path,
            inode,
            position,
        } = mark;
        let (file, inode, position) = if let Some(file) = file {
            (file, inode, position)
        } else {
            let (file, metadata) = files::open(&path, paths)?;
            // What has taken the place of the file is new from its beginning.
            let found = identity(&metadata);
            let position = if found == inode { position } else { 0 };
            (Arc::new(file), found, position)
        };
        Ok(Self {
            path,
            file,
            inode,
            position,
            paths,
            reach,
        })
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            file: Some(Arc::clone(&self.file)),
            path: self.path.clone(),
            inode: self.inode,
            position: self.position,
        }
    }

    /// What has happened since the last call.
    pub(super) fn next(&mut self) -> io::Result<Step> {
        let size = self.file.metadata()?.len();
        if size < self.position {
            self.position = 0;
            return Ok(Step::Truncated);
        }
        if size - self.position > self.reach.behind {
            return self.skip(size);
        }
        let piece = self.read()?;
        if !piece.is_empty() {
            return Ok(Step::Text(piece));
        }
        let is_replaced = self.replace()?;
        Ok(if is_replaced {
            Step::Replaced
        } else {
            Step::Nothing
        })
    }

    /// Leaves out everything but the last lines.
    fn skip(&mut self, size: u64) -> io::Result<Step> {
        let file = &*self.file;
        let mut last = [b'\n'];
        if let Some(before) = self.position.checked_sub(1) {
            file.read_exact_at(&mut last, before)?;
        }
        let mut tail = Vec::new();
        let end = size.saturating_sub(self.reach.tail);
        let mut reader = file;
        reader.seek(SeekFrom::Start(end))?;
        reader.take(self.reach.tail).read_to_end(&mut tail)?;
        // A line longer than this is shown from its midst.
        let line = tail
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        let from = self.position;
        self.position = end.saturating_add(u64::try_from(line).unwrap_or(0));
        Ok(Step::Skipped {
            from,
            to: self.position,
            is_line_end: last == [b'\n'],
        })
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(self.position))?;
        let count = file.take(self.reach.piece).read_to_end(&mut piece)?;
        self.position = self
            .position
            .saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(piece)
    }

    /// Goes over to the file that has taken the place of this one; false when there is none. The old one is still needed
    /// until the client has taken what was read of it: fails when both would cost one of the last descriptors.
    pub(super) fn replace(&mut self) -> io::Result<bool> {
        let Some((file, inode)) = successor(&self.path, self.paths, self.inode) else {
            return Ok(false);
        };
        if reserve::is_reserved(&file) {
            return Err(reserve::exhausted());
        }
        self.file = Arc::new(file);
        self.inode = inode;
        self.position = 0;
        Ok(true)
    }
}

fn successor(path: &Path, paths: Paths, inode: (u64, u64)) -> Option<(File, (u64, u64))> {
    // Only a look, without opening, as long as nothing has changed.
    let there = std::fs::metadata(path).ok()?;
    if identity(&there) == inode {
        return None;
    }
    let (file, metadata) = files::open(path, paths).ok()?;
    Some((file, identity(&metadata)))
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
