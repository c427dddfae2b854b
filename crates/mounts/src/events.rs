//! What an observer is told of the operations on a table.
//!
//! Observers belong to the table, not to the mounts that it has at one time: whoever holds a lease is seen by an
//! observer that came later. Without an observer, an operation costs one relaxed load more; with one, two looks at
//! the clock and a call. What is told is the operation as it was asked for and how it ended, after it has ended.

mod ring;

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;

use crate::error::{Error, ErrorKind, Operation, Result};
use crate::path::MAX_PATH_BYTES;

pub use ring::{Batch, EventRing};

/// One operation that has ended.
///
/// One call of a script may be several operations: `mkdir` with parents asks for each directory, a walk lists each.
/// Paths are as they were given, before `..` and links are resolved; one that is longer than any path may be is cut
/// there and ends with `…`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// What was asked for.
    pub operation: Operation,
    /// The virtual path.
    pub path: Cow<'a, str>,
    /// The second path of a rename.
    pub destination: Option<Cow<'a, str>>,
    /// Bytes of contents read or written; 0 where the operation failed or moves none.
    pub bytes: u64,
    /// How it ended. [`ErrorKind::NotCovered`] is a path that no mount answers for.
    pub result: std::result::Result<(), ErrorKind>,
    /// How long it took.
    pub duration: Duration,
}

impl Event<'_> {
    /// The same event, to be kept.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        let owned = |path: Cow<'_, str>| Cow::Owned(path.into_owned());
        Event {
            path: owned(self.path),
            destination: self.destination.map(owned),
            ..self
        }
    }
}

/// Somebody who is told of every operation. See [`Table::observe`](crate::Table::observe).
pub trait Observer: Send + Sync {
    /// Is told of one operation, on the thread that asked for it, after the operation has ended and before its caller
    /// has the answer. It should be quick, and wait for nothing; [`EventRing`] keeps events for later.
    ///
    /// Operations that run at the same time are told of at the same time. An observer may use the table, and will be
    /// told of that too. One that panics is told of nothing more; the operation and its caller are not concerned.
    fn event(&self, event: &Event<'_>);
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn event(&self, event: &Event<'_>) {
        (**self).event(event);
    }
}

/// The observers of one table.
#[derive(Default)]
pub(crate) struct Observers {
    /// Whether there is one: what an operation looks at first.
    any: AtomicBool,
    list: RwLock<Vec<Arc<dyn Observer>>>,
}

impl Observers {
    pub(crate) fn add(self: &Arc<Self>, observer: Arc<dyn Observer>) -> Subscription {
        let mut list = self.list.write();
        list.push(Arc::clone(&observer));
        self.any.store(true, Ordering::Relaxed);
        Subscription {
            observers: Arc::clone(self),
            observer,
        }
    }

    fn remove(&self, observer: &Arc<dyn Observer>) {
        let mut list = self.list.write();
        let found = list.iter().position(|listed| Arc::ptr_eq(listed, observer));
        let removed = found.map(|index| list.swap_remove(index));
        self.any.store(!list.is_empty(), Ordering::Relaxed);
        drop(list);
        // An observer that is freed here may do what it likes: no lock is held any more.
        drop(removed);
    }

    /// Does `work`, and tells the observers of it. `bytes` says how many the answer moved.
    #[inline]
    pub(crate) fn watch<T>(
        &self,
        operation: Operation,
        paths: (&str, Option<&str>),
        bytes: impl FnOnce(&T) -> u64,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if self.any.load(Ordering::Relaxed) {
            self.timed(operation, paths, bytes, work)
        } else {
            work()
        }
    }

    #[cold]
    #[inline(never)]
    fn timed<T>(
        &self,
        operation: Operation,
        (path, destination): (&str, Option<&str>),
        bytes: impl FnOnce(&T) -> u64,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let began = Instant::now();
        let answer = work();
        let duration = began.elapsed();
        let event = Event {
            operation,
            path: shown(path),
            destination: destination.map(shown),
            bytes: answer.as_ref().map_or(0, bytes),
            result: answer.as_ref().map(drop).map_err(Error::kind),
            duration,
        };
        let observers = self.list.read().clone();
        for observer in observers {
            // Whatever state a panic leaves the observer in, nobody asks it again.
            if catch_unwind(AssertUnwindSafe(|| observer.event(&event))).is_err() {
                self.remove(&observer);
            }
        }
        answer
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers")
            .field("count", &self.list.read().len())
            .finish_non_exhaustive()
    }
}

/// A path as an event shows it: what a script passes for a path may be as large as its memory.
fn shown(path: &str) -> Cow<'_, str> {
    if path.len() > MAX_PATH_BYTES {
        format!("{}…", &path[..path.floor_char_boundary(MAX_PATH_BYTES)]).into()
    } else {
        path.into()
    }
}

/// An observer's place at a table, from [`Table::observe`](crate::Table::observe) until it is dropped. Operations
/// that are under way then may still be told of.
#[must_use = "dropping the subscription ends it"]
pub struct Subscription {
    observers: Arc<Observers>,
    observer: Arc<dyn Observer>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.observers.remove(&self.observer);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}
