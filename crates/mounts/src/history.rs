//! States of a table that are kept: snapshots, forks, and what changed between two states.
//!
//! Trees are values, so that a state is kept by keeping a pointer: [`Table::snapshot`] and [`Table::fork`] cost the
//! same whatever the table holds, and memory only for what changes later. What changed is found by comparing two
//! trees, and what they share is skipped, so that finding ten changes among a hundred thousand files costs ten.
//! The alternative, a journal of what was done, grows with the work and reports what was undone again. A mount that is
//! written through has one nevertheless, since it has no earlier tree: folded by path, it is what differs too.
//!
//! ```text
//! history.rs           what is kept: snapshot, fork, restore
//! history/snapshot     Snapshot: a state of a whole table
//! history/changes      what changed since a snapshot, or since the beginning
//! history/diff         the same as unified text
//! history/commit       an overlay's changes, made in the directory under it
//! history/dump         a table as bytes, and back
//! history/tar          a directory as an archive, and back
//! ```
//!
//! A host directory is no value: a snapshot holds a mount of one as the directory that it is. A read-write mount of
//! one cannot be put back.
//!
//! ```
//! use mounts::history::ChangeKind;
//! use mounts::{Mount, Table};
//!
//! let table = Table::new();
//! table.mount("/work", Mount::memory().with_files([("/notes.md", "one\n")])?)?;
//! let snapshot = table.snapshot();
//!
//! table.write("/work/notes.md", "two\n")?;
//! table.write("/work/new.md", "")?;
//! let changes = table.changes_since(&snapshot);
//! assert_eq!(changes[0].path, "/work/new.md");
//! assert_eq!(changes[0].kind, ChangeKind::Created);
//! assert_eq!(changes[1].kind, ChangeKind::Modified);
//!
//! let fork = table.fork();
//! table.restore(&snapshot)?;
//! assert_eq!(table.read("/work/notes.md")?, *b"one\n");
//! assert_eq!(fork.read("/work/notes.md")?, *b"two\n");
//! # Ok::<(), mounts::Error>(())
//! ```

mod changes;
mod commit;
mod diff;
mod dump;
mod snapshot;
mod tar;

pub use crate::difference::ChangeKind;
pub use changes::Change;
pub use commit::{CommitError, CommitOptions, CommitReport, Conflict, ConflictKind, SkipReason};
pub use dump::{Digest, DumpError, DumpErrorKind, DumpParts, LoadOptions, OnDrift};
pub use snapshot::Snapshot;
pub use tar::{TarError, TarErrorKind, TarExport, TarLimits};

use crate::error::{Operation, Result};
use crate::table::{Namespace, Table};

/// # History
impl Table {
    /// The present state of every mount; see [`Snapshot`].
    ///
    /// It costs the same whatever the mounts hold. Taken while somebody uses the table, it is a state between two
    /// operations.
    pub fn snapshot(&self) -> Snapshot {
        self.current().snapshot()
    }

    /// A table of its own in the present state: the same mounts, with their contents, limits, rules and counters, and
    /// no lease on it and no observer. What is changed in one of the two never shows in the other; a host directory
    /// that is mounted read-write is the same directory in both.
    ///
    /// It costs the same whatever the mounts hold.
    #[must_use]
    pub fn fork(&self) -> Self {
        self.snapshot().fork()
    }

    /// Puts the contents of every mount back as the snapshot has them; see [`Namespace::restore`].
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::InUse`](crate::ErrorKind::InUse) while an exclusive lease is out.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        self.change(Operation::Restore, "/", |namespace| namespace.restore(snapshot))
    }

    /// What changed since the beginning; see [`Namespace::changes`].
    pub fn changes(&self) -> Vec<Change> {
        self.current().changes()
    }

    /// What changed since a snapshot; see [`Namespace::changes_since`].
    pub fn changes_since(&self, snapshot: &Snapshot) -> Vec<Change> {
        self.current().changes_since(snapshot)
    }
}

/// # History
impl Namespace {
    /// The present state of every mount; see [`Snapshot`].
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self)
    }

    /// Puts the contents of every mount back as the snapshot has them. Limits and rules stay as they are, and what was
    /// written stays counted. An observer is not told.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotRestorable`](crate::ErrorKind::NotRestorable), with nothing changed, when another set of mounts
    /// was mounted then, or one of them writes through to the host.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        snapshot.put_back(self)
    }
}
