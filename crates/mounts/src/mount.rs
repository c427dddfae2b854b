//! A mount: a backend with what the table knows about it.
//!
//! ```text
//! mount.rs       Mount: what may be done through it, under which limits and rules
//! mount/kept     contents that are a value: copied, put back and compared at no cost per file
//! mount/noted    contents that are none: what is changed in them is noted down
//! ```

mod kept;
mod noted;

use std::sync::Arc;

use parking_lot::Mutex;

use crate::backend::{HostIdentity, Reader, Writer};
use crate::contents::Contents;
use crate::difference::{Difference, Differences};
use crate::error::ErrorKind;
use crate::memory::Memory;
use crate::overlay::Overlay;
use crate::path::RelativePath;
use crate::quota::{Admission, Held, Limits, Quota, Usage};
use crate::rules::Rules;

use kept::Kept;
use noted::Noted;

/// What the contents of a mount are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MountKind {
    /// A [`Memory`] tree.
    Memory,
    /// A backend without a writing side.
    ReadOnly,
    /// A backend whose writes go where it reads from.
    ReadWrite,
    /// An [`Overlay`] over another backend.
    Overlay,
}

/// Something to mount: a backend and its limits. Handed to [`Table::mount`](crate::Table::mount).
///
/// ```
/// use mounts::{Limits, Mount};
///
/// let mount = Mount::memory().with_limits(Limits { max_files: Some(100), ..Limits::default() });
/// # drop(mount);
/// ```
#[derive(Debug)]
pub struct Mount {
    access: Access,
    kind: MountKind,
    device: u64,
    quota: Quota,
    rules: Option<Rules>,
    /// What its contents are compared with when nothing else is named; `None` where they are no value.
    origin: Option<Kept>,
    /// Shared by the states of this mount, and of nothing else: inode numbers mean the same in all of them.
    lineage: Arc<()>,
    /// Held by a rename on a mount with rules, from the look at what would move until it has moved: two renames, each
    /// harmless, could otherwise take something out of the reach of its rule.
    renaming: Mutex<()>,
}

/// What may be done through a mount. There is no writer to reach for behind a read-only one.
#[derive(Debug, Clone)]
enum Access {
    Read(Arc<dyn Reader>),
    /// A writer whose state is no value.
    Write(Arc<Noted>),
    /// A writer whose whole state is a value.
    Kept(Kept),
}

impl Mount {
    fn new(access: Access, kind: MountKind) -> Self {
        Self {
            access,
            kind,
            device: 0,
            quota: Quota::new(Limits::default()),
            rules: None,
            origin: None,
            lineage: Arc::default(),
            renaming: Mutex::new(()),
        }
    }

    /// An empty memory mount.
    #[must_use]
    pub fn memory() -> Self {
        Self::of_memory(Memory::new())
    }

    /// A mount that can only be read.
    pub fn read_only(reader: impl Reader + 'static) -> Self {
        Self::new(Access::Read(Arc::new(reader)), MountKind::ReadOnly)
    }

    /// A mount whose writes go to `writer`, under the limits that the writer has
    /// [by default](Writer::default_limits).
    ///
    /// What was changed through it is remembered for [`Table::changes`](crate::Table::changes). For that, changes of one
    /// path and of what lies below it take turns, what a path had is looked at before it is changed for the first time, and what is in a directory that was
    /// renamed is listed.
    pub fn read_write(writer: impl Writer + 'static) -> Self {
        let limits = writer.default_limits();
        let noted = Noted::new(Arc::new(writer));
        Self::new(Access::Write(Arc::new(noted)), MountKind::ReadWrite).with_limits(limits)
    }

    /// A mount whose changes stay in memory, over `lower`, which is never written.
    pub fn overlay(lower: impl Reader + 'static) -> Self {
        Self::of_overlay(Overlay::new(lower))
    }

