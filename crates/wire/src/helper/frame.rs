//! Frames: a header line `ver:1 type:result id:7 len:12` and, right after its newline, `len` bytes.
//!
//! The reader takes bytes in pieces of any size. It trusts nothing: lines and bodies have limits, and after the first
//! error it takes nothing more, because nobody knows where the next frame begins.

use provost_model::Wall;
use provost_model::quote;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest header line. The longest that this version writes has 80 bytes; keys to come have room.
pub const HEADER_BYTES_MAX: usize = 1024;

/// Longest body, in either direction: as much as a request over HTTP may have.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The version of the protocol.
const VERSION: &str = "1";

/// As much of a bad line as is shown.
const SHOWN_CHARS: usize = 80;

/// What a helper's frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameKind {
    /// The handshake.
    Hello,
    /// The result of a call.
    Result,
    /// The fault of a call.
    Fault,
}

impl FrameKind {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "hello" => Some(Self::Hello),
            "result" => Some(Self::Result),
            "fault" => Some(Self::Fault),
            _ => None,
        }
    }
}

/// A frame that a helper wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: FrameKind,
    /// Number of the call that it answers; 0 in a hello.
    pub id: u64,
    /// What follows the header.
    pub body: Vec<u8>,
}

/// Why bytes are no frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// No newline within [`HEADER_BYTES_MAX`] bytes; carries the beginning.
    LongHeader(String),
    /// The line is no header; carries the line and what is wrong with it.
    BadHeader(String, &'static str),
    /// The body would be longer than [`BODY_BYTES_MAX`].
    LongBody(u64),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LongHeader(line) => write!(
                f,
                "it wrote no header line within {HEADER_BYTES_MAX} bytes, but {line}"
            ),
            Self::BadHeader(line, why) => write!(f, "it wrote {line} as a header line, {why}"),
            Self::LongBody(len) => write!(
                f,
                "it announced a frame of {len} bytes; at most {BODY_BYTES_MAX} are taken"
            ),
        }
    }
}

impl std::error::Error for FrameError {}

/// A header that was understood.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Header {
    kind: FrameKind,
    id: u64,
    len: usize,
}

/// Bytes of a helper's standard output to frames.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct FrameReader {
    line: Vec<u8>,
    open: Option<(Header, Vec<u8>)>,
    is_broken: bool,
}

impl FrameReader {
    /// Takes bytes and tells in order what came of them; an error is the last thing that is ever told.
    pub fn feed(&mut self, mut data: &[u8]) -> Vec<Result<Frame, FrameError>> {
        let mut out = Vec::new();
        while !self.is_broken {
            let Some((header, body)) = &mut self.open else {
                match self.header(&mut data) {
                    Ok(true) => continue,
                    Ok(false) => break,
                    Err(error) => {
                        self.is_broken = true;
                        out.push(Err(error));
                        break;
                    }
                }
            };
            let missing = header.len.saturating_sub(body.len());
            let (taken, rest) = data.split_at(missing.min(data.len()));
            body.extend_from_slice(taken);
            data = rest;
            if body.len() < header.len {
                break;
            }
            let frame = Frame {
                kind: header.kind,
                id: header.id,
                body: std::mem::take(body),
            };
            self.open = None;
            out.push(Ok(frame));
        }
        out
    }

    /// Collects a header line. Tells whether it is whole.
    fn header(&mut self, data: &mut &[u8]) -> Result<bool, FrameError> {
        let end = data.iter().position(|&byte| byte == b'\n');
        let (head, rest) = data.split_at(end.unwrap_or(data.len()));
        let room = HEADER_BYTES_MAX.saturating_sub(self.line.len());
        self.line
            .extend_from_slice(head.get(..room).unwrap_or(head));
        if head.len() > room {
            return Err(FrameError::LongHeader(shown(&self.line)));
        }
        *data = rest.get(1..).unwrap_or_default();
        if end.is_none() {
            return Ok(false);
        }
        let line = std::mem::take(&mut self.line);
        self.open = Some((parse(&line)?, Vec::new()));
        Ok(true)
    }
}

