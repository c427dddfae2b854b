//! What is at a path of a `vfs::FileSystem`, in the terms of a [`Reader`](crate::Reader).
//!
//! The trait leaves open what happens where a file stands in the way of a path, or a directory where a file is meant:
//! some of its implementations create a file *below* a file, or replace a directory by one. So nothing is asked of
//! the file system before this step has found out what is there.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::SystemTime;

use ::vfs::error::VfsErrorKind;
use ::vfs::{FileSystem, VfsError, VfsFileType, VfsMetadata};

use crate::backend::Answer;
use crate::error::ErrorKind;
use crate::metadata::{FileType, Metadata};
use crate::path::{RelativePath, VirtualPath};

use super::errors::refusal;

/// What is at a path.
#[derive(Debug)]
pub(super) enum Found {
    Directory(VfsMetadata),
    File(VfsMetadata),
}

impl From<VfsMetadata> for Found {
    fn from(metadata: VfsMetadata) -> Self {
        match metadata.file_type {
            VfsFileType::Directory => Self::Directory(metadata),
            VfsFileType::File => Self::File(metadata),
        }
    }
}

impl Found {
    /// As `stat` reports it: see [`VfsBackend`](super::VfsBackend) for what has to be made up.
    pub(super) fn metadata(&self, path: RelativePath<'_>) -> Metadata {
        let (file_type, mode, found) = match self {
            Self::Directory(found) => (FileType::Directory, 0o755, found),
            Self::File(found) => (FileType::File, 0o644, found),
        };
        let modified = found.modified.or(found.created).unwrap_or(SystemTime::UNIX_EPOCH);
        Metadata {
            file_type,
            mode,
            size: found.len,
            inode: inode(path),
            device: 0,
            links: 1,
            uid: 0,
            gid: 0,
            accessed: found.accessed.unwrap_or(modified),
            modified,
            changed: modified,
        }
    }
}

/// A number for a path: the same for as long as the process runs, and different for different paths, as far as 64 bits
/// go.
fn inode(path: RelativePath<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.as_str().hash(&mut hasher);
    hasher.finish() | 1
}

/// A path as `vfs` writes it: `""` for the root, else with a leading `/`.
pub(super) fn spelled(path: RelativePath<'_>) -> String {
    if path.is_root() {
        String::new()
    } else {
        format!("/{}", path.as_str())
    }
}

/// Looks a path up. `None` is a path at which nothing is, in a directory that exists.
///
/// # Errors
///
/// `NotFound` or `NotADirectory` for what is missing, or in the way, further up.
pub(super) fn look_up(files: &impl FileSystem, path: RelativePath<'_>) -> Answer<Option<Found>> {
    if let Some(metadata) = ask(files, path)? {
        return Ok(Some(metadata.into()));
    }
    let mut above = path.split_last().map(|(parent, _)| parent);
    let parent = above;
    while let Some(ancestor) = above {
        match ask(files, ancestor)?.map(Found::from) {
            Some(Found::File(_)) => return Err(ErrorKind::NotADirectory.into()),
            Some(Found::Directory(_)) if above == parent => return Ok(None),
            Some(Found::Directory(_)) => break,
            None => above = ancestor.split_last().map(|(parent, _)| parent),
        }
    }
    Err(ErrorKind::NotFound.into())
}

/// The metadata at a path, `None` where the file system says that there is nothing.
fn ask(files: &impl FileSystem, path: RelativePath<'_>) -> Answer<Option<VfsMetadata>> {
    let path = spelled(path);
    match files.metadata(&path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if says_missing(&error) => Ok(None),
        // Some have an error of their own for it.
        Err(error) => match files.exists(&path) {
            Ok(false) if matches!(error.kind(), VfsErrorKind::Other(_)) => Ok(None),
            _ => Err(refusal(error)),
        },
    }
}

pub(super) fn says_missing(error: &VfsError) -> bool {
    matches!(error.kind(), VfsErrorKind::FileNotFound)
}

/// Whether a directory can show an entry of this name: one component of a virtual path.
pub(super) fn is_name(name: &str) -> bool {
    VirtualPath::root()
        .join(name)
        .is_ok_and(|path| path.file_name() == Some(name))
}
