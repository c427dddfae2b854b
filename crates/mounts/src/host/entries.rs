//! Creating and removing directories, removing and renaming entries.
//!
//! Each is one system call on names in directories that are held open. What it does to the counters is known by a
//! look just before.

use std::os::fd::AsFd as _;

use cap_std::fs::File;
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::backend::{Answer, Refusal, RenameRefusal};
use crate::error::ErrorKind;
use crate::metadata::{FileType, Metadata};
use crate::path::RelativePath;
use crate::quota::Admission;

use super::errors::refusal;
use super::place::Place;
use super::writable::WritableHostDirectory;
use super::{list, temporary};

/// What `mkdir` gives to a directory; the system takes off what the process masks.
pub(super) const NEW_DIRECTORY: Mode = Mode::from_raw_mode(0o777);

impl WritableHostDirectory {
    pub(super) fn make_directory(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        let _turn = self.turn.lock();
        let place = self.directory.place(path)?.ok_or(ErrorKind::AlreadyExists)?;
        if place.look()?.is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let before = self.growth();
        let after = before.with_entry(0);
        before.admit(after, admission)?;
        mkdirat(place.directory(), place.name, NEW_DIRECTORY).map_err(failed)?;
        self.set_growth(after);
        Ok(())
    }

    /// Removes a file, a link or something special. Like `unlink`, this asks nothing of what is removed: whoever may
    /// change the directory may remove a FIFO that nobody may open.
    pub(super) fn unlink(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        let _turn = self.turn.lock();
        let place = self.directory.place(path)?.ok_or(ErrorKind::IsADirectory)?;
        let found = place.look()?.ok_or(ErrorKind::NotFound)?;
        if found.file_type == FileType::Directory {
            return Err(ErrorKind::IsADirectory.into());
        }
        let before = self.growth();
        let after = before.without_entry(bytes(&found));
        before.admit(after, admission)?;
        unlinkat(place.directory(), place.name, AtFlags::empty()).map_err(failed)?;
        self.set_growth(after);
        Ok(())
    }

    pub(super) fn remove_directory(
        &self,
        path: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        let _turn = self.turn.lock();
        let place = self.directory.place(path)?.ok_or(ErrorKind::PermissionDenied)?;
        let found = place.look()?.ok_or(ErrorKind::NotFound)?;
        if found.file_type != FileType::Directory {
            return Err(ErrorKind::NotADirectory.into());
        }
        let before = self.growth();
        let after = before.without_entry(0);
        before.admit(after, admission)?;
        let remove = || unlinkat(place.directory(), place.name, AtFlags::REMOVEDIR);
        place.once_emptied(remove).map_err(failed)?;
        self.set_growth(after);
        Ok(())
    }

    pub(super) fn relocate(
        &self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        let _turn = self.turn.lock();
        let root = || Refusal::new(ErrorKind::PermissionDenied);
        let enter = |path| self.directory.place(path)?.ok_or_else(root);
        let source = enter(from).map_err(RenameRefusal::From)?;
        let target = enter(to).map_err(RenameRefusal::To)?;
        let moved = source
            .look()
            .and_then(|found| found.ok_or(ErrorKind::NotFound.into()))
            .map_err(RenameRefusal::From)?;
        let replaced = target.look().map_err(RenameRefusal::To)?;
        let before = self.growth();
        let after = match &replaced {
            // Two names of one file: Linux leaves both.
            Some(replaced) if replaced.inode == moved.inode => before,
            Some(replaced) => before.without_entry(bytes(replaced)),
            None => before,
        };
        before.admit(after, admission).map_err(RenameRefusal::To)?;
        let rename = || renameat(source.directory(), source.name, target.directory(), target.name);
        target.once_emptied(rename).map_err(|error| match error {
            // Both directories are on one mount: it is the file system that cannot move between them.
            Errno::XDEV => RenameRefusal::From(ErrorKind::CrossesDevices.into()),
            error => RenameRefusal::From(failed(error)),
        })?;
        self.set_growth(after);
        Ok(())
    }
}

impl Place<'_, '_> {
    /// Makes a change that needs the directory of this name to be empty, and makes it again if nothing was in the way
    /// but temporaries that nobody writes any more.
    fn once_emptied(&self, change: impl Fn() -> Result<(), Errno>) -> Result<(), Errno> {
        match change() {
            Err(error @ (Errno::NOTEMPTY | Errno::EXIST)) if !self.is_emptied()? => Err(error),
            Err(Errno::NOTEMPTY | Errno::EXIST) => change(),
            changed => changed,
        }
    }

    /// Removes abandoned temporaries from the directory of this name, and says whether any were there.
    fn is_emptied(&self) -> Result<bool, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(directory) = openat(self.directory(), self.name, flags, Mode::empty()) else {
            return Ok(false);
        };
        let directory = File::from_std(directory.into());
        if self.judge(&directory).is_err() {
            return Ok(false);
        }
        let names = list::temporaries(directory.as_fd())?;
        let gone = names
            .iter()
            .filter(|name| temporary::sweep(directory.as_fd(), name));
        Ok(gone.count() > 0)
    }
}

/// What removing an entry gives back.
fn bytes(entry: &Metadata) -> u64 {
    match entry.file_type {
        FileType::File => entry.size,
        FileType::Directory | FileType::Symlink | FileType::Special => 0,
    }
}

/// The refusal for an error of a change in a directory.
fn failed(error: Errno) -> Refusal {
    match error {
        // Something is mounted on the entry where another mount shows it.
        Errno::BUSY => Refusal::Failed {
            kind: ErrorKind::PermissionDenied,
            source: Some(error.into()),
        },
        error => refusal(error.into()),
    }
}
