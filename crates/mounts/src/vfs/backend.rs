//! Any `vfs::FileSystem` as a mount.

use std::io::{Read as _, Write as _};

use ::vfs::{FileSystem, VfsFileType};
use parking_lot::RwLock;

use crate::backend::{Answer, FollowLinks, OpenMode, Reader, RenameRefusal, Writer};
use crate::contents::Contents;
use crate::error::ErrorKind;
use crate::growth::Growth;
use crate::metadata::{DirEntry, FileType, Metadata};
use crate::path::RelativePath;
use crate::quota::{Admission, Held};
use crate::update::Update;

use super::errors::{handle_refusal, refusal};
use super::lookup::{Found, is_name, look_up, says_missing, spelled};
use super::relocate;

/// A file system of the crate [`vfs`](::vfs) as a backend: [`Mount::read_only`](crate::Mount::read_only),
/// [`Mount::read_write`](crate::Mount::read_write) or the lower of an [`Overlay`](crate::Overlay).
///
/// A [`VfsPath`](::vfs::VfsPath) is mounted as a [`vfs::AltrootFS`](::vfs::AltrootFS) of it.
///
/// # Atomicity
///
/// Through one `VfsBackend`, readers do not block readers, writers are served one at a time, and nobody sees a change
/// half done. Whoever else uses the same file system is not held up, and may see a file between its truncation and
/// its last byte, and a rename between its steps: the trait has neither. Where the file system fails half-way, what
/// it did stays done; after a write that is counted anew.
///
/// A rename is [`move_file`](FileSystem::move_file) or [`move_dir`](FileSystem::move_dir) where the file system
/// has them, else a copy and a removal, which takes as long as what is moved is large. A copy that fails is removed.
///
/// # Confinement, limits and metadata
///
/// What a path can reach is decided by the file system: [`vfs::PhysicalFS`](::vfs::PhysicalFS) follows links out of
/// its directory, and panics at a name that is not UTF-8. For a directory of the host there is
/// [`HostDirectory`](crate::HostDirectory).
///
/// Held are the bytes and entries that were added through the mount, less those removed. What the file system keeps
/// in memory is its own: only answers count towards [`Limits::memory`](crate::Limits).
///
/// Modes are `0o644` and `0o755`, owner and group 0, the number of links 1, as of directories on file systems that do
/// not count subdirectories. The inode number follows from the path, so a rename changes it. A time that is not known
/// is that of the last change, or the Unix epoch. Entries whose names no virtual path can have are not listed;
/// those that cannot be described are listed as [`FileType::Special`].
#[derive(Debug)]
pub struct VfsBackend<F> {
    files: F,
    /// Held for writing by whoever changes something, and for reading by readers: the trait's operations on one file
    /// are several, and this makes them one.
    growth: RwLock<Growth>,
}

impl<F: FileSystem> VfsBackend<F> {
    /// A backend whose files are those of `files`.
    pub fn new(files: F) -> Self {
        Self {
            files,
            growth: RwLock::default(),
        }
    }

