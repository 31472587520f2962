//! Memory that is written over before it is given back.
//!
//! Secrets go through many hands that are not ours: the text of a configuration through its parser, a header through the
//! HTTP library, an answer through the formatter. Each copy is memory that somebody gives back, and here all of it passes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;

/// Larger pieces are written over this far only: nothing that begins with a secret is longer, and the pages of a large
/// buffer that was never filled should not be touched just to be given back.
const WHOLE_MAX: usize = 1 << 20;

/// Larger pieces are moved by the system when they grow, which costs no second piece of that size.
const COPIED_MAX: usize = 16 << 20;

/// The system's memory, written over before it is given back: `#[global_allocator] static MEMORY: Wiping = Wiping;`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wiping;

// SAFETY: pieces are the system's; each is written over only here, in the last moment in which it is ours.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: what the caller promises is what the system asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: the piece has this layout, and is the caller's until it is given back.
        unsafe { wipe(piece, layout.size()) };
        // SAFETY: as above.
        unsafe { System.dealloc(piece, layout) };
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.size() > COPIED_MAX {
            // SAFETY: what the caller promises is what the system asks for.
            return unsafe { System.realloc(piece, layout, size) };
        }
        // SAFETY: the caller promises that this size, rounded up to the alignment, is one that there can be.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: it is not zero either.
        let larger = unsafe { self.alloc(wanted) };
        if !larger.is_null() {
            let kept = layout.size().min(size);
            // SAFETY: both have that many bytes, and one of them is new.
            unsafe { ptr::copy_nonoverlapping(piece, larger, kept) };
            // SAFETY: it is replaced by the new one.
            unsafe { self.dealloc(piece, layout) };
        }
        larger
    }
}

/// # Safety
/// So many bytes from there on must be the caller's to write.
unsafe fn wipe(piece: *mut u8, size: usize) {
    // SAFETY: as the caller promises.
    unsafe { ptr::write_bytes(piece, 0, size.min(WHOLE_MAX)) };
    // What is read afterwards must have been written.
    std::hint::black_box(piece);
}

/// Bytes of the stack that are written over: what digests and comparisons of secrets need, many times.
const STACK: usize = 16 << 10;

/// Writes over what functions that have returned left on the stack of this thread. Whoever looked at a secret calls it.
#[inline(never)]
pub fn dead_stack() {
    let mut left = [0_u8; STACK];
    std::hint::black_box(&mut left);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_that_grows_or_shrinks_keeps_what_is_in_it() {
        let layout = |size| Layout::from_size_align(size, 8).unwrap();
        for (from, to) in [(8, 64), (64, 8), (64, 64), (COPIED_MAX + 8, 64)] {
            // SAFETY: the size is not zero.
            let piece = unsafe { Wiping.alloc_zeroed(layout(from)) };
            // SAFETY: it has at least 8 bytes.
            unsafe { ptr::copy_nonoverlapping(b"contents".as_ptr(), piece, 8) };
            // SAFETY: it was made with this layout.
            let other = unsafe { Wiping.realloc(piece, layout(from), to) };
            // SAFETY: it has at least 8 bytes, which were written.
            let found = unsafe { ptr::read(other.cast::<[u8; 8]>()) };
            // SAFETY: it has this layout now.
            unsafe { Wiping.dealloc(other, layout(to)) };
            assert_eq!(&found, b"contents", "{from} {to}");
        }
    }

    #[test]
    fn s10_all_of_a_piece_is_written_over_but_the_end_of_a_large_one() {
        for (size, wiped) in [(1, 1), (4096, 4096), (WHOLE_MAX + 9, WHOLE_MAX)] {
            let mut bytes = vec![7_u8; size];
            // SAFETY: they are ours.
            unsafe { wipe(bytes.as_mut_ptr(), size) };
            assert!(bytes[..wiped].iter().all(|&byte| byte == 0));
            assert!(bytes[wiped..].iter().all(|&byte| byte == 7));
        }
    }
}
