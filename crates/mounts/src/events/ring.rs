//! Events kept for whoever asks for them later.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{Event, Observer};

/// Keeps events until they are taken, as many as it has room for, and counts those for which it had none.
///
/// The operation never waits for whoever takes the events: what does not fit is dropped, the newest first, so that
/// what is taken is a run of events without a gap, and then a number.
///
/// ```
/// use std::sync::Arc;
///
/// use mounts::{EventRing, Mount, Operation, Table};
///
/// let table = Table::new();
/// table.mount("/m", Mount::memory())?;
/// let ring = Arc::new(EventRing::default());
/// let subscription = table.observe(Arc::clone(&ring));
///
/// table.write("/m/a", "four")?;
/// assert!(table.read("/m/b").is_err());
///
/// let batch = ring.take();
/// let seen: Vec<_> = batch.events.iter().map(|event| (event.operation, event.bytes)).collect();
/// assert_eq!(seen, [(Operation::Write, 4), (Operation::Read, 0)]);
/// assert_eq!(batch.dropped, 0);
/// # drop(subscription);
/// # Ok::<(), mounts::Error>(())
/// ```
pub struct EventRing {
    capacity: usize,
    kept: Mutex<Kept>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Event<'static>>,
    dropped: u64,
}

/// Events in the order in which they arrived, and how many came after them and did not fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// The events.
    pub events: VecDeque<Event<'static>>,
    /// Events that came after these and found no room.
    pub dropped: u64,
}

impl EventRing {
    /// The capacity of a ring that is made by `default`, in events.
    pub const DEFAULT_CAPACITY: usize = 1024;

    /// A ring with room for `capacity` events. Memory is taken as events arrive.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            kept: Mutex::default(),
            arrived: Condvar::new(),
        }
    }

    /// Takes what is there, which may be nothing, and makes room for as much.
    pub fn take(&self) -> Batch {
        self.kept.lock().take()
    }

    /// Takes what is there, and blocks the calling thread, at most for `timeout`, while that is nothing.
    pub fn wait(&self, timeout: Duration) -> Batch {
        let deadline = Instant::now().checked_add(timeout);
        let mut kept = self.kept.lock();
        let is_empty = |kept: &mut Kept| kept.events.is_empty() && kept.dropped == 0;
        match deadline {
            Some(deadline) => drop(self.arrived.wait_while_until(&mut kept, is_empty, deadline)),
            None => self.arrived.wait_while(&mut kept, is_empty),
        }
        kept.take()
    }
}

impl Kept {
    fn take(&mut self) -> Batch {
        let Self { events, dropped } = mem::take(self);
        Batch { events, dropped }
    }
}

impl Default for EventRing {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

impl Observer for EventRing {
    fn event(&self, event: &Event<'_>) {
        let event = event.clone().into_owned();
        let mut kept = self.kept.lock();
        // Once one was dropped, all that follow are, until the batch is taken.
        if kept.events.len() < self.capacity && kept.dropped == 0 {
            kept.events.push_back(event);
        } else {
            kept.dropped += 1;
        }
        drop(kept);
        self.arrived.notify_one();
    }
}

impl fmt::Debug for EventRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRing")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
