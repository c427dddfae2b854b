//! Why nothing came of an archive.

use std::fmt;

use crate::error::Error;

/// Why a directory could not be exported, or an archive not be imported: what is wrong, and with which entry.
#[derive(Debug)]
pub struct TarError {
    kind: TarErrorKind,
    path: String,
    source: Option<Error>,
}

/// What is wrong with an archive, or with what is to become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TarErrorKind {
    /// The bytes are no tar archive, or end before it does.
    Malformed,
    /// An entry's path is absolute, or has `..` in it.
    Escapes,
    /// An entry's path is empty, not UTF-8, or longer or deeper than a path may be.
    InvalidName,
    /// Two entries have one path, or one is a file and another lies below it.
    Duplicate,
    /// An entry is a symbolic or a hard link. No mount makes links, and whoever follows one cannot know where it leads.
    Link,
    /// An entry is a device, a FIFO, or of a type that nothing is known of.
    Special,
    /// An entry is a sparse file, which may be larger than all bytes of the archive.
    Sparse,
    /// The files have more bytes together than allowed.
    TooLarge {
        /// What is allowed.
        limit: u64,
    },
    /// There are more files and directories than allowed.
    TooManyEntries {
        /// What is allowed.
        limit: u64,
    },
    /// The table refused an operation; the [`source`](std::error::Error::source) says which, and why.
    Refused,
}

impl TarError {
    pub(super) fn new(kind: TarErrorKind, path: impl Into<String>) -> Self {
        Self {
            kind,
            path: path.into(),
            source: None,
        }
    }

    pub(super) fn refused(source: Error) -> Self {
        Self {
            kind: TarErrorKind::Refused,
            path: source.path().to_owned(),
            source: Some(source),
        }
    }

    /// What is wrong.
    pub fn kind(&self) -> TarErrorKind {
        self.kind
    }

    /// The entry's path as the archive has it, or the virtual path that the table refused; empty where the archive
    /// itself is what is wrong.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for TarErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the bytes are no whole tar archive"),
            Self::Escapes => f.write_str("the path leads out of the archive"),
            Self::InvalidName => f.write_str("the path is none that a file can have"),
            Self::Duplicate => f.write_str("the path is in the archive already"),
            Self::Link => f.write_str("links are not imported"),
            Self::Special => f.write_str("only files and directories are imported"),
            Self::Sparse => f.write_str("sparse files are not imported"),
            Self::TooLarge { limit } => write!(f, "the files have more than {limit} bytes"),
            Self::TooManyEntries { limit } => write!(f, "there are more than {limit} files and directories"),
            Self::Refused => f.write_str("the table refused it"),
        }
    }
}

impl fmt::Display for TarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{source}"),
            None if self.path.is_empty() => write!(f, "{}", self.kind),
            None => write!(f, "'{}': {}", self.path, self.kind),
        }
    }
}

impl std::error::Error for TarError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
