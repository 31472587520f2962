//! How a state is packed: what it is, whether this version can read it, whether it is whole.

use provost_wire::checksum::crc32;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What every state begins with.
const MAGIC: &[u8; 8] = b"PRVSTATE";

/// The format that this version writes. It grows whenever something is added.
const FORMAT: u16 = 3;

/// The least version of the format that a reader must know. It grows when something gets another meaning: since 2 passwords
/// are sealed.
const MIN_READER: u16 = 2;

/// Magic, format, least reader, length and checksum of what follows.
const HEADER_BYTES: usize = 8 + 2 + 2 + 4 + 4;

/// Bytes of a state at most: that of a hundred thousand programs is smaller.
pub(super) const BYTES_MAX: u64 = 1 << 30;

/// Packs a state.
pub(super) fn pack(state: &impl Serialize) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; HEADER_BYTES];
    serde_json::to_writer(&mut bytes, state)
        .map_err(|error| format!("the state cannot be written: {error}"))?;
    let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let length =
        u32::try_from(body.len()).map_err(|_| "the state is too large to be written".to_owned())?;
    let header = [
        MAGIC.as_slice(),
        &FORMAT.to_le_bytes(),
        &MIN_READER.to_le_bytes(),
        &length.to_le_bytes(),
        &crc32(body).to_le_bytes(),
    ]
    .concat();
    if let Some(place) = bytes.get_mut(..HEADER_BYTES) {
        place.copy_from_slice(&header);
    }
    Ok(bytes)
}

/// Unpacks one.
pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let (header, body) = bytes
        .split_at_checked(HEADER_BYTES)
        .ok_or("it is no state of supervisord: it is too short")?;
    let number = |at: usize, size: usize| {
        let bytes = header.get(at..at + size).unwrap_or_default();
        bytes
            .iter()
            .rev()
            .fold(0_u32, |number, &byte| number << 8 | u32::from(byte))
    };
    if !header.starts_with(MAGIC) {
        return Err("it is no state of supervisord".to_owned());
    }
    let (format, min_reader) = (number(8, 2), number(10, 2));
    if min_reader > u32::from(FORMAT) {
        return Err(format!(
            "the state has format {format} and needs a reader of {min_reader}; this version reads up to {FORMAT}"
        ));
    }
    if number(12, 4) as usize != body.len() || number(16, 4) != crc32(body) {
        return Err("the state is damaged".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| {
        // What is quoted is left out: the state holds passwords, and reasons are shown to everybody.
        let text = error.to_string();
        let reason = text.split('"').next().unwrap_or_default().trim_end();
        let (line, column) = (error.line(), error.column());
        format!("the state cannot be read: {reason} (line {line}, column {column})")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        let packed = pack(&vec!["a", "b"]).unwrap();
        assert_eq!(unpack::<Vec<String>>(&packed).unwrap(), ["a", "b"]);
    }

    #[test]
    fn a_reason_holds_nothing_of_the_state() {
        let packed = pack(&serde_json::json!({ "number": "secret word" })).unwrap();
        let error = unpack::<std::collections::BTreeMap<String, u8>>(&packed).unwrap_err();
        assert!(error.contains("invalid type"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn damage_and_later_formats_are_refused_with_a_reason() {
        let packed = pack(&vec!["a", "b"]).unwrap();
        for at in 0..packed.len() {
            let mut damaged = packed.clone();
            damaged[at] ^= 1;
            // A later format may be readable, and one that needs a reader like this.
            let is_format = (8..=10).contains(&at);
            assert_eq!(
                unpack::<Vec<String>>(&damaged).is_ok(),
                is_format,
                "byte {at}"
            );
            assert!(unpack::<Vec<String>>(&packed[..at]).is_err());
        }
        let mut later = packed;
        later[10] = 4;
        let error = unpack::<Vec<String>>(&later).unwrap_err();
        assert!(error.contains("needs a reader of 4"), "{error}");
    }
}
