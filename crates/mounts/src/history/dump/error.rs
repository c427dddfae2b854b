//! Why a table is no bytes, or bytes are no table.

use std::fmt;

use crate::error::ErrorKind;
use crate::nesting::MAX_LEVELS;
use crate::wire::Malformed;

/// Why a table could not be dumped, or a dump not be loaded: what is wrong, and with which paths.
///
/// ```
/// use mounts::Table;
/// use mounts::history::{DumpErrorKind, LoadOptions};
///
/// let error = Table::load(b"something else", LoadOptions::new()).unwrap_err();
/// assert_eq!(error.kind(), DumpErrorKind::NotADump);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpError {
    kind: DumpErrorKind,
    paths: Vec<String>,
}

/// What is wrong with a table that is to be dumped, or with a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DumpErrorKind {
    /// The bytes do not begin as a dump does.
    NotADump,
    /// They are of another version of the format than this crate reads.
    UnknownVersion {
        /// The version they are of.
        found: u32,
    },
    /// Some are missing at the end.
    Truncated,
    /// Some follow where the dump ends.
    TrailingBytes,
    /// They are not those that were written: the checksum is another.
    Damaged,
    /// What they hold is larger than whoever loads them allows.
    TooLarge {
        /// What is allowed, in bytes.
        limit: u64,
    },
    /// The checksum is right, and what it covers is no table; why, in words.
    Malformed(&'static str),
    /// The frame names contents that were not provided.
    ContentsMissing,
    /// The mount holds, or lies over, a backend that is neither of this crate nor a host directory.
    NotPortable,
    /// Directories of the mount lie more than 256 deep in one another. No path leads there; renaming can.
    TooDeep,
    /// The mount needs a host directory, and none was given.
    HostMissing,
    /// The mount is read-write, and what was given for its host directory can only be read.
    HostNotWritable,
    /// A host directory was given for a path where no mount needs one.
    HostUnused,
    /// An overlay owns something at these paths that the host has changed, moved or removed since.
    Drifted,
    /// The mount could not be mounted.
    NotMounted(ErrorKind),
}

impl DumpError {
    pub(super) fn new(kind: DumpErrorKind) -> Self {
        Self {
            kind,
            paths: Vec::new(),
        }
    }

    pub(super) fn at(kind: DumpErrorKind, path: &str) -> Self {
        Self::of(kind, vec![path.to_owned()])
    }

    pub(super) fn of(kind: DumpErrorKind, paths: Vec<String>) -> Self {
        Self { kind, paths }
    }

    pub(super) fn malformed(malformed: Malformed, limit: u64) -> Self {
        Self::new(match malformed {
            Malformed::Invalid(why) => DumpErrorKind::Malformed(why),
            Malformed::TooLarge => DumpErrorKind::TooLarge { limit },
        })
    }

    /// What is wrong.
    pub fn kind(&self) -> DumpErrorKind {
        self.kind
    }

    /// The virtual paths that it is about: of mounts, or of what has drifted in them.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }
}

impl fmt::Display for DumpErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADump => f.write_str("the bytes are no dump of a table"),
            Self::UnknownVersion { found } => {
                write!(f, "the dump has version {found}, which is not known here")
            }
            Self::Truncated => f.write_str("the dump is truncated"),
            Self::TrailingBytes => f.write_str("bytes follow the dump"),
            Self::Damaged => f.write_str("the dump is damaged"),
            Self::TooLarge { limit } => write!(f, "the dump holds more than {limit} bytes"),
            Self::Malformed(why) => write!(f, "the dump is malformed: {why}"),
            Self::ContentsMissing => f.write_str("contents that the dump names are missing"),
            Self::NotPortable => f.write_str("the mount holds a backend that cannot be dumped"),
            Self::TooDeep => write!(f, "directories lie more than {MAX_LEVELS} deep in one another"),
            Self::HostMissing => f.write_str("the mount needs a host directory"),
            Self::HostNotWritable => f.write_str("the mount needs a host directory that can be written"),
            Self::HostUnused => f.write_str("no mount needs a host directory here"),
            Self::Drifted => f.write_str("the host has changed what an overlay owns"),
            Self::NotMounted(kind) => write!(f, "the mount could not be mounted: {}", kind.description()),
        }
    }
}

impl fmt::Display for DumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Paths that are named; more are counted.
        const NAMED: usize = 10;
        write!(f, "{}", self.kind)?;
        for (index, path) in self.paths.iter().take(NAMED).enumerate() {
            write!(f, "{}'{path}'", if index == 0 { ": " } else { ", " })?;
        }
        match self.paths.len().checked_sub(NAMED) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}

impl std::error::Error for DumpError {}
