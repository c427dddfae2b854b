//! The mount table: what is mounted where, and who may use it now.
//!
//! ```text
//! table.rs             Table: mounting, and the operations on behalf of the table's owner
//! table/queue          who uses the table now, and who waits to
//! table/turn           turns, and how whoever waits for one is told
//! table/routes         which mount a path belongs to
//! table/namespace      an immutable set of mounts, and reading
//! table/change         writing
//! table/resolve        links and mount points: from a path to a backend
//! table/follow         the target of a link, rewritten as a path of the script's
//! table/judged         rules, on the way from the one to the other
//! table/observed       who is told of the operations
//! table/links          where a path really leads, and links that nobody may see
//! table/rename         renaming, within one mount
//! table/copy           copying a file, and sharing its bytes
//! table/directories    listing, creating and removing directories, mount points included
//! table/subtree        everything below a directory: walking, matching, removing
//! table/source         a whole namespace as the source of one mount
//! table/seed           files that are in a mount before it is mounted
//! ```
//!
//! What is mounted is itself a value: a [`Namespace`]. A lease holds the one that was current when it was taken,
//! so no operation under a lease takes a lock of the table.

mod change;
mod copy;
mod directories;
mod follow;
mod judged;
mod links;
mod namespace;
mod observed;
mod queue;
mod rename;
mod resolve;
mod routes;
mod seed;
mod source;
mod subtree;
mod turn;

use std::fmt;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::contents::Contents;
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::metadata::{DirEntry, Metadata};
use crate::mount::Mount;
use crate::path::VirtualPath;

use queue::Queue;
use turn::{Deliveries, Waiter};

pub use namespace::{MountInfo, Namespace};
pub(crate) use queue::Entry;
pub use queue::LeaseMode;
pub(crate) use turn::Turn;

/// A mount table: virtual paths, and the mounts that answer for them.
///
/// A clone is another handle on the same table. Reading through the table is always possible and sees the state
/// between two operations of whoever holds a lease; changing anything, mounts included, is refused with
/// [`ErrorKind::InUse`] while an exclusive [`Lease`](crate::Lease) is out, or is to begin as soon as changes in flight
/// have ended.
///
/// ```
/// use mounts::{ErrorKind, LeaseMode, Mount, Table};
///
/// let table = Table::new();
/// table.mount("/scratch", Mount::memory())?;
///
/// let lease = table.checkout(LeaseMode::Exclusive)?;
/// lease.write("/scratch/a", "one")?;
/// assert_eq!(table.read("/scratch/a")?, *b"one");
/// assert_eq!(table.write("/scratch/a", "two").unwrap_err().kind(), ErrorKind::InUse);
///
/// drop(lease);
/// table.write("/scratch/a", "two")?;
/// # Ok::<(), mounts::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Table(Arc<Shared>);

/// What the handles on a table share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Notified when a change that the owner made has ended.
    change_ended: Condvar,
}

#[derive(Default)]
struct State {
    namespace: Arc<Namespace>,
    queue: Queue<Waiter>,
    deliveries: Deliveries,
}

impl Table {
    /// A table with nothing mounted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Mounts `mount` at the virtual path `point`. `/d` and `/d/` are the same path.
    ///
    /// # Errors
    ///
    /// A malformed path; [`ErrorKind::AlreadyMounted`]; [`ErrorKind::Overlaps`] when the mount's host directory
    /// equals, contains or lies in that of another mount and writes through one of the two would reach it;
    /// [`ErrorKind::InUse`] while any lease is out or waited for: [`Lease::mount`](crate::Lease::mount) mounts through
    /// an exclusive one.
    pub fn mount(&self, point: &str, mount: Mount) -> Result<()> {
        self.reshape(Operation::Mount, point, |namespace, path| {
            namespace.insert(path, mount)
        })
    }

    /// Takes the mount at `point` away. What it held is gone, unless something else holds it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotMounted`]; [`ErrorKind::InUse`] while any lease is out.
    pub fn unmount(&self, point: &str) -> Result<()> {
        // Whatever the mount held is freed here, when nobody waits for the table any more.
        let _removed = self.reshape(Operation::Unmount, point, |namespace, path| {
            namespace.remove(path)
        })?;
        Ok(())
    }

