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
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Decoded { text, error: None },
        Err(error) => error,
    };
    let good = error.utf8_error().valid_up_to();
    let bad_length = error.utf8_error().error_len();
    let bytes = error.into_bytes();
    // A piece begins with what the piece before left over: an incomplete sequence of up to three bytes. A sequence
    // that is wrong and crosses a border is found with the second piece, which then begins with it.
    let detected_at = good + bad_length.unwrap_or(0);
    let border = (detected_at.saturating_sub(1)) / CHUNK_BYTES * CHUNK_BYTES;
    let piece = if good >= border {
        whole_before(&bytes, border)
    } else {
        good
    };
    let kept = bytes
        .get(..piece)
        .map(|known| String::from_utf8_lossy(known).into_owned());
    let rest = bytes.get(good..).unwrap_or_default();
    let byte = rest.first().copied().unwrap_or_default();
    let from = good - piece;
    let upstream = match bad_length {
        None if rest.len() > 1 => format!(
            "'utf-8' codec can't decode bytes in position {from}-{}: unexpected end of data",
            from + rest.len() - 1
        ),
        None => format!(
            "'utf-8' codec can't decode byte 0x{byte:02x} in position {from}: unexpected end of data"
        ),
        Some(length) if length > 1 => format!(
            "'utf-8' codec can't decode bytes in position {from}-{}: invalid continuation byte",
            from + length - 1
        ),
        Some(_) => {
            let reason = if can_begin(byte) {
                "invalid continuation byte"
            } else {
                "invalid start byte"
            };
            format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {from}: {reason}")
        }
    };
    Decoded {
        text: kept.unwrap_or_default(),
        error: Some(NotUtf8 {
            offset: good,
            upstream,
        }),
    }
}

/// The last border between characters at or before `end`.
fn whole_before(bytes: &[u8], end: usize) -> usize {
    let is_border = |at: usize| bytes.get(at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (0..=end).rev().find(|&at| is_border(at)).unwrap_or(0)
}

/// Whether a byte can begin a sequence of several bytes.
fn can_begin(byte: u8) -> bool {
    (0xc2..=0xf4).contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(bytes: &[u8]) -> String {
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
                "'utf-8' codec can't decode byte 0xe9 in position 2: unexpected end of data",
            ),
            (
                b"\xe4\xbd",
                "'utf-8' codec can't decode bytes in position 0-1: unexpected end of data",
            ),
        ] {
            assert_eq!(sentence(bytes), expected);
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
