//! Reading pieces of log files for clients, with upstream's rules for offsets.
//!
//! What is no regular file is not opened: a pipe could wait for ever, or lose what belongs to others.

use super::Context;
use super::readers::{self, Budget, TIME};
use provost_model::{Fault, FaultCode};
use provost_os::spot::{Paths, Refusal, Spot};
use provost_wire::methods::Range;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// The largest piece. A log of the default size limit, 50 MB, is read in one go, as upstream does.
const PIECE: u64 = 64 * 1024 * 1024;

/// The end of a log, as the tail methods answer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// The text.
    pub(super) text: String,
    /// Bytes in the log.
    pub(super) offset: i64,
    /// More was there than was asked for.
    pub(super) overflow: bool,
}

/// Reads a piece: `NO_FILE`, `BAD_ARGUMENTS` or `FAILED` when that cannot be.
pub(super) async fn read(
    context: &Context,
    path: Option<PathBuf>,
    range: Range,
) -> Result<String, Fault> {
    let path = path.ok_or_else(|| Fault::bare(FaultCode::NoFile))?;
    let (paths, until) = (context.paths, Instant::now() + TIME);
    readers::caught_up(context, &path, until).await?;
    let log = path.clone();
    let job = move |budget: &Budget| read_now(&log, paths, range, budget);
    context.readers.in_time(&path, until, job).await
}

/// Reads the end: nothing when there is no log.
pub(super) async fn tail(
    context: &Context,
    path: Option<PathBuf>,
    range: Range,
) -> Result<Tail, Fault> {
    let nothing = |offset| Tail {
        text: String::new(),
        offset,
        overflow: false,
    };
    let Some(path) = path else {
        return Ok(nothing(0));
    };
    let (paths, until) = (context.paths, Instant::now() + TIME);
    readers::caught_up(context, &path, until).await?;
    let log = path.clone();
    let job = move |budget: &Budget| match tail_now(&log, paths, range, budget) {
        Ok(tail) => Ok(tail),
        Err(Trouble::Absent) => Ok(nothing(0)),
        Err(Trouble::Large) => Err(too_large()),
        Err(Trouble::Crowded) => Err(crowded()),
        Err(Trouble::Unreadable) => Ok(nothing(range.offset)),
    };
    context.readers.in_time(&path, until, job).await
}

/// Opens a regular file, and no other than the logs thread would write to: a link that a program laid where its log was
/// leads no client to what that program could not read itself.
pub(super) fn open(path: &Path, paths: Paths) -> Result<(File, std::fs::Metadata), OpenError> {
    let absence = |refusal: Refusal| {
        if refusal.is_absence() {
            OpenError::Absent
        } else {
            OpenError::Unreadable
        }
    };
    let found = std::fs::metadata(path).map_err(|error| absence(error.into()))?;
    if !found.is_file() {
        return Err(OpenError::Unreadable);
    }
    let file = Spot::find(path, paths)
        .and_then(|spot| spot.open_read())
        .map_err(absence)?;
    let metadata = file.metadata().map_err(|_| OpenError::Unreadable)?;
    Ok((file, metadata))
}

/// Why a log cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenError {
    /// Nothing is there.
    Absent,
    /// It is there, but not for us, or is no regular file.
    Unreadable,
}

enum Trouble {
    Absent,
    Unreadable,
    Large,
    /// Others read so much that there is no memory for it.
    Crowded,
}

impl From<OpenError> for Trouble {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Absent => Self::Absent,
            OpenError::Unreadable => Self::Unreadable,
        }
    }
}

fn read_now(path: &Path, paths: Paths, range: Range, budget: &Budget) -> Result<String, Fault> {
    let result = open(path, paths)
        .map_err(Trouble::from)
        .and_then(|(mut file, metadata)| {
            let Some((start, length)) = piece(range, metadata.len()) else {
                return Ok(None);
            };
            slice(&mut file, start, length, budget).map(Some)
        });
    match result {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(Fault::bare(FaultCode::BadArguments)),
        Err(Trouble::Absent) => Err(Fault::about(FaultCode::NoFile, path.display().to_string())),
        Err(Trouble::Unreadable) => Err(Fault::bare(FaultCode::Failed)),
        Err(Trouble::Large) => Err(too_large()),
        Err(Trouble::Crowded) => Err(crowded()),
    }
}

/// Start and length of the piece of a file of `size` bytes; none for offsets and lengths that make no sense.
pub(super) fn piece(range: Range, size: u64) -> Option<(u64, u64)> {
    match u64::try_from(range.offset) {
        Ok(start) => {
            let length = u64::try_from(range.length).ok()?;
            let rest = size.saturating_sub(start);
            Some((start, if length == 0 { rest } else { length.min(rest) }))
        }
        Err(_) if range.length != 0 => None,
        Err(_) => {
            let wanted = range.offset.unsigned_abs().min(size);
            Some((size - wanted, wanted))
        }
    }
}

/// A piece of a log, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The text.
    pub(super) text: String,
    /// Where it begins.
    pub(super) offset: u64,
    /// Where it ends.
    pub(super) end: u64,
    /// Bytes in the log.
    pub(super) size: u64,
}

