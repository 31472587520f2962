//! Following a log over HTTP: its last piece, then whatever is added, across rotation and truncation.
//!
//! The file is read only as fast as the client takes it, so a slow client costs one piece of memory. When a log is
//! rotated away, the rest of the old file comes first.

use super::Context;
use super::carry::tape::Tape;
use super::followed::{Followed, Reach, Step};
use super::readers::{self, Readers, TIME};
use super::reserve;
use super::respond::{Outgoing, Piece};
use crate::logs::Follower;
use bytes::Bytes;
use provost_model::{Fault, FaultCode, Level};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, watch as signal};
use tokio::time::Instant;

/// Where to begin: so much is shown of what was there before.
const HEAD: i64 = -1024;

/// Bytes by which a client may be behind. One that is further behind goes on with the end of the file, and is told how
/// much it missed: otherwise the system would have to keep each rotated file until it was read.
const BEHIND_MAX: u64 = 16 << 20;

const REACH: Reach = Reach {
    piece: 64 * 1024,
    behind: BEHIND_MAX,
    tail: 1024,
};

/// How long growth is collected before it is read, so that a log that grows line by line is not read line by line.
pub(super) const COLLECT: Duration = Duration::from_millis(20);

/// What stands where a file became shorter.
const TRUNCATED: &[u8] = b"==> File truncated <==\n";

/// How far a log has been followed.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// The open file; none when it could not be carried here.
    pub(super) file: Option<Arc<File>>,
    /// Where the log is.
    pub(super) path: PathBuf,
    /// Which file it is: device and number.
    pub(super) inode: (u64, u64),
    /// The next byte.
    pub(super) position: u64,
}

/// Begins to follow: when the file was last changed, and what comes. `NO_FILE` when there is no such file.
pub(super) async fn follow(
    context: &Rc<Context>,
    tape: &Tape,
    path: PathBuf,
) -> Result<(SystemTime, Outgoing), Fault> {
    // From here on nothing that is added goes unnoticed.
    let growth = context.board.follow(&path);
    // Where its disk takes nothing at present, what there is can be followed all the same.
    let _ = readers::caught_up(context, &path, Instant::now() + TIME).await;
    let paths = context.paths;
    let log = path.clone();
    let opened = in_time(&context.readers, &log, move || {
        Followed::open(path, paths, HEAD, REACH).map_err(|_| Fault::bare(FaultCode::NoFile))
    });
    let (followed, changed) = opened.await?;
    spare(context, &followed)?;
    tape.follow(followed.mark());
    Ok((changed, begin(context, followed, growth)))
}

/// Refuses what would cost one of the last descriptors: it would stay open for as long as the client likes.
pub(super) fn spare(context: &Context, followed: &Followed) -> Result<(), Fault> {
    spare_file(context, &followed.path, &followed.file)
}

/// The same for the file at a path.
pub(super) fn spare_file(context: &Context, path: &Path, file: &File) -> Result<(), Fault> {
    if !reserve::is_reserved(file) {
        return Ok(());
    }
    let (path, error) = (path.display(), reserve::exhausted());
    let text = format!("log {path} cannot be followed at present: {error}");
    context.logger.log(Level::Error, text);
    Err(Fault::about(FaultCode::Failed, error.to_string()))
}

/// Goes on with what another image has begun.
pub(super) async fn resume(context: &Rc<Context>, mark: Mark) -> Option<Outgoing> {
    let growth = context.board.follow(&mark.path);
    let paths = context.paths;
    let opened = in_time(&context.readers, &mark.path.clone(), move || {
        Followed::again(mark, paths, REACH).map_err(|_| Fault::bare(FaultCode::NoFile))
    })
    .await;
    Some(begin(context, opened.ok()?, growth))
}

fn begin(context: &Rc<Context>, followed: Followed, growth: Follower) -> Outgoing {
    // One piece waits while the client reads another.
    let (sender, receiver) = mpsc::channel(1);
    let (feeder, handing) = (Rc::clone(context), context.handing.clone());
    tokio::task::spawn_local(async move {
        tokio::select! {
            biased;
            // Nothing more is read, and the answer does not end here: another image goes on after the last piece that was
            // taken.
            () = handed_over(handing) => std::future::pending::<()>().await,
            () = feed(feeder, followed, growth, sender.clone()) => {}
        }
    });
    Outgoing::pieces(receiver)
}

pub(super) async fn in_time<T: Send + 'static>(
    readers: &Readers,
    path: &Path,
    job: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    readers
        .in_time(path, Instant::now() + TIME, |_| job())
        .await
}

