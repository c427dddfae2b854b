//! A mount: a backend with what the table knows about it.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::backend::{HostIdentity, Reader, Writer};
use crate::error::ErrorKind;
use crate::memory::Memory;
use crate::overlay::Overlay;
use crate::quota::{Admission, Held, Limits, Quota, Usage};
use crate::rules::Rules;

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
    /// Held by a rename on a mount with rules, from the look at what would move until it has moved: two renames, each
    /// harmless, could otherwise take something out of the reach of its rule.
    renaming: Mutex<()>,
}

/// What may be done through a mount. There is no writer to reach for behind a read-only one.
#[derive(Debug, Clone)]
enum Access {
    Read(Arc<dyn Reader>),
    Write(Arc<dyn Writer>),
}

impl Mount {
    fn new(access: Access, kind: MountKind) -> Self {
        Self {
            access,
            kind,
            device: 0,
            quota: Quota::new(Limits::default()),
            rules: None,
            renaming: Mutex::new(()),
        }
    }

    /// An empty memory mount.
    #[must_use]
    pub fn memory() -> Self {
        Self::new(Access::Write(Arc::new(Memory::new())), MountKind::Memory)
    }

    /// A mount that can only be read.
    pub fn read_only(reader: impl Reader + 'static) -> Self {
        Self::new(Access::Read(Arc::new(reader)), MountKind::ReadOnly)
    }

    /// A mount whose writes go to `writer`.
    pub fn read_write(writer: impl Writer + 'static) -> Self {
        Self::new(Access::Write(Arc::new(writer)), MountKind::ReadWrite)
    }

    /// A mount whose changes stay in memory, over `lower`, which is never written.
    pub fn overlay(lower: impl Reader + 'static) -> Self {
        Self::new(Access::Write(Arc::new(Overlay::new(lower))), MountKind::Overlay)
    }

    /// The same mount under other limits.
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

    /// The same mount without rules, and the rules it had.
    pub(crate) fn without_rules(mut self) -> (Self, Option<Rules>) {
        let rules = self.rules.take();
        (self, rules)
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
            Access::Write(writer) => writer.as_ref(),
        }
    }

    /// The writing side, and the admission that every change through it must ask for.
    pub(crate) fn writer(&self) -> Result<(&dyn Writer, Admission<'_>), ErrorKind> {
        match &self.access {
            Access::Read(_) => Err(ErrorKind::ReadOnly),
            Access::Write(writer) => Ok((writer.as_ref(), Admission::new(&self.quota))),
        }
    }

    /// The most bytes one answer from this mount may have, and the limit that says so.
    pub(crate) fn room_for_answer(&self) -> u64 {
        self.quota.room_for_answer(|| match &self.access {
            Access::Read(_) => 0,
            Access::Write(writer) => writer.held_memory(),
        })
    }

    fn held(&self) -> Held {
        match &self.access {
            Access::Read(_) => Held::default(),
            Access::Write(writer) => writer.held(),
        }
    }
}
