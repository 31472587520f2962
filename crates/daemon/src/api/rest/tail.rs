//! A log as it grows, as server-sent events.
//!
//! The file is read as its client takes it, some tens of pieces a second at most, so that neither a flood nor a slow client
//! costs more than a piece. Who is too far behind goes on near the end.

use super::Asked;
use super::stream::{self, Client, NOTHING, SILENCE, event};
use crate::api::Context;
use crate::api::caller::Caller;
use crate::api::follow::{self, COLLECT};
use crate::api::followed::{Followed, Reach, Step};
use crate::api::readers::{self, TIME};
use crate::api::respond::Outgoing;
use crate::logs;
use crate::pulse::{self, Change};
use hyper::Response;
use provost_model::{Fault, FaultCode, Level};
use provost_os::spot::Paths;
use provost_wire::rest::shapes::{LogGap, LogRestart, LogText, to_json};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

const REACH: Reach = Reach {
    piece: 32 * 1024,
    behind: 1 << 20,
    tail: 32 * 1024,
};

/// From one piece to the next.
const PACE: Duration = Duration::from_millis(30);

/// Bytes of a character in UTF-8 that are not its first.
const REST_OF_CHARACTER: usize = 3;

/// Begins to follow the log at `path`. `last` is the id of the last event of an earlier stream.
pub(super) async fn answer(
    context: &Rc<Context>,
    caller: &Rc<Caller>,
    (asked, last): (&Asked, Option<&str>),
    path: Option<PathBuf>,
) -> Result<Response<Outgoing>, Fault> {
    let path = path.ok_or_else(|| Fault::bare(FaultCode::NoFile))?;
    // From here on nothing that is added goes unnoticed.
    let growth = context.board.follow(&path);
    let service = Service::new(context, asked);
    // Where its disk takes nothing at present, what there is can be followed all the same.
    let _ = readers::caught_up(context, &path, Instant::now() + TIME).await;
    let (log, paths, offset) = (path.clone(), context.paths, asked.int("offset"));
    let last = last.and_then(Mark::read);
    let open =
        move || Tail::open(log, paths, offset, last).map_err(|_| Fault::bare(FaultCode::NoFile));
    let tail = follow::in_time(&context.readers, &path, open).await?;
    follow::spare(context, &tail.followed)?;
    Ok(stream::begin(context, caller, |client| {
        tell(client, tail, growth, service)
    }))
}

/// Tells until the client leaves, the process goes out of service, or the file cannot be read in time.
async fn tell(
    client: Client,
    mut tail: Tail,
    mut growth: logs::Follower,
    mut service: Service,
) -> Option<()> {
    let context = Rc::clone(&client.context);
    let path = tail.followed.path.clone();
    let mut is_told = false;
    loop {
        let read = follow::in_time(&context.readers, &path, move || {
            let news = tail
                .next()
                .map_err(|error| Fault::about(FaultCode::Failed, error.to_string()))?;
            Ok((tail, news))
        });
        let news;
        (tail, news) = match read.await {
            Ok(read) => read,
            Err(fault) => {
                let path = path.display();
                let text = format!("log {path} cannot be followed any more: {fault}");
                context.logger.log(Level::Error, text);
                return None;
            }
        };
        if news != News::Nothing || !is_told {
            // The client learns where it stands even if there is nothing.
            is_told = true;
            client.send(tail.told(&news)).await?;
            tokio::select! {
                () = tokio::time::sleep(PACE) => {}
                () = client.left() => return None,
            }
            continue;
        }
        tokio::select! {
            () = growth.changed() => tokio::time::sleep(COLLECT).await,
            () = client.left() => return None,
            () = service.ended() => return None,
            () = tokio::time::sleep(SILENCE) => client.send(NOTHING.to_owned()).await?,
        }
    }
}

/// Whether the process is still in service; the next one of its name may have another log.
struct Service {
    follower: pulse::Follower,
    next: u64,
    group: String,
    name: String,
}

impl Service {
    fn new(context: &Context, asked: &Asked) -> Self {
        let follower = context.pulse.follow();
        Self {
            next: follower.position(),
            follower,
            group: asked.group.clone(),
            name: asked.name.clone(),
        }
    }

    /// Waits until it went out of service.
    async fn ended(&mut self) {
        loop {
            // What happened in between was so much that it cannot be told.
            let Some(beats) = self.follower.since(self.next, usize::MAX) else {
                return;
            };
            if let Some(last) = beats.last() {
                self.next = last.next;
            }
            let is_end = |change: &Change| {
                matches!(change, Change::Removed { group, name }
                    if *group == self.group && *name == self.name)
            };
            if beats.iter().any(|beat| is_end(&beat.change)) {
                return;
            }
            self.follower.changed().await;
        }
    }
}

