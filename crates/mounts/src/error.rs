//! The one error of this crate: what went wrong, in which operation, at which virtual path.
//!
//! Callers match on [`Error::kind`]; nothing is ever to be matched by text. The path is always the virtual one:
//! no host path appears in an error, because errors are what scripts get to see. Where the operating system
//! was the reason, its error is the [`source`](std::error::Error::source).

use std::fmt;
use std::io;

use crate::path::{PathError, VirtualPath};

pub use crate::operation::Operation;

/// The result of an operation on a table, lease or namespace.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
///
/// The variants that stand for a POSIX error have its number in [`errno`](Self::errno), always Linux's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// `ENOENT`: the path, or a directory on the way to it, does not exist.
    NotFound,
    /// `EACCES`: a rule, a link that leaves its mount, a special file, or a mount point forbids it.
    PermissionDenied,
    /// `EEXIST`: the path exists already.
    AlreadyExists,
    /// `EXDEV`: source and destination of a rename lie in two mounts.
    CrossesDevices,
    /// `ENOTDIR`: a file is used as a directory.
    NotADirectory,
    /// `EISDIR`: a directory is used as a file.
    IsADirectory,
    /// `EINVAL`: a directory would be moved into itself.
    InvalidArgument,
    /// `EFBIG`: the file would exceed the size its mount allows.
    FileTooLarge,
    /// `ENOSPC`: the mount would exceed the bytes or the number of files it may hold.
    NoSpace,
    /// `EROFS`: the mount, or the path within it, cannot be written.
    ReadOnly,
    /// `ENAMETOOLONG`: the path exceeds a limit of [`VirtualPath`].
    NameTooLong,
    /// `ENOTEMPTY`: the directory has entries.
    DirectoryNotEmpty,
    /// `ELOOP`: more than 40 symbolic links on the way.
    TooManyLinks,
    /// `ESTALE`: the host changed underneath what an overlay owns.
    Stale,
    /// More bytes were written in total than the mount allows.
    WriteLimit {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The mount would keep, or answer with, more bytes in memory than it may.
    MemoryLimit {
        /// The limit, in bytes.
        limit: u64,
    },
    /// A directory scan examined more entries than it may.
    ScanLimit {
        /// The limit, in entries.
        limit: u64,
    },
    /// The deadline of the operation passed before it was done.
    DeadlineExceeded,
    /// The path contains a NUL byte.
    Nul,
    /// The path does not start with `/`.
    NotAbsolute,
    /// No mount covers the path: the question belongs to the caller.
    NotCovered,
    /// A lease that excludes this use is out.
    InUse,
    /// A mount exists at this path already.
    AlreadyMounted,
    /// No mount exists at this path.
    NotMounted,
    /// The host directory equals, contains or lies in that of another mount.
    Overlaps,
    /// What is mounted here is no state of what was mounted when the snapshot was taken, or writes through to the
    /// host, which no snapshot holds.
    NotRestorable,
    /// What is mounted here is no overlay, or lies over something that takes no changes.
    NotCommittable,
    /// Another error of the operating system, by its number.
    Os(i32),
}

impl ErrorKind {
    /// The Linux error number, where there is one.
    #[must_use]
    pub fn errno(self) -> Option<i32> {
        Some(match self {
            Self::NotFound => 2,
            Self::PermissionDenied => 13,
            Self::AlreadyExists => 17,
            Self::CrossesDevices => 18,
            Self::NotADirectory => 20,
            Self::IsADirectory => 21,
            Self::InvalidArgument => 22,
            Self::FileTooLarge => 27,
            Self::NoSpace => 28,
            Self::ReadOnly => 30,
            Self::NameTooLong => 36,
            Self::DirectoryNotEmpty => 39,
            Self::TooManyLinks => 40,
            Self::Stale => 116,
            Self::Os(number) => number,
            _ => return None,
        })
    }

    /// The kind for an error of the operating system; numbers without a variant become [`Os`](Self::Os).
    #[must_use]
    pub fn from_errno(number: i32) -> Self {
        match number {
            2 => Self::NotFound,
            1 | 13 => Self::PermissionDenied,
            17 => Self::AlreadyExists,
            18 => Self::CrossesDevices,
            20 => Self::NotADirectory,
            21 => Self::IsADirectory,
            22 => Self::InvalidArgument,
            27 => Self::FileTooLarge,
            28 => Self::NoSpace,
            30 => Self::ReadOnly,
            36 => Self::NameTooLong,
            39 => Self::DirectoryNotEmpty,
            40 => Self::TooManyLinks,
            116 => Self::Stale,
            other => Self::Os(other),
        }
    }

    /// What the error says, without path: `strerror`'s words where there is a number.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::NotFound => "No such file or directory",
            Self::PermissionDenied => "Permission denied",
            Self::AlreadyExists => "File exists",
            Self::CrossesDevices => "Invalid cross-device link",
            Self::NotADirectory => "Not a directory",
            Self::IsADirectory => "Is a directory",
            Self::InvalidArgument => "Invalid argument",
            Self::FileTooLarge => "File too large",
            Self::NoSpace => "No space left on device",
            Self::ReadOnly => "Read-only file system",
            Self::NameTooLong => "File name too long",
            Self::DirectoryNotEmpty => "Directory not empty",
            Self::TooManyLinks => "Too many levels of symbolic links",
            Self::Stale => "Stale file handle",
            Self::WriteLimit { .. } => "disk write limit exceeded",
            Self::MemoryLimit { .. } => "mount memory usage limit exceeded",
            Self::ScanLimit { .. } => "directory scan examined too many entries",
            Self::DeadlineExceeded => "time limit exceeded",
            Self::Nul => "embedded null byte",
            Self::NotAbsolute => "a virtual path starts with '/'",
            Self::NotCovered => "no mount covers this path",
            Self::InUse => "the mount table is in use by another lease",
            Self::AlreadyMounted => "a mount exists at this path already",
            Self::NotMounted => "no mount exists at this path",
            Self::Overlaps => "the host directory overlaps that of another mount",
            Self::NotRestorable => "the snapshot holds no state of what is mounted here",
            Self::NotCommittable => "no overlay over something that takes changes is mounted here",
            Self::Os(number) => strerror(number),
        }
    }
}

