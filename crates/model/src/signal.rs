//! Signals by number and name.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A signal number of this system; 0 asks only whether the process is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Signal(i32);

/// Linux names in numeric order of the generic ABI, as Python's `signal` module spells them.
const NAMES: &[(i32, &str)] = &[
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (10, "SIGUSR1"),
    (11, "SIGSEGV"),
    (12, "SIGUSR2"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (16, "SIGSTKFLT"),
    (17, "SIGCHLD"),
    (18, "SIGCONT"),
    (19, "SIGSTOP"),
    (20, "SIGTSTP"),
    (21, "SIGTTIN"),
    (22, "SIGTTOU"),
    (23, "SIGURG"),
    (24, "SIGXCPU"),
    (25, "SIGXFSZ"),
    (26, "SIGVTALRM"),
    (27, "SIGPROF"),
    (28, "SIGWINCH"),
    (29, "SIGIO"),
    (30, "SIGPWR"),
    (31, "SIGSYS"),
    (34, "SIGRTMIN"),
    (64, "SIGRTMAX"),
];

/// Other names for the same numbers.
const ALIASES: &[(&str, i32)] = &[("SIGIOT", 6), ("SIGCLD", 17), ("SIGPOLL", 29)];

impl Signal {
    /// Ends a process that did not obey.
    pub const KILL: Self = Self(9);
    /// Wakes a halted process.
    pub const CONT: Self = Self(18);
    /// The default stop signal.
    pub const TERM: Self = Self(15);
    /// Hang-up.
    pub const HUP: Self = Self(1);
    /// Interrupt from the terminal.
    pub const INT: Self = Self(2);
    /// Quit from the terminal.
    pub const QUIT: Self = Self(3);
    /// User-defined 1.
    pub const USR1: Self = Self(10);
    /// User-defined 2; reopens the logs.
    pub const USR2: Self = Self(12);
    /// A child changed its state.
    pub const CHLD: Self = Self(17);

    /// A signal the kernel named: any number is taken.
    pub fn from_raw(number: i32) -> Self {
        Self(number)
    }

    /// A number that upstream accepts from a person: 0 to 31, 34 or 64.
    pub fn from_number(number: i64) -> Option<Self> {
        let number = i32::try_from(number).ok()?;
        (number == 0 || NAMES.iter().any(|&(known, _)| known == number)).then_some(Self(number))
    }

    /// A name with or without `SIG`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let upper = name.trim().to_uppercase();
        let full = if upper.starts_with("SIG") {
            upper
        } else {
            format!("SIG{upper}")
        };
        let by_name = NAMES
            .iter()
            .find(|(_, known)| *known == full)
            .map(|&(number, _)| number);
        by_name
            .or_else(|| {
                ALIASES
                    .iter()
                    .find(|(known, _)| *known == full)
                    .map(|&(_, number)| number)
            })
            .map(Self)
    }

    /// The names of all signals that have one, with `SIG`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|&(_, name)| name)
    }

    /// The number.
    pub fn number(self) -> i32 {
        self.0
    }

    /// The name with `SIG`, or nothing for a number without one.
    pub fn name(self) -> Option<&'static str> {
        NAMES
            .iter()
            .find(|&&(number, _)| number == self.0)
            .map(|&(_, name)| name)
    }
}

impl fmt::Display for Signal {
    /// The name, or `signal N` for a number without one (upstream's wording).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_with_and_without_sig_in_any_case() {
        for text in ["TERM", "term", "SIGTERM", "sigterm", " Term "] {
            assert_eq!(Signal::from_name(text), Some(Signal::TERM), "{text}");
        }
        assert_eq!(Signal::from_name("SIG"), None);
        assert_eq!(Signal::from_name("_DFL"), None);
    }

    #[test]
    fn numbers_without_a_name_are_refused() {
        assert_eq!(Signal::from_number(15), Some(Signal::TERM));
        assert_eq!(Signal::from_number(0).map(Signal::number), Some(0));
        for number in [-1, 32, 33, 35, 63, 65, 1 << 40] {
            assert_eq!(Signal::from_number(number), None, "{number}");
        }
    }
}
