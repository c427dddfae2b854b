//! What a mount holds: a [`Reader`], or a [`Writer`] on top of one.
//!
//! Read-only is not a flag that somebody must check: a mount that holds only a `Reader` has no way to write. Both
//! traits see [`RelativePath`]s, already normalised and checked; the table has judged rules before it calls, and
//! attaches paths to the errors.
//!
//! # The contract
//!
//! * An operation never follows a symbolic link. Where one stands in the way (any component but the last; for
//!   operations that mean the target, the last too) the answer is [`Refusal::Link`], *without any effect*: the
//!   table rewrites the path in the script's namespace and calls again, so a link sees what the script would see
//!   at its target, and cannot leave.
//! * Every operation is atomic as seen by other callers of the same backend, or documents that it is not.
//! * A writer calls [`Admission::admit`] exactly once per change, with the exact change, before any effect, and
//!   gives its refusal back unchanged with nothing altered. This is the one place where quotas are applied.
//! * A refused operation has no effect.
//! * No operation blocks on a FIFO, a device or a lock held across a call.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::contents::Contents;
use crate::error::ErrorKind;
use crate::metadata::{DirEntry, Metadata};
use crate::path::RelativePath;
use crate::quota::{Admission, Held, Limits};
use crate::target::CommitTarget;
use crate::wire::Portable;

/// The answer of a backend.
pub type Answer<T> = Result<T, Refusal>;

/// Why a backend did not do what it was asked.
#[derive(Debug)]
pub enum Refusal {
    /// The operation failed.
    Failed {
        /// What went wrong.
        kind: ErrorKind,
        /// The operating system's error, if that was the reason.
        source: Option<io::Error>,
    },
    /// A symbolic link stands in the way.
    Link(LinkMet),
}

impl Refusal {
    /// A failure without a source.
    pub fn new(kind: ErrorKind) -> Self {
        Self::Failed { kind, source: None }
    }
}

impl Refusal {
    /// Whether the reason is that another mount of the host covers what was asked for.
    pub(crate) fn is_crossing(&self) -> bool {
        matches!(self, Self::Failed { source: Some(error), .. } if error.raw_os_error() == Some(EXDEV))
    }
}

/// The number of `EXDEV`, on every host.
const EXDEV: i32 = 18;

impl From<ErrorKind> for Refusal {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

/// A symbolic link met on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkMet {
    /// How many bytes of the [`RelativePath`] name the link: the length of the prefix that ends with it.
    pub prefix: usize,
    /// The link's target as stored, `None` when it is no text a virtual path could be made of.
    pub target: Option<String>,
}

/// Whether an operation means a link or what the link leads to.
///
/// Only the last component is concerned: links before it always lead on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowLinks {
    /// The target: `stat`.
    Yes,
    /// The link itself: `lstat`.
    No,
}

/// What opening a file for writing does to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// `w`: created when missing, emptied in place when there.
    Truncate,
    /// `a`: created when missing, left as it is when there.
    Append,
}

/// The reading side of a mount.
pub trait Reader: fmt::Debug + Send + Sync {
    /// Describes the entry at `path`.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `PermissionDenied`.
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata>;

    /// Reads the whole file at `path`, at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata); `IsADirectory`; `PermissionDenied` for anything but a regular file;
    /// `FileTooLarge`, before anything is read, when the file has more than `limit` bytes.
    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents>;

    /// Checks that a later [`read`](Self::read) would be allowed to open the file.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn open(&self, path: RelativePath<'_>) -> Answer<()>;

    /// Lists the directory at `path`, sorted by name.
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata); `NotADirectory`.
    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>>;

    /// The host directory behind this backend, for the table's overlap check; `None` where there is none.
    fn host(&self) -> Option<HostIdentity> {
        None
    }

    /// How many overlays lie on one another in this backend: one above them numbers its own entries differently from
    /// all of them.
    fn overlays(&self) -> u32 {
        0
    }

    /// Where an overlay over this backend commits what it changed; `None` where nothing can be committed.
    fn commit_target(&self) -> Option<&dyn CommitTarget> {
        None
    }

    /// The whole state of this backend, for [`Table::dump`](crate::Table::dump): the backends of this crate that keep
    /// one have it. `None` where there is none, as with a host directory, which whoever loads the dump provides.
    fn portable(&self) -> Option<Portable<'_>> {
        None
    }
}

/// The writing side of a mount. Each change asks `admission` once, before any effect.
pub trait Writer: Reader {
    /// Replaces the contents of the file at `path`, creating it when missing.
    ///
    /// A backend that keeps the bytes takes them out of `data`; where it refuses, it leaves them there for the next
    /// attempt.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`], and what `admission` refuses.
    fn write(&self, path: RelativePath<'_>, data: &mut Vec<u8>, admission: &mut Admission<'_>) -> Answer<()>;

