//! From a directory to an archive.

use std::io;
use std::time::SystemTime;

use tar::{Builder, EntryType, Header};

use crate::error::{Error, ErrorKind};
use crate::metadata::{FileType, Metadata};
use crate::table::{Namespace, Table};

use super::super::Snapshot;
use super::TarLimits;
use super::error::{TarError, TarErrorKind};

/// A directory as a tar archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TarExport {
    /// The archive.
    pub bytes: Vec<u8>,
    /// The virtual paths of what is not in it: what the rules deny, links to directories or to nothing, special files.
    pub left_out: Vec<String>,
}

/// # Archives
impl Table {
    /// What is at `path`, as a tar archive; see [`Snapshot::export_tar`].
    pub fn export_tar(&self, path: &str, limits: &TarLimits) -> Result<TarExport, TarError> {
        self.snapshot().export_tar(path, limits)
    }
}

/// # Archives
impl Namespace {
    /// What is at `path`, as a tar archive; see [`Snapshot::export_tar`].
    pub fn export_tar(&self, path: &str, limits: &TarLimits) -> Result<TarExport, TarError> {
        self.snapshot().export_tar(path, limits)
    }
}

impl Snapshot {
    /// What was at `path`, as a tar archive: of a directory everything in it, mounts below it included, and of a file
    /// that file.
    ///
    /// It holds what a script could read. What rules hide is not in it; neither is what they deny, nor a link to a
    /// directory, nor what is neither file, directory nor link, and those are named in
    /// [`left_out`](TarExport::left_out). A link to a file is exported as the file that it leads to.
    ///
    /// Equal trees give equal archives: entries are sorted by name, each directory before what is in it; owner and group
    /// are 0; permissions are kept, and times of modification to the second, those before 1970 as its beginning. Long
    /// names are written as GNU tar writes them.
    ///
    /// ```
    /// use mounts::history::TarLimits;
    /// use mounts::{Mount, Table};
    ///
    /// let table = Table::new();
    /// table.mount("/work", Mount::memory().with_files([("/src/main.py", "print(1)\n")])?)?;
    /// let export = table.export_tar("/work", &TarLimits::default())?;
    ///
    /// table.mount("/copy", Mount::memory())?;
    /// table.import_tar("/copy", &export.bytes, &TarLimits::default())?;
    /// assert_eq!(table.read("/copy/src/main.py")?, *b"print(1)\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TarErrorKind::Refused`] when `path` cannot be read, or a file below it for another reason than its rules;
    /// [`TarErrorKind::TooLarge`] and [`TarErrorKind::TooManyEntries`].
    pub fn export_tar(&self, path: &str, limits: &TarLimits) -> Result<TarExport, TarError> {
        let namespace = self.namespace();
        let mut writing = Writing {
            namespace,
            builder: Builder::new(Vec::new()),
            left_out: Vec::new(),
            size_left: limits.max_size,
            entries_left: limits.max_entries,
            limits,
        };
        let found = namespace.metadata(path).map_err(TarError::refused)?;
        let path = path.trim_end_matches('/');
        if found.file_type == FileType::Directory {
            writing.directory(path, "")?;
        } else {
            let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
            writing.file(path, name, &found)?;
        }
        let Writing {
            builder, left_out, ..
        } = writing;
        let bytes = builder.into_inner().map_err(|error| unwritten(&error, ""))?;
        Ok(TarExport { bytes, left_out })
    }
}

/// An archive being written.
struct Writing<'n> {
    namespace: &'n Namespace,
    builder: Builder<Vec<u8>>,
    left_out: Vec<String>,
    size_left: u64,
    entries_left: u64,
    limits: &'n TarLimits,
}

impl Writing<'_> {
    /// Adds what is in the directory at `path`, which the archive calls `name`.
    fn directory(&mut self, path: &str, name: &str) -> Result<(), TarError> {
        let listed = self
            .namespace
            .list(&format!("{path}/"))
            .map_err(TarError::refused)?;
        for entry in listed {
            let path = format!("{path}/{}", entry.name);
            let name = format!("{name}{}", entry.name);
            match self.namespace.metadata(&path) {
                Ok(found) if entry.file_type == FileType::Directory => {
                    let name = format!("{name}/");
                    self.put(&path, &name, &found, &[])?;
                    match self.directory(&path, &name) {
                        Err(error) if is_denied(&error) => self.left_out.push(path),
                        done => done?,
                    }
                }
                // A link to a directory is no file.
                Ok(found) if found.file_type == FileType::File => self.file(&path, &name, &found)?,
                Ok(_) => self.left_out.push(path),
                Err(error) if is_passed_over(error.kind()) => self.left_out.push(path),
                Err(error) => return Err(TarError::refused(error)),
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &str, name: &str, found: &Metadata) -> Result<(), TarError> {
        // Asked before it is read: what would be too much is not read at all.
        if found.size > self.size_left {
            let limit = self.limits.max_size;
            return Err(TarError::new(TarErrorKind::TooLarge { limit }, path));
        }
        match self.namespace.read(path) {
            Ok(contents) => self.put(path, name, found, &contents.as_contiguous()),
            Err(error) if is_passed_over(error.kind()) => {
                self.left_out.push(path.to_owned());
                Ok(())
            }
            Err(error) => Err(TarError::refused(error)),
        }
    }

    fn put(&mut self, path: &str, name: &str, found: &Metadata, bytes: &[u8]) -> Result<(), TarError> {
        let limits = self.limits;
        let refused = |kind| TarError::new(kind, path);
        let too_large = || {
            refused(TarErrorKind::TooLarge {
                limit: limits.max_size,
            })
        };
        let limit = limits.max_entries;
        let too_many = || refused(TarErrorKind::TooManyEntries { limit });
        self.size_left = self
            .size_left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(too_large)?;
        self.entries_left = self.entries_left.checked_sub(1).ok_or_else(too_many)?;
        let mut header = Header::new_gnu();
        header.set_entry_type(match found.file_type {
            FileType::Directory => EntryType::Directory,
            _ => EntryType::Regular,
        });
        header.set_mode(found.mode);
        header.set_size(bytes.len() as u64);
        let since = found.modified.duration_since(SystemTime::UNIX_EPOCH);
        header.set_mtime(since.map_or(0, |since| since.as_secs()));
        self.builder
            .append_data(&mut header, name, bytes)
            .map_err(|error| unwritten(&error, path))
    }
}

/// Whether an entry that answers this is not in the archive, rather than in its way.
fn is_passed_over(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::PermissionDenied
            | ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::TooManyLinks
    )
}

fn is_denied(error: &TarError) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<Error>())
        .is_some_and(|source| source.kind() == ErrorKind::PermissionDenied)
}

/// Writing to memory does not fail: the name is one that no archive can have.
fn unwritten(_: &io::Error, path: &str) -> TarError {
    TarError::new(TarErrorKind::InvalidName, path)
}
