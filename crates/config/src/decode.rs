//! Bytes to text, with the errors and the order of reading that Python's text files have.

/// How many bytes Python decodes at once. The position in its message counts from the beginning of such a piece.
const CHUNK_BYTES: usize = 8192;

/// A byte that is not UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotUtf8 {
    /// Where in the file, in bytes.
    pub(crate) offset: usize,
    /// Python's sentence.
    pub(crate) upstream: String,
}

/// A decoded file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The text; after an error, what stood before the piece that holds it.
    pub(crate) text: String,
    /// The first error.
    pub(crate) error: Option<NotUtf8>,
}

/// Decodes a file.
pub(crate) fn decode(bytes: Vec<u8>) -> Decoded {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Decoded { text, error: None },
        Err(error) => error.into_bytes(),
    };
    let mut text = String::new();
    let mut pieces = bytes.chunks(CHUNK_BYTES);
    // What a piece leaves over, an incomplete sequence at its end, is decoded with the next one.
    let mut data: Vec<u8> = Vec::new();
    loop {
        let piece = pieces.next();
        data.extend(piece.unwrap_or_default());
        let error = match std::str::from_utf8(&data) {
            Ok(whole) => {
                text.push_str(whole);
                data.clear();
                None
            }
            Err(error) => Some(error),
        };
        let Some(error) = error else {
            if piece.is_none() {
                return Decoded { text, error: None };
            }
            continue;
        };
        let (good, rest) = data
            .split_at_checked(error.valid_up_to())
            .unwrap_or((&data, &[]));
        // Python waits for more behind the first half of a surrogate, though nothing can make it right.
        let incomplete = error.error_len().is_none() || matches!(rest, [0xed, 0xa0..=0xbf]);
        if !incomplete || piece.is_none() {
            let upstream = sentence(rest, good.len(), error.error_len());
            return Decoded {
                error: Some(NotUtf8 {
                    offset: text.len() + good.len(),
                    upstream,
                }),
                text,
            };
        }
        text.push_str(std::str::from_utf8(good).unwrap_or_default());
        data = rest.to_vec();
    }
}

/// Python's sentence about the bytes at `position`; no length means that the file ends there.
fn sentence(rest: &[u8], position: usize, length: Option<usize>) -> String {
    let byte = rest.first().copied().unwrap_or_default();
    let reason = match length {
        None => "unexpected end of data",
        Some(1) if !can_begin(byte) => "invalid start byte",
        Some(_) => "invalid continuation byte",
    };
    match length.unwrap_or(rest.len()) {
        0 | 1 => {
            format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {position}: {reason}")
        }
        more => format!(
            "'utf-8' codec can't decode bytes in position {position}-{}: {reason}",
            position + more - 1
        ),
    }
}

/// Whether a byte can begin a sequence of several bytes.
fn can_begin(byte: u8) -> bool {
    (0xc2..=0xf4).contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> String {
        decode(bytes.to_vec())
            .error
            .map(|error| error.upstream)
            .unwrap_or_default()
    }

    #[test]
    fn wrong_bytes_are_named_as_python_names_them() {
        for (bytes, expected) in [
            (
                &b"ab\xff"[..],
                "'utf-8' codec can't decode byte 0xff in position 2: invalid start byte",
            ),
            (
                b"ab\xe9c",
                "'utf-8' codec can't decode byte 0xe9 in position 2: invalid continuation byte",
            ),
            (
                b"\xe4\xbdc",
                "'utf-8' codec can't decode bytes in position 0-1: invalid continuation byte",
            ),
            (
                b"ab\xe9",
                "'utf-8' codec can't decode byte 0xe9 in position 0: unexpected end of data",
            ),
            (
                b"\xe4\xbd",
                "'utf-8' codec can't decode bytes in position 0-1: unexpected end of data",
            ),
        ] {
            assert_eq!(told(bytes), expected);
        }
    }

    #[test]
    fn positions_count_from_the_piece_that_was_being_decoded() {
        let mut bytes = vec![b'a'; 8200];
        bytes.push(0xff);
        let decoded = decode(bytes);
        assert_eq!(decoded.text.len(), 8192);
        let error = decoded.error.unwrap();
        assert_eq!(error.offset, 8200);
        assert_eq!(
            error.upstream,
            "'utf-8' codec can't decode byte 0xff in position 8: invalid start byte"
        );
    }

    #[test]
    fn good_text_stays_as_it_is() {
        assert_eq!(
            decode("\u{feff}a\r\n\u{e9}".into()).text,
            "\u{feff}a\r\n\u{e9}"
        );
    }
}
