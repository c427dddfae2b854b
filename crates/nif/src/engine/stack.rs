//! The stacks of threads: what was used of one goes back to the system.
//!
//! A stack commits memory as it grows and keeps it when it shrinks, so that one deep recursion would cost the node its
//! memory for as long as the thread lives. A thread that has nothing to do gives back what is below it.

// Memory can be given back only by its address; see the proof below.
#![allow(unsafe_code)]

use std::{cell::Cell, marker::PhantomData};

/// The address space of one thread's stack.
pub(crate) const STACK_BYTES: usize = 256 << 20;

/// What is spared at the low end, for what the system puts on a stack before its thread begins, and for the page that
/// guards the end.
const SPARED: usize = 1 << 20;

/// A multiple of the size of a page on every Linux: 4, 16 or 64 KiB. The one of this machine is not asked for, because that
/// reads what a checker of memory hides from a program.
#[cfg(target_os = "linux")]
const PAGES: usize = 64 << 10;

/// What is left alone below the frame that gives back.
const MARGIN: usize = 64 << 10;

/// The stack of the thread that made this value, which stays with it.
#[derive(Debug)]
pub(crate) struct Stack {
    /// An address in the frame that the thread began with.
    top: usize,
    /// Whether the stack was used since it was last given back.
    used: Cell<bool>,
    /// An address is of use on its own thread only.
    _of_one_thread: PhantomData<*const u8>,
}

impl Stack {
    /// The stack of the calling thread, which has one of at least [`STACK_BYTES`] and is at its beginning.
    pub(crate) fn of_this_thread() -> Self {
        Self {
            top: here(),
            used: Cell::new(false),
            _of_one_thread: PhantomData,
        }
    }

    /// Says that the thread is about to use its stack.
    pub(crate) fn use_it(&self) {
        self.used.set(true);
    }

    /// Whether there may be something to give back.
    pub(crate) fn is_to_give_back(&self) -> bool {
        self.used.get()
    }

    /// Gives the memory below the caller's frame back to the system. What is used of it later is zero again.
    #[inline(never)]
    pub(crate) fn give_back(&self) {
        self.used.set(false);
        #[cfg(target_os = "linux")]
        {
            use rustix::mm;

            let low = (self.top - (STACK_BYTES - SPARED)).next_multiple_of(PAGES);
            let high = (here() - MARGIN) / PAGES * PAGES;
            if low >= high {
                return;
            }
            // SAFETY: the addresses from `low` to `high` belong to this thread's stack. They are below this frame, by
            // more than what a called function's frame and the red zone take before the system has the thread, so
            // no live value is there; and they are above the stack's end: it is at least `STACK_BYTES` long, and what
            // the system and the runtime put above `top`, with the guard page, is less than `SPARED`. Nobody else has
            // addresses in the unused part of a stack. The advice makes these pages read as zeros and unmaps nothing,
            // and a stack below the frames in use may hold anything.
            let _ = unsafe {
                mm::madvise(
                    std::ptr::with_exposed_provenance_mut(low),
                    high - low,
                    mm::Advice::LinuxDontNeed,
                )
            };
        }
    }
}

/// An address in the frame of this function, and so below that of its caller.
#[inline(never)]
fn here() -> usize {
    let marker = 0_u8;
    std::hint::black_box(&raw const marker).addr()
}

#[cfg(test)]
mod tests;
