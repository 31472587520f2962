//! The terminal of a person.

use crate::pipe;
use crate::signals::{MaskGuard, Received, SignalQueue};
use provost_model::Signal;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Longest password taken, in bytes: what a terminal line can hold.
const PASSWORD_MAX: usize = 4096;

/// Signals that end or stop a program at its terminal: the echo must be back before they act.
const ENDING: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

/// Whether the descriptor is a terminal.
pub fn is_terminal(fd: BorrowedFd<'_>) -> bool {
    fd.is_terminal()
}

/// Columns of a terminal; nothing when it is none or does not tell.
pub fn width(fd: BorrowedFd<'_>) -> Option<u16> {
    tcgetwinsize(fd)
        .ok()
        .map(|size| size.ws_col)
        .filter(|&columns| columns > 0)
}

/// Asks for a line on the controlling terminal without showing it. Fails with `ENXIO` where there is none.
///
/// The echo is on again when this returns. A signal that would end the program is delivered after that; should the
/// program survive it, the error is `Interrupted`. The end of input before a newline is `UnexpectedEof`.
/// All this while no other thread takes signals: they would act at once, without the echo.
pub fn read_password(prompt: &str) -> io::Result<String> {
    let tty = rustix::fs::open(
        "/dev/tty",
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let answer = {
        let _mask_comes_back = MaskGuard::new()?;
        let signals = SignalQueue::open(&ENDING)?;
        let silence = Silence::new(&tty)?;
        write_all(tty.as_fd(), prompt.as_bytes())?;
        let answer = read_line(tty.as_fd(), &signals);
        drop(silence);
        write_all(tty.as_fd(), b"\n")?;
        if let Ok(Err(received)) = &answer {
            // It waits until the mask comes back at the end of this block.
            let ourselves = rustix::process::getpid().as_raw_pid();
            let _ourselves_exist =
                crate::kill::kill(provost_model::Pid(ourselves), received.signal, false);
        }
        answer?
    };
    let bytes = answer.map_err(|_| io::Error::from(io::ErrorKind::Interrupted))?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the password is not UTF-8"))
}

/// No echo, until it is dropped.
struct Silence<'a> {
    tty: &'a OwnedFd,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn new(tty: &'a OwnedFd) -> io::Result<Self> {
        let before = tcgetattr(tty)?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO;
        silent.local_modes |= LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(tty, OptionalActions::Flush, &silent)?;
        Ok(Self { tty, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        let _terminal_is_gone = tcsetattr(self.tty, OptionalActions::Flush, &self.before);
    }
}

/// A line without its newline, or the signal that came first.
fn read_line(tty: BorrowedFd<'_>, signals: &SignalQueue) -> io::Result<Result<Vec<u8>, Received>> {
    let mut line = Vec::new();
    loop {
        let mut ready = [
            PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(tty, PollFlags::IN),
        ];
        rustix::io::retry_on_intr(|| poll(&mut ready, None))?;
        if let Some(&received) = signals.read()?.first() {
            return Ok(Err(received));
        }
        if ready[1].revents().is_empty() {
            continue;
        }
        let mut chunk = [0; 256];
        let count = pipe::read(tty, &mut chunk)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.extend(chunk.iter().take(count));
        if line.last() == Some(&b'\n') {
            line.pop();
            return Ok(Ok(line));
        }
        if line.len() > PASSWORD_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the password is too long",
            ));
        }
    }
}

fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = pipe::write(fd, bytes)?;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}
