//! What one argument says about a mount: `POINT=SOURCE`, and what further ones add to it: `POINT=GLOB`,
//! `POINT=COUNTER:AMOUNT`.
//!
//! A virtual path ends at the first `=`, and a host path at the last `:`, so whatever stands between or behind them is
//! taken as it is: host paths may have `=`, `:` and `,` in them, need not be UTF-8, and globs have a syntax of their own.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use mounts::{Limits, PathError, VirtualPath};

use crate::quantity::{self, QuantityError};

/// What is to be mounted, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MountSpec {
    /// Where the script finds it.
    pub(crate) point: VirtualPath<'static>,
    /// What the script finds there.
    pub(crate) source: Source,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// An empty tree in memory.
    Memory,
    /// A directory of the host.
    Host {
        /// The directory.
        path: PathBuf,
        /// What may be done with it.
        access: Access,
    },
}

/// What a script may do with a directory of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read it.
    ReadOnly,
    /// Read it and change it.
    ReadWrite,
    /// Read it and believe to change it: changes stay in memory.
    Overlay,
}

/// What is accepted after the last `:` of a source.
const MODES: [(&str, Access); 3] = [
    ("ro", Access::ReadOnly),
    ("rw", Access::ReadWrite),
    ("overlay", Access::Overlay),
];

/// A value for the mount at a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assigned {
    /// The point of the mount.
    pub(crate) point: VirtualPath<'static>,
    /// What is said about it.
    pub(crate) value: String,
}

/// Why an argument says nothing about a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SpecError {
    /// There is no `=`.
    NoPoint,
    /// A part that is a virtual path, a glob or an amount is not UTF-8.
    NotUtf8(&'static str),
    /// The point is no virtual path.
    Point(PathError),
    /// No source, or a path without a mode.
    NoMode(String),
    /// The mode is none of those there are.
    UnknownMode(String),
    /// The host path is empty.
    NoDirectory,
    /// A quota without `:`, or with a counter that there is not.
    UnknownCounter(String),
    /// The amount of a quota is none.
    Amount(QuantityError),
    /// A quota for what a read-only mount has nothing of.
    NothingWritten(&'static str),
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPoint => f.write_str("it does not begin with a virtual path and '='"),
            Self::NotUtf8(part) => write!(f, "the {part} is not UTF-8"),
            Self::Point(error) => error.fmt(f),
            Self::NoMode(source) => write!(f, "'{source}' has no mode; accepted are {Accepted}"),
            Self::UnknownMode(mode) => write!(f, "unknown mode '{mode}'; accepted are {Accepted}"),
            Self::NoDirectory => f.write_str("no directory stands before the mode"),
            Self::UnknownCounter(counter) => {
                write!(f, "unknown counter '{counter}'; accepted are ")?;
                for (position, counter) in COUNTERS.iter().enumerate() {
                    let separator = if position == 0 { "" } else { ", " };
                    write!(f, "{separator}{}:AMOUNT", counter.name)?;
                }
                Ok(())
            }
            Self::Amount(error) => write!(f, "{error}, nor 'unlimited'"),
            Self::NothingWritten(counter) => {
                write!(
                    f,
                    "a read-only mount has no counter '{counter}'; accepted is memory:AMOUNT"
                )
            }
        }
    }
}

impl From<QuantityError> for SpecError {
    fn from(error: QuantityError) -> Self {
        Self::Amount(error)
    }
}

/// The sources that there are.
struct Accepted;

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'memory'")?;
        for (mode, _) in MODES {
            write!(f, ", 'DIRECTORY:{mode}'")?;
        }
        Ok(())
    }
}

impl MountSpec {
    /// Reads `POINT=memory` or `POINT=DIRECTORY:MODE`.
    pub(crate) fn parse(given: &OsStr) -> Result<Self, SpecError> {
        let (point, source) = split_point(given)?;
        let source = if source == "memory" {
            Source::Memory
        } else {
            Source::host(source)?
        };
        Ok(Self { point, source })
    }
}

