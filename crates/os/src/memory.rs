//! Memory that is not needed any more: what the heap keeps of it, and the code of a start that is over.

/// Allocations from this size on have memory of their own, which the system gets back at once. What questions about
/// thousands of programs need is less: new memory for each would cost more than the answer.
const OWN_MEMORY_BYTES: i32 = 1 << 20;

/// The heap gives back what is free at its end from this size on.
const KEPT_BYTES: i32 = 1 << 20;

/// Heaps: one for all threads. Each would have its own otherwise, with its own waste; ours allocate too little for them to
/// be in each other's way.
const HEAPS: i32 = 1;

/// Has memory given back when it is free, at any time of this process.
///
/// By itself the C library keeps more for itself with each large piece that it sees: a supervisor that has answered one
/// question about thousands of programs would go on as large as it was then.
pub fn give_back_early() {
    #[cfg(target_env = "gnu")]
    for (parameter, value) in [
        (libc::M_MMAP_THRESHOLD, OWN_MEMORY_BYTES),
        (libc::M_TRIM_THRESHOLD, KEPT_BYTES),
        (libc::M_ARENA_MAX, HEAPS),
    ] {
        // SAFETY: it sets a number of the allocator, under its own lock; a number that it does not take changes nothing.
        let _is_taken = unsafe { libc::mallopt(parameter, value) };
    }
}

/// Gives the system back what is free in the heap. It takes less than a millisecond.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes its own locks, and touches nothing but what is free.
    let _is_less = unsafe { libc::malloc_trim(0) };
}

/// Gives the system back what was needed for a start only: what is free in the heap, and the pages of our file.
///
/// A page that is needed after all is taken from the system's cache again, which costs less than a microsecond. It takes a
/// millisecond or two, and is meant for moments in which nothing is to be done.
pub fn settle() {
    give_back();
    #[cfg(target_os = "linux")]
    code::forget();
}

#[cfg(target_os = "linux")]
mod code {
    use std::ffi::{c_int, c_void};

    /// Takes the pages of our own program out of our memory that nobody can have written to.
    pub(super) fn forget() {
        // SAFETY: the callback fits what is asked for, and no data is handed through.
        let _stopped = unsafe { libc::dl_iterate_phdr(Some(visit), std::ptr::null_mut()) };
    }

    /// Called for each loaded object; the first is the program itself, with which it ends.
    unsafe extern "C" fn visit(
        object: *mut libc::dl_phdr_info,
        _size: usize,
        _data: *mut c_void,
    ) -> c_int {
        // SAFETY: the C library hands out a valid description for the time of this call.
        let object = unsafe { &*object };
        if object.dlpi_phdr.is_null() {
            return 1;
        }
        // SAFETY: so many headers stand there, for as long as the object is loaded, which is for ever.
        let headers =
            unsafe { std::slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum)) };
        let page = rustix::param::page_size();
        for header in headers {
            if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
                continue;
            }
            let (Ok(offset), Ok(length)) = (
                usize::try_from(header.p_vaddr),
                usize::try_from(header.p_memsz),
            ) else {
                continue;
            };
            let Ok(base) = usize::try_from(object.dlpi_addr) else {
                continue;
            };
            let begin = base.wrapping_add(offset);
            // Whole pages only: the first and the last may be shared with a segment that is written.
            let first = begin.next_multiple_of(page);
            let end = begin.wrapping_add(length) / page * page;
            if first >= end {
                continue;
            }
            let at = std::ptr::without_provenance_mut::<c_void>(first);
            // SAFETY: the whole range is mapped from our file, privately and without the right to write, so each page has
            // what the file has, and is read from there again when it is used next.
            let _advised = unsafe { libc::madvise(at, end - first, libc::MADV_DONTNEED) };
        }
        1
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn everything_is_as_it_was_afterwards() {
        let kept: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        super::settle();
        assert_eq!(kept.iter().map(String::len).sum::<usize>(), 2890);
        super::settle();
    }
}