/// Reads at most `length` bytes from `offset` on, or from so many bytes before the end where that is negative.
pub(super) async fn excerpt(
    context: &Context,
    path: Option<PathBuf>,
    offset: i64,
    length: u64,
) -> Result<Excerpt, Fault> {
    let path = path.ok_or_else(|| Fault::bare(FaultCode::NoFile))?;
    let (paths, until) = (context.paths, Instant::now() + TIME);
    readers::caught_up(context, &path, until).await?;
    let log = path.clone();
    let job = move |budget: &Budget| {
        let read = open(&log, paths)
            .map_err(Trouble::from)
            .and_then(|(mut file, metadata)| {
                let size = metadata.len();
                let offset = match u64::try_from(offset) {
                    Ok(offset) => offset.min(size),
                    Err(_) => size.saturating_sub(offset.unsigned_abs()),
                };
                let length = length.min(size - offset);
                let text = slice(&mut file, offset, length, budget)?;
                let end = offset + length;
                Ok(Excerpt {
                    text,
                    offset,
                    end,
                    size,
                })
            });
        read.map_err(|trouble| match trouble {
            Trouble::Absent => Fault::about(FaultCode::NoFile, log.display().to_string()),
            Trouble::Unreadable => Fault::bare(FaultCode::Failed),
            Trouble::Large => too_large(),
            Trouble::Crowded => crowded(),
        })
    };
    context.readers.in_time(&path, until, job).await
}

fn tail_now(path: &Path, paths: Paths, range: Range, budget: &Budget) -> Result<Tail, Trouble> {
    let (mut file, metadata) = open(path, paths)?;
    let size = i64::try_from(metadata.len()).unwrap_or(i64::MAX);
    let (start, length, overflow) = last_piece(range, size);
    let length = length.min(size.saturating_sub(start));
    let text = slice(&mut file, unsigned(start), unsigned(length), budget)?;
    Ok(Tail {
        text,
        offset: size,
        overflow,
    })
}

/// Upstream's arithmetic: start, length and overflow for a log of `size` bytes.
pub(super) fn last_piece(range: Range, size: i64) -> (i64, i64, bool) {
    let Range {
        mut offset,
        mut length,
    } = range;
    let overflow = size > offset.saturating_add(length);
    if overflow {
        offset = size.saturating_sub(1);
    }
    if offset.saturating_add(length) > size {
        if offset > size.saturating_sub(1) {
            length = 0;
        }
        offset = size.saturating_sub(length);
    }
    (offset.max(0), length.max(0), overflow)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The bytes as text; what is not UTF-8, such as half a character at either end, is replaced.
fn slice(file: &mut File, start: u64, length: u64, budget: &Budget) -> Result<String, Trouble> {
    if length > PIECE {
        return Err(Trouble::Large);
    }
    let _share = budget.take(length).ok_or(Trouble::Crowded)?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))
        .and_then(|_| file.take(length).read_to_end(&mut bytes))
        .map_err(|_| Trouble::Unreadable)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn too_large() -> Fault {
    Fault::about(
        FaultCode::Failed,
        format!("more than {PIECE} bytes, ask for pieces"),
    )
}

fn crowded() -> Fault {
    Fault::about(
        FaultCode::Failed,
        "other clients read large logs at present",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(offset: i64, length: i64) -> Range {
        Range { offset, length }
    }

    #[test]
    fn pieces_follow_upstreams_rules() {
        for (asked, size, expected) in [
            (range(0, 0), 10, Some((0, 10))),
            (range(3, 4), 10, Some((3, 4))),
            (range(8, 100), 10, Some((8, 2))),
            (range(20, 5), 10, Some((20, 0))),
            (range(-4, 0), 10, Some((6, 4))),
            (range(-40, 0), 10, Some((0, 10))),
            (range(-4, 1), 10, None),
            (range(0, -1), 10, None),
            (range(i64::MIN, 0), 10, Some((0, 10))),
            (
                range(i64::MAX, i64::MAX),
                10,
                Some((9_223_372_036_854_775_807, 0)),
            ),
        ] {
            assert_eq!(piece(asked, size), expected, "{asked:?} of {size}");
        }
    }

    #[test]
    fn tails_follow_upstreams_rules() {
        // What upstream answers for a file of `hi\n`, and for the edges.
        for (asked, size, expected) in [
            (range(0, 100), 3, (0, 3, false)),
            (range(0, 2), 3, (1, 2, true)),
            (range(0, 0), 3, (2, 0, true)),
            (range(3, 2), 3, (3, 0, false)),
            (range(-5, 2), 3, (1, 2, true)),
            (range(0, 100), 0, (0, 0, false)),
            (range(i64::MAX, i64::MAX), 3, (3, 0, false)),
        ] {
            let (start, length, overflow) = last_piece(asked, size);
            assert_eq!(
                (start, length.min(size - start), overflow),
                expected,
                "{asked:?} of {size}"
            );
        }
    }

    #[test]
    fn what_is_no_regular_file_is_not_opened() {
        assert_eq!(
            open(Path::new("/dev/null"), Paths::Guarded).map(drop),
            Err(OpenError::Unreadable)
        );
        assert_eq!(
            open(Path::new("/"), Paths::Guarded).map(drop),
            Err(OpenError::Unreadable)
        );
        assert_eq!(
            open(Path::new("/nowhere/x"), Paths::Guarded).map(drop),
            Err(OpenError::Absent)
        );
        let fault = read_now(
            Path::new("/nowhere/x"),
            Paths::Guarded,
            range(0, 0),
            &Budget::whole(),
        )
        .unwrap_err();
        assert_eq!(fault.to_string(), "NO_FILE: /nowhere/x");
    }
}