/// Reads a header line. Keys that are not known are left to versions to come.
fn parse(line: &[u8]) -> Result<Header, FrameError> {
    let bad = |why| FrameError::BadHeader(shown(line), why);
    let text = std::str::from_utf8(line).map_err(|_| bad("which is not UTF-8"))?;
    let (mut version, mut kind, mut id, mut len) = (None, None, None, None);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let (key, value) = word
            .split_once(':')
            .ok_or_else(|| bad("which is not made of `key:value`"))?;
        let place = match key {
            "ver" => &mut version,
            "type" => &mut kind,
            "id" => &mut id,
            "len" => &mut len,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(bad("which names a key twice"));
        }
    }
    if version != Some(VERSION) {
        return Err(bad("which does not say `ver:1`"));
    }
    let kind = kind
        .and_then(FrameKind::from_name)
        .ok_or_else(|| bad("whose `type` is not `hello`, `result` or `fault`"))?;
    let id = match (id, kind) {
        (None, FrameKind::Hello) => 0,
        (id, _) => id
            .and_then(number)
            .ok_or_else(|| bad("which has no number as `id`"))?,
    };
    let len = len
        .and_then(number)
        .ok_or_else(|| bad("which has no number as `len`"))?;
    match usize::try_from(len) {
        Ok(len) if len <= BODY_BYTES_MAX => Ok(Header { kind, id, len }),
        _ => Err(FrameError::LongBody(len)),
    }
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The beginning of a line, quoted, fit for a log.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let short: String = text.chars().take(SHOWN_CHARS).collect();
    quote::repr(&short)
}

/// The frame of a call. `deadline` is when nobody waits for its answer any more.
pub fn call(id: u64, deadline: Wall, body: &[u8]) -> Vec<u8> {
    let (secs, millis) = (deadline.secs, deadline.nanos / 1_000_000);
    let header = format!(
        "ver:{VERSION} type:call id:{id} deadline:{secs}.{millis:03} len:{}\n",
        body.len()
    );
    let mut out = Vec::with_capacity(header.len().saturating_add(body.len()));
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(body);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TALK: &[u8] = b"ver:1 type:hello len:2\n{}ver:1 type:result id:7 len:4\ntruever:1  future:x type:fault id:8 \
                          len:0\n";

    fn frames(pieces: &[&[u8]]) -> Vec<Result<Frame, FrameError>> {
        let mut reader = FrameReader::default();
        pieces.iter().flat_map(|piece| reader.feed(piece)).collect()
    }

    fn frame(kind: FrameKind, id: u64, body: &[u8]) -> Frame {
        let body = body.to_vec();
        Frame { kind, id, body }
    }

    #[test]
    fn any_split_of_a_talk_gives_the_same_frames() {
        let expected = [
            Ok(frame(FrameKind::Hello, 0, b"{}")),
            Ok(frame(FrameKind::Result, 7, b"true")),
            Ok(frame(FrameKind::Fault, 8, b"")),
        ];
        for cut in 0..=TALK.len() {
            let (first, second) = TALK.split_at(cut);
            assert_eq!(frames(&[first, second]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_header_is_told_once_and_ends_the_talk() {
        for (line, why) in [
            (
                &b"hello world\n"[..],
                "'hello world' as a header line, which is not made of `key:value`",
            ),
            (b"\n", "'' as a header line, which does not say `ver:1`"),
            (b"ver:2 type:hello len:0\n", "which does not say `ver:1`"),
            (b"ver:1 type:call id:1 len:0\n", "whose `type` is not"),
            (b"ver:1 type:result len:0\n", "no number as `id`"),
            (b"ver:1 type:result id:+1 len:0\n", "no number as `id`"),
            (b"ver:1 type:result id:1\n", "no number as `len`"),
            (b"ver:1 type:result id:1 len:-1\n", "no number as `len`"),
            (b"ver:1 type:result id:1 id:1 len:0\n", "names a key twice"),
            (b"ver:1 type:\xff\n", "which is not UTF-8"),
            (
                b"ver:1 type:hello len:4194305\n",
                "a frame of 4194305 bytes",
            ),
        ] {
            let told = frames(&[line, TALK]);
            let [Err(error)] = &told[..] else {
                panic!("{told:?}")
            };
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn a_line_that_never_ends_is_not_waited_for() {
        let flood = [b'x'; 700];
        assert_eq!(frames(&[&flood]), []);
        let told = frames(&[&flood, &flood, &flood]);
        assert!(
            matches!(told[..], [Err(FrameError::LongHeader(_))]),
            "{told:?}"
        );
    }

    #[test]
    fn a_call_has_its_deadline_in_the_header() {
        let deadline = Wall {
            secs: 1_700_000_000,
            nanos: 7_999_999,
        };
        assert_eq!(
            call(12, deadline, b"{}"),
            b"ver:1 type:call id:12 deadline:1700000000.007 len:2\n{}"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_tell_after_an_error(pieces in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..64), 0..8)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let told = frames(&pieces);
            let errors = told.iter().filter(|one| one.is_err()).count();
            prop_assert!(errors == 0 || errors == 1 && told.last().is_some_and(Result::is_err));
        }
    }
}