    fn reshape<T>(
        &self,
        operation: Operation,
        point: &str,
        change: impl FnOnce(&mut Namespace, &VirtualPath<'_>) -> std::result::Result<T, ErrorKind>,
    ) -> Result<T> {
        let path = parse_point(operation, point)?;
        let mut state = self.0.state.lock();
        let changed = if state.queue.has_no_leases() {
            change(Arc::make_mut(&mut state.namespace), &path)
        } else {
            Err(ErrorKind::InUse)
        }
        .map_err(|kind| Error::new(kind, operation, point))?;
        // What the owner changes from now on meets the mounts as they are now. When this returns, nothing is under
        // way any more that met them as they were.
        self.wait_for_earlier_changes(&mut state);
        Ok(changed)
    }

    /// The mounts as they are now. Reading through it needs no lease.
    pub(crate) fn current(&self) -> Arc<Namespace> {
        Arc::clone(&self.0.state.lock().namespace)
    }

    /// A table of its own with these mounts, and nobody who uses it.
    pub(crate) fn of(namespace: Namespace) -> Self {
        let state = State {
            namespace: Arc::new(namespace),
            ..State::default()
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            change_ended: Condvar::new(),
        }))
    }

    /// Makes one change on behalf of the table's owner, unless an exclusive lease is out.
    pub(crate) fn change<T>(
        &self,
        operation: Operation,
        path: &str,
        change: impl FnOnce(&Namespace) -> Result<T>,
    ) -> Result<T> {
        let (_in_flight, namespace) = self
            .begin_change()
            .ok_or_else(|| Error::new(ErrorKind::InUse, operation, path))?;
        change(&namespace)
    }

    /// What is mounted, in the order it was mounted.
    pub fn list_mounts(&self) -> Vec<MountInfo> {
        self.current().mounts()
    }

    /// The number of mounts.
    pub fn mount_count(&self) -> usize {
        self.current().mount_count()
    }

    /// Reads a file; see [`Namespace::read`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read(&self, path: &str) -> Result<Contents> {
        self.current().read(path)
    }

    /// Describes what a path leads to; see [`Namespace::metadata`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn metadata(&self, path: &str) -> Result<Metadata> {
        self.current().metadata(path)
    }

    /// Whether anything is at a path; see [`Namespace::exists`].
    pub fn exists(&self, path: &str) -> bool {
        self.current().exists(path)
    }

    /// Whether a path lies in a mount that can be written; see [`Namespace::is_writable`].
    pub fn is_writable(&self, path: &str) -> bool {
        self.current().is_writable(path)
    }

    /// Lists a directory; see [`Namespace::list`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn list(&self, path: &str) -> Result<Vec<DirEntry>> {
        self.current().list(path)
    }

    /// Replaces or creates a file; see [`Namespace::write`].
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::InUse`] while an exclusive lease is out.
    pub fn write(&self, path: &str, data: impl Into<Vec<u8>>) -> Result<()> {
        self.change(Operation::Write, path, |namespace| namespace.write(path, data))
    }

    /// Adds to a file; see [`Namespace::append`].
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::InUse`] while an exclusive lease is out.
    pub fn append(&self, path: &str, data: &[u8]) -> Result<()> {
        self.change(Operation::Append, path, |namespace| namespace.append(path, data))
    }

    /// Creates a directory and what is missing above it; see [`Namespace::create_dir_all`].
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::InUse`] while an exclusive lease is out.
    pub fn create_dir_all(&self, path: &str) -> Result<()> {
        self.change(Operation::CreateDir, path, |namespace| {
            namespace.create_dir_all(path)
        })
    }

    /// Removes a file; see [`Namespace::remove_file`].
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::InUse`] while an exclusive lease is out.
    pub fn remove_file(&self, path: &str) -> Result<()> {
        self.change(Operation::RemoveFile, path, |namespace| {
            namespace.remove_file(path)
        })
    }

    /// Removes an empty directory; see [`Namespace::remove_dir`].
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::InUse`] while an exclusive lease is out.
    pub fn remove_dir(&self, path: &str) -> Result<()> {
        self.change(Operation::RemoveDir, path, |namespace| namespace.remove_dir(path))
    }

    /// Renames; see [`Namespace::rename`].
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::InUse`] while an exclusive lease is out.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.change(Operation::Rename, from, |namespace| namespace.rename(from, to))
    }
}

/// The path of a mount point, for an operation that mounts or unmounts.
fn parse_point(operation: Operation, point: &str) -> Result<VirtualPath<'_>> {
    VirtualPath::parse(point).map_err(|error| Error::from_path(error, operation, point))
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("mounts", &self.list_mounts())
            .finish_non_exhaustive()
    }
}
