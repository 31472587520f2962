//! Answers as a machine: bytes go in, the body comes out, whatever the pieces they arrive in.
//!
//! The body is as long as `Content-Length` says, as its chunks say, or goes on until the connection ends.

use std::fmt;

/// How long status line and headers may be together. A server that sends more is not one of ours.
const HEAD_LIMIT: usize = 64 * 1024;

/// How many header lines are read.
const HEADER_LINES: usize = 100;

/// How long a line that tells a chunk's size may be.
const CHUNK_LINE_LIMIT: usize = 4096;

/// Status line and what the headers say of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The status code.
    pub(crate) status: u16,
    /// The words after it, possibly none.
    pub(crate) reason: String,
    /// Whether the connection can serve another request.
    pub(crate) keeps_open: bool,
}

/// Why bytes are not an HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HttpProblem {
    /// The status line or a header.
    Head(httparse::Error),
    /// More than 64 KiB before the body.
    HeadTooLong,
    /// A `Content-Length` that is no number, or two that differ.
    Length(String),
    /// A line that should tell the size of a chunk.
    ChunkSize(String),
    /// The connection ended in the middle.
    CutOff,
}

impl fmt::Display for HttpProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(cause) => cause.fmt(f),
            Self::HeadTooLong => write!(f, "its headers are longer than {HEAD_LIMIT} bytes"),
            Self::Length(text) => write!(f, "its Content-Length is {text:?}"),
            Self::ChunkSize(text) => write!(f, "{text:?} is not the size of a chunk"),
            Self::CutOff => f.write_str("it ends in the middle"),
        }
    }
}

#[derive(Debug)]
enum Stage {
    Head,
    /// So many bytes of the body are to come.
    Length(u64),
    UntilEnd,
    ChunkLine,
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    Trailer,
    Complete,
}

/// One answer being read.
#[derive(Debug)]
pub(crate) struct Response {
    stage: Stage,
    head: Option<Head>,
    /// Bytes of an unfinished head or line.
    pending: Vec<u8>,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            stage: Stage::Head,
            head: None,
            pending: Vec::new(),
        }
    }
}

