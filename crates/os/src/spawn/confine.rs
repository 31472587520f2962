//! Giving up capabilities, between fork and exec: raw system calls only, as everything of a child.

use rustix::io::Errno as Sys;
use std::ffi::{c_int, c_ulong};

/// The third version of the call's header: 64 bits in two halves.
const VERSION_3: u32 = 0x2008_0522;

/// More capabilities than the kernel has ever had; it refuses those that it does not know.
const CAPABILITIES_MAX: u32 = 64;

#[repr(C)]
struct Header {
    version: u32,
    pid: c_int,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// What must be done while all rights are there: takes everything else out of the reach of what will be executed, and
/// keeps what is to be kept over the change of the user.
pub(super) fn before_credentials(kept: u64) -> Result<(), Sys> {
    for number in 0..CAPABILITIES_MAX {
        if kept & (1 << number) != 0 {
            continue;
        }
        match control(libc::PR_CAPBSET_DROP, number.into(), 0) {
            Ok(()) => {}
            // The kernel knows no more.
            Err(Sys::INVAL) => break,
            Err(error) => return Err(error),
        }
    }
    control(libc::PR_SET_KEEPCAPS, 1, 0)
}

/// Has these capabilities, and no others, in all sets; what is executed keeps them.
pub(super) fn after_credentials(kept: u64) -> Result<(), Sys> {
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let half = |bits: u64| {
        let bits = u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
        Half {
            effective: bits,
            permitted: bits,
            inheritable: bits,
        }
    };
    let halves = [half(kept), half(kept >> 32)];
    // SAFETY: the header and both halves have the layout that this version of the call reads, and outlive it.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, halves.as_ptr()) };
    if result != 0 {
        return Err(last_error());
    }
    // A kernel before 4.3 has no such set; there only files with capabilities have some for users but root.
    let none = control(
        libc::PR_CAP_AMBIENT,
        ambient(libc::PR_CAP_AMBIENT_CLEAR_ALL),
        0,
    );
    none.or_else(|error| {
        if error == Sys::INVAL {
            Ok(())
        } else {
            Err(error)
        }
    })?;
    for number in 0..CAPABILITIES_MAX {
        if kept & (1 << number) != 0 {
            control(
                libc::PR_CAP_AMBIENT,
                ambient(libc::PR_CAP_AMBIENT_RAISE),
                number.into(),
            )?;
        }
    }
    Ok(())
}

/// Nothing that is executed gives more rights from now on.
pub(super) fn no_new_privileges() -> Result<(), Sys> {
    control(libc::PR_SET_NO_NEW_PRIVS, 1, 0)
}

fn ambient(what: c_int) -> c_ulong {
    c_ulong::from(what.unsigned_abs())
}

fn control(what: c_int, first: c_ulong, second: c_ulong) -> Result<(), Sys> {
    let none: c_ulong = 0;
    // SAFETY: these options take numbers and touch no memory.
    let result = unsafe { libc::prctl(what, first, second, none, none) };
    if result == 0 {
        Ok(())
    } else {
        Err(last_error())
    }
}

fn last_error() -> Sys {
    Sys::from_raw_os_error(crate::last_errno().0)
}
