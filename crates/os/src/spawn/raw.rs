//! System calls without libc, for a child that shares its parent's memory.
//!
//! libc's own notes a failure in `errno`, which then is the parent's, too. What rustix offers does not, and is used where
//! it has the call; these it has not.

use rustix::io::Errno;
use std::ffi::{CStr, c_char};

/// Bytes of the kernel's signal set.
const SET: usize = 8;

/// What the kernel takes for an action: handler, flags, restorer and mask, or fewer of them. All zero is the default.
type Action = [usize; 8];

/// `SIG_IGN`.
const IGNORE: usize = 1;

#[cfg(target_arch = "x86_64")]
unsafe fn call(number: libc::c_long, a: usize, b: usize, c: usize, d: usize) -> isize {
    let mut result = isize::try_from(number).unwrap_or(-1);
    // SAFETY: the kernel's convention for a system call of up to four arguments; the caller answers for what it does.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") result,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

#[cfg(target_arch = "aarch64")]
unsafe fn call(number: libc::c_long, a: usize, b: usize, c: usize, d: usize) -> isize {
    let mut result = a.cast_signed();
    // SAFETY: the kernel's convention for a system call of up to four arguments; the caller answers for what it does.
    unsafe {
        std::arch::asm!(
            "svc 0",
            inlateout("x0") result,
            in("x1") b,
            in("x2") c,
            in("x3") d,
            in("x8") number,
            options(nostack),
        );
    }
    result
}

/// Other machines go through libc; a child has a memory of its own there, see [`NEEDS_NO_LIBC`].
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn call(number: libc::c_long, a: usize, b: usize, c: usize, d: usize) -> isize {
    // SAFETY: as the caller answers for.
    let result = unsafe { libc::syscall(number, a, b, c, d) };
    if result == -1 {
        -isize::try_from(crate::last_errno().0).unwrap_or(1)
    } else {
        isize::try_from(result).unwrap_or(0)
    }
}

/// Whether these calls leave `errno` alone.
pub(super) const NEEDS_NO_LIBC: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

fn check(result: isize) -> Result<(), Errno> {
    // The kernel tells failures as small negative numbers.
    i32::try_from(result)
        .ok()
        .filter(|number| *number < 0)
        .map_or(Ok(()), |number| Err(Errno::from_raw_os_error(-number)))
}

/// Sets a signal to its default, or ignores it.
pub(super) fn set_signal(number: i32, ignored: bool) -> Result<(), Errno> {
    let mut action: Action = [0; 8];
    action[0] = if ignored { IGNORE } else { 0 };
    let (number, action) = (number.cast_unsigned() as usize, action.as_ptr() as usize);
    // SAFETY: the kernel reads an action from `action`, which is long enough; the old one is not asked for. Neither handler
    // runs code of ours.
    check(unsafe { call(libc::SYS_rt_sigaction, number, action, 0, SET) })
}

/// Whether a signal is at its default.
pub(super) fn is_default(number: i32) -> bool {
    let mut action: Action = [0; 8];
    let (number, old) = (
        number.cast_unsigned() as usize,
        action.as_mut_ptr() as usize,
    );
    // SAFETY: the kernel writes an action to `action`, which is long enough; no new one is given.
    let asked = check(unsafe { call(libc::SYS_rt_sigaction, number, 0, old, SET) });
    let [handler, ..] = action;
    asked.is_ok() && handler == 0
}

/// Blocks no signal.
pub(super) fn unblock_signals() -> Result<(), Errno> {
    let none = [0_u8; SET];
    let set = none.as_ptr() as usize;
    let how = libc::SIG_SETMASK.cast_unsigned() as usize;
    // SAFETY: the kernel reads a set of this many bytes from `none`; the old one is not asked for.
    check(unsafe { call(libc::SYS_rt_sigprocmask, how, set, 0, SET) })
}

/// Closes the descriptors from `first` to `last`, both included.
pub(super) fn close_range(first: i32, last: i32) -> Result<(), Errno> {
    close_range_with(first, last, 0)
}

/// Makes a table of descriptors of its own for this process, with those below `above`. What is above is not even copied.
pub(super) fn unshare_below(above: i32) -> Result<(), Errno> {
    close_range_with(above, i32::MAX, libc::CLOSE_RANGE_UNSHARE as usize)
}

fn close_range_with(first: i32, last: i32, flags: usize) -> Result<(), Errno> {
    let (first, last) = (
        first.cast_unsigned() as usize,
        last.cast_unsigned() as usize,
    );
    // SAFETY: the call takes three numbers and touches no memory; nothing of this process uses the descriptors again.
    check(unsafe { call(libc::SYS_close_range, first, last, flags, 0) })
}

/// Makes a copy of the table of descriptors for this process.
pub(super) fn unshare_all() -> Result<(), Errno> {
    let flags = libc::CLONE_FILES.cast_unsigned() as usize;
    // SAFETY: the call takes a number and touches no memory; descriptors stay what they are.
    check(unsafe { call(libc::SYS_unshare, flags, 0, 0, 0) })
}

/// Becomes a program; returns why it cannot.
///
/// # Safety
///
/// `argv` and `envp` are null-terminated arrays of NUL-terminated strings.
pub(super) unsafe fn execve(
    program: &CStr,
    argv: &[*const c_char],
    envp: &[*const c_char],
) -> Errno {
    let (argv, envp) = (argv.as_ptr() as usize, envp.as_ptr() as usize);
    // SAFETY: three strings and arrays of strings, the first by its type, the others by the caller's promise.
    let result = unsafe { call(libc::SYS_execve, program.as_ptr() as usize, argv, envp, 0) };
    check(result).err().unwrap_or(Errno::INVAL)
}
