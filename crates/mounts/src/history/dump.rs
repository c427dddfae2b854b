//! A table as bytes, and a table from bytes.
//!
//! ```text
//! history/dump            Table::dump, Table::load
//! history/dump/parts      the same with contents apart, for whoever has most of them
//! history/dump/envelope   the bytes around: version, checksum, compression
//! history/dump/table      mounts and what they hold, as records
//! history/dump/load       from those records to a table
//! history/dump/options    what whoever loads a dump decides
//! history/dump/error      why bytes are no table
//! ```
//!
//! What a memory tree and an upper layer look like is their own business: see `wire`.

mod envelope;
mod error;
mod load;
mod options;
mod parts;
mod table;

use crate::table::{Namespace, Table};
use crate::wire::Packer;

use super::Snapshot;

use envelope::Form;

pub use error::{DumpError, DumpErrorKind};
pub use options::{LoadOptions, OnDrift};
pub use parts::{Digest, DumpParts};

/// # As bytes
impl Table {
    /// The present state as bytes; see [`Snapshot::dump`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn dump(&self) -> Result<Vec<u8>, DumpError> {
        self.snapshot().dump()
    }

    /// The table that [`dump`](Self::dump) made `bytes` of.
    ///
    /// It is as if its mounts had just been mounted: nobody has a lease or observes it, and
    /// [`changes`](Self::changes) compares memory with how it came, and an overlay with its lower layer. Files, times,
    /// modes, inode and device numbers, limits, rules, and what was written so far are what they were.
    ///
    /// The bytes may come from anybody. What they describe is checked like everything that comes from outside: sizes
    /// before anything is inflated, then the checksum, then names, order, numbers and counters. A table from bytes that
    /// somebody made with care is a table like any other, under the limits and rules that *they* say: whoever does not
    /// trust them looks at [`list_mounts`](Self::list_mounts) first.
    ///
    /// # Errors
    ///
    /// [`DumpError`], and no table: the bytes are none of a dump, or of a later version of it, or damaged; they are
    /// larger than [`LoadOptions::with_max_size`] allows; a host directory is missing; the host has changed what an
    /// overlay owns.
    pub fn load(bytes: &[u8], options: LoadOptions) -> Result<Self, DumpError> {
        let room = options.max_size;
        let (records, contents) = envelope::open(Form::Whole, bytes, room)?;
        load::read(&records, contents, options).map(Self::of)
    }
}

/// # As bytes
impl Namespace {
    /// The present state as bytes; see [`Snapshot::dump`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn dump(&self) -> Result<Vec<u8>, DumpError> {
        self.snapshot().dump()
    }
}

impl Snapshot {
    /// The state as bytes: every mount with its trees, whiteouts, limits, rules and counters; each distinct content
    /// once, compressed, with a checksum. Equal states give equal bytes.
    ///
    /// Host directories are not in it. Of an overlay over one it holds what the overlay changed; whoever loads it
    /// provides the directory. Other lower layers, and backends of this crate mounted by themselves, are in it, shared
    /// where they were shared.
    ///
    /// ```
    /// use mounts::history::LoadOptions;
    /// use mounts::{HostDirectory, Mount, Table};
    ///
    /// let project = tempfile::tempdir()?;
    /// std::fs::write(project.path().join("main.py"), "print(1)\n")?;
    /// let table = Table::new();
    /// table.mount("/project", Mount::overlay(HostDirectory::open(project.path())?))?;
    /// table.append("/project/main.py", b"print(2)\n")?;
    ///
    /// let bytes = table.dump()?;
    /// let options = LoadOptions::new().with_host("/project", HostDirectory::open(project.path())?);
    /// let loaded = Table::load(&bytes, options)?;
    /// assert_eq!(loaded.read("/project/main.py")?.to_vec(), b"print(1)\nprint(2)\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DumpErrorKind::NotPortable`] for a mount with a backend, or over one, that is neither of this crate nor a host
    /// directory; [`DumpErrorKind::TooDeep`].
    pub fn dump(&self) -> Result<Vec<u8>, DumpError> {
        let mut packer = Packer::default();
        table::write(self, &mut packer)?;
        let (records, contents) = packer.finish();
        Ok(envelope::seal(Form::Whole, &records, &contents))
    }
}
