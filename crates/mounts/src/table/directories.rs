//! Directories, where mounts meet: mount points show in their parent's listing, whatever the parent is.

use crate::backend::Refusal;
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::metadata::{DirEntry, FileType};
use crate::mount::Mount;
use crate::path::{RelativePath, VirtualPath};

use super::namespace::Namespace;
use super::resolve::Request;
use super::routes::{Point, Route};

impl Namespace {
    /// Lists the directory at `path`, sorted by name, mount points included, as [`std::fs::read_dir`].
    ///
    /// Links that lead out of their mount are left out; dangling ones are listed.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `PermissionDenied`.
    pub fn list(&self, path: &str) -> Result<Vec<DirEntry>> {
        let ask = |mount: &Mount, relative: RelativePath<'_>| mount.reader().list(relative);
        let at_point = |route: &Route<'_, '_>, point: &Point| {
            let below = route.mounted.map(|mounted| ask(mounted.mount, mounted.relative));
            Some(match below {
                Some(Err(refusal)) if point.mount().is_some() => Err(refusal),
                Some(Ok(entries)) => Ok(with_points(entries, point)),
                Some(Err(_)) | None => Ok(with_points(Vec::new(), point)),
            })
        };
        let mut entries = self.resolve(Request::new(Operation::List, path)?, at_point, ask)?;
        entries.retain(|entry| {
            entry.file_type != FileType::Symlink || !self.is_refused_link(&format!("{path}/{}", entry.name))
        });
        Ok(entries)
    }

    /// Creates the directory at `path`, whose parent must exist, as [`std::fs::create_dir`].
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, also for a mount point; `NotFound`, `NotADirectory`, `ReadOnly`, and what the mount's
    /// limits refuse.
    pub fn create_dir(&self, path: &str) -> Result<()> {
        self.change(
            Operation::CreateDir,
            path,
            ErrorKind::AlreadyExists,
            |writer, relative, admission| writer.create_dir(relative, admission),
        )
    }

    /// Creates the directory at `path` and what is missing above it, as [`std::fs::create_dir_all`].
    ///
    /// # Errors
    ///
    /// As [`create_dir`](Self::create_dir), but a directory that exists is none; `NotADirectory` or
    /// `AlreadyExists` where a file is in the way. What was created before the failure stays.
    pub fn create_dir_all(&self, path: &str) -> Result<()> {
        match self.create_dir(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let parsed = VirtualPath::parse(path)
                    .map_err(|error| Error::from_path(error, Operation::CreateDir, path))?;
                match parsed.parent() {
                    Some(parent) => self.create_dir_all(parent.as_str())?,
                    None => return Err(error),
                }
                self.create_dir(path)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists && self.is_dir(path) => Ok(()),
            answer => answer,
        }
    }

    /// Whether `path` leads to a directory.
    pub fn is_dir(&self, path: &str) -> bool {
        self.metadata(path)
            .is_ok_and(|metadata| metadata.file_type == FileType::Directory)
    }

    /// Removes the empty directory at `path`, as [`std::fs::remove_dir`].
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `DirectoryNotEmpty`, `ReadOnly`, `PermissionDenied`, also for a mount point
    /// and its ancestors.
    pub fn remove_dir(&self, path: &str) -> Result<()> {
        self.change(
            Operation::RemoveDir,
            path,
            ErrorKind::PermissionDenied,
            |writer, relative, admission| writer.remove_dir(relative, admission),
        )
    }

    /// Makes the directories above `path` real in the mount that covers them where they exist only as ancestors
    /// of a mount point, so that what is visible can be written into. Answers whether it made any.
    pub(super) fn make_ancestors(&self, path: &VirtualPath<'_>) -> Result<bool> {
        let Some(parent) = path.parent() else {
            return Ok(false);
        };
        let route = self.routes().route(&parent);
        let (Some(point), Some(mounted)) = (route.point, route.mounted) else {
            return Ok(false);
        };
        let Ok((writer, mut admission)) = mounted.mount.writer() else {
            return Ok(false);
        };
        if point.mount().is_some() {
            return Ok(false);
        }
        let mut made = false;
        let whole = mounted.relative.as_str();
        let ends = whole.match_indices('/').map(|(end, _)| end).chain([whole.len()]);
        for end in ends {
            let create = writer.create_dir(RelativePath::new(&whole[..end]), &mut admission);
            match create {
                Ok(()) => made = true,
                Err(Refusal::Failed {
                    kind: ErrorKind::AlreadyExists,
                    ..
                }) => {}
                Err(refusal) => {
                    return Err(Request {
                        operation: Operation::CreateDir,
                        given: parent.as_str(),
                        path: parent.clone(),
                    }
                    .refused(refusal));
                }
            }
        }
        Ok(made)
    }
}

/// A listing with the names of mount points and their ancestors, which are directories whatever is below them.
fn with_points(mut entries: Vec<DirEntry>, point: &Point) -> Vec<DirEntry> {
    let listed = entries.len();
    for name in point.names() {
        let entry = DirEntry {
            name: name.clone(),
            file_type: FileType::Directory,
        };
        match entries[..listed].binary_search_by(|other| other.name.cmp(name)) {
            Ok(index) => entries[index] = entry,
            Err(_) => entries.push(entry),
        }
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    entries
}
