//! Leases: who may use a table now, and how to wait for it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Operation, Result};
use crate::mount::Mount;
use crate::table::{Entry, Namespace, Table, Turn};

pub use crate::table::LeaseMode;

/// The right to use a table, from [`Table::checkout`] until it is dropped.
///
/// A lease dereferences to the [`Namespace`] as it is: while a lease is out, mounts come and go through that lease
/// alone ([`mount`](Self::mount), [`unmount`](Self::unmount)), and only if it is exclusive. It may be sent to another
/// thread and used by several; it ends where it is dropped.
///
/// Dropping it lets in whoever waits, and runs the callbacks of [`Table::checkout_queued`] whose turn has come.
pub struct Lease(Turn);

impl Lease {
    /// How it shares the table.
    pub fn mode(&self) -> LeaseMode {
        self.0.mode()
    }

    /// The table it is a lease of.
    pub fn table(&self) -> &Table {
        self.0.table()
    }

    /// Mounts `mount` at the virtual path `point`, as [`Table::mount`] does when no lease is out. Who waits for the table
    /// goes on waiting.
    ///
    /// ```
    /// use mounts::{ErrorKind, LeaseMode, Mount, Table};
    ///
    /// let table = Table::new();
    /// let mut lease = table.checkout(LeaseMode::Exclusive)?;
    /// lease.mount("/scratch", Mount::memory())?;
    /// lease.write("/scratch/a", "one")?;
    /// assert_eq!(table.read("/scratch/a")?, *b"one");
    ///
    /// lease.unmount("/scratch")?;
    /// assert_eq!(lease.read("/scratch/a").unwrap_err().kind(), ErrorKind::NotCovered);
    /// assert_eq!(table.mount_count(), 0);
    /// # Ok::<(), mounts::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Table::mount`]; [`ErrorKind::InUse`] through a shared lease, whether or not there are others.
    pub fn mount(&mut self, point: &str, mount: Mount) -> Result<()> {
        self.0.reshape(Operation::Mount, point, |namespace, path| {
            namespace.insert(path, mount)
        })
    }

    /// Takes the mount at `point` away, as [`Table::unmount`] does when no lease is out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotMounted`]; [`ErrorKind::InUse`] through a shared lease.
    pub fn unmount(&mut self, point: &str) -> Result<()> {
        let _removed = self.0.reshape(Operation::Unmount, point, |namespace, path| {
            namespace.remove(path)
        })?;
        Ok(())
    }

    /// The namespace that it dereferences to, to keep: for one who has to be able to end the lease while others still
    /// look at the namespace, and sees to it that they touch it no more. What is done through it after the lease has
    /// ended is done beside whoever has the table then; mounts that come and go through the lease later do so elsewhere.
    pub fn share_namespace(&self) -> Arc<Namespace> {
        self.0.share_namespace()
    }
}

impl Deref for Lease {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        self.0.namespace()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("mode", &self.mode())
            .finish_non_exhaustive()
    }
}

