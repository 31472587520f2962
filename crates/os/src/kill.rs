//! Sending signals to children.

use crate::last_errno;
use provost_model::{Errno, Pid, Signal};

/// Sends a signal to a process, or to the process group it leads. Signal 0 only asks.
///
/// Pids below 2 are refused with `EINVAL`: to the system 0 means our own group, -1 everybody, 1 is init.
pub fn kill(pid: Pid, signal: Signal, whole_group: bool) -> Result<(), Errno> {
    let Some(target) = target(pid, whole_group) else {
        return Err(Errno(libc::EINVAL));
    };
    // SAFETY: the call takes two numbers and touches no memory.
    let result = unsafe { libc::kill(target, signal.number()) };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

/// What the system is told; nothing for a pid that could mean more than one child of ours.
fn target(pid: Pid, whole_group: bool) -> Option<i32> {
    if pid.0 <= 1 {
        return None;
    }
    Some(if whole_group { -pid.0 } else { pid.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn s26_no_pid_ever_means_ourselves_init_or_everybody(pid: i32, near in -3..4i32, whole_group: bool) {
            for pid in [pid, near] {
                match target(Pid(pid), whole_group) {
                    Some(number) => {
                        prop_assert!(pid > 1);
                        prop_assert!(!(-1..=1).contains(&number));
                        prop_assert_eq!(number.unsigned_abs(), pid.unsigned_abs());
                        prop_assert_eq!(number < 0, whole_group);
                    }
                    None => prop_assert!(pid <= 1),
                }
            }
        }
    }

    #[test]
    fn pids_below_two_are_refused_before_the_system_sees_them() {
        for pid in [i32::MIN, -2, -1, 0, 1] {
            for whole_group in [false, true] {
                assert_eq!(
                    kill(Pid(pid), Signal::from_raw(0), whole_group),
                    Err(Errno(libc::EINVAL)),
                    "{pid}"
                );
            }
        }
    }

    #[test]
    fn nobody_with_that_pid_is_said_so() {
        assert_eq!(
            kill(Pid(i32::MAX), Signal::from_raw(0), false),
            Err(Errno(libc::ESRCH))
        );
    }
}