impl Response {
    /// The head, as soon as it is complete.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Whether all of the answer was read.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::Complete)
    }

    /// Takes bytes of the connection and adds what belongs to the body to `body`. Bytes behind the end of the answer
    /// make the connection unfit for another request.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], body: &mut Vec<u8>) -> Result<(), HttpProblem> {
        while !bytes.is_empty() {
            bytes = match &mut self.stage {
                Stage::Head => self.feed_head(bytes)?,
                Stage::Length(left) | Stage::Chunk(left) => take(left, bytes, body),
                Stage::UntilEnd => {
                    body.extend_from_slice(bytes);
                    &[]
                }
                Stage::ChunkLine | Stage::ChunkEnd | Stage::Trailer => self.feed_line(bytes)?,
                Stage::Complete => {
                    if let Some(head) = &mut self.head {
                        head.keeps_open = false;
                    }
                    return Ok(());
                }
            };
            match self.stage {
                Stage::Length(0) => self.stage = Stage::Complete,
                Stage::Chunk(0) => self.stage = Stage::ChunkEnd,
                _ => {}
            }
        }
        Ok(())
    }

    /// The connection has ended.
    pub(crate) fn end(&mut self) -> Result<(), HttpProblem> {
        match self.stage {
            Stage::UntilEnd | Stage::Complete => {
                self.stage = Stage::Complete;
                Ok(())
            }
            _ => Err(HttpProblem::CutOff),
        }
    }

    /// Adds to the head; answers what of `bytes` lies behind it.
    fn feed_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], HttpProblem> {
        let before = self.pending.len();
        self.pending.extend_from_slice(bytes);
        let mut headers = [httparse::EMPTY_HEADER; HEADER_LINES];
        let mut parsed = httparse::Response::new(&mut headers);
        let length = match parsed.parse(&self.pending).map_err(HttpProblem::Head)? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial if self.pending.len() > HEAD_LIMIT => {
                return Err(HttpProblem::HeadTooLong);
            }
            httparse::Status::Partial => return Ok(&[]),
        };
        let status = parsed.code.unwrap_or_default();
        if (100..200).contains(&status) {
            // An interim answer; the real one follows.
            self.stage = Stage::Head;
        } else {
            self.stage = body_stage(status, parsed.headers)?;
            let framed = !matches!(self.stage, Stage::UntilEnd);
            self.head = Some(Head {
                status,
                reason: parsed.reason.unwrap_or_default().to_owned(),
                keeps_open: framed && keeps_open(parsed.version, parsed.headers),
            });
        }
        self.pending.clear();
        // The head was not complete before, so it ends within these bytes.
        Ok(bytes
            .get(length.saturating_sub(before)..)
            .unwrap_or_default())
    }

    /// Adds to a line of the chunked coding; answers what of `bytes` lies behind it.
    fn feed_line<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], HttpProblem> {
        let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
            self.pending.extend_from_slice(bytes);
            if self.pending.len() > CHUNK_LINE_LIMIT {
                return Err(HttpProblem::ChunkSize("a line without end".to_owned()));
            }
            return Ok(&[]);
        };
        let (line, rest) = bytes.split_at(end + 1);
        self.pending.extend_from_slice(line);
        let line = std::mem::take(&mut self.pending);
        let line = line.trim_ascii();
        self.stage = match self.stage {
            Stage::ChunkEnd if line.is_empty() => Stage::ChunkLine,
            Stage::ChunkEnd => {
                return Err(HttpProblem::ChunkSize(
                    String::from_utf8_lossy(line).into_owned(),
                ));
            }
            Stage::Trailer if line.is_empty() => Stage::Complete,
            Stage::Trailer => Stage::Trailer,
            _ => match chunk_size(line)? {
                0 => Stage::Trailer,
                size => Stage::Chunk(size),
            },
        };
        Ok(rest)
    }
}

/// Moves bytes to the body, at most as many as are to come; answers the rest.
fn take<'a>(left: &mut u64, bytes: &'a [u8], body: &mut Vec<u8>) -> &'a [u8] {
    let count = usize::try_from(*left)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    let (taken, rest) = bytes.split_at(count);
    body.extend_from_slice(taken);
    *left -= count as u64;
    rest
}

fn body_stage(status: u16, headers: &[httparse::Header<'_>]) -> Result<Stage, HttpProblem> {
    if matches!(status, 204 | 304) {
        return Ok(Stage::Complete);
    }
    if values(headers, "transfer-encoding").any(|value| has_word(value, b"chunked")) {
        return Ok(Stage::ChunkLine);
    }
    let mut lengths = values(headers, "content-length");
    let Some(first) = lengths.next() else {
        return Ok(Stage::UntilEnd);
    };
    let shown = || HttpProblem::Length(String::from_utf8_lossy(first).into_owned());
    if lengths.any(|other| other != first) {
        return Err(shown());
    }
    let text = std::str::from_utf8(first).map_err(|_| shown())?;
    match text.trim().parse().map_err(|_| shown())? {
        0 => Ok(Stage::Complete),
        length => Ok(Stage::Length(length)),
    }
}

fn keeps_open(version: Option<u8>, headers: &[httparse::Header<'_>]) -> bool {
    let says = |word| values(headers, "connection").any(|value| has_word(value, word));
    if version == Some(1) {
        !says(b"close")
    } else {
        says(b"keep-alive")
    }
}

fn values<'h>(
    headers: &'h [httparse::Header<'_>],
    name: &'h str,
) -> impl Iterator<Item = &'h [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
}

fn has_word(value: &[u8], word: &[u8]) -> bool {
    value
        .split(|&byte| byte == b',')
        .any(|part| part.trim_ascii().eq_ignore_ascii_case(word))
}

