//! Our own command line as others see it.

use std::fs;
use std::ops::Range;

/// Bytes of a command line that are looked at; the system allows about as much.
const BYTES_MAX: usize = 2 << 20;

/// Makes a secret on our command line unreadable for `ps`, where it is an argument of its own or the end of an option.
///
/// For the start of a program, while it has one thread. Where the system does not tell where the arguments are, nothing
/// happens.
pub fn hide(secret: &str) {
    let Some(place) = place() else {
        return;
    };
    if secret.is_empty() || place.len() > BYTES_MAX {
        return;
    }
    let pointer = std::ptr::with_exposed_provenance_mut::<u8>(place.start);
    // SAFETY: the system tells that our arguments are in this range; it laid them out in writable memory of the stack
    // that stays for the life of the process. No reference into it exists: the standard library copies arguments when
    // it is asked for them, and this program has one thread.
    let arguments = unsafe { std::slice::from_raw_parts_mut(pointer, place.len()) };
    cover(arguments, secret.as_bytes());
}

/// Where the system says that the arguments are.
fn place() -> Option<Range<usize>> {
    /// The first of the two numbers, counted behind the name of the command.
    const START: usize = 45;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut numbers = fields.split_ascii_whitespace().skip(START);
    let start: usize = numbers.next()?.parse().ok()?;
    let end: usize = numbers.next()?.parse().ok()?;
    (start > 0 && start < end).then_some(start..end)
}

/// Writes over the secret in arguments that end with NUL.
fn cover(arguments: &mut [u8], secret: &[u8]) {
    for argument in arguments.split_mut(|&byte| byte == 0) {
        let is_option = argument.starts_with(b"-p") || argument.starts_with(b"--p");
        if argument == secret || (is_option && argument.ends_with(secret)) {
            let from = argument.len() - secret.len();
            if let Some(there) = argument.get_mut(from..) {
                there.fill(b'x');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_only_the_secret_is_covered() {
        let mut line = b"ctl\0-p\0pw\0-upw\0-ppw\0--password=pw\0--prompt=pwd\0tail\0pw".to_vec();
        cover(&mut line, b"pw");
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "ctl\0-p\0xx\0-upw\0-pxx\0--password=xx\0--prompt=pwd\0tail\0xx"
        );
    }

    #[test]
    fn our_own_arguments_are_found() {
        let place = place().unwrap();
        let line = fs::read("/proc/self/cmdline").unwrap();
        assert_eq!(place.len(), line.len());
    }
}
