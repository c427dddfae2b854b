//! Copy-on-write over any other backend, which is never written.
//!
//! The obvious design keeps changed files in a second tree and asks, in every operation, which of the two trees to
//! believe. It gets renames wrong: a renamed directory must be copied entry by entry, or every later lookup below it
//! must remember where it came from. Marking deletions by special names gets listings wrong, and scripts that use
//! those names. Here the upper layer is a tree of slots. A slot says what the upper has under a name, and what of the
//! lower it hides; a directory of the upper says which lower directory, if any, shows through where it has no slot. So
//! *one* step answers where a path lives now, every operation starts with it, and renaming a directory of any size is
//! moving one node that remembers where its lower directory lies.
//!
//! ```text
//! overlay.rs          Overlay: the layer under its locks, the backend traits
//! overlay/layer       what the upper is made of, and what it costs
//! overlay/owned       what it owns of the lower: identities, whiteouts
//! overlay/emptied     what was hidden in directories that were renamed and then removed
//! overlay/lookup      the lookup step
//! overlay/merge       listings of both layers together
//! overlay/copy_up     changes: ancestors, files whole or in part, directories, whiteouts
//! overlay/redirect    renames
//! overlay/differences how one state of the upper differs from another
//! overlay/commit      making the lower what the overlay shows
//! overlay/drift       what it owns that the lower no longer has as it was
//! overlay/dump        the upper as records of a dump
//! ```
//!
//! The lower is live. A path that the upper does not own shows what the lower has now. What it owns (replaced,
//! extended, renamed or hid) it remembers by identity: device, inode, size and times. Where such an entry no longer
//! matches and its bytes are needed, the answer is [`ErrorKind::Stale`]; what needs no lower bytes goes on.

pub(crate) mod commit;
mod copy_up;
mod differences;
mod drift;
mod dump;
mod emptied;
mod layer;
mod lookup;
mod merge;
mod owned;
#[cfg(test)]
mod recount;
mod redirect;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use parking_lot::{Mutex, RwLock};

use crate::backend::{Answer, FollowLinks, HostIdentity, OpenMode, Reader, RenameRefusal, Writer};
use crate::contents::Contents;
use crate::difference::Differences;
use crate::error::ErrorKind;
use crate::metadata::{DirEntry, FileType, Metadata};
use crate::path::RelativePath;
use crate::quota::{Admission, Held};
use crate::update::Update;
use crate::wire::Portable;

use differences::Comparison;
use emptied::Emptied;
use layer::{Attributes, Backing, Directory, Node};
use lookup::{Place, View, link_met};

/// Inode numbers of entries born in the upper count down from here; those of the lower are the host's.
const FIRST_INODE: u64 = 1 << 63;

/// How many of them an overlay has before those of the next one above it begin.
const INODES_PER_OVERLAY: u64 = 1 << 40;

/// A backend that keeps every change in memory, over a lower one that it never writes.
///
/// ```
/// use mounts::{Memory, Mount, Overlay, Table};
///
/// let table = Table::new();
/// table.mount("/work", Mount::overlay(Memory::new()))?;
/// table.write("/work/new.txt", "kept in the upper layer")?;
/// # Ok::<(), mounts::Error>(())
/// ```
#[derive(Debug)]
pub struct Overlay {
    lower: Arc<dyn Reader>,
    layer: RwLock<Layer>,
    /// Held by whoever changes something, while it looks at both layers; readers never wait for it.
    turn: Mutex<()>,
    /// The memory that the layer holds, for those who read and need no lock for it.
    held_memory: AtomicU64,
}

/// The upper layer as a value.
#[derive(Debug, Clone)]
struct Layer {
    root: Arc<Directory>,
    emptied: Emptied,
    held: Held,
    last_inode: u64,
}

impl Layer {
    /// A layer over `lower` that changes nothing.
    fn empty(lower: &dyn Reader) -> Self {
        let below = u64::from(lower.overlays()).saturating_mul(INODES_PER_OVERLAY);
        let seen = Attributes::born(1, 0o755, SystemTime::now());
        Self {
            root: Arc::new(Directory::new(Backing::Merged("".into(), seen))),
            emptied: Emptied::default(),
            held: Held::default(),
            last_inode: FIRST_INODE.saturating_sub(below),
        }
    }

    fn next_inode(&mut self) -> u64 {
        self.last_inode -= 1;
        self.last_inode
    }
}

impl Overlay {
    /// An overlay over `lower` that changes nothing yet.
    pub fn new(lower: impl Reader + 'static) -> Self {
        let layer = Layer::empty(&lower);
        Self::over(Arc::new(lower), layer)
    }

    fn over(lower: Arc<dyn Reader>, layer: Layer) -> Self {
        Self {
            lower,
            held_memory: AtomicU64::new(layer.held.memory),
            layer: RwLock::new(layer),
            turn: Mutex::new(()),
        }
    }

    /// Makes one change to the layer.
    fn change<T>(&self, change: impl FnOnce(&mut Layer) -> T) -> T {
        let mut layer = self.layer.write();
        let answer = change(&mut layer);
        self.held_memory.store(layer.held.memory, Ordering::Relaxed);
        answer
    }

