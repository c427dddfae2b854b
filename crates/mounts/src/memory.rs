//! A mount that lives in memory: a tree of shared, immutable nodes.
//!
//! The obvious design, one map from path to file, makes listing and renaming a directory cost what the mount
//! holds. The next one, a mutable tree under one lock, makes a snapshot cost the same. Here the tree is a value:
//! every node is shared, a change copies the nodes on its way from the root that somebody else still holds, and
//! the lock protects nothing but the pointer to the current root. A snapshot or a fork is a clone of that root;
//! a directory is renamed by moving one pointer.
//!
//! ```text
//! memory.rs            Memory: the current root under its lock, the backend traits
//! memory/node          what a tree is made of, and what it costs
//! memory/tree          operations on a tree as a value
//! memory/differences   how one tree differs from another
//! memory/dump          a tree as records of a dump
//! ```

mod differences;
mod dump;
mod node;
mod tree;

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::backend::{Answer, FollowLinks, OpenMode, Reader, RenameRefusal, Writer};
use crate::contents::Contents;
use crate::difference::Differences;
use crate::error::ErrorKind;
use crate::metadata::{DirEntry, Metadata};
use crate::path::RelativePath;
use crate::quota::{Admission, Held};
use crate::update::Update;
use crate::wire::Portable;

use tree::Tree;

/// An in-memory backend.
///
/// Every operation is atomic: readers see the tree before or after a change, never between. Readers do not block
/// readers, and listing a large directory does not hold up a writer.
///
/// ```
/// use mounts::{Limits, Mount, Table};
///
/// let table = Table::new();
/// let limits = Limits { max_bytes: Some(1 << 20), ..Limits::default() };
/// table.mount("/scratch", Mount::memory().with_limits(limits))?;
/// table.write("/scratch/notes.txt", "remember the milk")?;
/// assert_eq!(table.read("/scratch/notes.txt")?, *b"remember the milk");
/// # Ok::<(), mounts::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Memory {
    tree: RwLock<Tree>,
    /// The memory that the tree holds, for those who read and need no lock for it.
    held_memory: AtomicU64,
}

impl Memory {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An independent copy in the present state. It costs the same whatever the tree holds, and memory only for what
    /// changes later.
    ///
    /// ```
    /// use mounts::{Memory, Mount, Table};
    ///
    /// let template = Memory::new();
    /// let table = Table::new();
    /// table.mount("/a", Mount::read_write(template.fork()))?;
    /// table.write("/a/file", "only in this copy")?;
    /// # Ok::<(), mounts::Error>(())
    /// ```
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::of(self.tree.read().clone())
    }

    fn of(tree: Tree) -> Self {
        Self {
            held_memory: AtomicU64::new(tree.held().memory),
            tree: RwLock::new(tree),
        }
    }

    /// Keeps everybody from changing the tree, which [`fork`](Self::fork) would copy, until the answer is dropped; the
    /// answer copies it. `None` while somebody is changing it.
    pub(crate) fn hold(&self) -> Option<impl Fn() -> Self + '_> {
        let tree = self.tree.try_read()?;
        Some(move || Self::of(tree.clone()))
    }

    /// Takes over the state of `from`.
    pub(crate) fn restore(&self, from: &Self) {
        let from = from.tree.read().clone();
        self.change(|tree| tree.restore(from));
    }

    /// Notes how the tree differs from that of `since`.
    pub(crate) fn differences(&self, since: &Self, found: &mut Differences<'_>) {
        let now = self.tree.read().clone();
        let since = since.tree.read().clone();
        now.differences(&since, found);
    }

    /// Makes one change to the tree.
    fn change<T>(&self, change: impl FnOnce(&mut Tree) -> T) -> T {
        let mut tree = self.tree.write();
        let answer = change(&mut tree);
        self.held_memory.store(tree.held().memory, Ordering::Relaxed);
        answer
    }
}

impl Reader for Memory {
    fn metadata(&self, path: RelativePath<'_>, _: FollowLinks) -> Answer<Metadata> {
        self.tree.read().metadata(path)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        let contents = self.tree.read().file(path)?.contents.clone();
        if contents.len() as u64 > limit {
            Err(ErrorKind::FileTooLarge.into())
        } else {
            Ok(contents)
        }
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.tree.read().file(path).map(drop)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        // The directory is cloned (a pointer) so that naming its entries happens outside the lock.
        let directory = self.tree.read().directory(path)?.clone();
        Ok(directory.list())
    }

    fn portable(&self) -> Option<Portable<'_>> {
        Some(Portable::new(self))
    }
}

impl Writer for Memory {
    fn write(&self, path: RelativePath<'_>, data: &mut Vec<u8>, admission: &mut Admission<'_>) -> Answer<()> {
        self.change(|tree| tree.put(path, Update::Replace(data), admission))
    }

    fn write_shared(
        &self,
        path: RelativePath<'_>,
        contents: &Contents,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        self.change(|tree| tree.put(path, Update::Share(contents), admission))
    }

    fn append(&self, path: RelativePath<'_>, data: &[u8], admission: &mut Admission<'_>) -> Answer<()> {
        self.change(|tree| tree.put(path, Update::Append(data), admission))
    }

    fn open_for_write(
        &self,
        path: RelativePath<'_>,
        mode: OpenMode,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        self.change(|tree| tree.put(path, mode.into(), admission))
    }

    fn create_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.change(|tree| tree.create_dir(path, admission))
    }

    fn remove_file(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.change(|tree| tree.remove_file(path, admission))
    }

    fn remove_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.change(|tree| tree.remove_dir(path, admission))
    }

    fn rename(
        &self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        self.change(|tree| tree.rename(from, to, admission))
    }

    fn held(&self) -> Held {
        self.tree.read().held()
    }

    fn held_memory(&self) -> u64 {
        self.held_memory.load(Ordering::Relaxed)
    }
}
