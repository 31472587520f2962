//! A password at a pseudo-terminal.

use crate::ROLE;
use crate::signals::PATIENCE;
use provost_os::reactor::{Interest, Reactor};
use provost_os::{pipe, tty};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};

/// The role of a process that asks for a password at the terminal named in `TERMINAL`, if that is not empty.
pub(crate) const ASKING: &str = "asking";

/// The person's side of a terminal.
struct Person {
    terminal: File,
    name: String,
    seen: String,
}

impl Person {
    fn new() -> Self {
        let terminal = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/ptmx")
            .unwrap();
        let name = unlock(&terminal);
        Self {
            terminal,
            name,
            seen: String::new(),
        }
    }

    /// Reads until the text is on the screen.
    fn wait_for(&mut self, text: &str) {
        let reactor = Reactor::new().unwrap();
        reactor
            .add(self.terminal.as_fd(), 0, Interest::Read)
            .unwrap();
        let mut ready = Vec::new();
        while !self.seen.contains(text) {
            reactor.wait(Some(PATIENCE), &mut ready).unwrap();
            assert!(
                !ready.is_empty(),
                "{text:?} never came; seen: {:?}",
                self.seen
            );
            let mut buffer = [0; 256];
            let count = pipe::read(self.terminal.as_fd(), &mut buffer).unwrap();
            self.seen
                .push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.terminal)
            .unwrap()
            .local_modes
            .contains(LocalModes::ECHO)
    }
}

#[expect(unsafe_code, reason = "pseudo-terminals are only needed here")]
fn unlock(terminal: &File) -> String {
    let mut name = [0 as libc::c_char; 64];
    // SAFETY: the descriptor is open and a pseudo-terminal's.
    assert_eq!(unsafe { libc::unlockpt(terminal.as_raw_fd()) }, 0);
    // SAFETY: the same; `name` has the room that is said.
    let named = unsafe { libc::ptsname_r(terminal.as_raw_fd(), name.as_mut_ptr(), name.len()) };
    assert_eq!(named, 0);
    name.iter()
        .take_while(|&&c| c != 0)
        .map(|&c| char::from(u8::from_ne_bytes(c.to_ne_bytes())))
        .collect()
}

/// Starts a process that asks for a password at the person's terminal. Ctrl-C means what it means at a keyboard: what runs in
/// the background may have been started with it ignored.
fn ask(terminal: &str) -> Child {
    Command::new("env")
        .arg("--default-signal=INT")
        .arg(std::env::current_exe().unwrap())
        .env(ROLE, ASKING)
        .env("TERMINAL", terminal)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// In that process: takes the terminal, asks, and shows the answer on stdout.
pub(crate) fn answer() {
    rustix::process::setsid().unwrap();
    let name = std::env::var("TERMINAL").unwrap();
    // The first terminal that a session leader opens becomes its controlling one.
    let _controlling = (!name.is_empty()).then(|| {
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(0)
            .open(name)
            .unwrap()
    });
    let answer = tty::read_password("Password:");
    println!("answer {answer:?}");
}

pub(crate) fn a_password_is_read_without_being_shown() {
    let mut person = Person::new();
    assert!(person.echoes());
    let child = ask(&person.name);
    person.wait_for("Password:");
    assert!(!person.echoes());
    person
        .terminal
        .write_all("sécret word\n".as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("answer Ok(\"sécret word\")"), "{text}");
    person.wait_for("\n");
    assert_eq!(person.seen, "Password:\r\n");
}

pub(crate) fn an_interrupt_ends_the_process_with_the_echo_back() {
    use std::os::unix::process::ExitStatusExt;
    let mut person = Person::new();
    // Keeps the settings alive when the other process is gone.
    let other_side = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOCTTY)
        .open(&person.name)
        .unwrap();
    let child = ask(&person.name);
    person.wait_for("Password:");
    person.terminal.write_all(b"half\x03").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(libc::SIGINT), "{output:?}");
    assert!(person.echoes());
    drop(other_side);
}

pub(crate) fn the_end_of_input_is_an_error() {
    let mut person = Person::new();
    let child = ask(&person.name);
    person.wait_for("Password:");
    person.terminal.write_all(b"\x04").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("UnexpectedEof"), "{text}");
}

pub(crate) fn without_a_terminal_there_is_nobody_to_ask() {
    let output = ask("").wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("code: 6"), "{text}");
}

pub(crate) fn terminals_are_known_and_measured() {
    let person = Person::new();
    let other_side = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOCTTY)
        .open(&person.name)
        .unwrap();
    assert!(tty::is_terminal(other_side.as_fd()));
    assert_eq!(tty::width(other_side.as_fd()), None, "nobody has told yet");
    let size = rustix::termios::Winsize {
        ws_row: 24,
        ws_col: 132,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(&person.terminal, size).unwrap();
    assert_eq!(tty::width(other_side.as_fd()), Some(132));
    let (read, _write) = pipe::pipe().unwrap();
    assert!(!tty::is_terminal(read.as_fd()));
    assert_eq!(tty::width(read.as_fd()), None);
}
