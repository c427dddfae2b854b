//! What the upper owns of the lower: entries it hides, and entries it shows changed or elsewhere.

use std::sync::Arc;
use std::time::SystemTime;

use imbl::OrdMap;

use crate::difference::Entry;
use crate::metadata::{FileType, Metadata, Name};
use crate::target::Expected;

/// What a slot, or a name kept in a whiteout, is reckoned to cost in memory beside contents and name, in bytes.
pub(super) const SLOT_BYTES: u64 = 320;

/// The state of a lower entry when the upper came to own it. When it no longer matches, the entry has drifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) file_type: FileType,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    pub(super) changed: SystemTime,
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            file_type: metadata.file_type,
            inode: metadata.inode,
            size: metadata.size,
            modified: metadata.modified,
            changed: metadata.changed,
        }
    }

    pub(super) fn entry(&self) -> Entry {
        Entry {
            file_type: self.file_type,
            size: self.size,
            inode: self.inode,
        }
    }

    /// What a commit must find, whatever lies in it.
    pub(super) fn expected(&self) -> Expected {
        Expected {
            file_type: self.file_type,
            inode: self.inode,
            size: self.size,
            modified: self.modified,
            entries: None,
        }
    }

    /// Whether both are states of one entry, whatever happened to its contents meanwhile.
    pub(super) fn is_same_entry(&self, other: &Self) -> bool {
        (self.file_type, self.inode) == (other.file_type, other.inode)
    }
}

/// A lower entry that the upper owns and still shows: where it lies in the lower, and its state when it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) path: Name,
    pub(super) identity: Identity,
}

/// A lower entry that the upper hides.
#[derive(Debug, Clone)]
pub(super) struct Hidden {
    pub(super) identity: Identity,
    /// What had been hidden in a directory, name by name, before the directory itself was.
    pub(super) below: OrdMap<Name, Arc<Hidden>>,
}

impl Hidden {
    pub(super) fn new(identity: Identity) -> Self {
        Self {
            identity,
            below: OrdMap::new(),
        }
    }

    pub(super) fn memory(&self) -> u64 {
        self.below
            .iter()
            .map(|(name, hidden)| SLOT_BYTES + name.len() as u64 + hidden.memory())
            .sum()
    }
}
