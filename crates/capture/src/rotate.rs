//! Which files move where when a log has grown too long.

/// Up to this many backups each number is tried; beyond, only those that exist, so that a huge number costs nothing.
const TRIED_BACKUPS_MAX: i64 = 64;

/// How a log is rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// No backups: the file is emptied.
    Truncate,
    /// Each backup with one of these numbers moves up by one, in this order, where it exists; a file in the way is
    /// replaced. Then the log itself becomes backup 1.
    Shift(Vec<u64>),
}

/// The plan for `backups` kept files. `present` lists the numbers of the backups there are; it is asked only when
/// there are too many possible ones to try.
pub fn plan(backups: i64, present: impl FnOnce() -> Vec<u64>) -> Plan {
    let Some(kept) = u64::try_from(backups).ok().filter(|&kept| kept > 0) else {
        return Plan::Truncate;
    };
    if backups <= TRIED_BACKUPS_MAX {
        return Plan::Shift((1..kept).rev().collect());
    }
    let mut numbers = present();
    numbers.retain(|&number| number > 0 && number < kept);
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers.dedup();
    Plan::Shift(numbers)
}

/// When a log is rotated and what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The length at which the file is rotated; none means never.
    maxbytes: Option<u64>,
    /// Rotated files kept; 0 or less means that the file is emptied.
    backups: i64,
}

impl Rotation {
    /// From the values of the configuration, where a limit of 0 or less means no rotation.
    pub fn new(maxbytes: i64, backups: i64) -> Self {
        Self {
            maxbytes: u64::try_from(maxbytes).ok().filter(|&max| max > 0),
            backups,
        }
    }

    /// No rotation.
    pub const NEVER: Self = Self {
        maxbytes: None,
        backups: 0,
    };

    /// Whether a file of this length is to be rotated.
    pub fn is_due(self, length: u64) -> bool {
        self.maxbytes.is_some_and(|max| length >= max)
    }

    /// Moves the generations of a log.
    ///
    /// The new file exists before anything is moved: with a full disk or without descriptors nothing changes. After a
    /// failure the file that was open stays in use.
    pub fn rotate<S: Shelf>(self, shelf: &mut S) -> Result<(), S::Error> {
        let Plan::Shift(numbers) = plan(self.backups, || shelf.numbers()) else {
            return shelf.empty();
        };
        shelf.make_successor()?;
        let moved = shift(shelf, &numbers);
        install(shelf, moved)
    }
}

/// A name beside a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The log itself.
    Log,
    /// A backup; 1 is the youngest.
    Backup(u64),
    /// The next file, while it is made.
    Successor,
}

/// The directory of a log. Each call is one system call or a few.
pub trait Shelf {
    /// Why something could not be done.
    type Error;
    /// Numbers of the backups there are; none if nobody can say, as then they cannot be moved either.
    fn numbers(&mut self) -> Vec<u64>;
    /// Empties the file that is open.
    fn empty(&mut self) -> Result<(), Self::Error>;
    /// Makes an empty file; one that an earlier life left at this name goes.
    fn make_successor(&mut self) -> Result<(), Self::Error>;
    /// Gives a file another name; a file in the way is replaced.
    fn rename(&mut self, from: Name, to: Name) -> Result<(), Self::Error>;
    /// Whether a failure says that there is no such file.
    fn is_absence(error: &Self::Error) -> bool;
    /// Removes the file that was made, if that can be done.
    fn remove_successor(&mut self);
}

/// Puts an empty file in the place of the log.
pub fn replace<S: Shelf>(shelf: &mut S) -> Result<(), S::Error> {
    shelf.make_successor()?;
    install(shelf, Ok(()))
}

/// The successor takes the log's name, if all before has been done.
fn install<S: Shelf>(shelf: &mut S, before: Result<(), S::Error>) -> Result<(), S::Error> {
    let done = before.and_then(|()| shelf.rename(Name::Successor, Name::Log));
    if done.is_err() {
        // It is empty and nobody knows it. If it cannot be removed now, the next rotation does.
        shelf.remove_successor();
    }
    done
}

fn shift<S: Shelf>(shelf: &mut S, numbers: &[u64]) -> Result<(), S::Error> {
    for &number in numbers {
        let next = Name::Backup(number.saturating_add(1));
        rename_if_there(shelf, Name::Backup(number), next)?;
    }
    rename_if_there(shelf, Name::Log, Name::Backup(1))
}

fn rename_if_there<S: Shelf>(shelf: &mut S, from: Name, to: Name) -> Result<(), S::Error> {
    match shelf.rename(from, to) {
        Err(error) if S::is_absence(&error) => Ok(()),
        other => other,
    }
}

/// The number of the backup of `base` that is called `name`, if it is one.
pub fn backup_number(base: &[u8], name: &[u8]) -> Option<u64> {
    let digits = name.strip_prefix(base)?.strip_prefix(b".")?;
    let canonical =
        digits.first().is_some_and(|&first| first != b'0') && digits.iter().all(u8::is_ascii_digit);
    if canonical {
        std::str::from_utf8(digits).ok()?.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Vec<u64> {
        unreachable!("few backups are tried without a look")
    }

    #[test]
    fn without_backups_the_file_is_emptied() {
        assert_eq!(plan(0, none), Plan::Truncate);
        assert_eq!(plan(-1, none), Plan::Truncate);
    }

    #[test]
    fn the_oldest_moves_first() {
        assert_eq!(plan(1, none), Plan::Shift(vec![]));
        assert_eq!(plan(4, none), Plan::Shift(vec![3, 2, 1]));
    }

    #[test]
    fn with_many_backups_only_those_present_move() {
        assert_eq!(
            plan(i64::MAX, || vec![1, 7, 2, 7]),
            Plan::Shift(vec![7, 2, 1])
        );
        assert_eq!(plan(65, || vec![64, 65, 1]), Plan::Shift(vec![64, 1]));
    }

    #[test]
    fn backups_are_told_from_other_files() {
        assert_eq!(backup_number(b"x.log", b"x.log.12"), Some(12));
        for name in [
            &b"x.log"[..],
            b"x.log.",
            b"x.log.01",
            b"x.log.1a",
            b"y.log.1",
            b"x.log.99999999999999999999",
        ] {
            assert_eq!(backup_number(b"x.log", name), None);
        }
    }
}
