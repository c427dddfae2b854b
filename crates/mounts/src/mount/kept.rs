//! Contents that are a value: what can be copied, put back and compared at no cost per file.

use std::sync::Arc;

use crate::backend::{Reader as _, Writer};
use crate::contents::Contents;
use crate::difference::Differences;
use crate::memory::Memory;
use crate::overlay::Overlay;
use crate::path::RelativePath;

/// A backend of this crate that keeps its whole state in memory, as a value.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    Memory(Arc<Memory>),
    Overlay(Arc<Overlay>),
}

impl Kept {
    #[inline]
    pub(super) fn writer(&self) -> &dyn Writer {
        match self {
            Self::Memory(memory) => memory.as_ref(),
            Self::Overlay(overlay) => overlay.as_ref(),
        }
    }

    pub(super) fn overlay(&self) -> Option<&Overlay> {
        match self {
            Self::Memory(_) => None,
            Self::Overlay(overlay) => Some(overlay),
        }
    }

    /// An independent copy in the present state.
    pub(super) fn fork(&self) -> Self {
        match self {
            Self::Memory(memory) => Self::Memory(Arc::new(memory.fork())),
            Self::Overlay(overlay) => Self::Overlay(Arc::new(overlay.fork())),
        }
    }

    /// What nothing has been changed in: for memory the present state, for an overlay its lower layer.
    pub(super) fn origin(&self) -> Self {
        match self {
            Self::Memory(_) => self.fork(),
            Self::Overlay(overlay) => Self::Overlay(Arc::new(overlay.unchanged())),
        }
    }

    /// Whether both are states of the same kind, over the same lower layer if they have one.
    pub(super) fn is_comparable(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory(_), Self::Memory(_)) => true,
            (Self::Overlay(one), Self::Overlay(two)) => one.shares_lower(two),
            _ => false,
        }
    }

    /// Keeps everybody from changing the state until the answer is dropped; the answer copies it. `None` while somebody
    /// is changing it.
    pub(super) fn hold(&self) -> Option<Box<dyn Fn() -> Self + '_>> {
        Some(match self {
            Self::Memory(memory) => {
                let copy = memory.hold()?;
                Box::new(move || Self::Memory(Arc::new(copy())))
            }
            Self::Overlay(overlay) => {
                let copy = overlay.hold()?;
                Box::new(move || Self::Overlay(Arc::new(copy())))
            }
        })
    }

    /// Takes over the state of `from`, which is comparable. Inode numbers that were given since are not given again.
    pub(super) fn restore(&self, from: &Self) {
        match (self, from) {
            (Self::Memory(now), Self::Memory(then)) => now.restore(then),
            (Self::Overlay(now), Self::Overlay(then)) => now.restore(then),
            _ => {}
        }
    }

    /// The bytes of the file that `since`, which is comparable, had at `path`; `None` where they cannot be had any more,
    /// or are more than `limit`.
    pub(super) fn previous(&self, since: &Self, path: RelativePath<'_>, limit: u64) -> Option<Contents> {
        match (self, since) {
            (Self::Memory(_), Self::Memory(then)) => then.read(path, limit).ok(),
            (Self::Overlay(now), Self::Overlay(then)) => now.previous(then, path, limit),
            _ => None,
        }
    }

    /// Notes how `self` differs from `since`, which is comparable. Files of more than `limit` bytes are not read: of
    /// two such files that are not known to be the same, one is taken for changed.
    pub(super) fn differences(&self, since: &Self, limit: u64, found: &mut Differences<'_>) {
        match (self, since) {
            (Self::Memory(now), Self::Memory(then)) => now.differences(then, found),
            (Self::Overlay(now), Self::Overlay(then)) => now.differences(then, limit, found),
            _ => {}
        }
    }
}
