//! Random bytes that nobody can guess.

use rustix::rand::{GetRandomFlags, getrandom};
use std::io;

/// Bytes from the system's generator, for keys. It may wait while a machine that boots gathers its first ones.
///
/// # Errors
/// When the kernel has no generator, or a filter of system calls forbids it.
pub fn secret<const LEN: usize>() -> io::Result<[u8; LEN]> {
    let mut bytes = [0; LEN];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += match getrandom(rest, GetRandomFlags::empty()) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => 0,
            Err(error) => return Err(error.into()),
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::secret;

    #[test]
    fn no_two_secrets_are_alike() {
        let (one, other): ([u8; 32], [u8; 32]) = (secret().unwrap(), secret().unwrap());
        assert_ne!(one, other);
        assert_ne!(one, [0; 32]);
    }
}
