//! A state of a whole table, kept.

use std::fmt;
use std::sync::Arc;
use std::thread;

use crate::backend::{Answer, FollowLinks, Reader};
use crate::contents::Contents;
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::metadata::{DirEntry, Metadata};
use crate::mount::Mount;
use crate::path::{RelativePath, VirtualPath};
use crate::table::{MountInfo, Namespace, Table};
use crate::wire::Portable;

/// How often it is tried to find all mounts of a table in nobody's hands. A change takes so little time that the next
/// attempt is nearly always enough; and whoever wants to change what is held already waits.
const ATTEMPTS: usize = 10_000;

/// A state of every mount of a table, from [`Table::snapshot`].
///
/// A clone is the same snapshot. What it holds never changes: what the table's users write, delete or move later goes
/// to nodes of its own. A mount of a host directory is held as that directory, which shows what the host has now; of
/// an overlay on one, what the overlay had changed.
///
/// Taken while several mounts of the table are being changed, it is the state of all of them at one instant, unless they
/// are in use so much that none can be found: then it is that of each between two operations.
#[derive(Clone)]
pub struct Snapshot(Arc<Namespace>);

impl Snapshot {
    /// The present state of what is mounted in `namespace`.
    pub(super) fn of(namespace: &Namespace) -> Self {
        Self(Arc::new(match captured_at_once(namespace) {
            Some(mut captured) => {
                namespace.copied(|mount| captured.next().unwrap_or_else(|| mount.captured()))
            }
            None => namespace.copied(Mount::captured),
        }))
    }

    /// The state of these mounts, which nobody else has.
    pub(super) fn loaded(namespace: Namespace) -> Self {
        Self(Arc::new(namespace))
    }

    pub(super) fn namespace(&self) -> &Namespace {
        &self.0
    }

    /// The state that `mount`, which is mounted at `point` now, had when the snapshot was taken, if it can be compared
    /// with it.
    pub(super) fn state_of(&self, point: &VirtualPath<'_>, mount: &Mount) -> Option<&Arc<Mount>> {
        let then = self.0.mount_at(point)?;
        mount.is_comparable(then).then_some(then)
    }

    /// A table of its own in this state, as [`Table::fork`] makes one of the present.
    #[must_use]
    pub fn fork(&self) -> Table {
        Table::of(self.0.copied(Mount::forked))
    }

    /// Puts the contents of the mounts of `namespace` back.
    pub(super) fn put_back(&self, namespace: &Namespace) -> Result<()> {
        let refused =
            |path: &VirtualPath<'_>| Error::new(ErrorKind::NotRestorable, Operation::Restore, path.as_str());
        for (path, _) in self.0.each_mount() {
            if namespace.mount_at(path).is_none() {
                return Err(refused(path));
            }
        }
        let mut pairs = Vec::new();
        for (path, mount) in namespace.each_mount() {
            match self.0.mount_at(path).filter(|then| mount.is_restorable(then)) {
                Some(then) => pairs.push((mount, then)),
                None => return Err(refused(path)),
            }
        }
        for (mount, then) in pairs {
            mount.restore(then);
        }
        Ok(())
    }

    /// Reads a file as it was; see [`Namespace::read`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read(&self, path: &str) -> Result<Contents> {
        self.0.read(path)
    }

    /// Describes what a path led to; see [`Namespace::metadata`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn metadata(&self, path: &str) -> Result<Metadata> {
        self.0.metadata(path)
    }

    /// Whether anything was at a path; see [`Namespace::exists`].
    pub fn exists(&self, path: &str) -> bool {
        self.0.exists(path)
    }

    /// Lists a directory as it was; see [`Namespace::list`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn list(&self, path: &str) -> Result<Vec<DirEntry>> {
        self.0.list(path)
    }

    /// What was mounted, in the order it was mounted, and what it held.
    pub fn list_mounts(&self) -> Vec<MountInfo> {
        self.0.mounts()
    }
}

/// The present states of several mounts, in their order, all at one instant. One mount is captured in one piece anyway;
/// with several, an operation on one could come between, and be missed, and the next one on another be seen.
fn captured_at_once(namespace: &Namespace) -> Option<impl Iterator<Item = Mount>> {
    if namespace.mount_count() < 2 {
        return None;
    }
    let held = (0..ATTEMPTS).find_map(|_| {
        let held = namespace.each_mount().map(|(_, mount)| mount.hold());
        let all = held.collect::<Option<Vec<_>>>();
        if all.is_none() {
            thread::yield_now();
        }
        all
    })?;
    let captured: Vec<_> = held.iter().map(|capture| capture()).collect();
    Some(captured.into_iter())
}

/// A snapshot can be mounted, read-only or under an overlay: its whole tree, as seen from `/`. Rules of the mounts in it
/// hold; what its links lead to is found in the table that it is mounted in.
///
/// ```
/// use mounts::{Mount, Table};
///
/// let base = Table::new();
/// base.mount("/", Mount::memory().with_files([("/lib/a.py", "pass\n")])?)?;
/// let snapshot = base.snapshot();
///
/// let table = Table::new();
/// table.mount("/work", Mount::overlay(snapshot.clone()))?;
/// table.append("/work/lib/a.py", b"print()\n")?;
/// assert_eq!(snapshot.read("/lib/a.py")?, *b"pass\n");
/// # Ok::<(), mounts::Error>(())
/// ```
impl Reader for Snapshot {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        self.0.source_metadata(path, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        self.0.source_read(path, limit)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.0.source_open(path)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        self.0.source_list(path)
    }

    fn overlays(&self) -> u32 {
        let mounts = self.0.each_mount().map(|(_, mount)| mount.reader().overlays());
        mounts.max().unwrap_or(0)
    }

    fn portable(&self) -> Option<Portable<'_>> {
        Some(Portable::new(&*self.0))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("mounts", &self.list_mounts())
            .finish_non_exhaustive()
    }
}
