//! Renaming on a file system that may be able to move entries, or not.

use std::io;

use ::vfs::error::VfsErrorKind;
use ::vfs::{FileSystem, VfsFileType, VfsResult};

use crate::backend::RenameRefusal;
use crate::error::ErrorKind;
use crate::growth::Growth;
use crate::path::RelativePath;
use crate::quota::Admission;

use super::errors::refusal;
use super::lookup::{Found, look_up, spelled};

/// What stands where an entry is to be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Free,
    File,
    EmptyDirectory,
}

/// Renames `from` to `to`, as Linux's `rename`.
pub(super) fn rename(
    files: &impl FileSystem,
    growth: &mut Growth,
    (from, to): (RelativePath<'_>, RelativePath<'_>),
    admission: &mut Admission<'_>,
) -> Result<(), RenameRefusal> {
    let source = |kind: ErrorKind| RenameRefusal::From(kind.into());
    let target = |kind: ErrorKind| RenameRefusal::To(kind.into());
    if from.is_root() {
        return Err(source(ErrorKind::PermissionDenied));
    }
    if to.is_root() {
        return Err(target(ErrorKind::PermissionDenied));
    }
    let moved = look_up(files, from).map_err(RenameRefusal::From)?;
    let replaced = look_up(files, to).map_err(RenameRefusal::To)?;
    let moved = moved.ok_or_else(|| source(ErrorKind::NotFound))?;
    if from == to {
        return Ok(());
    }
    // The order of these checks is Linux's: ancestry before the type of what would be replaced.
    if to.starts_with(from) {
        return Err(target(ErrorKind::InvalidArgument));
    }
    if from.starts_with(to) {
        return Err(target(ErrorKind::DirectoryNotEmpty));
    }
    let (there, freed) = match (&moved, &replaced) {
        (_, None) => (Target::Free, None),
        (Found::Directory(_), Some(Found::File(_))) => return Err(target(ErrorKind::NotADirectory)),
        (Found::File(_), Some(Found::Directory(_))) => return Err(target(ErrorKind::IsADirectory)),
        (Found::File(_), Some(Found::File(file))) => (Target::File, Some(file.len)),
        (Found::Directory(_), Some(Found::Directory(_))) => {
            let mut entries = files
                .read_dir(&spelled(to))
                .map_err(|error| RenameRefusal::To(refusal(error)))?;
            if entries.next().is_some() {
                return Err(target(ErrorKind::DirectoryNotEmpty));
            }
            (Target::EmptyDirectory, Some(0))
        }
    };
    let after = freed.map_or(*growth, |bytes| growth.without_entry(bytes));
    growth.admit(after, admission).map_err(RenameRefusal::To)?;
    let (from, to) = (spelled(from), spelled(to));
    match moved {
        Found::File(_) => move_file(files, &from, &to, there),
        Found::Directory(_) => move_directory(files, &from, &to, there),
    }
    .map_err(|error| RenameRefusal::From(refusal(error)))?;
    *growth = after;
    Ok(())
}

fn is_unsupported(moved: &VfsResult<()>) -> bool {
    matches!(moved, Err(error) if matches!(error.kind(), VfsErrorKind::NotSupported))
}

fn move_file(files: &impl FileSystem, from: &str, to: &str, there: Target) -> VfsResult<()> {
    let moved = files.move_file(from, to);
    if !is_unsupported(&moved) {
        return moved;
    }
    let copied = copy_file(files, from, to);
    if copied.is_err() && there == Target::Free {
        // The first error is the one to report; a copy that was not begun is not there to be removed.
        let _ = files.remove_file(to);
    }
    copied?;
    files.remove_file(from)
}

fn move_directory(files: &impl FileSystem, from: &str, to: &str, there: Target) -> VfsResult<()> {
    if there == Target::EmptyDirectory {
        files.remove_dir(to)?;
    }
    let mut moved = files.move_dir(from, to);
    if is_unsupported(&moved) {
        moved = copy_directory(files, from, to);
        if moved.is_ok() {
            return remove_directory(files, from);
        }
        // The first error is the one to report.
        let _ = remove_directory(files, to);
    }
    if moved.is_err() && there == Target::EmptyDirectory {
        let _ = files.create_dir(to);
    }
    moved
}

fn copy_file(files: &impl FileSystem, from: &str, to: &str) -> VfsResult<()> {
    let mut source = files.open_file(from)?;
    let mut target = files.create_file(to)?;
    io::copy(&mut source, &mut target)?;
    Ok(io::Write::flush(&mut target)?)
}

/// Copies a directory and all below it to where nothing is.
fn copy_directory(files: &impl FileSystem, from: &str, to: &str) -> VfsResult<()> {
    files.create_dir(to)?;
    let mut pending = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = pending.pop() {
        for name in files.read_dir(&from)? {
            let (from, to) = (format!("{from}/{name}"), format!("{to}/{name}"));
            match files.metadata(&from)?.file_type {
                VfsFileType::File => copy_file(files, &from, &to)?,
                VfsFileType::Directory => {
                    files.create_dir(&to)?;
                    pending.push((from, to));
                }
            }
        }
    }
    Ok(())
}

/// Removes a directory and all below it.
fn remove_directory(files: &impl FileSystem, path: &str) -> VfsResult<()> {
    let mut found = vec![path.to_owned()];
    let mut looked_into = 0;
    while let Some(directory) = found.get(looked_into).cloned() {
        looked_into += 1;
        for name in files.read_dir(&directory)? {
            let path = format!("{directory}/{name}");
            match files.metadata(&path)?.file_type {
                VfsFileType::File => files.remove_file(&path)?,
                VfsFileType::Directory => found.push(path),
            }
        }
    }
    // Each directory comes after the one that it is in.
    found.iter().rev().try_for_each(|path| files.remove_dir(path))
}
