//! What opening a host directory may fail with, and from the system's errors to ours.

use std::fmt;
use std::io;

use rustix::io::Errno;

use crate::backend::Refusal;
use crate::error::ErrorKind;

/// Why a host directory could not be opened.
///
/// The path is not repeated here: the caller has it, and a script must never see it.
#[derive(Debug)]
pub struct HostDirectoryError {
    kind: HostDirectoryErrorKind,
    source: io::Error,
}

/// What kept a host directory from being opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HostDirectoryErrorKind {
    /// Nothing exists at the path.
    NotFound,
    /// The path leads to something else than a directory, or through it.
    NotADirectory,
    /// The directory, or one on the way to it, may not be searched.
    Denied,
    /// The path cannot be resolved for another reason: a circle of links, a NUL byte, a name that is too long, an
    /// input/output error.
    Unresolvable,
}

impl HostDirectoryError {
    pub(super) fn new(source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => HostDirectoryErrorKind::NotFound,
            io::ErrorKind::NotADirectory => HostDirectoryErrorKind::NotADirectory,
            io::ErrorKind::PermissionDenied => HostDirectoryErrorKind::Denied,
            _ => HostDirectoryErrorKind::Unresolvable,
        };
        Self { kind, source }
    }

    /// What went wrong.
    pub fn kind(&self) -> HostDirectoryErrorKind {
        self.kind
    }
}

impl fmt::Display for HostDirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            HostDirectoryErrorKind::NotFound => "the host directory does not exist",
            HostDirectoryErrorKind::NotADirectory => "the host path is not a directory",
            HostDirectoryErrorKind::Denied => "the host directory may not be searched",
            HostDirectoryErrorKind::Unresolvable => "the host path cannot be resolved",
        })
    }
}

impl std::error::Error for HostDirectoryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// The refusal for an error of the system, which stays its source.
pub(super) fn refusal(error: io::Error) -> Refusal {
    Refusal::Failed {
        kind: kind(&error),
        source: Some(error),
    }
}

/// The refusal of whatever another mount of the host covers.
pub(super) fn crossing() -> Refusal {
    refusal(Errno::XDEV.into())
}

/// The one place where the system's errors become ours.
fn kind(error: &io::Error) -> ErrorKind {
    match Errno::from_io_error(error) {
        // The lookup would have left the directory or its mount. To a script that is a file it may not have.
        Some(Errno::XDEV) => ErrorKind::PermissionDenied,
        Some(number) => numbered(number),
        // Raised by a library: cap-std refuses what would leave the directory.
        None if error.kind() == io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        None => ErrorKind::Os(LINUX_EIO),
    }
}

const LINUX_EIO: i32 = 5;

#[cfg(target_os = "linux")]
fn numbered(number: Errno) -> ErrorKind {
    ErrorKind::from_errno(number.raw_os_error())
}

/// Scripts see Linux's numbers on every host; what has no kind of its own becomes an input/output error.
#[cfg(not(target_os = "linux"))]
fn numbered(number: Errno) -> ErrorKind {
    match number {
        Errno::NOENT => ErrorKind::NotFound,
        Errno::ACCESS | Errno::PERM => ErrorKind::PermissionDenied,
        Errno::EXIST => ErrorKind::AlreadyExists,
        Errno::NOTDIR => ErrorKind::NotADirectory,
        Errno::ISDIR => ErrorKind::IsADirectory,
        Errno::INVAL => ErrorKind::InvalidArgument,
        Errno::FBIG => ErrorKind::FileTooLarge,
        Errno::NOSPC => ErrorKind::NoSpace,
        Errno::ROFS => ErrorKind::ReadOnly,
        Errno::NAMETOOLONG => ErrorKind::NameTooLong,
        Errno::NOTEMPTY => ErrorKind::DirectoryNotEmpty,
        Errno::LOOP => ErrorKind::TooManyLinks,
        Errno::STALE => ErrorKind::Stale,
        _ => ErrorKind::Os(LINUX_EIO),
    }
}
