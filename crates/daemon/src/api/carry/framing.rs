//! Where requests and headers of answers end, in bytes.

/// What a client is told that waits for leave to send its body.
pub(in crate::api) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What ends a header.
const HEADER_END: &[u8] = b"\r\n\r\n";

/// Header lines of a request.
const HEADER_LINES: usize = 100;

/// What an earlier image has written of the answer that is made once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Skip {
    Nothing,
    /// Leave to send the body.
    Continue,
    /// The header; so many bytes of its end have been seen.
    Header(usize),
}

impl Skip {
    /// How many of these bytes are skipped, and what of those that follow.
    pub(in crate::api) fn step(self, bytes: &[u8]) -> (Self, usize) {
        match self {
            Self::Nothing => (self, 0),
            Self::Continue if bytes.starts_with(CONTINUE) => (Self::Nothing, CONTINUE.len()),
            Self::Continue => (Self::Nothing, 0),
            Self::Header(mut seen) => {
                for (index, byte) in bytes.iter().enumerate() {
                    seen = match HEADER_END.get(seen) {
                        Some(next) if next == byte => seen + 1,
                        _ => usize::from(*byte == b'\r'),
                    };
                    if seen == HEADER_END.len() {
                        return (Self::Nothing, index + 1);
                    }
                }
                (Self::Header(seen), bytes.len())
            }
        }
    }
}

/// How long the request is whose header begins here; none when that does not show.
pub(in crate::api) fn length(bytes: &[u8]) -> Option<usize> {
    let mut lines = [httparse::EMPTY_HEADER; HEADER_LINES];
    let mut request = httparse::Request::new(&mut lines);
    let Ok(httparse::Status::Complete(header)) = request.parse(bytes) else {
        return None;
    };
    let mut body = 0;
    for line in request.headers.iter() {
        if line.name.eq_ignore_ascii_case("transfer-encoding") {
            return None;
        }
        if line.name.eq_ignore_ascii_case("content-length") {
            body = std::str::from_utf8(line.value).ok()?.trim().parse().ok()?;
        }
    }
    header.checked_add(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_skipped_however_it_is_cut() {
        let text = b"HTTP/1.1 200 OK\r\nA: \r\n\r\nbody";
        for cut in 0..text.len() {
            let mut skip = Skip::Header(0);
            let (first, second) = text.split_at(cut);
            let mut left = Vec::new();
            for piece in [first, second] {
                let (next, count) = skip.step(piece);
                skip = next;
                left.extend_from_slice(&piece[count..]);
            }
            assert_eq!(left, b"body", "cut at {cut}");
        }
    }

    #[test]
    fn requests_end_where_their_bodies_do() {
        for (request, expected) in [
            ("GET / HTTP/1.1\r\n\r\nGET", Some(18)),
            ("\r\n\nGET / HTTP/1.0\n\n", Some(19)),
            ("POST / HTTP/1.1\r\ncontent-length: 10 \r\n\r\n", Some(50)),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                None,
            ),
            ("GET / HTTP/1.1\r\n", None),
        ] {
            assert_eq!(length(request.as_bytes()), expected, "{request:?}");
        }
    }
}
