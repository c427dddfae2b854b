//! Whose memory it is: the run's, or the mount's.

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

    /// Says that `bytes`, allocated by the run, now belong to a mount, which will free them outside the count.
    fn hand_over(&mut self, bytes: usize) {
        let _ = bytes;
    }
}

/// Counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unmetered;

impl Meter for Unmetered {}