/// How far a client has come: which file, and the next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    inode: (u64, u64),
    position: u64,
}

impl Mark {
    fn write(self) -> String {
        let (device, number) = self.inode;
        format!("{device:x}.{number:x}-{}", self.position)
    }

    fn read(id: &str) -> Option<Self> {
        let (file, position) = id.split_once('-')?;
        let (device, number) = file.split_once('.')?;
        let hex = |text| u64::from_str_radix(text, 16).ok();
        Some(Self {
            inode: (hex(device)?, hex(number)?),
            position: position.parse().ok()?,
        })
    }
}

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
enum News {
    Nothing,
    /// Text between these bytes.
    Text(u64, u64, String),
    Gap(u64, u64),
    Restart,
}

/// A log that is told of in text.
struct Tail {
    followed: Followed,
    /// The next byte may lie within a character.
    is_cut: bool,
    /// The file is another one, and the client does not know.
    is_new: bool,
}

impl Tail {
    fn open(path: PathBuf, paths: Paths, offset: i64, last: Option<Mark>) -> io::Result<Self> {
        let opened = Followed::open(path, paths, offset, REACH);
        let (mut followed, _) = opened.map_err(|_| io::ErrorKind::NotFound)?;
        let mut is_new = false;
        if let Some(last) = last {
            is_new = last.inode != followed.inode;
            // One that is shorter by now is seen to be so.
            followed.position = if is_new { 0 } else { last.position };
        }
        Ok(Self {
            followed,
            is_cut: offset < 0 && last.is_none(),
            is_new,
        })
    }

    fn next(&mut self) -> io::Result<News> {
        if std::mem::take(&mut self.is_new) {
            return Ok(News::Restart);
        }
        let at = self.followed.position;
        Ok(match self.followed.next()? {
            Step::Nothing => News::Nothing,
            Step::Text(bytes) => return self.text(at, &bytes),
            Step::Truncated | Step::Replaced => {
                self.is_cut = false;
                News::Restart
            }
            Step::Skipped { from, to, .. } => {
                self.is_cut = true;
                News::Gap(from, to)
            }
        })
    }

    /// Whole characters of what was read; the first bytes of one wait for the others, unless there will be none.
    fn text(&mut self, mut at: u64, mut bytes: &[u8]) -> io::Result<News> {
        let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(0);
        if std::mem::take(&mut self.is_cut) {
            let is_rest = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
            let rest = bytes.iter().take(REST_OF_CHARACTER).take_while(is_rest);
            let rest = rest.count();
            bytes = bytes.get(rest..).unwrap_or_default();
            at = at.saturating_add(u64::try_from(rest).unwrap_or(0));
        }
        let begun = begun_character(bytes);
        let whole = bytes.len().saturating_sub(begun);
        if begun > 0 && (whole > 0 || !self.followed.replace()?) {
            bytes = bytes.get(..whole).unwrap_or_default();
            self.followed.position = at.saturating_add(length(bytes));
        } else if begun > 0 {
            self.is_new = true;
        }
        if bytes.is_empty() {
            return Ok(News::Nothing);
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        Ok(News::Text(at, at.saturating_add(length(bytes)), text))
    }

    /// News in words.
    fn told(&self, news: &News) -> String {
        let Followed {
            inode, position, ..
        } = self.followed;
        let id = Mark { inode, position }.write();
        let (name, data) = match news {
            News::Nothing => ("text", text(position, position, String::new())),
            News::Text(offset, end, said) => ("text", text(*offset, *end, said.clone())),
            News::Gap(from, to) => {
                let (from, to) = (*from, *to);
                ("gap", to_json(&LogGap { from, to }))
            }
            News::Restart => ("restart", to_json(&LogRestart {})),
        };
        event(name, Some(&id), &data)
    }
}

fn text(offset: u64, next_offset: u64, text: String) -> Vec<u8> {
    to_json(&LogText {
        offset,
        next_offset,
        text,
    })
}

/// Bytes at the end that begin a character which is not whole.
fn begun_character(bytes: &[u8]) -> usize {
    for count in 1..=REST_OF_CHARACTER.min(bytes.len()) {
        let end = bytes.get(bytes.len() - count..).unwrap_or_default();
        match std::str::from_utf8(end) {
            Err(error) if error.valid_up_to() == 0 && error.error_len().is_none() => return count,
            _ => {}
        }
    }
    0
}
