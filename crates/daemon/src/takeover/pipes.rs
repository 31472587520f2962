//! Which pipe of the old daemon belongs to which channel of which process.
//!
//! The system tells which pipes a process has at its descriptors 0 to 2, and which ends the old daemon has. A process that
//! has laid its descriptors elsewhere is found by the numbers of its other pipes: the old daemon makes the three pipes of
//! a process one after another, and so their numbers follow each other.

use std::collections::BTreeSet;

/// What a process has at its descriptors 0, 1 and 2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// Numbers of pipes.
    pub(super) pipes: [Option<u64>; 3],
    /// Whether it was started with one pipe for both kinds of output.
    pub(super) redirected: bool,
}

/// Ends of pipes of the old daemon that belong to nobody yet.
struct Free {
    to_write: BTreeSet<u64>,
    to_read: BTreeSet<u64>,
}

impl Free {
    fn read(&mut self, number: Option<u64>) -> Option<u64> {
        number.filter(|number| self.to_read.remove(number))
    }

    fn write(&mut self, number: Option<u64>) -> Option<u64> {
        number.filter(|number| self.to_write.remove(number))
    }
}

/// The pipes for the standard input, output and error output of each process, and how many to read from are left over.
pub(super) fn assign(
    processes: &[Places],
    to_write: BTreeSet<u64>,
    to_read: BTreeSet<u64>,
) -> (Vec<[Option<u64>; 3]>, usize) {
    let mut free = Free { to_write, to_read };
    let mut found: Vec<[Option<u64>; 3]> = processes
        .iter()
        .map(|places| {
            let [stdin, stdout, stderr] = places.pipes;
            let stdin = free.write(stdin);
            let first = free.read(stdout);
            let second = free.read(stderr);
            if places.redirected {
                [stdin, first.or(second), None]
            } else {
                [stdin, first, second]
            }
        })
        .collect();
    for (places, pipes) in processes.iter().zip(&mut found) {
        complete(*places, pipes, &mut free);
    }
    (found, free.to_read.len())
}

fn complete(places: Places, pipes: &mut [Option<u64>; 3], free: &mut Free) {
    let [stdin, stdout, stderr] = pipes;
    let before = |number: Option<u64>| number?.checked_sub(1);
    let after = |number: Option<u64>, steps: u64| number?.checked_add(steps);
    if !places.redirected && stdout.is_some() && places.pipes[1] == places.pipes[2] {
        // Both kinds of output go to one pipe that was made for one of them.
        match free.read(before(*stdout)) {
            Some(number) => (*stdout, *stderr) = (Some(number), *stdout),
            None => *stderr = free.read(after(*stdout, 1)),
        }
    }
    if stdout.is_none() {
        *stdout = free.read(before(*stderr));
    }
    if stdout.is_none() {
        *stdout = free.read(after(*stdin, 1));
    }
    if stderr.is_none() && !places.redirected {
        *stderr = free.read(after(*stdout, 1));
    }
    if stdin.is_none() {
        *stdin = free.write(before(*stdout));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(processes: &[([u64; 3], bool)], to_write: &[u64], to_read: &[u64]) -> String {
        let places: Vec<Places> = processes
            .iter()
            .map(|&(pipes, redirected)| Places {
                pipes: pipes.map(|number| (number > 0).then_some(number)),
                redirected,
            })
            .collect();
        let (found, left) = assign(
            &places,
            to_write.iter().copied().collect(),
            to_read.iter().copied().collect(),
        );
        let numbers: Vec<_> = found
            .iter()
            .map(|pipes| pipes.map(|number| number.unwrap_or(0)))
            .collect();
        format!("{numbers:?} {left}")
    }

    #[test]
    fn pipes_are_where_they_were_put() {
        let two = [([10, 11, 12], false), ([20, 21, 21], true)];
        assert_eq!(
            assigned(&two, &[10, 20], &[11, 12, 21]),
            "[[10, 11, 12], [20, 21, 0]] 0"
        );
        let other_pipes = [([10, 99, 98], false)];
        assert_eq!(assigned(&other_pipes, &[], &[1]), "[[0, 0, 0]] 1");
    }

    #[test]
    fn a_process_that_laid_them_elsewhere_is_found_by_their_numbers() {
        for (places, redirected, expected) in [
            // `exec 1>&2`, `exec 2>&1`.
            ([10, 12, 12], false, "[[10, 11, 12]] 0"),
            ([10, 11, 11], false, "[[10, 11, 12]] 0"),
            // Files in their place.
            ([10, 0, 12], false, "[[10, 11, 12]] 0"),
            ([10, 11, 0], false, "[[10, 11, 12]] 0"),
            ([10, 0, 0], false, "[[10, 11, 12]] 0"),
            ([0, 11, 12], false, "[[10, 11, 12]] 0"),
            ([0, 0, 0], false, "[[0, 0, 0]] 2"),
            ([10, 0, 11], true, "[[10, 11, 0]] 1"),
        ] {
            assert_eq!(
                assigned(&[(places, redirected)], &[10], &[11, 12]),
                expected,
                "{places:?}"
            );
        }
    }
}
