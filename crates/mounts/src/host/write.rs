//! Creating files and changing their contents.
//!
//! | change | how |
//! |---|---|
//! | whole contents | a temporary beside the file, renamed over it |
//! | the same, where that is not permitted | the file is emptied and written in place |
//! | at the end | in place, with `O_APPEND` |
//! | emptied by opening | in place |
//! | any of these, the file having more names | a temporary, always: the other names may be outside the mount |

use std::io::{self, Read as _, Write as _};

use cap_std::fs::File;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{Errno, retry_on_intr};

use crate::backend::{Answer, Refusal};
use crate::error::ErrorKind;
use crate::metadata::{FileType, Metadata};
use crate::path::RelativePath;
use crate::quota::Admission;
use crate::update::Update;

use super::errors::refusal;
use super::kept;
use super::place::Place;
use super::temporary::Temporary;
use super::writable::WritableHostDirectory;

/// How often a change begins again because the name meant something else by the time it was opened.
const SWAPS: usize = 128;

/// What `open` gives to a file that it creates; the system takes off what the process masks.
pub(super) const NEW_FILE: Mode = Mode::from_raw_mode(0o666);
/// What a temporary has while it is written in the place of a file that others may not be allowed to read.
pub(super) const PRIVATE: Mode = Mode::from_raw_mode(0o600);

/// A regular file, open for writing.
#[derive(Debug)]
pub(super) struct Existing {
    pub(super) file: File,
    pub(super) metadata: Metadata,
    is_set_id: bool,
}

impl WritableHostDirectory {
    /// Creates or changes the file at `path`.
    pub(super) fn put(
        &self,
        path: RelativePath<'_>,
        update: &Update<'_>,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        let _turn = self.turn.lock();
        let place = self.directory.place(path)?.ok_or(ErrorKind::IsADirectory)?;
        for _ in 0..SWAPS {
            let attempt = match place.look()? {
                None => self.create(&place, update, admission)?,
                Some(found) => match place.open(found.file_type, update)? {
                    Some(existing) => self.change(&place, &existing, update, admission)?,
                    None => None,
                },
            };
            if let Some(()) = attempt {
                return Ok(());
            }
        }
        Err(refusal(Errno::AGAIN.into()))
    }

    /// Creates the file; `None` when somebody else did, meanwhile. Then the next attempt is another change, and
    /// counted as one.
    fn create(
        &self,
        place: &Place<'_, '_>,
        update: &Update<'_>,
        admission: &mut Admission<'_>,
    ) -> Answer<Option<()>> {
        let size = update.size_after(0);
        let before = self.growth();
        let after = before.with_entry(size);
        before.admit_file(after, size, update.written(), admission)?;
        let directory = place.directory();
        let created = if update.bytes().is_empty() {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            retry_on_intr(|| openat(directory, place.name, flags, NEW_FILE)).map(drop)
        } else {
            let temporary = Temporary::create(directory, NEW_FILE).map_err(|error| refusal(error.into()))?;
            temporary.file().write_all(&update.bytes()).map_err(refusal)?;
            temporary.publish_new(place.name)
        };
        match created {
            Ok(()) => {
                self.set_growth(after);
                Ok(Some(()))
            }
            Err(Errno::EXIST) => Ok(None),
            Err(error) => Err(refusal(error.into())),
        }
    }

    /// Changes the contents of a file that is there; `None` when somebody took its name away, meanwhile.
    fn change(
        &self,
        place: &Place<'_, '_>,
        existing: &Existing,
        update: &Update<'_>,
        admission: &mut Admission<'_>,
    ) -> Answer<Option<()>> {
        // Nothing is added: not a reason to copy a file that has other names.
        if update.keeps_contents() && update.bytes().is_empty() {
            return Ok(Some(()));
        }
        let size = update.size_after(existing.metadata.size);
        let before = self.growth();
        let without = before.without_entry(existing.metadata.size);
        let after = without.with_entry(size);
        before.admit_file(after, size, update.written(), admission)?;
        let in_place = matches!(update, Update::Append(_) | Update::Truncate) && !existing.has_other_names();
        let mut written = if in_place {
            existing.update_in_place(update)
        } else {
            existing.replace(place, update)
        };
        match written {
            Ok(()) => {}
            Err(error) if Errno::from_io_error(&error) == Some(Errno::AGAIN) => return Ok(None),
            // In place, the change would be one of the other names too.
            Err(error) if forbids_replacing(&error) && existing.has_other_names() => {
                return Err(Refusal::Failed {
                    kind: ErrorKind::PermissionDenied,
                    source: Some(error),
                });
            }
            Err(error) if forbids_replacing(&error) && !in_place => {
                written = existing.update_in_place(update);
            }
            failed => written = failed,
        }
        self.set_growth(match &written {
            Ok(()) => after,
            // A disk that fills stops a change in place half-way: then the file has what it has.
            Err(_) => place
                .judge(&existing.file)
                .map_or(before, |now| without.with_entry(now.metadata.size)),
        });
        written.map(Some).map_err(refusal)
    }
}