    /// The same mount under other limits: those given, and no others.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.quota = Quota::new(limits);
        self
    }

    /// The same mount under `rules`, which hold for whoever uses the table, its owner included.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = Some(rules);
        self
    }

    /// A mount of this tree.
    pub(crate) fn of_memory(memory: Memory) -> Self {
        Self::new(Access::Kept(Kept::Memory(Arc::new(memory))), MountKind::Memory)
    }

    /// A mount of this overlay.
    pub(crate) fn of_overlay(overlay: Overlay) -> Self {
        Self::new(Access::Kept(Kept::Overlay(Arc::new(overlay))), MountKind::Overlay)
    }

    /// The same mount, through which so much was written already.
    pub(crate) fn with_written(mut self, bytes: u64) -> Self {
        self.quota = self.quota.with_written(bytes);
        self
    }

    /// The same mount without rules, and the rules it had.
    pub(crate) fn without_rules(mut self) -> (Self, Option<Rules>) {
        let rules = self.rules.take();
        (self, rules)
    }

    /// The present state of this mount, to be kept, with its own counters; what it writes through to the host is still
    /// the same directory.
    pub(crate) fn captured(&self) -> Self {
        self.with_access(match &self.access {
            Access::Kept(kept) => Access::Kept(kept.fork()),
            Access::Write(noted) => Access::Write(Arc::new(noted.captured())),
            Access::Read(reader) => Access::Read(Arc::clone(reader)),
        })
    }

    fn with_access(&self, access: Access) -> Self {
        Self {
            access,
            kind: self.kind,
            device: self.device,
            quota: self.quota.fork(),
            rules: self.rules.clone(),
            origin: self.origin.clone(),
            lineage: Arc::clone(&self.lineage),
            renaming: Mutex::new(()),
        }
    }

    /// A mount of its own, in the present state, which is what it is compared with from now on.
    pub(crate) fn forked(&self) -> Self {
        let mut fork = self.captured();
        fork.lineage = Arc::default();
        match &mut fork.access {
            Access::Kept(kept) => fork.origin = Some(kept.fork()),
            Access::Write(noted) => *noted = Arc::new(noted.begun_anew()),
            Access::Read(_) => {}
        }
        fork
    }

    /// From now on, what the mount has is compared with its state now, and that of an overlay with its lower layer.
    pub(crate) fn begin_history(&mut self) {
        match &mut self.access {
            Access::Kept(kept) => self.origin = Some(kept.origin()),
            Access::Write(noted) => *noted = Arc::new(noted.begun_anew()),
            Access::Read(_) => {}
        }
    }

    /// Keeps everybody from changing the contents until the answer is dropped; the answer is the present state, to be
    /// kept. `None` while somebody is changing them. Contents that are no value are not kept from being changed.
    pub(crate) fn hold(&self) -> Option<Box<dyn Fn() -> Self + '_>> {
        Some(match &self.access {
            Access::Kept(kept) => {
                let copy = kept.hold()?;
                Box::new(move || self.with_access(Access::Kept(copy())))
            }
            Access::Read(_) | Access::Write(_) => Box::new(|| self.captured()),
        })
    }

    /// Whether `other` is a state that can be compared with this mount: its own, or where contents are values, that of
    /// one that it was forked from or that was forked from it.
    pub(crate) fn is_comparable(&self, other: &Self) -> bool {
        match (&self.access, &other.access) {
            // What a fork changes is not noted here.
            (Access::Write(_), Access::Write(_)) => Arc::ptr_eq(&self.lineage, &other.lineage),
            _ => self.is_restorable(other),
        }
    }

    /// Whether `other` is a state that this mount can be put back to.
    pub(crate) fn is_restorable(&self, other: &Self) -> bool {
        match (&self.access, &other.access) {
            (Access::Kept(now), Access::Kept(then)) => now.is_comparable(then),
            (Access::Read(now), Access::Read(then)) => Arc::ptr_eq(now, then),
            _ => false,
        }
    }

    /// Takes over the contents of `captured`, to which it can be put back. What was written stays counted.
    pub(crate) fn restore(&self, captured: &Self) {
        if let (Access::Kept(now), Access::Kept(then)) = (&self.access, &captured.access) {
            now.restore(then);
        }
    }

    /// The overlay that keeps the contents, if one does.
    pub(crate) fn overlay_kept(&self) -> Option<&Overlay> {
        match &self.access {
            Access::Kept(kept) => kept.overlay(),
            Access::Read(_) | Access::Write(_) => None,
        }
    }

    /// How the contents differ from those of `since`, a comparable state, or from the origin without one.
    pub(crate) fn differences(
        &self,
        since: Option<&Self>,
        is_visible: &dyn Fn(&str) -> bool,
    ) -> Vec<Difference> {
        let mut found = Differences::new(is_visible);
        match (&self.access, since.map(|since| &since.access)) {
            (Access::Kept(now), _) => {
                if let Some(then) = self.compared_with(since) {
                    now.differences(then, self.limits().memory.unwrap_or(u64::MAX), &mut found);
                }
            }
            (Access::Write(now), Some(Access::Write(then))) => now.differences(Some(then), &mut found),
            (Access::Write(now), _) => now.differences(None, &mut found),
            (Access::Read(_), _) => {}
        }
        // The numbers of another lineage mean other files.
        if since.is_none_or(|since| Arc::ptr_eq(&since.lineage, &self.lineage)) {
            found.with_moves()
        } else {
            found.sorted()
        }
    }

    /// The bytes of the file that was at `path` in `since`, a comparable state, or in the origin without one; `None`
    /// where they cannot be had any more, or are more than `limit`.
    pub(crate) fn previous(
        &self,
        since: Option<&Self>,
        path: RelativePath<'_>,
        limit: u64,
    ) -> Option<Contents> {
        match &self.access {
            Access::Kept(now) => now.previous(self.compared_with(since)?, path, limit),
            Access::Read(_) | Access::Write(_) => None,
        }
    }

    /// The contents of `since`, or those of the origin without it.
    fn compared_with<'m>(&'m self, since: Option<&'m Self>) -> Option<&'m Kept> {
        match since.map(|since| &since.access) {
            Some(Access::Kept(then)) => Some(then),
            Some(Access::Read(_) | Access::Write(_)) => None,
            None => self.origin.as_ref(),
        }
    }

    /// What the mount keeps its contents in.
    pub fn kind(&self) -> MountKind {
        self.kind
    }

    /// The limits it is under.
    pub fn limits(&self) -> &Limits {
        self.quota.limits()
    }

    /// The rules it is under, if any.
    pub fn rules(&self) -> Option<&Rules> {
        self.rules.as_ref()
    }

    /// Held while something is renamed on a mount with rules.
    pub(crate) fn renaming(&self) -> &Mutex<()> {
        &self.renaming
    }

    /// The host directory behind it, if there is one.
    pub fn host(&self) -> Option<HostIdentity> {
        self.reader().host()
    }

    /// What it holds now and has written so far.
    pub fn usage(&self) -> Usage {
        Usage {
            held: self.held(),
            written: self.quota.written(),
            journal: match &self.access {
                Access::Write(noted) => noted.memory(),
                Access::Read(_) | Access::Kept(_) => 0,
            },
        }
    }

    pub(crate) fn set_device(&mut self, device: u64) {
        self.device = device;
    }

    /// The device number that `stat` reports for everything in it.
    pub(crate) fn device(&self) -> u64 {
        self.device
    }

    pub(crate) fn reader(&self) -> &dyn Reader {
        match &self.access {
            Access::Read(reader) => reader.as_ref(),
            Access::Write(noted) => noted.backend(),
            Access::Kept(kept) => kept.writer(),
        }
    }

    /// The writing side, and the admission that every change through it must ask for.
    pub(crate) fn writer(&self) -> Result<(&dyn Writer, Admission<'_>), ErrorKind> {
        match &self.access {
            Access::Read(_) => Err(ErrorKind::ReadOnly),
            Access::Write(noted) => Ok((noted.as_ref(), Admission::new(&self.quota))),
            Access::Kept(kept) => Ok((kept.writer(), Admission::new(&self.quota))),
        }
    }

    /// The most bytes one answer from this mount may have, and the limit that says so.
    pub(crate) fn room_for_answer(&self) -> u64 {
        self.quota.room_for_answer(|| match &self.access {
            Access::Read(_) => 0,
            Access::Write(noted) => noted.backend().held_memory().saturating_add(noted.memory()),
            Access::Kept(kept) => kept.writer().held_memory(),
        })
    }

    fn held(&self) -> Held {
        match &self.access {
            Access::Read(_) => Held::default(),
            Access::Write(noted) => noted.backend().held(),
            Access::Kept(kept) => kept.writer().held(),
        }
    }
}
