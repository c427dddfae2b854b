//! What Elixir holds of a paused run.

use std::sync::atomic::Ordering;

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use rustler::{NifResult, Resource, ResourceArc, Term};

use super::answer::Expected;
use crate::{
    engine::{Engine, meter::Metered, run::Pause, session::Abandoned, suspended::Question},
    error::argument_error,
    value::Bounds,
};

/// A paused run until it is resumed, which takes it out. Both kinds of snapshot are one kind of resource.
pub(crate) struct Snapshot {
    pause: Mutex<Option<Box<Metered<Pause>>>>,
    futures: bool,
    bounds: Bounds,
}

#[rustler::resource_impl]
impl Resource for Snapshot {}

impl Snapshot {
    pub(crate) fn new(pause: Box<Metered<Pause>>, bounds: Bounds) -> ResourceArc<Self> {
        Engine::get().paused.fetch_add(1, Ordering::Relaxed);
        let futures = matches!(pause.get().at.question(), Some(Question::Futures(_)));
        ResourceArc::new(Self {
            pause: Mutex::new(Some(pause)),
            futures,
            bounds,
        })
    }

    /// The snapshot that a term refers to.
    pub(crate) fn decode(term: Term<'_>) -> NifResult<ResourceArc<Self>> {
        term.decode()
            .map_err(|_| argument_error("expected a snapshot, as a progress holds it"))
    }

    /// The snapshot that a term refers to, if it waits for futures.
    pub(crate) fn decode_futures(term: Term<'_>) -> NifResult<ResourceArc<Self>> {
        let snapshot = Self::decode(term)?;
        if snapshot.futures {
            Ok(snapshot)
        } else {
            Err(argument_error(
                "expected a snapshot that waits for futures, got one of a single call",
            ))
        }
    }

    /// The snapshot that a term refers to, if it waits for one call.
    pub(crate) fn decode_call(term: Term<'_>) -> NifResult<ResourceArc<Self>> {
        let snapshot = Self::decode(term)?;
        if snapshot.futures {
            Err(argument_error(
                "expected a snapshot of one call, got one that waits for futures",
            ))
        } else {
            Ok(snapshot)
        }
    }

    /// How large a value may be that goes in.
    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// What kind of answer the run waits for; nothing once it has been resumed.
    pub(super) fn expectation(&self) -> Option<Expected> {
        Some(Expected::of(&self.look()?.at.question()?))
    }

    /// The calls that the run waits for, in the order in which they were made.
    pub(super) fn pending_call_ids(&self) -> Option<Vec<u32>> {
        let mut pending = match self.look()?.at.question() {
            Some(Question::Futures(pending)) => pending.to_vec(),
            _ => Vec::new(),
        };
        pending.sort_unstable();
        Some(pending)
    }

    /// Takes the run out, for good.
    pub(crate) fn take(&self) -> Option<Box<Metered<Pause>>> {
        let pause = self.pause.lock().take();
        if pause.is_some() {
            Engine::get().paused.fetch_sub(1, Ordering::Relaxed);
        }
        pause
    }

    /// The pause, which stays where it is while it is looked at.
    pub(crate) fn look(&self) -> Option<MappedMutexGuard<'_, Pause>> {
        MutexGuard::try_map(self.pause.lock(), |pause| {
            pause.as_mut().map(|pause| pause.get_mut())
        })
        .ok()
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Some(pause) = self.take() {
            Engine::get().reaper.free(Box::new(Abandoned::new(pause)));
        }
    }
}
