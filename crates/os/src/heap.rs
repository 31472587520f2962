//! What the heap keeps of memory that was given back to it.

/// Allocations from this size on have memory of their own, which the system gets back at once.
const OWN_MEMORY_BYTES: i32 = 128 << 10;

/// The heap gives back what is free at its end from this size on.
const KEPT_BYTES: i32 = 128 << 10;

/// Has memory given back when it is free, at any time of this process.
///
/// By itself the C library keeps more for itself with each large piece that it sees: a supervisor that has answered one
/// question about thousands of programs would go on as large as it was then.
pub fn give_back_early() {
    #[cfg(target_env = "gnu")]
    for (parameter, value) in [
        (libc::M_MMAP_THRESHOLD, OWN_MEMORY_BYTES),
        (libc::M_TRIM_THRESHOLD, KEPT_BYTES),
    ] {
        // SAFETY: it sets a number of the allocator, under its own lock; a number that it does not take changes nothing.
        let _is_taken = unsafe { libc::mallopt(parameter, value) };
    }
}
