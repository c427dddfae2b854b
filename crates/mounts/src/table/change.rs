//! Changing files, and what is answered where nothing can be changed.

use crate::backend::{Answer, FollowLinks, OpenMode, Refusal, Writer};
use crate::error::{ErrorKind, Operation, Result};
use crate::metadata::FileType;
use crate::path::RelativePath;
use crate::quota::Admission;

use super::judged::Judged;
use super::namespace::Namespace;

impl Namespace {
    /// Replaces the contents of the file at `path`, or creates it, as [`std::fs::write`].
    ///
    /// # Errors
    ///
    /// `NotFound` for the directory it would be in, `NotADirectory`, `IsADirectory`, `PermissionDenied`,
    /// `ReadOnly`, and what the mount's limits refuse.
    pub fn write(&self, path: &str, data: impl Into<Vec<u8>>) -> Result<()> {
        self.write_from(path, &mut data.into())
    }

    /// Does what [`write`](Self::write) does, and takes the bytes out of `data` only if the mount keeps them.
    ///
    /// For callers that must know who owns the buffer afterwards: it is theirs unless `data` has lost its capacity.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); the bytes are then still in `data`.
    pub fn write_from(&self, path: &str, data: &mut Vec<u8>) -> Result<()> {
        let bytes = data.len();
        self.change(
            (Operation::Write, path, bytes),
            ErrorKind::IsADirectory,
            |writer, relative, admission| writer.write(relative, data, admission),
        )
    }

    /// Adds `data` at the end of the file at `path`, or creates it.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn append(&self, path: &str, data: &[u8]) -> Result<()> {
        self.change(
            (Operation::Append, path, data.len()),
            ErrorKind::IsADirectory,
            |writer, relative, admission| writer.append(relative, data, admission),
        )
    }

    /// Opens the file at `path` for writing: creates it when missing, and empties it unless `mode` appends.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn open_for_write(&self, path: &str, mode: OpenMode) -> Result<()> {
        self.change(
            (Operation::Open, path, 0),
            ErrorKind::IsADirectory,
            |writer, relative, admission| writer.open_for_write(relative, mode, admission),
        )
    }

    /// Removes the file or link at `path`, as [`std::fs::remove_file`].
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `IsADirectory`, `ReadOnly`, `PermissionDenied`, also for a mount point.
    pub fn remove_file(&self, path: &str) -> Result<()> {
        self.change(
            (Operation::RemoveFile, path, 0),
            ErrorKind::PermissionDenied,
            |writer, relative, admission| writer.remove_file(relative, admission),
        )
    }

    /// Makes one change at a path, which moves so many bytes. A mount point or an ancestor of one answers `at_point`.
    pub(super) fn change(
        &self,
        (operation, path, bytes): (Operation, &str, usize),
        at_point: ErrorKind,
        mut act: impl FnMut(&dyn Writer, RelativePath<'_>, &mut Admission<'_>) -> Answer<()>,
    ) -> Result<()> {
        let mut attempt = |request| {
            self.resolve(
                request,
                |_, _| Some(Err(at_point.into())),
                |judged| match judged.writer() {
                    Ok((writer, mut admission)) => act(writer, judged.relative(), &mut admission),
                    Err(kind) => Err(unwritable(judged, operation, kind)),
                },
            )
        };
        self.observed(
            operation,
            path,
            |()| bytes as u64,
            |request| {
                let request = match operation {
                    Operation::Write | Operation::Append | Operation::Open => request.making_file(),
                    _ => request,
                };
                match attempt(request.clone()) {
                    Err(error)
                        if error.kind() == ErrorKind::NotFound && self.make_ancestors(&request.path)? =>
                    {
                        attempt(request)
                    }
                    answer => answer,
                }
            },
        )
    }
}

/// What a change is answered where nothing can be changed: what Linux would find wrong with the path before it came
/// to the file system being read-only.
pub(super) fn unwritable(judged: &Judged<'_, '_>, operation: Operation, kind: ErrorKind) -> Refusal {
    let (reader, path) = (judged.reader(), judged.relative());
    let opens = matches!(operation, Operation::Write | Operation::Append | Operation::Open);
    let follow = if opens { FollowLinks::Yes } else { FollowLinks::No };
    match reader.metadata(path, follow) {
        Ok(_) if operation == Operation::CreateDir => ErrorKind::AlreadyExists.into(),
        Ok(found) if opens && found.file_type == FileType::Directory => ErrorKind::IsADirectory.into(),
        Err(Refusal::Failed {
            kind: ErrorKind::NotFound,
            source,
        }) => {
            let parent = path.split_last().map_or(RelativePath::ROOT, |(parent, _)| parent);
            match reader.metadata(parent, FollowLinks::Yes) {
                Ok(_) => kind.into(),
                Err(_) => Refusal::Failed {
                    kind: ErrorKind::NotFound,
                    source,
                },
            }
        }
        Ok(_) => kind.into(),
        Err(refusal) => refusal,
    }
}