fn chunk_size(line: &[u8]) -> Result<u64, HttpProblem> {
    let digits = line
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let refuse = || HttpProblem::ChunkSize(String::from_utf8_lossy(line).into_owned());
    let text = std::str::from_utf8(digits).map_err(|_| refuse())?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(refuse());
    }
    u64::from_str_radix(text, 16).map_err(|_| refuse())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the bytes in pieces of each size and checks that the outcome is the same.
    fn read(bytes: &[u8]) -> Result<(Head, Vec<u8>, bool), HttpProblem> {
        let whole = read_in_pieces(bytes, bytes.len().max(1));
        for size in 1..bytes.len() {
            assert_eq!(read_in_pieces(bytes, size), whole, "pieces of {size}");
        }
        whole
    }

    fn read_in_pieces(bytes: &[u8], size: usize) -> Result<(Head, Vec<u8>, bool), HttpProblem> {
        let mut response = Response::default();
        let mut body = Vec::new();
        for piece in bytes.chunks(size) {
            response.feed(piece, &mut body)?;
        }
        let complete = response.is_complete();
        response.end()?;
        let head = response.head().cloned().ok_or(HttpProblem::CutOff)?;
        Ok((head, body, complete))
    }

    fn head(status: u16, reason: &str, keeps_open: bool) -> Head {
        Head {
            status,
            reason: reason.to_owned(),
            keeps_open,
        }
    }

    #[test]
    fn a_length_ends_the_body() {
        let (got, body, complete) =
            read(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").unwrap();
        assert_eq!(
            (got, &body[..], complete),
            (head(200, "OK", true), &b"hello"[..], true)
        );
    }

    #[test]
    fn an_empty_body_ends_at_once() {
        let (got, body, complete) =
            read(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                .unwrap();
        assert_eq!(
            (got, body.len(), complete),
            (head(401, "Unauthorized", false), 0, true)
        );
    }

    #[test]
    fn without_length_the_body_ends_with_the_connection() {
        let (got, body, complete) = read(b"HTTP/1.0 200 OK\r\n\r\nhello").unwrap();
        assert_eq!(
            (got, &body[..], complete),
            (head(200, "OK", false), &b"hello"[..], false)
        );
    }

    #[test]
    fn chunks_are_joined_and_trailers_left_aside() {
        let (got, body, complete) = read(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n",
        )
        .unwrap();
        assert_eq!(
            (got, &body[..], complete),
            (head(200, "OK", true), &b"hello"[..], true)
        );
    }

    #[test]
    fn an_interim_answer_is_passed_over() {
        let (got, body, _) =
            read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
                .unwrap();
        assert_eq!((got, &body[..]), (head(200, "OK", true), &b"x"[..]));
    }

    #[test]
    fn bytes_behind_the_answer_spoil_the_connection() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxyz";
        let (got, body, _) = read(bytes).unwrap();
        assert_eq!((got.keeps_open, &body[..]), (false, &b"x"[..]));
    }

    #[test]
    fn what_is_not_http_is_told() {
        assert!(matches!(
            read(b"SSH-2.0-OpenSSH\r\n"),
            Err(HttpProblem::Head(_))
        ));
        assert_eq!(
            read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"),
            Err(HttpProblem::CutOff)
        );
        assert_eq!(read(b""), Err(HttpProblem::CutOff));
        assert!(matches!(
            read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
            Err(HttpProblem::Length(_))
        ));
        assert!(matches!(
            read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nhel\r\n"),
            Err(HttpProblem::ChunkSize(_))
        ));
        assert_eq!(
            read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n"),
            Err(HttpProblem::ChunkSize("y".to_owned()))
        );
        let mut long = b"HTTP/1.1 200 OK\r\nA: ".to_vec();
        long.resize(HEAD_LIMIT + 100, b'a');
        let mut response = Response::default();
        assert_eq!(
            response.feed(&long, &mut Vec::new()),
            Err(HttpProblem::HeadTooLong)
        );
    }
}
