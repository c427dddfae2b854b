//! Observers of a table.

use std::sync::Arc;

use crate::events::{Observer, Subscription};

use super::Table;

impl Table {
    /// Tells `observer` of every operation on a file, through any handle on the table and under any lease, those
    /// taken before included, until the subscription is dropped. Mounting and taking leases are no such operations,
    /// and neither is what is refused because of a lease.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use mounts::{Event, Mount, Observer, Operation, Table};
    ///
    /// #[derive(Default)]
    /// struct Written(AtomicU64);
    ///
    /// impl Observer for Written {
    ///     fn event(&self, event: &Event<'_>) {
    ///         if event.operation == Operation::Write {
    ///             self.0.fetch_add(event.bytes, Ordering::Relaxed);
    ///         }
    ///     }
    /// }
    ///
    /// let table = Table::new();
    /// table.mount("/m", Mount::memory())?;
    /// let written = std::sync::Arc::new(Written::default());
    /// let subscription = table.observe(written.clone());
    /// table.write("/m/a", "12345")?;
    /// drop(subscription);
    /// table.write("/m/a", "unseen")?;
    /// assert_eq!(written.0.load(Ordering::Relaxed), 5);
    /// # Ok::<(), mounts::Error>(())
    /// ```
    pub fn observe(&self, observer: impl Observer + 'static) -> Subscription {
        self.current().observers().add(Arc::new(observer))
    }
}
