//! A dump in parts: a frame, and each distinct content by its digest.
//!
//! Whoever keeps dumps of one table again and again has most contents already. A frame is a dump in which the contents
//! are only named: its envelope has a magic of its own, and the one content in it is the list of digests and lengths.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::contents::Contents;
use crate::table::Table;
use crate::wire::Packer;

use super::super::Snapshot;
use super::envelope::{self, Form};
use super::error::{DumpError, DumpErrorKind};
use super::options::LoadOptions;
use super::{load, table};

const DIGEST_BYTES: usize = 32;
/// A digest and a length.
const ENTRY_BYTES: usize = DIGEST_BYTES + 8;

/// The SHA-256 of contents: their name in a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; DIGEST_BYTES]);

impl Digest {
    /// That of `contents`.
    pub fn of(contents: &Contents) -> Self {
        let mut hash = Sha256::new();
        contents.segments().for_each(|segment| hash.update(segment));
        Self(hash.finalize().into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; DIGEST_BYTES] {
        &self.0
    }
}

impl From<[u8; DIGEST_BYTES]> for Digest {
    fn from(bytes: [u8; DIGEST_BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A dump in parts, from [`Snapshot::dump_parts`].
#[derive(Debug)]
pub struct DumpParts {
    /// Everything but the contents, compressed, with a checksum.
    pub frame: Vec<u8>,
    /// The contents that the frame names, each once.
    pub contents: Vec<(Digest, Contents)>,
}

/// # As bytes
impl Snapshot {
    /// The state as [`dump`](Self::dump) has it, with the contents apart: whoever has some of them already need not keep
    /// them again. Nothing is copied for it.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use mounts::history::LoadOptions;
    /// use mounts::{Mount, Table};
    ///
    /// let table = Table::new();
    /// table.mount("/work", Mount::memory().with_files([("/a", "one"), ("/b", "two")])?)?;
    /// let mut kept: HashMap<_, _> = table.snapshot().dump_parts()?.contents.into_iter().collect();
    ///
    /// table.write("/work/b", "three")?;
    /// let parts = table.snapshot().dump_parts()?;
    /// let new = parts.contents.into_iter().filter(|(digest, _)| !kept.contains_key(digest));
    /// let new: Vec<_> = new.collect();
    /// assert_eq!(new.len(), 1);
    /// kept.extend(new);
    ///
    /// let loaded = Table::load_parts(&parts.frame, |digest| kept.get(digest).cloned(), LoadOptions::new())?;
    /// assert_eq!(loaded.read("/work/a")?, *b"one");
    /// assert_eq!(loaded.read("/work/b")?, *b"three");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`dump`](Self::dump).
    pub fn dump_parts(&self) -> Result<DumpParts, DumpError> {
        let mut packer = Packer::default();
        table::write(self, &mut packer)?;
        let (records, contents) = packer.finish();
        let contents: Vec<_> = contents
            .into_iter()
            .map(|contents| (Digest::of(&contents), contents))
            .collect();
        let mut names = Vec::with_capacity(contents.len() * ENTRY_BYTES);
        for (digest, contents) in &contents {
            names.extend_from_slice(digest.as_bytes());
            names.extend_from_slice(&(contents.len() as u64).to_le_bytes());
        }
        Ok(DumpParts {
            frame: envelope::seal(Form::Frame, &records, &[Contents::from(names)]),
            contents,
        })
    }
}

/// # As bytes
impl Table {
    /// The table that [`dump_parts`](Snapshot::dump_parts) made `frame` of, with the contents that `provide` has; see
    /// [`load`](Self::load). What is provided need not be trusted: it must have the digest it was asked for by.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load); [`DumpErrorKind::ContentsMissing`] when `provide` has none,
    /// [`DumpErrorKind::Damaged`] when it has others. Frame and contents together may have as many bytes as
    /// [`LoadOptions::with_max_size`] allows.
    pub fn load_parts(
        frame: &[u8],
        mut provide: impl FnMut(&Digest) -> Option<Contents>,
        options: LoadOptions,
    ) -> Result<Self, DumpError> {
        const WRONG: DumpErrorKind = DumpErrorKind::Malformed("the frame does not name its contents");
        let limit = options.max_size;
        let (records, names) = envelope::open(Form::Frame, frame, limit)?;
        let [names] = names.as_slice() else {
            return Err(DumpError::new(WRONG));
        };
        let names = names.as_contiguous();
        let (names, rest) = names.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() {
            return Err(DumpError::new(WRONG));
        }
        let mut room = limit.saturating_sub(records.len() as u64);
        let mut contents = Vec::new();
        for name in names {
            let (digest, length) = name.split_at(DIGEST_BYTES);
            let digest = digest.try_into().map_or(Digest([0; DIGEST_BYTES]), Digest);
            let length = length.try_into().map_or(u64::MAX, u64::from_le_bytes);
            let cost = length.saturating_add(envelope::CONTENT_BYTES);
            room = room
                .checked_sub(cost)
                .ok_or(DumpError::new(DumpErrorKind::TooLarge { limit }))?;
            let provided = provide(&digest).ok_or_else(|| DumpError::new(DumpErrorKind::ContentsMissing))?;
            if provided.len() as u64 != length || Digest::of(&provided) != digest {
                return Err(DumpError::new(DumpErrorKind::Damaged));
            }
            contents.push(provided);
        }
        load::read(&records, contents, options).map(Self::of)
    }
}
