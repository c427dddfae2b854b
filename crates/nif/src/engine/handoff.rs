//! How the outcome of a job gets to the one who asked for it: into its hand while it waits, or by post.
//!
//! The caller is a NIF on a scheduler, which may wait for microseconds only. Most turns are over by then, and the
//! outcome that is in its hand costs no message and no wake-up, which are the price of a round trip. So the caller
//! looks out for a moment and then leaves its address. Both sides race for one word that changes once, from `OPEN` to
//! `READY` (the outcome is in the slot, for the caller) or to `POSTED` (the caller has left, or the outcome is too large
//! for a scheduler to unpack: the job sends it). Exactly one of the two happens.

use std::{
    hint,
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

const OPEN: u8 = 0;
const READY: u8 = 1;
const POSTED: u8 = 2;

/// One outcome on its way from a job to its caller.
#[derive(Debug)]
pub(crate) struct Handoff<T> {
    state: AtomicU8,
    slot: Mutex<Option<T>>,
}

impl<T> Handoff<T> {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU8::new(OPEN),
            slot: Mutex::new(None),
        }
    }

    /// The job's side: leaves `outcome` for the caller, or gives it back when it must go by post.
    pub(crate) fn offer(&self, outcome: T) -> Option<T> {
        // The slot is filled before the word changes: a caller that reads `READY` finds it full.
        *self.slot.lock() = Some(outcome);
        if self.settle(READY) {
            None
        } else {
            self.slot.lock().take()
        }
    }

    /// The job's side: sends the caller home before the outcome is there, because it will go by post.
    pub(crate) fn dismiss(&self) {
        self.settle(POSTED);
    }

    /// The caller's side: looks out for the outcome for at most `patience`, and only as long as `worthwhile` says so.
    /// Without an outcome it will come by post.
    pub(crate) fn collect(&self, patience: Duration, worthwhile: impl Fn() -> bool) -> Option<T> {
        let until = Instant::now() + patience;
        while self.state.load(Ordering::Acquire) == OPEN && worthwhile() {
            for _ in 0..16 {
                hint::spin_loop();
            }
            if Instant::now() >= until {
                break;
            }
        }
        if self.settle(POSTED) || self.state.load(Ordering::Acquire) == POSTED {
            return None;
        }
        self.slot.lock().take()
    }

    /// Decides how the outcome travels, if that is still open.
    fn settle(&self, state: u8) -> bool {
        self.state
            .compare_exchange(OPEN, state, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

#[cfg(test)]
mod tests;
