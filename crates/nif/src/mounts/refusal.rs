//! Every refusal as the atom of the contract, in one place.

use mounts::{Error, ErrorKind, HostDirectoryError, HostDirectoryErrorKind, Operation, VirtualPath};
use rustler::{Atom, Encoder, Env, Term};

use super::{commit::Uncommitted, dump::drifted};
use crate::{atoms, error::Failure};

/// Why a call on a table, a lease or a file was refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The mount table refused.
    Mounts(Error),
    /// A host directory could not be opened.
    HostDirectory(HostDirectoryErrorKind),
    /// The lease has been released, or its owner has died.
    LeaseReleased,
    /// A commit was not made, or not to its end.
    Uncommitted(Uncommitted),
    /// The host has changed what an overlay of a dump owns, at these paths.
    Drifted(Vec<String>),
    /// What has no atom of its own, in words.
    Failed(Failure),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Mounts(error)
    }
}

impl From<HostDirectoryError> for Refusal {
    fn from(error: HostDirectoryError) -> Self {
        Self::HostDirectory(error.kind())
    }
}

impl Encoder for Refusal {
    fn encode<'a>(&self, env: Env<'a>) -> Term<'a> {
        match self {
            Self::Mounts(error) => reason(env, error),
            Self::HostDirectory(kind) => host_directory(*kind).encode(env),
            Self::LeaseReleased => atoms::lease_released().encode(env),
            Self::Uncommitted(uncommitted) => uncommitted.encode(env, |error| reason(env, error)),
            Self::Drifted(paths) => drifted(env, paths),
            Self::Failed(failure) => failure.exception(env),
        }
    }
}

/// The reason for an error of the table: its own words where it is about mounts and leases, else the POSIX name.
fn reason<'a>(env: Env<'a>, error: &Error) -> Term<'a> {
    let about = |tag: Atom| {
        let path = VirtualPath::parse(error.path());
        let path = path.as_ref().map_or(error.path(), VirtualPath::as_str);
        (tag, path).encode(env)
    };
    let mounting = matches!(error.operation(), Operation::Mount | Operation::Unmount);
    match error.kind() {
        ErrorKind::AlreadyMounted => about(atoms::already_mounted()),
        ErrorKind::NotMounted => about(atoms::not_mounted()),
        ErrorKind::Overlaps => about(atoms::overlaps()),
        ErrorKind::InUse => atoms::mount_in_use().encode(env),
        ErrorKind::NotRestorable => atoms::not_restorable().encode(env),
        ErrorKind::NotCommittable => atoms::not_committable().encode(env),
        ErrorKind::NotAbsolute | ErrorKind::Nul | ErrorKind::NameTooLong | ErrorKind::InvalidArgument
            if mounting =>
        {
            atoms::invalid_virtual_path().encode(env)
        }
        kind => posix(kind).encode(env),
    }
}

pub(super) fn host_directory(kind: HostDirectoryErrorKind) -> Atom {
    match kind {
        HostDirectoryErrorKind::NotFound => atoms::host_path_not_found(),
        HostDirectoryErrorKind::NotADirectory => atoms::host_path_not_directory(),
        HostDirectoryErrorKind::Denied => atoms::host_path_denied(),
        HostDirectoryErrorKind::Unresolvable => atoms::host_path_canonicalize_failed(),
    }
}

/// The name POSIX has for `kind`, as `File` gives it. Where POSIX has none, the one that comes closest:
/// `:edquot` for the work limit, which is a quota; `:enomem` for the memory limit; `:enoent` where nothing is mounted.
pub(super) fn posix(kind: ErrorKind) -> Atom {
    match kind {
        ErrorKind::NotFound | ErrorKind::NotCovered | ErrorKind::NotMounted => atoms::enoent(),
        ErrorKind::PermissionDenied => atoms::eacces(),
        ErrorKind::AlreadyExists | ErrorKind::AlreadyMounted => atoms::eexist(),
        ErrorKind::CrossesDevices => atoms::exdev(),
        ErrorKind::NotADirectory => atoms::enotdir(),
        ErrorKind::IsADirectory => atoms::eisdir(),
        ErrorKind::InvalidArgument | ErrorKind::Nul | ErrorKind::NotAbsolute => atoms::einval(),
        ErrorKind::FileTooLarge => atoms::efbig(),
        ErrorKind::NoSpace => atoms::enospc(),
        ErrorKind::ReadOnly => atoms::erofs(),
        ErrorKind::NameTooLong => atoms::enametoolong(),
        ErrorKind::DirectoryNotEmpty => atoms::enotempty(),
        ErrorKind::TooManyLinks => atoms::eloop(),
        ErrorKind::Stale => atoms::estale(),
        ErrorKind::WriteLimit { .. } => atoms::edquot(),
        ErrorKind::MemoryLimit { .. } => atoms::enomem(),
        ErrorKind::ScanLimit { .. } => atoms::eoverflow(),
        ErrorKind::DeadlineExceeded => atoms::etimedout(),
        ErrorKind::InUse | ErrorKind::Overlaps => atoms::ebusy(),
        ErrorKind::Os(number) => operating_system(number),
        _ => atoms::eio(),
    }
}

/// The names of the errors of the operating system that a mount passes on as they are; Linux's numbers, as the crate
/// gives them on every host.
fn operating_system(number: i32) -> Atom {
    match number {
        4 => atoms::eintr(),
        6 => atoms::enxio(),
        11 => atoms::eagain(),
        12 => atoms::enomem(),
        16 => atoms::ebusy(),
        19 => atoms::enodev(),
        23 => atoms::enfile(),
        24 => atoms::emfile(),
        26 => atoms::etxtbsy(),
        31 => atoms::emlink(),
        38 => atoms::enosys(),
        75 => atoms::eoverflow(),
        95 => atoms::eopnotsupp(),
        110 => atoms::etimedout(),
        122 => atoms::edquot(),
        _ => atoms::eio(),
    }
}
