//! Directories, where mounts meet: mount points show in their parent's listing, whatever the parent is.

use crate::backend::{Answer, Refusal};
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::metadata::{DirEntry, FileType};
use crate::path::VirtualPath;

use super::judged::Names;
use super::namespace::Namespace;
use super::resolve::Request;
use super::routes::{Mounted, Point, Route};

impl Namespace {
    /// Lists the directory at `path`, sorted by name, mount points included, as [`std::fs::read_dir`].
    ///
    /// Links that lead out of their mount are left out; dangling ones are listed.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `PermissionDenied`.
    pub fn list(&self, path: &str) -> Result<Vec<DirEntry>> {
        self.observed(Operation::List, path, |_| 0, |request| self.list_for(request))
    }

    fn list_for(&self, request: Request<'_>) -> Result<Vec<DirEntry>> {
        let at_point = |route: &Route<'_, '_>, point: &Point| {
            let listed = |mounted: Mounted<'_, '_>| -> Answer<_> { mounted.judge()?.list() };
            Some(match route.mounted.map(listed) {
                Some(Err(refusal)) if point.mount().is_some() => Err(refusal),
                Some(Ok(entries)) => Ok(with_points(entries, point)),
                Some(Err(_)) | None => Ok(with_points(Vec::new(), point)),
            })
        };
        let path = request.given;
        // Under each path on the way here that a link led on from, names may be hidden too.
        let mut passed: Vec<Names> = Vec::new();
        let mut entries = self.resolve(request, at_point, |judged| {
            let listed = judged.list();
            if matches!(listed, Err(Refusal::Link(_))) {
                passed.extend(judged.names());
            }
            listed
        })?;
        entries.retain(|entry| {
            passed.iter_mut().all(|names| names.shows(&entry.name))
                && (entry.file_type != FileType::Symlink
                    || !self.is_refused_link(&format!("{path}/{}", entry.name)))
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
            (Operation::CreateDir, path, 0),
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
            (Operation::RemoveDir, path, 0),
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
        let (Some(point), Some(above)) = (route.point, route.mounted) else {
            return Ok(false);
        };
        // What may be changed at the path itself may be changed in every directory above it.
        let judged = self.routes().route(path).mounted.map(Mounted::judge);
        let Some(Ok((writer, mut admission))) = judged.map(|judged| judged?.writer()) else {
            return Ok(false);
        };
        if point.mount().is_some() {
            return Ok(false);
        }
        let mut made = false;
        for directory in above.relative.prefixes() {
            match writer.create_dir(directory, &mut admission) {
                Ok(()) => made = true,
                Err(Refusal::Failed {
                    kind: ErrorKind::AlreadyExists,
                    ..
                }) => {}
                Err(refusal) => {
                    let request = Request::at(Operation::CreateDir, parent.as_str(), parent.clone());
                    return Err(request.refused(refusal));
                }
            }
        }
        Ok(made)
    }
}

/// A listing with the names of mount points and their ancestors, which are directories whatever is below them.
pub(super) fn with_points(mut entries: Vec<DirEntry>, point: &Point) -> Vec<DirEntry> {
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
