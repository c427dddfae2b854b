//! How the outcome of a job gets to the one who asked for it: into its hand while it waits, or by post.
//!
//! The caller is a NIF on a scheduler, which may wait for microseconds only. Most turns are over by then, and an outcome
//! that is in its hand costs no message and no wake-up, which are the price of a round trip. So the caller looks out for
//! a moment and then leaves its address. Both sides race for one word that changes once, from `OPEN` to `READY` (the
//! outcome is in the slot, for the caller) or to `POSTED` (the address is there, and the job sends the outcome to it).
//! Exactly one of the two happens.

use std::{
    hint,
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

const OPEN: u8 = 0;
const READY: u8 = 1;
const POSTED: u8 = 2;

/// One outcome `T` on its way from a job to its caller, or to the caller's address `A`.
#[derive(Debug)]
pub(crate) struct Handoff<T, A> {
    /// Alone in its line of the cache, which the caller watches while the job fills the slot.
    state: Line<AtomicU8>,
    outcome: Mutex<Option<T>>,
    address: Mutex<Option<A>>,
}

/// A value that shares no line of the cache with another.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Line<T>(pub(super) T);

impl<T, A> Handoff<T, A> {
    pub(crate) fn new() -> Self {
        Self {
            state: Line(AtomicU8::new(OPEN)),
            outcome: Mutex::new(None),
            address: Mutex::new(None),
        }
    }

    /// The job's side: leaves `outcome` for the caller, or gives it back with the address to send it to.
    pub(crate) fn offer(&self, outcome: T) -> Option<(T, A)> {
        // The slot is filled before the word changes: a caller that reads `READY` finds it full, as a job that reads
        // `POSTED` finds the address.
        *self.outcome.lock() = Some(outcome);
        if self.settle(READY) {
            return None;
        }
        self.outcome.lock().take().zip(self.address.lock().take())
    }

    /// The caller's side: looks out for the outcome for at most `patience`, and only as long as `worthwhile` says so.
    /// Without an outcome it will be sent to `address`.
    pub(crate) fn collect(
        &self,
        patience: Duration,
        worthwhile: impl Fn() -> bool,
        address: impl FnOnce() -> A,
    ) -> Option<T> {
        watch(patience, worthwhile, || {
            self.state.0.load(Ordering::Acquire) != OPEN
        });
        if self.state.0.load(Ordering::Acquire) == OPEN {
            *self.address.lock() = Some(address());
            if self.settle(POSTED) {
                return None;
            }
        }
        self.outcome.lock().take()
    }

    /// Decides how the outcome travels, if that is still open.
    fn settle(&self, state: u8) -> bool {
        self.state
            .0
            .compare_exchange(OPEN, state, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// Watches until `done`, for at most `patience` and only as long as `worthwhile` says so. What `done` looks at is read
/// all the time; the clock and the others' state are not, because reading them costs more than waiting does.
pub(super) fn watch(patience: Duration, worthwhile: impl Fn() -> bool, done: impl Fn() -> bool) {
    let until = Instant::now() + patience;
    while worthwhile() && Instant::now() < until {
        for _ in 0..32 {
            if done() {
                return;
            }
            hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests;