/// Linux's words for the numbers a file system gives beside those that have a kind of their own.
fn strerror(number: i32) -> &'static str {
    match number {
        1 => "Operation not permitted",
        4 => "Interrupted system call",
        6 => "No such device or address",
        7 => "Argument list too long",
        11 => "Resource temporarily unavailable",
        12 => "Cannot allocate memory",
        16 => "Device or resource busy",
        19 => "No such device",
        23 => "Too many open files in system",
        24 => "Too many open files",
        26 => "Text file busy",
        29 => "Illegal seek",
        31 => "Too many links",
        38 => "Function not implemented",
        61 => "No data available",
        75 => "Value too large for defined data type",
        95 => "Operation not supported",
        107 => "Transport endpoint is not connected",
        110 => "Connection timed out",
        112 => "Host is down",
        121 => "Remote I/O error",
        122 => "Disk quota exceeded",
        _ => "Input/output error",
    }
}

/// An operation that failed: its kind, the virtual path (two for a rename), the operation and the source.
///
/// ```
/// use mounts::{ErrorKind, Mount, Table};
///
/// let table = Table::new();
/// table.mount("/scratch", Mount::memory())?;
/// let error = table.read("/scratch/missing").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert_eq!(error.path(), "/scratch/missing");
/// assert_eq!(error.to_string(), "read '/scratch/missing': No such file or directory");
/// # Ok::<(), mounts::Error>(())
/// ```
#[derive(Debug)]
pub struct Error(Box<Details>);

#[derive(Debug)]
struct Details {
    kind: ErrorKind,
    operation: Operation,
    path: String,
    destination: Option<String>,
    source: Option<io::Error>,
}

impl Error {
    /// An error at one path.
    pub fn new(kind: ErrorKind, operation: Operation, path: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            operation,
            path: path.into(),
            destination: None,
            source: None,
        }))
    }

    pub(crate) fn from_path(error: PathError, operation: Operation, path: &str) -> Self {
        let kind = match error {
            PathError::NotAbsolute => ErrorKind::NotAbsolute,
            PathError::Nul => ErrorKind::Nul,
            PathError::TooLong => return Self::new(ErrorKind::NameTooLong, operation, elided(path)),
        };
        Self::new(kind, operation, path)
    }

    pub(crate) fn with_source(mut self, source: Option<io::Error>) -> Self {
        self.0.source = source;
        self
    }

    pub(crate) fn with_destination(mut self, destination: &str) -> Self {
        self.0.destination = Some(elided(destination).into_owned());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The Linux error number, where there is one.
    pub fn errno(&self) -> Option<i32> {
        self.0.kind.errno()
    }

    /// Which operation failed.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// The virtual path as the caller gave it; the middle of an over-long one is elided.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The second path of a rename.
    pub fn destination(&self) -> Option<&str> {
        self.0.destination.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}'", self.0.operation.name(), self.0.path)?;
        if let Some(destination) = &self.0.destination {
            write!(f, " -> '{destination}'")?;
        }
        write!(f, ": {}", self.0.kind.description())?;
        match self.0.kind {
            ErrorKind::WriteLimit { limit } | ErrorKind::MemoryLimit { limit } => {
                write!(f, " ({limit} bytes)")
            }
            ErrorKind::ScanLimit { limit } => write!(f, " ({limit} entries)"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|error| error as _)
    }
}

/// Characters of an over-long path kept at each end of an error.
const KEPT_AT_EACH_END: usize = 20;

/// The path as an error shows it: whole when [`VirtualPath`] would accept it, else with its middle elided, so
/// that the largest input does not make the largest message.
fn elided(path: &str) -> std::borrow::Cow<'_, str> {
    if !matches!(VirtualPath::parse(path), Err(PathError::TooLong)) {
        return path.into();
    }
    let mut starts = path.char_indices().map(|(index, _)| index);
    match (
        starts.nth(KEPT_AT_EACH_END),
        starts.nth_back(KEPT_AT_EACH_END - 1),
    ) {
        (Some(head), Some(tail)) => format!("{}…{}", &path[..head], &path[tail..]).into(),
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_numbered_kind_survives_a_round_trip() {
        for number in 1..=133 {
            let kind = ErrorKind::from_errno(number);
            if number != 1 {
                assert_eq!(kind.errno(), Some(number));
            }
        }
        assert_eq!(ErrorKind::from_errno(1), ErrorKind::PermissionDenied);
    }

    #[test]
    fn an_over_long_path_is_shown_with_its_middle_elided() {
        let path = format!("/{}", "x".repeat(300));
        let error = Error::from_path(PathError::TooLong, Operation::Read, &path);
        assert_eq!(error.path(), format!("/{}…{}", "x".repeat(19), "x".repeat(20)));
        assert_eq!(error.errno(), Some(36));
    }
}
