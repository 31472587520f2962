//! Lines for the system's log.

use std::fmt::Write;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// Where the system's log listens.
const DEV_LOG: &str = "/dev/log";

/// Facility USER, severity INFO: what upstream's lines have.
const PRIORITY: u8 = 8 + 6;

/// Bytes of a line that every receiver takes, for one that refused the whole.
const SHORT: usize = 1024;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Taken.
    Sent,
    /// Lost: nobody listens, or the receiver does not keep up.
    Lost,
}

/// A way to the system's log. Never blocks and never fails: a line that is not taken is lost, and the next one tries
/// to connect anew.
#[derive(Debug)]
pub struct Syslog {
    path: PathBuf,
    ident: String,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    /// Lines that bear this name. Connects with the first one.
    pub fn new(ident: &str) -> Self {
        Self::at(Path::new(DEV_LOG), ident)
    }

    /// The same for a receiver at another path.
    pub fn at(path: &Path, ident: &str) -> Self {
        Self {
            path: path.to_path_buf(),
            ident: ident.to_owned(),
            socket: None,
        }
    }

    /// Sends one line.
    pub fn send(&mut self, line: &str) -> Delivery {
        let mut message = format!("<{PRIORITY}>");
        push_stamp(&mut message, crate::clock::wall().secs);
        message.push_str(&self.ident);
        message.push_str(": ");
        message.push_str(line);
        // A receiver that was restarted refuses the old connection once.
        if self.try_send(message.as_bytes()) || self.try_send(message.as_bytes()) {
            Delivery::Sent
        } else {
            Delivery::Lost
        }
    }

    fn try_send(&mut self, message: &[u8]) -> bool {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => match connect(&self.path) {
                Ok(socket) => socket,
                Err(_) => return false,
            },
        };
        let sent = match socket.send(message) {
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                socket.send(message.get(..SHORT).unwrap_or(message))
            }
            other => other,
        };
        match sent {
            Ok(_) => {
                self.socket = Some(socket);
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.socket = Some(socket);
                false
            }
            Err(_) => false,
        }
    }
}

fn connect(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(path)?;
    Ok(socket)
}

/// `Nov  2 19:20:00 ` in local time, the form that receivers expect. Left out if the time cannot be told.
fn push_stamp(message: &mut String, secs: i64) {
    let mut parts = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers lead to whole values that outlive the call.
    let found = unsafe { libc::localtime_r(&raw const secs, parts.as_mut_ptr()) };
    if found.is_null() {
        return;
    }
    // SAFETY: the call succeeded and filled it.
    let parts = unsafe { parts.assume_init() };
    let Some(month) = usize::try_from(parts.tm_mon)
        .ok()
        .and_then(|month| MONTHS.get(month))
    else {
        return;
    };
    let (day, hour, minute, second) = (parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    let _a_string_takes_all = write!(
        message,
        "{month} {day:>2} {hour:02}:{minute:02}:{second:02} "
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_has_the_form_that_receivers_expect() {
        let mut text = String::new();
        push_stamp(&mut text, 0);
        let [month, day, time] = text.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{text:?}")
        };
        assert!(MONTHS.contains(&month), "{text:?}");
        assert!((1..=31).contains(&day.parse::<u32>().unwrap()), "{text:?}");
        assert_eq!((time.len(), text.len()), (8, 16), "{text:?}");
    }
}
