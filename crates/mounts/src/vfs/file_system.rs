//! A table, or a lease of one, as a `vfs::FileSystem`.

use std::fmt;
use std::sync::Arc;

use ::vfs::error::VfsErrorKind;
use ::vfs::{FileSystem, SeekAndRead, SeekAndWrite, VfsFileType, VfsMetadata, VfsResult};

use crate::error::{Error, ErrorKind, Operation, Result};
use crate::lease::Lease;
use crate::metadata::{FileType, Metadata};
use crate::path::VirtualPath;
use crate::table::{Namespace, Table};

use super::errors::{exists_already, vfs_error};
use super::handles::{AppendingHandle, ReplacingHandle, Whole};

/// The files of a table as a file system of the crate [`vfs`](::vfs), for [`VfsPath`](::vfs::VfsPath) and all that is built on it.
///
/// It is a handle: a clone shows the same files, and every operation sees the table as it is. Through a
/// [`Table`] it is one of the table's users, and changes are refused while an exclusive lease is out; through a
/// [`Lease`] it is the lease's holder, and keeps it from ending.
///
/// What is opened for reading is the whole file as it was then, shared with the mount where that is in memory.
/// What [`create_file`](FileSystem::create_file) opens is emptied at once, and given what was written whenever the
/// handle is flushed, and when it is dropped: all of it at a time, so nobody sees a part, and the last to flush wins.
/// Only flushing can tell of an error. What [`append_file`](FileSystem::append_file) opens adds each write at the
/// end of the file, wherever that is then and whatever the position is, as `O_APPEND`: two such handles lose
/// nothing.
///
/// A FIFO, socket or device shows as a file that cannot be opened. A table must not be mounted within itself.
#[derive(Clone)]
pub struct TableFs {
    access: Access,
    root: VirtualPath<'static>,
}

#[derive(Clone)]
enum Access {
    Table(Table),
    Lease(Arc<Lease>),
}

impl TableFs {
    /// All files of `table`.
    pub fn new(table: Table) -> Self {
        Self {
            access: Access::Table(table),
            root: VirtualPath::root(),
        }
    }

    /// All files of the table that `lease` is of, for as long as this or a clone of it exists.
    pub fn leased(lease: impl Into<Arc<Lease>>) -> Self {
        Self {
            access: Access::Lease(lease.into()),
            root: VirtualPath::root(),
        }
    }

    /// The same with the directory at `path` for its root. What is beside it cannot be named, but links of its mount
    /// may lead there: they are the mount's affair.
    ///
    /// # Errors
    ///
    /// A malformed path. What is there is not looked at.
    pub fn below(self, path: &str) -> Result<Self> {
        let root = self.resolve(Operation::Resolve, path)?;
        Ok(Self { root, ..self })
    }

    /// The path in the table of a path in the file system. `..` does not lead out of the root.
    fn resolve(&self, operation: Operation, path: &str) -> Result<VirtualPath<'static>> {
        let refused = |error| Error::from_path(error, operation, path);
        // The root is the empty string here, and `/` is accepted for it.
        let inside = VirtualPath::parse(if path.is_empty() { "/" } else { path }).map_err(refused)?;
        self.root
            .join(inside.as_str().trim_start_matches('/'))
            .map_err(refused)
    }

    pub(super) fn read<T>(
        &self,
        operation: Operation,
        path: &str,
        read: impl FnOnce(&Namespace, &str) -> Result<T>,
    ) -> Result<T> {
        let path = self.resolve(operation, path)?;
        match &self.access {
            Access::Table(table) => read(&table.current(), path.as_str()),
            Access::Lease(lease) => read(lease, path.as_str()),
        }
    }

    pub(super) fn change<T>(
        &self,
        operation: Operation,
        path: &str,
        change: impl FnOnce(&Namespace, &str) -> Result<T>,
    ) -> Result<T> {
        let path = self.resolve(operation, path)?;
        match &self.access {
            Access::Table(table) => table.change(operation, path.as_str(), |namespace| {
                change(namespace, path.as_str())
            }),
            Access::Lease(lease) => change(lease, path.as_str()),
        }
    }

    fn describe(&self, path: &str) -> Result<Metadata> {
        self.read(Operation::Metadata, path, Namespace::metadata)
    }

    fn rename(&self, from: &str, to: &str) -> VfsResult<()> {
        let renamed = self.resolve(Operation::Rename, to).and_then(|to| {
            self.change(Operation::Rename, from, |namespace, from| {
                namespace.rename(from, to.as_str())
            })
        });
        renamed.map_err(|error| match error.kind() {
            // Between two mounts, `VfsPath` then copies.
            ErrorKind::CrossesDevices => VfsErrorKind::NotSupported.into(),
            _ => vfs_error(error),
        })
    }
}

