//! Renaming: the one operation with two paths.

use std::sync::Arc;

use crate::backend::{Answer, FollowLinks, Reader, Refusal, RenameRefusal};
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::metadata::{DirEntry, FileType};
use crate::path::{MAX_COMPONENTS, MAX_PATH_BYTES, RelativePath};
use crate::rules::Rules;

use super::change::unwritable;
use super::judged::{Judged, Names};
use super::namespace::Namespace;
use super::resolve::Request;

impl Namespace {
    /// Renames `from` to `to`, as [`std::fs::rename`] on Linux.
    ///
    /// On a mount with rules, a directory is renamed only if the rules say the same of everything in it at the new
    /// path; finding out costs a look at every entry below.
    ///
    /// # Errors
    ///
    /// As Linux's `rename`; `CrossesDevices` between two mounts, or into where none is; `PermissionDenied` for a
    /// mount point or an ancestor of one, and for a directory with something in it that another rule would hold for;
    /// `NameTooLong` where directories would come to lie more than 256 deep in one another.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.observers().watch(
            Operation::Rename,
            (from, Some(to)),
            |()| 0,
            || self.rename_resolved(from, to),
        )
    }

    fn rename_resolved(&self, from: &str, to: &str) -> Result<()> {
        let mut source = Request::new(Operation::Rename, from).map_err(|error| error.with_destination(to))?;
        let mut target = Request::new(Operation::Rename, to).map_err(|error| {
            Error::new(error.kind(), Operation::Rename, from).with_destination(error.path())
        })?;
        loop {
            let refusal = match self.try_rename(&mut source, &mut target) {
                Ok(()) => return Ok(()),
                Err(refusal) => refusal,
            };
            match refusal {
                RenameRefusal::From(Refusal::Link(link)) => self.follow(&mut source, &link),
                RenameRefusal::To(Refusal::Link(link)) => self.follow(&mut target, &link),
                RenameRefusal::From(refusal) | RenameRefusal::To(refusal) => Err(source.refused(refusal)),
            }
            .map_err(|error| source.error(error.kind()).with_destination(to))?;
        }
    }

    fn try_rename(
        &self,
        source: &mut Request<'_>,
        target: &mut Request<'_>,
    ) -> std::result::Result<(), RenameRefusal> {
        let (from, to) = (source.path.clone(), target.path.clone());
        let (from, to) = (self.routes().route(&from), self.routes().route(&to));
        let refused = |kind: ErrorKind| RenameRefusal::From(kind.into());
        if from.point.is_some() || to.point.is_some() {
            return Err(refused(ErrorKind::PermissionDenied));
        }
        let (from, to) = match (from.mounted, to.mounted) {
            (None, None) => return Err(refused(ErrorKind::NotCovered)),
            (Some(from), Some(to)) if Arc::ptr_eq(from.mount, to.mount) => (from, to),
            _ => return Err(refused(ErrorKind::CrossesDevices)),
        };
        let from = source.judge(from).map_err(RenameRefusal::From)?;
        let to = target.judge(to).map_err(RenameRefusal::To)?;
        match from.writer().and_then(|from| to.writer().map(|_| from)) {
            Ok((writer, mut admission)) => {
                let _turn = from.rules().map(|_| from.mount().renaming().lock());
                if let Some(rules) = from.rules() {
                    require_same_verdicts(rules, &from, &to).map_err(RenameRefusal::From)?;
                }
                writer.rename(from.relative(), to.relative(), &mut admission)
            }
            Err(kind) => {
                let blocked = |judged| unwritable(judged, Operation::Rename, kind);
                // Linux finds the directories of both before it comes to the file system being read-only.
                Err(match blocked(&from) {
                    Refusal::Failed { kind: found, .. } if found == kind => RenameRefusal::To(blocked(&to)),
                    refusal => RenameRefusal::From(refusal),
                })
            }
        }
    }
}

/// Checks that the rules say the same of everything in the directory `from`, if it is one, when it is at `to`.
///
/// What the backend would refuse anyway is left to it.
fn require_same_verdicts(rules: &Rules, from: &Judged<'_, '_>, to: &Judged<'_, '_>) -> Answer<()> {
    let (source, target) = (from.relative(), to.relative());
    if source.starts_with(target) || target.starts_with(source) {
        return Ok(());
    }
    match from.reader().metadata(source, FollowLinks::No) {
        Ok(found) if found.file_type == FileType::Directory => {}
        Err(link @ Refusal::Link(_)) => return Err(link),
        Ok(_) | Err(Refusal::Failed { .. }) => return Ok(()),
    }
    let mut pending = vec![(Names::of(rules, source), Names::of(rules, target))];
    while let Some((mut here, mut there)) = pending.pop() {
        for entry in entries(from.reader(), here.directory())? {
            let verdict = here.standing(&entry.name).verdict();
            if verdict != there.standing(&entry.name).verdict() {
                return Err(ErrorKind::PermissionDenied.into());
            }
            if entry.file_type == FileType::Directory && !verdict.is_final() {
                pending.push((here.enter(&entry.name), there.enter(&entry.name)));
            }
        }
    }
    Ok(())
}

/// What is in a directory that lies below one being renamed.
fn entries(reader: &dyn Reader, directory: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
    // No path leads there now, so nothing there can be looked at; from the new place, one may.
    let is_out_of_reach =
        directory.as_str().len() > MAX_PATH_BYTES || directory.components().count() > MAX_COMPONENTS;
    if is_out_of_reach {
        return Err(ErrorKind::PermissionDenied.into());
    }
    match reader.list(directory) {
        // Removed or replaced a moment ago. Whatever is put there now, no rule has held for it.
        Err(Refusal::Failed {
            kind: ErrorKind::NotFound | ErrorKind::NotADirectory,
            ..
        }) => Ok(Vec::new()),
        listed => listed,
    }
}
