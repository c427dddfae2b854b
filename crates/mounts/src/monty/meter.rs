//! Whose memory it is, the run's or the mount's, and whether the run may still reach the mounts.

/// What a host that counts the memory of a run is told while the run's calls are answered.
///
/// The count is kept by the host's allocator, per thread or per run, and is on while this crate is called. Every
/// byte must be credited where it was debited, so each change of owner is announced: a mount works
/// [`outside`](Self::outside) the count, what it answers is built inside it, and a payload that it keeps is
/// [handed over](Self::hand_over).
///
/// A host that counts nothing passes [`Unmetered`].
pub trait Meter {
    /// Runs `work` without counting what it allocates and frees. The count must be on again when it is left, by a
    /// panic too.
    fn outside<R>(&mut self, work: impl FnOnce() -> R) -> R {
        work()
    }

    /// Asks whether the next call may reach the mounts. `false` ends the run with `TimeoutError` and leaves them
    /// untouched: for a host that has given up on a run which a single operation of the interpreter keeps busy, and
    /// which may come to its next call at any time.
    fn enter(&mut self) -> bool {
        true
    }

    /// Says that the call which was let in has been answered.
    fn leave(&mut self) {}

    /// Says that `bytes`, allocated by the run, now belong to a mount, which will free them outside the count.
    fn hand_over(&mut self, bytes: usize) {
        let _ = bytes;
    }
}

/// Counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unmetered;

impl Meter for Unmetered {}