impl Place<'_, '_> {
    /// Opens the file that has the name, to make `update`; `None` when something else has it by now.
    ///
    /// # Errors
    ///
    /// A link is reported and not followed; whatever is no regular file is refused, and not waited for.
    fn open(&self, found: FileType, update: &Update<'_>) -> Answer<Option<Existing>> {
        match found {
            FileType::File => {}
            FileType::Directory => return Err(ErrorKind::IsADirectory.into()),
            FileType::Special => return Err(ErrorKind::PermissionDenied.into()),
            FileType::Symlink => return self.link()?.map_or(Ok(None), Err),
        }
        let mut flags =
            OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        if update.keeps_contents() {
            flags |= OFlags::APPEND;
        }
        let file = match retry_on_intr(|| openat(self.directory(), self.name, flags, Mode::empty())) {
            Ok(descriptor) => File::from_std(descriptor.into()),
            // Gone, or a link, a directory, a FIFO without a reader or a socket by now.
            Err(Errno::NOENT | Errno::LOOP | Errno::MLINK | Errno::ISDIR | Errno::NXIO) => return Ok(None),
            Err(error) => return Err(refusal(error.into())),
        };
        let found = self.judge(&file)?;
        Ok((found.metadata.file_type == FileType::File).then_some(Existing {
            file,
            metadata: found.metadata,
            is_set_id: found.is_set_id,
        }))
    }
}

impl Existing {
    /// Whether the file has names beside the one it was opened by, which may be outside the mount.
    fn has_other_names(&self) -> bool {
        self.metadata.links > 1
    }

    /// Puts a new file in the place of this one, which stays as it is under its other names.
    fn replace(&self, place: &Place<'_, '_>, update: &Update<'_>) -> io::Result<()> {
        let temporary = Temporary::create(place.directory(), PRIVATE)?;
        if update.keeps_contents() {
            self.copy_to(temporary.file(), place)?;
        }
        temporary.file().write_all(&update.bytes())?;
        kept::give(temporary.file(), &self.file, &self.metadata)?;
        Ok(temporary.publish_over(place.name)?)
    }

    /// Copies as many bytes as the file had when it was opened; `AGAIN` when the name is not its own any more.
    fn copy_to(&self, target: &File, place: &Place<'_, '_>) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let source = match retry_on_intr(|| openat(place.directory(), place.name, flags, Mode::empty())) {
            Err(Errno::NOENT | Errno::LOOP | Errno::MLINK) => return Err(Errno::AGAIN.into()),
            opened => File::from_std(opened?.into()),
        };
        let is_the_same = place
            .judge(&source)
            .is_ok_and(|found| found.metadata.inode == self.metadata.inode);
        if !is_the_same {
            return Err(Errno::AGAIN.into());
        }
        let mut source = source.into_std().take(self.metadata.size);
        io::copy(&mut source, &mut target.try_clone()?.into_std())?;
        Ok(())
    }

    fn update_in_place(&self, update: &Update<'_>) -> io::Result<()> {
        if self.is_set_id {
            match kept::set_mode(&self.file, self.metadata.mode) {
                // Nor may who is not the owner, whom the system takes the bits from when the file is written.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::PERM) => {}
                set => set?,
            }
        }
        if !update.keeps_contents() {
            self.file.set_len(0)?;
        }
        (&self.file).write_all(&update.bytes())
    }
}

/// Whether the system does not let a file be replaced that it may let be written: the directory or the file system is
/// not to be changed, the owner cannot be kept, or something is mounted on the file elsewhere.
fn forbids_replacing(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::BUSY | Errno::XDEV)
    )
}
