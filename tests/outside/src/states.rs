//! What one image of supervisord leaves to the next.

use provost_daemon::outside::repacked;
use provost_wire::checksum::crc32;

/// `data` is a packed state, and the inside of one whose header is right: it is refused with words, or packed again it is
/// one that stays as it is from then on.
pub fn packed_state(data: &[u8]) {
    unpacked(data);
    unpacked(&packed(data));
}

fn unpacked(state: &[u8]) {
    match repacked(state) {
        Ok(once) => assert_eq!(repacked(&once), Ok(once)),
        Err(why) => assert!(!why.is_empty() && !why.contains('"'), "{why}"),
    }
}

/// A state as it is packed: what it is, format, least reader, length and checksum.
fn packed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut state = b"PRVSTATE\x01\0\x01\0".to_vec();
    state.extend(length.to_le_bytes());
    state.extend(crc32(body).to_le_bytes());
    state.extend_from_slice(body);
    state
}