impl FileSystem for TableFs {
    fn read_dir(&self, path: &str) -> VfsResult<Box<dyn Iterator<Item = String> + Send>> {
        let entries = self
            .read(Operation::List, path, Namespace::list)
            .map_err(vfs_error)?;
        Ok(Box::new(entries.into_iter().map(|entry| entry.name.to_string())))
    }

    fn create_dir(&self, path: &str) -> VfsResult<()> {
        self.change(Operation::CreateDir, path, Namespace::create_dir)
            .map_err(|error| match self.describe(path) {
                Ok(there) if error.kind() == ErrorKind::AlreadyExists => exists_already(file_type(&there)),
                _ => vfs_error(error),
            })
    }

    fn open_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndRead + Send>> {
        let contents = self
            .read(Operation::Read, path, Namespace::read)
            .map_err(vfs_error)?;
        Ok(Box::new(Whole::open(contents)))
    }

    fn create_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndWrite + Send>> {
        let handle = ReplacingHandle::open(self.clone(), path).map_err(vfs_error)?;
        Ok(Box::new(handle))
    }

    fn append_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndWrite + Send>> {
        let handle = AppendingHandle::open(self.clone(), path).map_err(vfs_error)?;
        Ok(Box::new(handle))
    }

    fn metadata(&self, path: &str) -> VfsResult<VfsMetadata> {
        let metadata = self.describe(path).map_err(vfs_error)?;
        let file_type = file_type(&metadata);
        Ok(VfsMetadata {
            file_type,
            len: match file_type {
                VfsFileType::Directory => 0,
                VfsFileType::File => metadata.size,
            },
            created: None,
            modified: Some(metadata.modified),
            accessed: Some(metadata.accessed),
        })
    }

    fn exists(&self, path: &str) -> VfsResult<bool> {
        Ok(self.describe(path).is_ok())
    }

    fn remove_file(&self, path: &str) -> VfsResult<()> {
        self.change(Operation::RemoveFile, path, Namespace::remove_file)
            .map_err(vfs_error)
    }

    fn remove_dir(&self, path: &str) -> VfsResult<()> {
        self.change(Operation::RemoveDir, path, Namespace::remove_dir)
            .map_err(vfs_error)
    }

    fn copy_file(&self, from: &str, to: &str) -> VfsResult<()> {
        let contents = self
            .read(Operation::Read, from, Namespace::read)
            .map_err(vfs_error)?;
        self.change(Operation::Write, to, |namespace, to| {
            namespace.write(to, contents.to_vec())
        })
        .map_err(vfs_error)
    }

    fn move_file(&self, from: &str, to: &str) -> VfsResult<()> {
        self.rename(from, to)
    }

    fn move_dir(&self, from: &str, to: &str) -> VfsResult<()> {
        self.rename(from, to)
    }
}

fn file_type(metadata: &Metadata) -> VfsFileType {
    match metadata.file_type {
        FileType::Directory => VfsFileType::Directory,
        FileType::File | FileType::Symlink | FileType::Special => VfsFileType::File,
    }
}

impl From<Table> for TableFs {
    fn from(table: Table) -> Self {
        Self::new(table)
    }
}

impl From<Lease> for TableFs {
    fn from(lease: Lease) -> Self {
        Self::leased(lease)
    }
}

impl fmt::Debug for TableFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableFs")
            .field("root", &self.root.as_str())
            .finish_non_exhaustive()
    }
}
