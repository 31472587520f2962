//! A whole log, to be kept as a file.
//!
//! It is read piece by piece as its client takes it, so that however large it is, it costs a few pieces of memory. Its length
//! goes before it: who gets less knows that.

use super::stream::{self, Client};
use super::{Asked, unkept};
use crate::api::caller::Caller;
use crate::api::readers::{self, TIME};
use crate::api::respond::{self, Outgoing, put};
use crate::api::{Context, SHORT_ANSWER, files, follow, percent};
use bytes::Bytes;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use provost_model::{Fault, FaultCode, Level};
use provost_wire::rest::BYTES;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::rc::Rc;
use tokio::time::Instant;

/// Begins to hand over the log at `path`.
pub(super) async fn answer(
    context: &Rc<Context>,
    caller: &Rc<Caller>,
    asked: &Asked,
    path: Option<PathBuf>,
) -> Result<Response<Outgoing>, Fault> {
    let path = path.ok_or_else(|| Fault::bare(FaultCode::NoFile))?;
    let (paths, until) = (context.paths, Instant::now() + TIME);
    readers::caught_up(context, &path, until).await?;
    let log = path.clone();
    let open = move |_: &readers::Budget| {
        files::open(&log, paths).map_err(|error| match error {
            files::OpenError::Absent => Fault::about(FaultCode::NoFile, log.display().to_string()),
            files::OpenError::Unreadable => Fault::bare(FaultCode::Failed),
        })
    };
    let (file, metadata) = context.readers.in_time(&path, until, open).await?;
    follow::spare_file(context, &path, &file)?;
    let size = metadata.len();
    let pieces = stream::pieces(context, caller, |client| {
        hand_over(client, path, file, size)
    });
    let pieces = match pieces {
        Ok(pieces) => pieces,
        Err(refusal) => return Ok(*refusal),
    };
    let mut response = unkept(respond::bare(StatusCode::OK, pieces));
    put(&mut response, CONTENT_TYPE, HeaderValue::from_static(BYTES));
    put(&mut response, CONTENT_LENGTH, HeaderValue::from(size));
    if let Ok(value) = HeaderValue::try_from(disposition(&file_name(asked))) {
        put(&mut response, CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Hands over so many bytes; fewer when the file has become shorter, or cannot be read in time.
async fn hand_over(client: Client, path: PathBuf, file: File, size: u64) -> Option<()> {
    let context = Rc::clone(&client.context);
    let (mut file, mut at) = (file, 0_u64);
    while at < size {
        let length = usize::try_from(size - at).unwrap_or(usize::MAX);
        let length = length.min(SHORT_ANSWER);
        let read = follow::in_time(&context.readers, &path, move || {
            let piece = piece(&file, at, length);
            let piece =
                piece.map_err(|error| Fault::about(FaultCode::Failed, error.to_string()))?;
            Ok((file, piece))
        });
        let piece;
        (file, piece) = match read.await {
            Ok(read) => read,
            Err(fault) => {
                let path = path.display();
                let text = format!("log {path} could not be handed over to its end: {fault}");
                context.logger.log(Level::Error, text);
                return None;
            }
        };
        if piece.is_empty() {
            return None;
        }
        at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        client.hand_over(piece).await?;
    }
    Some(())
}

/// At most so many bytes from `at` on; none at the end of the file.
fn piece(file: &File, at: u64, length: usize) -> io::Result<Bytes> {
    let mut bytes = vec![0; length];
    loop {
        match file.read_at(&mut bytes, at) {
            Ok(count) => {
                bytes.truncate(count);
                return Ok(Bytes::from(bytes));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// How the file is to be called where it is kept.
fn file_name(asked: &Asked) -> String {
    match asked.param("stream") {
        Some(stream) => format!("{}-{stream}.log", asked.name),
        None => "supervisord.log".to_owned(),
    }
}

/// The header that says so, first for clients that know no other characters than these.
fn disposition(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let plain = name.replace(|c| !is_plain(c), "_");
    let whole = percent::encode(&name.replace('/', "_"));
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn names_cannot_break_out_of_their_header() {
        for (name, expected) in [
            (
                "web_00-stdout.log",
                "attachment; filename=\"web_00-stdout.log\"; filename*=UTF-8''web_00-stdout.log",
            ),
            (
                "../a\"b\r\nü-stderr.log",
                "attachment; filename=\".._a_b___-stderr.log\"; filename*=UTF-8''.._a%22b%0D%0A%C3%BC-stderr.log",
            ),
        ] {
            assert_eq!(disposition(name), expected);
        }
    }
}