    /// The file at `path`, with its length in bytes.
    fn file(&self, path: RelativePath<'_>) -> Answer<u64> {
        match look_up(&self.files, path)? {
            Some(Found::File(metadata)) => Ok(metadata.len),
            Some(Found::Directory(_)) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn put(&self, path: RelativePath<'_>, update: &Update<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        let mut growth = self.growth.write();
        let before = match look_up(&self.files, path)? {
            Some(Found::Directory(_)) => return Err(ErrorKind::IsADirectory.into()),
            Some(Found::File(_)) if matches!(update, Update::Touch) => return Ok(()),
            Some(Found::File(metadata)) => Some(metadata.len),
            None => None,
        };
        let without = before.map_or(*growth, |bytes| growth.without_entry(bytes));
        let size = update.size_after(before.unwrap_or(0));
        let after = without.with_entry(size);
        growth.admit_file(after, size, update.written(), admission)?;
        let stored = self.store(&spelled(path), update, before.is_some());
        *growth = match stored {
            Ok(()) => after,
            Err(_) => match look_up(&self.files, path) {
                Ok(Some(Found::File(now))) => without.with_entry(now.len),
                _ => without,
            },
        };
        stored
    }

    fn store(&self, path: &str, update: &Update<'_>, exists: bool) -> Answer<()> {
        let mut handle = if exists && update.keeps_contents() {
            self.files.append_file(path)
        } else {
            self.files.create_file(path)
        }
        .map_err(refusal)?;
        handle
            .write_all(&update.bytes())
            .and_then(|()| handle.flush())
            .map_err(handle_refusal)
    }
}

impl<F: FileSystem> Reader for VfsBackend<F> {
    fn metadata(&self, path: RelativePath<'_>, _: FollowLinks) -> Answer<Metadata> {
        let _no_change = self.growth.read();
        let found = look_up(&self.files, path)?.ok_or(ErrorKind::NotFound)?;
        Ok(found.metadata(path))
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        let _no_change = self.growth.read();
        let length = self.file(path)?;
        if length > limit {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let mut bytes = Vec::new();
        // The length is what the file system says; a lie must not make us reserve the memory for it.
        bytes
            .try_reserve(usize::try_from(length).unwrap_or(usize::MAX))
            .map_err(|_| ErrorKind::FileTooLarge)?;
        let handle = self.files.open_file(&spelled(path)).map_err(refusal)?;
        handle
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(handle_refusal)?;
        if bytes.len() as u64 > limit {
            return Err(ErrorKind::FileTooLarge.into());
        }
        Ok(bytes.into())
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        let _no_change = self.growth.read();
        self.file(path)?;
        self.files.open_file(&spelled(path)).map(drop).map_err(refusal)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        let _no_change = self.growth.read();
        match look_up(&self.files, path)? {
            Some(Found::Directory(_)) => {}
            Some(Found::File(_)) => return Err(ErrorKind::NotADirectory.into()),
            None => return Err(ErrorKind::NotFound.into()),
        }
        let directory = spelled(path);
        let mut entries = Vec::new();
        for name in self.files.read_dir(&directory).map_err(refusal)? {
            if !is_name(&name) {
                continue;
            }
            let file_type = match self.files.metadata(&format!("{directory}/{name}")) {
                Ok(metadata) if metadata.file_type == VfsFileType::Directory => FileType::Directory,
                Ok(_) => FileType::File,
                Err(error) if says_missing(&error) => continue,
                Err(_) => FileType::Special,
            };
            let name = name.into();
            entries.push(DirEntry { name, file_type });
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }
}

impl<F: FileSystem> Writer for VfsBackend<F> {
    fn write(&self, path: RelativePath<'_>, data: &mut Vec<u8>, admission: &mut Admission<'_>) -> Answer<()> {
        self.put(path, &Update::Replace(data), admission)
    }

    fn append(&self, path: RelativePath<'_>, data: &[u8], admission: &mut Admission<'_>) -> Answer<()> {
        self.put(path, &Update::Append(data), admission)
    }

    fn open_for_write(
        &self,
        path: RelativePath<'_>,
        mode: OpenMode,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        self.put(path, &mode.into(), admission)
    }

    fn create_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        let mut growth = self.growth.write();
        if look_up(&self.files, path)?.is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let after = growth.with_entry(0);
        growth.admit(after, admission)?;
        self.files.create_dir(&spelled(path)).map_err(refusal)?;
        *growth = after;
        Ok(())
    }

    fn remove_file(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        let mut growth = self.growth.write();
        let after = growth.without_entry(self.file(path)?);
        growth.admit(after, admission)?;
        self.files.remove_file(&spelled(path)).map_err(refusal)?;
        *growth = after;
        Ok(())
    }

    fn remove_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        let mut growth = self.growth.write();
        if path.is_root() {
            return Err(ErrorKind::PermissionDenied.into());
        }
        match look_up(&self.files, path)? {
            Some(Found::Directory(_)) => {}
            Some(Found::File(_)) => return Err(ErrorKind::NotADirectory.into()),
            None => return Err(ErrorKind::NotFound.into()),
        }
        let path = spelled(path);
        if self.files.read_dir(&path).map_err(refusal)?.next().is_some() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        let after = growth.without_entry(0);
        growth.admit(after, admission)?;
        self.files.remove_dir(&path).map_err(refusal)?;
        *growth = after;
        Ok(())
    }

    fn rename(
        &self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        relocate::rename(&self.files, &mut self.growth.write(), (from, to), admission)
    }

    fn held(&self) -> Held {
        self.growth.read().held()
    }

    fn held_memory(&self) -> u64 {
        0
    }
}
