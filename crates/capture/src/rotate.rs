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
