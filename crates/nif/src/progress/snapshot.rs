//! What Elixir holds of a paused run.

use std::sync::atomic::Ordering;

use monty::RunProgress;
use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use rustler::{NifResult, Resource, ResourceArc, Term};

use super::answer::Expected;
use crate::{
    engine::{Engine, meter::Metered, run::Pause},
    error::argument_error,
    value::Bounds,
};

/// A paused run until it is resumed, which takes it out. Both kinds of snapshot are one kind of resource.
pub(super) struct Snapshot {
    pause: Mutex<Option<Metered<Pause>>>,
    futures: bool,
}

#[rustler::resource_impl]
impl Resource for Snapshot {}

impl Snapshot {
    pub(super) fn new(pause: Metered<Pause>) -> ResourceArc<Self> {
        Engine::get().paused.fetch_add(1, Ordering::Relaxed);
        let futures = matches!(pause.get().at, RunProgress::ResolveFutures(_));
        ResourceArc::new(Self { pause: Mutex::new(Some(pause)), futures })
    }

    /// The snapshot that a term refers to.
    pub(super) fn decode(term: Term<'_>) -> NifResult<ResourceArc<Self>> {
        term.decode().map_err(|_| argument_error("expected a snapshot, as a progress holds it"))
    }

    /// The snapshot that a term refers to, if it waits for futures.
    pub(super) fn decode_futures(term: Term<'_>) -> NifResult<ResourceArc<Self>> {
        let snapshot = Self::decode(term)?;
        if snapshot.futures {
            Ok(snapshot)
        } else {
            Err(argument_error("expected a snapshot that waits for futures, got one of a single call"))
        }
    }

    pub(super) fn waits_for_futures(&self) -> bool {
        self.futures
    }

    /// What kind of answer the run waits for, and how large its values may be; nothing once it has been resumed.
    pub(super) fn expectation(&self) -> Option<(Expected, Bounds)> {
        let pause = self.look()?;
        Some((Expected::of(&pause.at), pause.run.ledger.limits.bounds()))
    }

    /// The calls that the run waits for.
    pub(super) fn pending_call_ids(&self) -> Option<Vec<u32>> {
        match &self.look()?.at {
            RunProgress::ResolveFutures(futures) => Some(futures.pending_call_ids().to_vec()),
            _ => Some(Vec::new()),
        }
    }

    /// Takes the run out, for good.
    pub(super) fn take(&self) -> Option<Metered<Pause>> {
        let pause = self.pause.lock().take();
        if pause.is_some() {
            Engine::get().paused.fetch_sub(1, Ordering::Relaxed);
        }
        pause
    }

    /// The pause, which stays where it is while it is looked at.
    pub(super) fn look(&self) -> Option<MappedMutexGuard<'_, Pause>> {
        MutexGuard::try_map(self.pause.lock(), |pause| pause.as_mut().map(Metered::get_mut)).ok()
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Some(pause) = self.take() {
            Engine::get().reaper.free(Box::new(pause));
        }
    }
}