impl Source {
    fn host(given: &OsStr) -> Result<Self, SpecError> {
        let bytes = given.as_bytes();
        let Some(colon) = bytes.iter().rposition(|byte| *byte == b':') else {
            return Err(SpecError::NoMode(given.to_string_lossy().into_owned()));
        };
        let (path, mode) = (&bytes[..colon], &bytes[colon + 1..]);
        let Some((_, access)) = MODES.iter().find(|(name, _)| name.as_bytes() == mode) else {
            return Err(SpecError::UnknownMode(String::from_utf8_lossy(mode).into_owned()));
        };
        if path.is_empty() {
            return Err(SpecError::NoDirectory);
        }
        Ok(Self::Host {
            path: PathBuf::from(OsString::from(OsStr::from_bytes(path))),
            access: *access,
        })
    }
}

impl Assigned {
    /// Reads `POINT=VALUE`.
    pub(crate) fn parse(given: &OsStr) -> Result<Self, SpecError> {
        let (point, value) = split_point(given)?;
        let value = value.to_str().ok_or(SpecError::NotUtf8("value"))?.to_owned();
        Ok(Self { point, value })
    }
}

fn split_point(given: &OsStr) -> Result<(VirtualPath<'static>, &OsStr), SpecError> {
    let bytes = given.as_bytes();
    let equals = bytes
        .iter()
        .position(|byte| *byte == b'=')
        .ok_or(SpecError::NoPoint)?;
    let point = std::str::from_utf8(&bytes[..equals]).map_err(|_| SpecError::NotUtf8("mount point"))?;
    let point = VirtualPath::parse(point).map_err(SpecError::Point)?.into_owned();
    Ok((point, OsStr::from_bytes(&bytes[equals + 1..])))
}

/// A counter of a quota: its name, how its amounts are written, and which limit it is.
#[derive(Debug)]
struct Counter {
    name: &'static str,
    amount: fn(&str) -> Result<u64, QuantityError>,
    limit: fn(&mut Limits) -> &mut Option<u64>,
}

static COUNTERS: [Counter; 5] = [
    Counter {
        name: "bytes",
        amount: quantity::bytes,
        limit: |limits| &mut limits.max_bytes,
    },
    Counter {
        name: "files",
        amount: quantity::count,
        limit: |limits| &mut limits.max_files,
    },
    Counter {
        name: "file-size",
        amount: quantity::bytes,
        limit: |limits| &mut limits.max_file_size,
    },
    Counter {
        name: "written",
        amount: quantity::bytes,
        limit: |limits| &mut limits.write_bytes,
    },
    Counter {
        name: "memory",
        amount: quantity::bytes,
        limit: |limits| &mut limits.memory,
    },
];

/// What one counter of a mount may come to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota {
    counter: &'static Counter,
    amount: Option<u64>,
}

impl Quota {
    /// Reads `COUNTER:AMOUNT`, several of them separated by commas, for a mount of `source`.
    pub(crate) fn parse(given: &str, source: &Source) -> Result<Vec<Self>, SpecError> {
        given.split(',').map(|quota| Self::one(quota, source)).collect()
    }

    fn one(given: &str, source: &Source) -> Result<Self, SpecError> {
        let (name, amount) = given.split_once(':').unwrap_or((given, ""));
        let counter = COUNTERS
            .iter()
            .find(|counter| counter.name == name)
            .ok_or_else(|| SpecError::UnknownCounter(name.to_owned()))?;
        let is_read_only = matches!(
            source,
            Source::Host {
                access: Access::ReadOnly,
                ..
            }
        );
        if is_read_only && counter.name != "memory" {
            return Err(SpecError::NothingWritten(counter.name));
        }
        let amount = match amount {
            "unlimited" => None,
            amount => Some((counter.amount)(amount)?),
        };
        Ok(Self { counter, amount })
    }

    /// Sets it among `limits`.
    pub(crate) fn set(self, limits: &mut Limits) {
        *(self.counter.limit)(limits) = self.amount;
    }
}

#[cfg(test)]
mod tests;