/// # Leases
///
/// Whoever waits is served in the order of arrival, whatever the modes: a request for a shared lease behind one for
/// an exclusive lease waits for its turn, and shared ones next to each other in the line are granted together.
///
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
///
/// use mounts::{LeaseMode, Table};
///
/// let table = Table::new();
/// let first = table.checkout(LeaseMode::Exclusive)?;
///
/// // Nobody is waited for,
/// assert!(table.checkout(LeaseMode::Shared).is_err());
/// // or for so long,
/// assert!(table.checkout_timeout(LeaseMode::Shared, Duration::from_millis(1)).is_err());
/// // or until the lease comes by itself.
/// let (granted, leases) = mpsc::channel();
/// let ticket = table.checkout_queued(LeaseMode::Shared, move |lease| drop(granted.send(lease)));
/// assert!(leases.try_recv().is_err());
///
/// drop(first);
/// assert_eq!(leases.recv()?.mode(), LeaseMode::Shared);
/// # drop(ticket);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Table {
    /// Takes a lease: the right to use the table until the lease is dropped.
    ///
    /// It does not wait for other leases, and overtakes nobody who does. It waits for the changes in flight that
    /// others make through the table itself, each as short as one operation. Whoever is called by a change, such as
    /// an observer, cannot wait for it to end: an exclusive lease is refused there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InUse`] when an exclusive lease is out, or when any is and `mode` is exclusive, or when somebody
    /// waits for a lease.
    pub fn checkout(&self, mode: LeaseMode) -> Result<Lease> {
        self.take_turn(mode).map(Lease).ok_or_else(in_use)
    }

    /// Takes a lease as [`checkout`](Self::checkout) does, but waits for nothing: `None` is where that would wait for
    /// changes in flight. For hosts that ask on a thread that must not block, and then on one that may.
    ///
    /// ```
    /// use mounts::{LeaseMode, Table};
    ///
    /// let table = Table::new();
    /// let lease = match table.try_checkout(LeaseMode::Exclusive)? {
    ///     Some(lease) => lease,
    ///     None => table.checkout(LeaseMode::Exclusive)?,
    /// };
    /// assert!(table.try_checkout(LeaseMode::Shared).is_err());
    /// # drop(lease);
    /// # Ok::<(), mounts::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`checkout`](Self::checkout).
    pub fn try_checkout(&self, mode: LeaseMode) -> Result<Option<Lease>> {
        match self.take_turn_at_once(mode) {
            Ok(turn) => Ok(Some(Lease(turn))),
            Err(Entry::AfterChanges) => Ok(None),
            Err(_) => Err(in_use()),
        }
    }

    /// Takes a lease when its turn has come, and blocks the calling thread until then, at most for `timeout`.
    ///
    /// A turn that comes as the time runs out is taken. A timeout too long to be a point in time is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InUse`] when the turn has not come in time; the request is then withdrawn.
    pub fn checkout_timeout(&self, mode: LeaseMode, timeout: Duration) -> Result<Lease> {
        let deadline = Instant::now().checked_add(timeout);
        self.take_turn_before(mode, deadline)
            .map(Lease)
            .ok_or_else(in_use)
    }

    /// Requests a lease and returns at once; `on_grant` gets it when its turn has come, which may be before this
    /// returns. For hosts that must not block a thread.
    ///
    /// The callback is run once at most, outside of the table's locks, on the thread that made room: one that drops
    /// a lease or a ticket, or ends a change. Callbacks of one table are run one after the other, in the order of
    /// the grants. So one should be short, hand the lease to whoever asked for it, and wait for nothing. If it
    /// panics, the lease that it was given ends, and nobody else is concerned.
    ///
    /// Dropping the ticket withdraws the request.
    pub fn checkout_queued(&self, mode: LeaseMode, on_grant: impl FnOnce(Lease) + Send + 'static) -> Ticket {
        let number = self.queue_for_turn(mode, Box::new(|turn| on_grant(Lease(turn))));
        Ticket {
            table: self.clone(),
            number,
        }
    }

    /// How many requests for a lease wait for their turn.
    pub fn waiting_count(&self) -> usize {
        self.waiting_turns()
    }
}

fn in_use() -> Error {
    Error::new(ErrorKind::InUse, Operation::Checkout, "/")
}

/// A place in the line for a lease, from [`Table::checkout_queued`]. Dropping it withdraws the request, unless the
/// lease has been handed over already: that one is its receiver's.
#[must_use = "dropping the ticket withdraws the request"]
pub struct Ticket {
    table: Table,
    number: u64,
}

impl Ticket {
    /// Withdraws the request, and answers whether it did: the callback was not run, and never will be. A lease that
    /// was granted and not handed over yet ends.
    ///
    /// `false` means that the callback has run, or is running.
    #[must_use]
    pub fn withdraw(self) -> bool {
        self.table.withdraw(self.number)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // After `withdraw` there is nothing left to find: numbers are not given twice.
        self.table.withdraw(self.number);
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}
