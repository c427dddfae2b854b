//! From a path to an open object, and the verdict on it.

use cap_std::fs::File;

use crate::backend::{Answer, FollowLinks, LinkMet, Refusal};
use crate::error::ErrorKind;
use crate::metadata::{FileType, Metadata};
use crate::path::RelativePath;

use super::errors::{crossing, refusal};
use super::stat::{self, Found};
use super::{HostDirectory, Lookup, link};

/// What an object is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To ask what it is, without touching it.
    Describe,
    /// To read it as a file.
    Read,
    /// To read it as a directory.
    List,
    /// To reach what is in it, a directory.
    Enter,
}

impl HostDirectory {
    /// Describes what is at `path`.
    pub(super) fn describe(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        if path.is_root() {
            return stat::directory(&self.root)
                .map(|found| found.metadata)
                .map_err(refusal);
        }
        let Some(object) = self.open_beneath(path, Purpose::Describe) else {
            return self.walk_to_describe(path, follow);
        };
        let object = object?;
        let metadata = self.judge(stat::object(&object).map_err(refusal)?)?;
        if metadata.file_type == FileType::Symlink && follow == FollowLinks::Yes {
            return Err(Refusal::Link(LinkMet {
                prefix: path.as_str().len(),
                target: link::read_open(&object).map_err(refusal)?,
            }));
        }
        Ok(metadata)
    }

    /// Opens the regular file at `path` for reading.
    pub(super) fn open_file(&self, path: RelativePath<'_>) -> Answer<(File, Metadata)> {
        let object = match self.open_object(path, Purpose::Read) {
            Ok(object) => object,
            // Sockets cannot be opened at all, and drivers refuse in their own ways.
            Err(Refusal::Failed {
                kind: ErrorKind::Os(_),
                ..
            }) if self
                .describe(path, FollowLinks::No)
                .is_ok_and(|metadata| metadata.file_type == FileType::Special) =>
            {
                return Err(ErrorKind::PermissionDenied.into());
            }
            Err(refusal) => return Err(refusal),
        };
        let metadata = self.judge(stat::object(&object).map_err(refusal)?)?;
        match metadata.file_type {
            FileType::File => Ok((object, metadata)),
            FileType::Directory => Err(ErrorKind::IsADirectory.into()),
            FileType::Symlink | FileType::Special => Err(ErrorKind::PermissionDenied.into()),
        }
    }

    /// Opens the object at `path`.
    pub(super) fn open_object(&self, path: RelativePath<'_>, purpose: Purpose) -> Answer<File> {
        self.open_beneath(path, purpose)
            .unwrap_or_else(|| self.walk_to_open(path, purpose))
    }

    /// What was found, unless another mount of the host covers it.
    pub(super) fn judge(&self, found: Found) -> Answer<Metadata> {
        self.require_same_mount(&found)?;
        Ok(found.metadata)
    }

    pub(super) fn require_same_mount(&self, found: &Found) -> Answer<()> {
        if found.mount.is_other_than(self.mount) {
            Err(crossing())
        } else {
            Ok(())
        }
    }

    #[cfg(target_os = "linux")]
    pub(super) fn open_beneath(&self, path: RelativePath<'_>, purpose: Purpose) -> Option<Answer<File>> {
        match self.lookup {
            Lookup::Beneath => {
                let opened = super::beneath::open(&self.root, spelled(path), purpose)?;
                Some(opened.map_err(refusal))
            }
            Lookup::Walk => None,
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn open_beneath(&self, _: RelativePath<'_>, _: Purpose) -> Option<Answer<File>> {
        match self.lookup {
            Lookup::Walk => None,
        }
    }
}

/// The path as the system wants it: the root itself has a name there.
pub(super) fn spelled(path: RelativePath<'_>) -> &str {
    if path.is_root() { "." } else { path.as_str() }
}
