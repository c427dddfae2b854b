//! A file system of `vfs` that tells lies and fails when it is told to, over its memory.

use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use vfs::error::VfsErrorKind;
use vfs::{FileSystem, MemoryFS, SeekAndRead, SeekAndWrite, VfsMetadata, VfsResult};

/// What is wrong with a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Files take no more than so many bytes each, and keep those.
    FullAfter(usize),
    /// A file of this name cannot be created.
    NoFile(&'static str),
    /// Files have this length, it says.
    Length(u64),
    /// What is missing is told in words of its own.
    OwnWords,
    /// Its listings have these names as well, of which it describes all but `missing`.
    Names(&'static [&'static str]),
    /// Entries of this name cannot be described.
    Undescribed(&'static str),
}

/// A handle on the file system: clones share files and faults.
#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    files: Arc<MemoryFS>,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Faulty {
    pub(crate) fn new() -> Self {
        Self {
            files: Arc::new(MemoryFS::new()),
            fault: Arc::default(),
        }
    }

    /// From now on this is wrong with it, or nothing.
    pub(crate) fn set(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock() = fault.into();
    }

    fn fault(&self) -> Option<Fault> {
        *self.fault.lock()
    }

    fn writable(&self, handle: Box<dyn SeekAndWrite + Send>) -> Box<dyn SeekAndWrite + Send> {
        match self.fault() {
            Some(Fault::FullAfter(left)) => Box::new(Filling { handle, left }),
            _ => handle,
        }
    }
}

struct Filling {
    handle: Box<dyn SeekAndWrite + Send>,
    left: usize,
}

impl Write for Filling {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.left == 0 && !data.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = self.handle.write(&data[..data.len().min(self.left)])?;
        self.left -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.handle.flush()
    }
}

impl Seek for Filling {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.handle.seek(to)
    }
}

impl FileSystem for Faulty {
    fn read_dir(&self, path: &str) -> VfsResult<Box<dyn Iterator<Item = String> + Send>> {
        let more: &[&str] = match self.fault() {
            Some(Fault::Names(names)) => names,
            _ => &[],
        };
        let names = self.files.read_dir(path)?;
        Ok(Box::new(names.chain(more.iter().map(|name| (*name).to_owned()))))
    }

    fn create_dir(&self, path: &str) -> VfsResult<()> {
        self.files.create_dir(path)
    }

    fn open_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndRead + Send>> {
        self.files.open_file(path)
    }

    fn create_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndWrite + Send>> {
        match self.fault() {
            Some(Fault::NoFile(name)) if path.ends_with(name) => {
                Err(io::Error::from(io::ErrorKind::PermissionDenied).into())
            }
            _ => Ok(self.writable(self.files.create_file(path)?)),
        }
    }

    fn append_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndWrite + Send>> {
        Ok(self.writable(self.files.append_file(path)?))
    }

    fn metadata(&self, path: &str) -> VfsResult<VfsMetadata> {
        let metadata = self.files.metadata(path);
        match self.fault() {
            Some(Fault::Length(len)) => metadata.map(|metadata| VfsMetadata { len, ..metadata }),
            Some(Fault::OwnWords) => {
                metadata.map_err(|_| VfsErrorKind::Other("there is no such thing".into()).into())
            }
            Some(Fault::Names(_)) if !path.ends_with("missing") => {
                metadata.or_else(|_| self.files.metadata(""))
            }
            Some(Fault::Undescribed(name)) if path.ends_with(name) => {
                Err(VfsErrorKind::Other("no words for it".into()).into())
            }
            _ => metadata,
        }
    }

    fn exists(&self, path: &str) -> VfsResult<bool> {
        self.files.exists(path)
    }

    fn remove_file(&self, path: &str) -> VfsResult<()> {
        self.files.remove_file(path)
    }

    fn remove_dir(&self, path: &str) -> VfsResult<()> {
        self.files.remove_dir(path)
    }
}