async fn handed_over(mut handing: signal::Receiver<bool>) {
    if handing.wait_for(|is| *is).await.is_err() {
        // It never will be.
        std::future::pending::<()>().await;
    }
}

/// Sends what is added until the client leaves, the daemon stops, or the file cannot be read in time.
async fn feed(
    context: Rc<Context>,
    mut followed: Followed,
    mut growth: Follower,
    sender: mpsc::Sender<Piece>,
) {
    let mut stopping = context.stopping.clone();
    let path = followed.path.clone();
    loop {
        let read = in_time(&context.readers, &path, move || {
            let piece = added(&mut followed)
                .map_err(|error| Fault::about(FaultCode::Failed, error.to_string()))?;
            Ok((followed, piece))
        });
        let piece;
        (followed, piece) = match read.await {
            Ok(read) => read,
            Err(fault) => {
                let text = format!(
                    "log {} cannot be followed any more: {fault}",
                    path.display()
                );
                return context.logger.log(Level::Error, text);
            }
        };
        let step = async {
            if piece.is_empty() {
                tokio::select! {
                    () = growth.changed() => {
                        tokio::time::sleep(COLLECT).await;
                        true
                    }
                    () = sender.closed() => false,
                }
            } else {
                sender
                    .send((Bytes::from(piece), Some(followed.mark())))
                    .await
                    .is_ok()
            }
        };
        let goes_on = tokio::select! {
            goes_on = step => goes_on,
            _ = stopping.wait_for(|stop| *stop) => false,
        };
        if !goes_on {
            return;
        }
    }
}

/// What was added since the last call, at most a piece; empty when nothing was.
fn added(followed: &mut Followed) -> io::Result<Vec<u8>> {
    loop {
        return Ok(match followed.next()? {
            Step::Nothing => Vec::new(),
            Step::Text(piece) => piece,
            Step::Truncated => TRUNCATED.to_vec(),
            Step::Replaced => continue,
            Step::Skipped {
                from,
                to,
                is_line_end,
            } => {
                let line_end = if is_line_end { "" } else { "\n" };
                let skipped = to.saturating_sub(from);
                format!("{line_end}==> {skipped} bytes skipped <==\n").into_bytes()
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_os::spot::Paths;

    fn text(followed: &mut Followed) -> String {
        String::from_utf8(added(followed).unwrap()).unwrap()
    }

    #[test]
    fn growth_truncation_and_rotation_are_followed_without_loss() {
        let directory = std::env::temp_dir().join(format!("provost-follow-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("a.log");
        let append = |text: &str| {
            use std::io::Write as _;
            File::options()
                .create(true)
                .append(true)
                .open(&path)
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
        };
        append(&("x".repeat(2000) + "\n"));
        let (mut followed, _) = Followed::open(path.clone(), Paths::Guarded, HEAD, REACH).unwrap();
        assert_eq!(text(&mut followed).len(), 1024);
        assert_eq!(text(&mut followed), "");
        append("more\n");
        assert_eq!(text(&mut followed), "more\n");
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(0)
            .unwrap();
        append("a\n");
        assert_eq!(text(&mut followed), "==> File truncated <==\n");
        assert_eq!(text(&mut followed), "a\n");
        append("last of the old\n");
        std::fs::rename(&path, directory.join("a.log.1")).unwrap();
        append("first of the new\n");
        assert_eq!(text(&mut followed), "last of the old\n");
        assert_eq!(text(&mut followed), "first of the new\n");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(text(&mut followed), "");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn f50_who_is_far_behind_is_told_how_much_was_skipped() {
        let name = format!("provost-behind-{}.log", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "begin").unwrap();
        let (mut followed, _) = Followed::open(path.clone(), Paths::Guarded, HEAD, REACH).unwrap();
        assert_eq!(text(&mut followed), "begin");
        let line = "0123456789abcde\n";
        let more = line.repeat(usize::try_from(BEHIND_MAX).unwrap() / line.len() + 100);
        std::fs::write(&path, "begin".to_owned() + &more).unwrap();
        let said = text(&mut followed);
        let rest = text(&mut followed);
        let skipped = more.len() - rest.len();
        assert_eq!(said, format!("\n==> {skipped} bytes skipped <==\n"));
        assert!(rest.len() > 900, "{}", rest.len());
        assert!(rest.starts_with(line), "{rest}");
        assert_eq!(text(&mut followed), "");
        std::fs::remove_file(&path).unwrap();
    }
}
