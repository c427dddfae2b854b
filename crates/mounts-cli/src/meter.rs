//! Counts the bytes that the script holds.
//!
//! The interpreter compares its limit with `RUN_MEMORY` of its thread. There is one run in this program and one thread
//! for it, so the count is simply the thread's: what it allocates less what it frees. What the mounts do on that
//! thread is theirs and left out, and a payload that they keep is credited to the script.

// A global allocator cannot be written without `unsafe`; the rest of this program does without.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};

use monty_types::RUN_MEMORY;
use mounts::monty::Meter;

/// The system's allocator, counting.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Notes that the thread holds `allocated` bytes more and `freed` bytes less.
fn note(allocated: usize, freed: usize) {
    let held = RUN_MEMORY.get();
    RUN_MEMORY.set(held.wrapping_add_unsigned(allocated).wrapping_sub_unsigned(freed));
}

// SAFETY: every method passes its arguments on to `System`, which keeps the contract of `GlobalAlloc`, and returns its
// answer unchanged. Beside that only one `Cell` of the thread is read and written: it is initialised at compile time
// and has no destructor, so touching it neither allocates (which would recurse) nor fails late in a thread's life, and
// arithmetic on it wraps, so nothing here can unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise (a layout of non-zero size) is the one that `System` asks for.
        let memory = unsafe { System.alloc(layout) };
        if !memory.is_null() {
            note(layout.size(), 0);
        }
        memory
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`.
        let memory = unsafe { System.alloc_zeroed(layout) };
        if !memory.is_null() {
            note(layout.size(), 0);
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `memory` came from this allocator with this layout. All of it comes from
        // `System` with the very layout that was asked for.
        unsafe { System.dealloc(memory, layout) };
        note(0, layout.size());
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as for `dealloc`, and the caller promises that `new_size` is not zero and does not overflow.
        let moved = unsafe { System.realloc(memory, layout, new_size) };
        if !moved.is_null() {
            note(new_size, layout.size());
        }
        moved
    }
}

/// The count of the script's bytes, as the mounts know it.
pub(crate) struct Counted;

impl Meter for Counted {
    fn outside<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let _restore = Restore(RUN_MEMORY.get());
        work()
    }

    fn hand_over(&mut self, bytes: usize) {
        note(0, bytes);
    }
}

/// The count, put back when dropped, also by a panic.
struct Restore(isize);

impl Drop for Restore {
    fn drop(&mut self) {
        RUN_MEMORY.set(self.0);
    }
}
