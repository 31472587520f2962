//! A command at a terminal of its own, with a test in the place of the person.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::process::kill_tree;
use crate::wait::{PATIENCE, wait_for};

/// As wide as needed for no line of a test to be broken by the editor.
const SIZE: Winsize = Winsize {
    ws_row: 50,
    ws_col: 200,
    ws_xpixel: 0,
    ws_ypixel: 0,
};

/// The keys that send signals or end the input.
pub const CTRL_C: &str = "\x03";
/// End of input.
pub const CTRL_D: &str = "\x04";

/// A command whose input, output and controlling terminal are one pseudo-terminal.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    /// All that was shown.
    seen: String,
    /// Where the part begins that no expectation has used up.
    at: usize,
}

impl Terminal {
    /// Starts a command with a name, arguments, directory and environment like `command`'s.
    ///
    /// The command gets the terminal as its controlling one by way of `setsid --ctty`.
    pub fn start(command: &Command) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("the system has terminals");
        grantpt(&master).expect("the terminal is ours");
        unlockpt(&master).expect("the terminal is ours");
        let name = ptsname(&master, Vec::new()).expect("the terminal has a name");
        let name = name.into_string().expect("terminals have plain names");
        tcsetwinsize(&master, SIZE).expect("a terminal has a size");
        let side = || {
            let file = OpenOptions::new().read(true).write(true).open(&name);
            Stdio::from(file.expect("the terminal can be opened"))
        };
        let mut outer = Command::new("setsid");
        outer
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .stdin(side())
            .stdout(side())
            .stderr(side());
        for (key, value) in command.get_envs() {
            if let Some(value) = value {
                outer.env(key, value);
            }
        }
        outer.env("TERM", "xterm");
        if let Some(directory) = command.get_current_dir() {
            outer.current_dir(directory);
        }
        let child = outer.spawn().expect("setsid runs");
        // The command line holds the terminal's other side; only the child's copies may stay open.
        drop(outer);
        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().expect("a descriptor can be doubled");
        let (sender, screen) = channel();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            // An error means that the last user of the terminal has left.
            while let Ok(count) = reader.read(&mut chunk) {
                let bytes = chunk.get(..count).unwrap_or_default().to_vec();
                if count == 0 || sender.send(bytes).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            keyboard,
            screen,
            seen: String::new(),
            at: 0,
        }
    }

    /// Types.
    pub fn send(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("the terminal takes input");
    }

    /// Types a line and its end.
    pub fn line(&mut self, line: &str) {
        self.send(line);
        self.send("\r");
    }

    /// Waits until `text` is shown, after all that was expected before. Returns what came before it.
    pub fn expect(&mut self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let fresh = self.seen.get(self.at..).unwrap_or_default();
            if let Some(index) = fresh.find(text) {
                let before = fresh[..index].to_owned();
                self.at += index + text.len();
                return before;
            }
            let left = PATIENCE.saturating_sub(begun.elapsed());
            assert!(
                self.take(left),
                "waited in vain for {text:?} at the terminal, which shows:\n{}",
                self.seen
            );
        }
    }

    /// Whether `text` is shown, after all that was expected before; uses nothing up.
    pub fn shows(&mut self, text: &str) -> bool {
        while self.take(Duration::ZERO) {}
        self.seen
            .get(self.at..)
            .is_some_and(|fresh| fresh.contains(text))
    }

    /// Takes what is shown next. Answers whether something came in time.
    fn take(&mut self, timeout: Duration) -> bool {
        match self.screen.recv_timeout(timeout) {
            Ok(bytes) => {
                self.seen.push_str(&String::from_utf8_lossy(&bytes));
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }

    /// Waits for the command's end, and returns its exit code (`None`: by a signal) and all that was shown.
    pub fn finish(mut self) -> (Option<i32>, String) {
        let status = wait_for(PATIENCE, "the command at the terminal to end", || {
            while self.take(Duration::ZERO) {}
            self.child.try_wait().expect("the command is our child")
        });
        while self.take(PATIENCE) {}
        (status.code(), std::mem::take(&mut self.seen))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            kill_tree(self.child.id());
            self.child.wait().ok();
        }
    }
}
