//! Core dumps of this process.

use crate::last_errno;
use provost_model::Errno;
use std::ffi::c_ulong;

/// Keeps the system from writing this process' memory to a core file, and users without rights from reading it. What it
/// executes later is as always.
///
/// The process' files below `/proc` belong to root from then on; it can still use its own.
pub fn leave_none() -> Result<(), Errno> {
    let none: c_ulong = 0;
    // SAFETY: this option takes a number and touches no memory.
    let result = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, none, none, none, none) };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}
