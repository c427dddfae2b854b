//! Errors of `vfs` as ours, and ours as its.
//!
//! `vfs` has kinds of its own for what is missing and for what exists, and [`io::Error`] for the rest. An error of a
//! table travels in the latter whole, so that a table which is mounted in another loses nothing on the way.

use std::io;

use ::vfs::error::VfsErrorKind;
use ::vfs::{VfsError, VfsFileType};

use crate::backend::Refusal;
use crate::error::{Error, ErrorKind, Operation};

/// `EIO`, for what has no better number.
const INPUT_OUTPUT: ErrorKind = ErrorKind::Os(5);
/// `EBUSY`.
const BUSY: ErrorKind = ErrorKind::Os(16);
/// `EOPNOTSUPP`.
const NOT_SUPPORTED: ErrorKind = ErrorKind::Os(95);

/// The kinds that both sides have.
const PAIRS: [(io::ErrorKind, ErrorKind); 14] = [
    (io::ErrorKind::NotFound, ErrorKind::NotFound),
    (io::ErrorKind::PermissionDenied, ErrorKind::PermissionDenied),
    (io::ErrorKind::AlreadyExists, ErrorKind::AlreadyExists),
    (io::ErrorKind::CrossesDevices, ErrorKind::CrossesDevices),
    (io::ErrorKind::NotADirectory, ErrorKind::NotADirectory),
    (io::ErrorKind::IsADirectory, ErrorKind::IsADirectory),
    (io::ErrorKind::InvalidInput, ErrorKind::InvalidArgument),
    (io::ErrorKind::FileTooLarge, ErrorKind::FileTooLarge),
    (io::ErrorKind::StorageFull, ErrorKind::NoSpace),
    (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::ReadOnly),
    (io::ErrorKind::InvalidFilename, ErrorKind::NameTooLong),
    (io::ErrorKind::DirectoryNotEmpty, ErrorKind::DirectoryNotEmpty),
    (io::ErrorKind::StaleNetworkFileHandle, ErrorKind::Stale),
    (io::ErrorKind::ResourceBusy, BUSY),
];

/// What an error of a file system is to a mount of it.
#[allow(
    clippy::match_wildcard_for_single_variants,
    reason = "a feature of `vfs` that anybody may turn on adds a variant"
)]
pub(super) fn kind_of(error: &VfsError) -> ErrorKind {
    match error.kind() {
        VfsErrorKind::IoError(error) => kind_of_io(error),
        VfsErrorKind::FileNotFound => ErrorKind::NotFound,
        VfsErrorKind::InvalidPath => ErrorKind::InvalidArgument,
        VfsErrorKind::DirectoryExists | VfsErrorKind::FileExists => ErrorKind::AlreadyExists,
        VfsErrorKind::NotSupported => NOT_SUPPORTED,
        _ => INPUT_OUTPUT,
    }
}

fn kind_of_io(error: &io::Error) -> ErrorKind {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    if let Some(error) = inner {
        return kind_outside(error);
    }
    match error.raw_os_error() {
        // Numbers are Linux's everywhere in this crate; elsewhere the standard library translates.
        Some(number) if cfg!(target_os = "linux") => ErrorKind::from_errno(number),
        _ => PAIRS
            .iter()
            .find(|(io, _)| *io == error.kind())
            .map_or(INPUT_OUTPUT, |(_, kind)| *kind),
    }
}

/// What an error of a table is to those who do not know of mounts and leases.
fn kind_outside(error: &Error) -> ErrorKind {
    let reads = matches!(
        error.operation(),
        Operation::Metadata
            | Operation::SymlinkMetadata
            | Operation::Read
            | Operation::List
            | Operation::Scan
            | Operation::Resolve
    );
    match error.kind() {
        // Where no mount is there is nothing to see, and nothing can be made.
        ErrorKind::NotCovered if reads => ErrorKind::NotFound,
        ErrorKind::NotCovered => ErrorKind::ReadOnly,
        ErrorKind::InUse => BUSY,
        ErrorKind::Nul | ErrorKind::NotAbsolute => ErrorKind::InvalidArgument,
        kind => kind,
    }
}

/// Why a mount of a file system did not do what it was asked.
pub(super) fn refusal(error: VfsError) -> Refusal {
    Refusal::Failed {
        kind: kind_of(&error),
        source: Some(io::Error::other(error)),
    }
}

/// The same for what went wrong with a handle.
pub(super) fn handle_refusal(error: io::Error) -> Refusal {
    Refusal::Failed {
        kind: kind_of_io(&error),
        source: Some(error),
    }
}

/// An error of a table as an [`io::Error`], which has it as its source.
pub(super) fn io_error(error: Error) -> io::Error {
    let kind = match kind_outside(&error) {
        ErrorKind::WriteLimit { .. } | ErrorKind::MemoryLimit { .. } => io::ErrorKind::QuotaExceeded,
        kind => PAIRS
            .iter()
            .find(|(_, other)| *other == kind)
            .map_or(io::ErrorKind::Other, |(io, _)| *io),
    };
    io::Error::new(kind, error)
}

/// An error of a table as one of a file system.
pub(super) fn vfs_error(error: Error) -> VfsError {
    match kind_outside(&error) {
        ErrorKind::NotFound => VfsErrorKind::FileNotFound.into(),
        ErrorKind::InvalidArgument if matches!(error.kind(), ErrorKind::Nul | ErrorKind::NotAbsolute) => {
            VfsErrorKind::InvalidPath.into()
        }
        _ => io_error(error).into(),
    }
}

/// What is said of a path that exists already.
pub(super) fn exists_already(file_type: VfsFileType) -> VfsError {
    match file_type {
        VfsFileType::Directory => VfsErrorKind::DirectoryExists.into(),
        VfsFileType::File => VfsErrorKind::FileExists.into(),
    }
}