    /// Replaces the contents of the file at `path` with bytes that somebody else holds too, creating it when missing. A
    /// backend that keeps its files in memory shares them.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn write_shared(
        &self,
        path: RelativePath<'_>,
        contents: &Contents,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        self.write(path, &mut contents.to_vec(), admission)
    }

    /// Adds `data` at the end of the file at `path`, creating it when missing.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn append(&self, path: RelativePath<'_>, data: &[u8], admission: &mut Admission<'_>) -> Answer<()>;

    /// Opens the file at `path` for writing, with the effect that `mode` says.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn open_for_write(
        &self,
        path: RelativePath<'_>,
        mode: OpenMode,
        admission: &mut Admission<'_>,
    ) -> Answer<()>;

    /// Creates the directory at `path`, whose parent must exist.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, `NotFound`, `NotADirectory`, and what `admission` refuses.
    fn create_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()>;

    /// Removes the file or link at `path`.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `IsADirectory`.
    fn remove_file(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()>;

    /// Removes the empty directory at `path`.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `DirectoryNotEmpty`; `PermissionDenied` for the mount's root.
    fn remove_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()>;

    /// Renames `from` to `to`, replacing what Linux's `rename` would replace.
    ///
    /// # Errors
    ///
    /// As Linux: `NotFound`, `NotADirectory`, `IsADirectory`, `DirectoryNotEmpty`, `InvalidArgument`.
    /// The refusal says in which of the two paths it was met.
    fn rename(
        &self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal>;

    /// The limits of a mount of this backend, unless others are given. None but that of memory, unless what is
    /// written through the backend could fill more than memory.
    fn default_limits(&self) -> Limits {
        Limits::default()
    }

    /// What the mount holds now.
    fn held(&self) -> Held;

    /// The `memory` of what the mount holds now. It is asked for before each read, so it should cost nearly nothing;
    /// it need not be of the same instant as anything else.
    fn held_memory(&self) -> u64 {
        self.held().memory
    }
}

/// A shared backend is a backend: several mounts may look at one tree.
impl<R: Reader + ?Sized> Reader for Arc<R> {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        (**self).metadata(path, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        (**self).read(path, limit)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        (**self).open(path)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        (**self).list(path)
    }

    fn host(&self) -> Option<HostIdentity> {
        (**self).host()
    }

    fn overlays(&self) -> u32 {
        (**self).overlays()
    }

    fn commit_target(&self) -> Option<&dyn CommitTarget> {
        (**self).commit_target()
    }

    fn portable(&self) -> Option<Portable<'_>> {
        (**self).portable()
    }
}

impl<W: Writer + ?Sized> Writer for Arc<W> {
    fn write(&self, path: RelativePath<'_>, data: &mut Vec<u8>, admission: &mut Admission<'_>) -> Answer<()> {
        (**self).write(path, data, admission)
    }

    fn write_shared(
        &self,
        path: RelativePath<'_>,
        contents: &Contents,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        (**self).write_shared(path, contents, admission)
    }

    fn append(&self, path: RelativePath<'_>, data: &[u8], admission: &mut Admission<'_>) -> Answer<()> {
        (**self).append(path, data, admission)
    }

    fn open_for_write(
        &self,
        path: RelativePath<'_>,
        mode: OpenMode,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        (**self).open_for_write(path, mode, admission)
    }

    fn create_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        (**self).create_dir(path, admission)
    }

    fn remove_file(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        (**self).remove_file(path, admission)
    }

    fn remove_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        (**self).remove_dir(path, admission)
    }

    fn rename(
        &self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        (**self).rename(from, to, admission)
    }

    fn default_limits(&self) -> Limits {
        (**self).default_limits()
    }

    fn held(&self) -> Held {
        (**self).held()
    }

    fn held_memory(&self) -> u64 {
        (**self).held_memory()
    }
}

/// Why a rename was refused: a failure, or a link in one of its two paths.
#[derive(Debug)]
pub enum RenameRefusal {
    /// A link, or a failure, met while looking `from` up.
    From(Refusal),
    /// A link, or a failure, met while looking `to` up.
    To(Refusal),
}

/// The host directory behind a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostIdentity {
    /// The canonical path on the host, for the owner of the table only: scripts never see it.
    pub path: std::path::PathBuf,
    /// The device number of the directory.
    pub device: u64,
    /// The inode number of the directory.
    pub inode: u64,
    /// Whether writes through this backend reach the directory.
    pub written_through: bool,
}

impl HostIdentity {
    /// Whether two mounts of these directories would change each other's files: they are equal or nested, by path
    /// or by identity, and at least one of them is written through.
    pub(crate) fn conflicts_with(&self, other: &Self) -> bool {
        let same = self.device == other.device && self.inode == other.inode;
        let nested = self.path.starts_with(&other.path) || other.path.starts_with(&self.path);
        (same || nested) && (self.written_through || other.written_through)
    }
}
