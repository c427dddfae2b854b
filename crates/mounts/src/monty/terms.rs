//! What an answer has to respect beside the mounts: the run's memory and its time.

use ::monty_types::{ResourceError, ResourceTracker};

use super::budget::Clock;
use super::meter::Meter;

/// The terms on which a run's calls are answered.
#[derive(Debug)]
pub struct Terms<'a, M> {
    /// Who counts the memory of the run.
    pub meter: &'a mut M,
    /// The time of the turn. Scans and large copies look at it as they go.
    pub clock: &'a Clock,
    /// The interpreter's own limits, of which answers must not exceed the memory.
    pub tracker: Option<&'a ResourceTracker>,
}

impl<M> Terms<'_, M> {
    /// Checks that the run may hold `bytes` more, before an answer of that size is built.
    pub(super) fn admit(&self, bytes: usize) -> Result<(), ResourceError> {
        self.tracker
            .map_or(Ok(()), |tracker| tracker.check_allocation(bytes))
    }
}

impl<M: Meter> Terms<'_, M> {
    /// Drops what a mount made.
    pub(super) fn discard<T>(&mut self, made_outside: T) {
        self.meter.outside(|| drop(made_outside));
    }
}