    /// An independent copy in the present state, over the same lower. It costs the same whatever has changed, and
    /// memory only for what changes later.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::over(Arc::clone(&self.lower), self.layer())
    }

    /// An overlay over the same lower that changes nothing.
    pub(crate) fn unchanged(&self) -> Self {
        Self::over(Arc::clone(&self.lower), Layer::empty(self.lower.as_ref()))
    }

    pub(crate) fn shares_lower(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.lower, &other.lower)
    }

    /// Keeps everybody from changing the layer, which [`fork`](Self::fork) would copy, until the answer is dropped; the
    /// answer copies it. `None` while somebody is changing it.
    pub(crate) fn hold(&self) -> Option<impl Fn() -> Self + '_> {
        let layer = self.layer.try_read()?;
        Some(move || Self::over(Arc::clone(&self.lower), layer.clone()))
    }

    /// Takes over the state of `from`, which lies over the same lower.
    pub(crate) fn restore(&self, from: &Self) {
        let _turn = self.turn.lock();
        let from = from.layer();
        self.change(|layer| {
            let last_inode = layer.last_inode.min(from.last_inode);
            *layer = Layer { last_inode, ..from };
        });
    }

    /// Notes how the upper differs from that of `since`, which lies over the same lower. Files of more than `limit`
    /// bytes are not read.
    pub(crate) fn differences(&self, since: &Self, limit: u64, found: &mut Differences<'_>) {
        let (since, now) = (since.layer(), self.layer());
        let comparison = Comparison {
            since: &since,
            now: &now,
            lower: self.lower.as_ref(),
            limit,
            found,
        };
        comparison.run();
    }

    /// The bytes of the file that `since`, which lies over the same lower, had at `path`; `None` where they cannot be
    /// had any more, or are more than `limit`.
    pub(crate) fn previous(&self, since: &Self, path: RelativePath<'_>, limit: u64) -> Option<Contents> {
        let (since, now) = (since.layer(), self.layer());
        let mut nothing = Differences::new(&|_| false);
        let comparison = Comparison {
            since: &since,
            now: &now,
            lower: self.lower.as_ref(),
            limit,
            found: &mut nothing,
        };
        comparison.previous(path)
    }

    /// The upper layer as it is now.
    fn layer(&self) -> Layer {
        self.layer.read().clone()
    }

    fn root(&self) -> Arc<Directory> {
        Arc::clone(&self.layer.read().root)
    }

    fn view<'l>(&'l self, root: &'l Arc<Directory>) -> View<'l> {
        View {
            root,
            lower: self.lower.as_ref(),
        }
    }

    /// Reads a file of either layer, or of both: what the lower has of it, then what the upper has.
    fn read_merged(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        let root = self.root();
        let view = self.view(&root);
        match view.place(path)? {
            Place::Absent(_) => Err(ErrorKind::NotFound.into()),
            Place::Root | Place::Upper(_, Node::Directory(_)) => Err(ErrorKind::IsADirectory.into()),
            Place::Upper(_, Node::Link(link)) => Err(link_met(link, path.as_str().len())),
            Place::Lower(lower) => view.ask(path, &lower, |relative| self.lower.read(relative, limit)),
            Place::Upper(_, Node::File(file)) if file.size() > limit => Err(ErrorKind::FileTooLarge.into()),
            Place::Upper(_, Node::File(file)) => match &file.base {
                None => Ok(file.own.clone()),
                Some(origin) => {
                    let base = self
                        .lower
                        .read(RelativePath::new(&origin.path), limit)
                        .map_err(lookup::stale)?;
                    // Checked after the read: what was read is then what the file was when it was taken.
                    view.require_unchanged(origin)?;
                    Ok(base.followed_by(&file.own))
                }
            },
        }
    }
}

impl Reader for Overlay {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        self.view(&self.root()).metadata(path, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        self.read_merged(path, limit)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        let root = self.root();
        let view = self.view(&root);
        match view.place(path)? {
            Place::Lower(lower) => view.ask(path, &lower, |relative| self.lower.open(relative)),
            Place::Upper(_, Node::File(file)) => file
                .base
                .as_ref()
                .map_or(Ok(()), |base| view.require_unchanged(base)),
            _ => match view.metadata(path, FollowLinks::Yes)?.file_type {
                FileType::Directory => Err(ErrorKind::IsADirectory.into()),
                _ => Ok(()),
            },
        }
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        self.view(&self.root()).list(path)
    }

    fn host(&self) -> Option<HostIdentity> {
        self.lower.host().map(|host| HostIdentity {
            written_through: false,
            ..host
        })
    }

    fn overlays(&self) -> u32 {
        self.lower.overlays() + 1
    }

    fn portable(&self) -> Option<Portable<'_>> {
        Some(Portable::new(self))
    }
}

impl Writer for Overlay {
    fn write(&self, path: RelativePath<'_>, data: &mut Vec<u8>, admission: &mut Admission<'_>) -> Answer<()> {
        self.put(path, Update::Replace(data), admission)
    }

    fn write_shared(
        &self,
        path: RelativePath<'_>,
        contents: &Contents,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        self.put(path, Update::Share(contents), admission)
    }

    fn append(&self, path: RelativePath<'_>, data: &[u8], admission: &mut Admission<'_>) -> Answer<()> {
        self.put(path, Update::Append(data), admission)
    }

    fn open_for_write(
        &self,
        path: RelativePath<'_>,
        mode: OpenMode,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        self.put(path, mode.into(), admission)
    }

    fn create_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.make_dir(path, admission)
    }

    fn remove_file(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.remove(path, FileType::File, admission)
    }

    fn remove_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.remove(path, FileType::Directory, admission)
    }

    fn rename(
        &self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        self.relocate(from, to, admission)
    }

    fn held(&self) -> Held {
        self.layer.read().held
    }

    fn held_memory(&self) -> u64 {
        self.held_memory.load(Ordering::Relaxed)
    }
}
