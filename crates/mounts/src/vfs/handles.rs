//! What a table's files are read and written through as files of `vfs`.
//!
//! A table knows whole files and appending, so a handle holds what was read, or what is to be written.

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use crate::backend::OpenMode;
use crate::contents::Contents;
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::table::Namespace;

use super::errors::io_error;
use super::file_system::TableFs;

/// A file as it was when it was opened.
pub(super) type ReadingHandle = Cursor<Whole>;

/// The bytes of a file as one slice, shared with whoever has them where they lie so.
pub(super) struct Whole(Contents);

impl Whole {
    pub(super) fn open(contents: Contents) -> ReadingHandle {
        let in_one_piece = contents.segments().nth(1).is_none();
        Cursor::new(Self(if in_one_piece {
            contents
        } else {
            contents.to_vec().into()
        }))
    }
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        self.0.segments().next().unwrap_or_default()
    }
}

/// Where a seek leads in a file of so many bytes.
fn sought(to: SeekFrom, position: u64, length: u64) -> io::Result<u64> {
    let reached = match to {
        SeekFrom::Start(position) => Some(position),
        SeekFrom::Current(distance) => position.checked_add_signed(distance),
        SeekFrom::End(distance) => length.checked_add_signed(distance),
    };
    reached.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// A file that is given new contents: those that were written when it is flushed, or dropped.
pub(super) struct ReplacingHandle {
    files: TableFs,
    path: String,
    contents: Vec<u8>,
    position: u64,
    /// Whether there is something that the file does not have yet.
    pending: bool,
    /// The most bytes that the mount could keep, and the limit which says so. More is not collected here only to be
    /// refused there: a position far behind the end would make zeros of all the memory there is.
    room: Option<(u64, u64)>,
}

impl ReplacingHandle {
    /// Creates or empties the file.
    pub(super) fn open(files: TableFs, path: &str) -> Result<Self> {
        files.change(Operation::Open, path, |namespace, path| {
            namespace.open_for_write(path, OpenMode::Truncate)
        })?;
        let room = files.read(Operation::Open, path, |namespace, path| {
            Ok(namespace.room_for_answer(path))
        })?;
        Ok(Self {
            files,
            path: path.to_owned(),
            contents: Vec::new(),
            position: 0,
            pending: false,
            room,
        })
    }

    /// Makes room for the bytes up to `end`, and zeros of those between the contents and the position.
    fn extend_to(&mut self, start: usize, end: usize) -> Result<()> {
        let refused = |kind| Error::new(kind, Operation::Write, &self.path);
        if let Some((room, limit)) = self.room
            && end as u64 > room
        {
            return Err(refused(ErrorKind::MemoryLimit { limit }));
        }
        self.contents
            .try_reserve(end.saturating_sub(self.contents.len()))
            .map_err(|_| refused(ErrorKind::FileTooLarge))?;
        if self.contents.len() < start {
            self.contents.resize(start, 0);
        }
        Ok(())
    }

    fn commit(&mut self, data: &mut Vec<u8>) -> Result<()> {
        self.files
            .change(Operation::Write, &self.path, |namespace, path| {
                namespace.write_from(path, data)
            })?;
        self.pending = false;
        Ok(())
    }
}

impl Write for ReplacingHandle {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        let bounds = usize::try_from(self.position)
            .ok()
            .and_then(|start| Some((start, start.checked_add(data.len())?)));
        let Some((start, end)) = bounds else {
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.extend_to(start, end).map_err(io_error)?;
        // What lies over the old end is appended, what lies before it replaced.
        let over = (self.contents.len() - start).min(data.len());
        self.contents[start..start + over].copy_from_slice(&data[..over]);
        self.contents.extend_from_slice(&data[over..]);
        self.position = end as u64;
        self.pending = true;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.pending {
            let mut data = self.contents.clone();
            self.commit(&mut data).map_err(io_error)?;
        }
        Ok(())
    }
}

impl Seek for ReplacingHandle {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = sought(to, self.position, self.contents.len() as u64)?;
        Ok(self.position)
    }
}

impl Drop for ReplacingHandle {
    fn drop(&mut self) {
        if self.pending {
            let mut data = std::mem::take(&mut self.contents);
            // Nobody is left to be told: whoever wants to know flushes first.
            let _ = self.commit(&mut data);
        }
    }
}

/// A file to which each write is added, wherever its end is by then.
pub(super) struct AppendingHandle {
    files: TableFs,
    path: String,
    /// `None` is the end of the file. It matters to those who ask for it only.
    position: Option<u64>,
}

impl AppendingHandle {
    /// Opens a file that exists and may be written.
    pub(super) fn open(files: TableFs, path: &str) -> Result<Self> {
        files.change(Operation::Open, path, |namespace, path| {
            namespace.open(path)?;
            namespace.open_for_write(path, OpenMode::Append)
        })?;
        Ok(Self {
            files,
            path: path.to_owned(),
            position: None,
        })
    }
}

impl Write for AppendingHandle {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.files
            .change(Operation::Append, &self.path, |namespace, path| {
                namespace.append(path, data)
            })
            .map_err(io_error)?;
        self.position = None;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for AppendingHandle {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let metadata = self
            .files
            .read(Operation::Metadata, &self.path, Namespace::metadata);
        let length = metadata.map_err(io_error)?.size;
        let reached = sought(to, self.position.unwrap_or(length), length)?;
        self.position = Some(reached);
        Ok(reached)
    }
}
