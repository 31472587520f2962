//! What became of a process, and what it said last before each of its last ends.
//!
//! Of what it said only the place is known. It is looked for in the log when somebody asks.

use super::Asked;
use super::look::now_ms;
use crate::api::caller::Caller;
use crate::api::readers::{Budget, TIME};
use crate::api::{Context, files, readers};
use crate::logs::Count;
use provost_model::access::Verb;
use provost_model::{Fault, FaultCode, Reply, Request};
use provost_os::spot::Paths;
use provost_wire::rest::shapes::{History, Words};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use tokio::time::Instant;

/// Bytes of the last words in a log.
const BYTES: u64 = 4096;

/// Lines of them.
const LINES: usize = 20;

/// Tells all of it.
pub(super) async fn answer(
    context: &Context,
    caller: &Caller,
    asked: &Asked,
) -> Result<History, Fault> {
    let name = asked.process();
    let Reply::History(told) = caller.ask(Request::GetProcessHistory { name }).await? else {
        return Err(Fault::bare(FaultCode::Failed));
    };
    let mut history = History::new(now_ms(), &told);
    if !caller.may(Verb::Logs) {
        return Ok(history);
    }
    let logs = [&told.stdout_logfile, &told.stderr_logfile];
    for (stream, path) in logs.into_iter().enumerate() {
        let Some(path) = path else { continue };
        let marks = told.exits.iter().map(|exit| {
            let logged = exit.logged?;
            logged.get(stream).copied()
        });
        let said = words(context, path, marks.collect()).await;
        for (exit, words) in history.exits.iter_mut().zip(said) {
            let place = if stream == 0 {
                &mut exit.stdout
            } else {
                &mut exit.stderr
            };
            *place = words;
        }
    }
    Ok(history)
}

/// What stands in a log before each of these marks, from the one before on; nothing where the log cannot be read.
async fn words(context: &Context, path: &Path, marks: Vec<Option<u64>>) -> Vec<Option<Words>> {
    let Some(count) = context.board.counts().of(path) else {
        return Vec::new();
    };
    let until = Instant::now() + TIME;
    if readers::caught_up(context, path, until).await.is_err() {
        return Vec::new();
    }
    let (log, paths) = (path.to_path_buf(), context.paths);
    let look = move |_: &Budget| Ok(look(&log, paths, &count, &marks));
    let looked = context.readers.in_time(path, until, look).await;
    looked.unwrap_or_default()
}

fn look(path: &Path, paths: Paths, count: &Count, marks: &[Option<u64>]) -> Vec<Option<Words>> {
    let Ok((file, metadata)) = files::open(path, paths) else {
        return Vec::new();
    };
    let size = metadata.len();
    let mut before = None;
    let found = marks.iter().map(|mark| {
        let begun = std::mem::replace(&mut before, *mark);
        let end = count.offset_at((*mark)?).filter(|end| *end <= size)?;
        if end == 0 && *mark > Some(0) {
            // What was said stood in another file.
            return None;
        }
        // What came before the end before was said by another run, and what came before all counting by another supervisord.
        let begin = count.offset_at(begun.unwrap_or(0)).unwrap_or(0);
        last_lines(&file, begin.min(end), end)
    });
    found.collect()
}

/// The last lines between two places.
fn last_lines(file: &File, begin: u64, end: u64) -> Option<Words> {
    let start = begin.max(end.saturating_sub(BYTES));
    let mut bytes = vec![0; usize::try_from(end - start).ok()?];
    file.read_exact_at(&mut bytes, start).ok()?;
    let body = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let ends = body.iter().enumerate().rev();
    let mut ends = ends
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at + 1);
    let mut skipped = ends.nth(LINES - 1).unwrap_or(0);
    if skipped == 0 && start > begin {
        // The first line is cut, unless it is the only one.
        skipped = body
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
    }
    let text = bytes.get(skipped..).unwrap_or_default();
    Some(Words {
        offset: start.saturating_add(u64::try_from(skipped).unwrap_or(0)),
        text: String::from_utf8_lossy(text).into_owned(),
    })
}
