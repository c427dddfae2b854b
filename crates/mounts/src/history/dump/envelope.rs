//! The bytes around a dump, all numbers little-endian:
//!
//! ```text
//! magic            8 bytes
//! version          u32
//! inflated size    u64, of the body
//! packed size      u64, of the chunks
//! checksum         SHA-256 of everything else
//! chunks           inflated size u32, packed size u32, the bytes: as they are where both sizes are equal, else LZ4
//! ```
//!
//! The body is the length of the records (u64) and the records, the number of contents (u32), and for each of them its
//! length (u64) and its bytes. It is inflated chunk by chunk, each into its place: nothing is allocated because a number
//! says so that the bytes at hand could not make true.

use sha2::{Digest, Sha256};

use crate::contents::Contents;
use crate::wire::Malformed;

use super::error::{DumpError, DumpErrorKind};

/// What is inside an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Records and contents.
    Whole,
    /// Records, and what the contents are called.
    Frame,
}

impl Form {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Whole => b"\x89mounts\n",
            Self::Frame => b"\x89mframe\n",
        }
    }
}

const VERSION: u32 = 1;
const CHECKSUM_BYTES: usize = 32;
/// Magic, version and both sizes.
const SIZES_END: usize = 28;
const HEADER_BYTES: usize = SIZES_END + CHECKSUM_BYTES;

/// The inflated size of every chunk but the last.
const CHUNK_BYTES: usize = 256 * 1024;

/// LZ4 makes at most so many bytes of one.
const MAX_RATIO: u64 = 256;

/// What each content is reckoned to cost in memory beside its bytes.
pub(super) const CONTENT_BYTES: u64 = 96;

/// Packs chunks as they fill up.
struct Packing {
    packed: Vec<u8>,
    chunk: Vec<u8>,
    inflated: u64,
}

impl Packing {
    fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
            if self.chunk.len() == CHUNK_BYTES {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        if self.chunk.is_empty() {
            return;
        }
        let smaller = lz4_flex::block::compress(&self.chunk);
        let bytes = if smaller.len() < self.chunk.len() {
            &smaller
        } else {
            &self.chunk
        };
        for length in [self.chunk.len(), bytes.len()] {
            // A chunk is far smaller than four gigabytes.
            self.packed
                .extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        }
        self.packed.extend_from_slice(bytes);
        self.inflated += self.chunk.len() as u64;
        self.chunk.clear();
    }
}

/// The whole dump of these records and contents.
pub(super) fn seal(form: Form, records: &[u8], contents: &[Contents]) -> Vec<u8> {
    let mut packing = Packing {
        packed: vec![0; HEADER_BYTES],
        chunk: Vec::with_capacity(CHUNK_BYTES),
        inflated: 0,
    };
    packing.put(&(records.len() as u64).to_le_bytes());
    packing.put(records);
    packing.put(&u32::try_from(contents.len()).unwrap_or(u32::MAX).to_le_bytes());
    for contents in contents {
        packing.put(&(contents.len() as u64).to_le_bytes());
        contents.segments().for_each(|segment| packing.put(segment));
    }
    packing.flush();
    let Packing {
        packed: mut dump,
        inflated,
        ..
    } = packing;
    let packed = (dump.len() - HEADER_BYTES) as u64;
    let sizes = [
        &form.magic()[..],
        &VERSION.to_le_bytes(),
        &inflated.to_le_bytes(),
        &packed.to_le_bytes(),
    ];
    dump[..SIZES_END].copy_from_slice(&sizes.concat());
    let checksum = checksum(&dump[..SIZES_END], &dump[HEADER_BYTES..]);
    dump[SIZES_END..HEADER_BYTES].copy_from_slice(&checksum);
    dump
}

fn checksum(sizes: &[u8], packed: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hash = Sha256::new();
    hash.update(sizes);
    hash.update(packed);
    hash.finalize().into()
}

/// The records and contents of a dump, which may be at most `limit` bytes together.
pub(super) fn open(form: Form, dump: &[u8], limit: u64) -> Result<(Vec<u8>, Vec<Contents>), DumpError> {
    let magic = form.magic();
    let refused = |kind| Err(DumpError::new(kind));
    let begins = dump.iter().zip(magic).all(|(one, other)| one == other);
    if !begins || dump.is_empty() {
        return refused(DumpErrorKind::NotADump);
    }
    let mut header = Numbers(dump.get(magic.len()..).unwrap_or_default());
    match header.four() {
        Some(VERSION) => {}
        Some(found) => return refused(DumpErrorKind::UnknownVersion { found }),
        None => return refused(DumpErrorKind::Truncated),
    }
    let (Some(inflated), Some(packed)) = (header.eight(), header.eight()) else {
        return refused(DumpErrorKind::Truncated);
    };
    let Some((checked, chunks)) = header.0.split_at_checked(CHECKSUM_BYTES) else {
        return refused(DumpErrorKind::Truncated);
    };
    match (chunks.len() as u64).cmp(&packed) {
        std::cmp::Ordering::Less => return refused(DumpErrorKind::Truncated),
        std::cmp::Ordering::Greater => return refused(DumpErrorKind::TrailingBytes),
        std::cmp::Ordering::Equal => {}
    }
    if checksum(&dump[..SIZES_END], chunks) != checked {
        return refused(DumpErrorKind::Damaged);
    }
    if inflated > limit {
        return refused(DumpErrorKind::TooLarge { limit });
    }
    if inflated > packed.saturating_mul(MAX_RATIO) {
        return refused(DumpErrorKind::Malformed("it cannot be as large as it says"));
    }
    let inflating = Inflating {
        chunks: Numbers(chunks),
        chunk: Vec::new(),
        taken: 0,
        left: inflated,
    };
    inflating
        .body(limit)
        .map_err(|malformed| DumpError::malformed(malformed, limit))
}

/// Bytes still to be read.
struct Numbers<'b>(&'b [u8]);

impl<'b> Numbers<'b> {
    fn four(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*bytes))
    }

    fn eight(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*bytes))
    }

    fn bytes(&mut self, length: usize) -> Option<&'b [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}

/// A body being inflated.
struct Inflating<'b> {
    chunks: Numbers<'b>,
    /// The chunk at hand, and how much of it was taken.
    chunk: Vec<u8>,
    taken: usize,
    /// Bytes of the body that were not taken yet.
    left: u64,
}

impl Inflating<'_> {
    fn body(mut self, limit: u64) -> Result<(Vec<u8>, Vec<Contents>), Malformed> {
        let length = self.eight()?;
        let records = self.take(length)?;
        let count = self.take(4)?;
        let count = count.try_into().map_or(0, u32::from_le_bytes);
        if u64::from(count) * CONTENT_BYTES > limit {
            return Err(Malformed::TooLarge);
        }
        let mut contents = Vec::new();
        for _ in 0..count {
            let length = self.eight()?;
            contents.push(Contents::from(self.take(length)?));
        }
        if self.left > 0 || !self.chunks.0.is_empty() {
            return Err(Malformed::Invalid("something follows the contents"));
        }
        Ok((records, contents))
    }

    fn eight(&mut self) -> Result<u64, Malformed> {
        let bytes = self.take(8)?;
        Ok(bytes.try_into().map_or(0, u64::from_le_bytes))
    }

    /// The next bytes of the body.
    fn take(&mut self, length: u64) -> Result<Vec<u8>, Malformed> {
        const SHORT: Malformed = Malformed::Invalid("a length is more than there is");
        self.left = self.left.checked_sub(length).ok_or(SHORT)?;
        let length = usize::try_from(length).map_err(|_| SHORT)?;
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            if self.taken == self.chunk.len() {
                self.inflate()?;
            }
            let there = self.chunk.get(self.taken..).unwrap_or_default();
            let now = there.len().min(length - bytes.len());
            bytes.extend_from_slice(&there[..now]);
            self.taken += now;
        }
        Ok(bytes)
    }

    fn inflate(&mut self) -> Result<(), Malformed> {
        const WRONG: Malformed = Malformed::Invalid("a chunk cannot be inflated");
        let (Some(inflated), Some(packed)) = (self.chunks.four(), self.chunks.four()) else {
            return Err(WRONG);
        };
        let size = |size: u32| usize::try_from(size).map_err(|_| WRONG);
        let (inflated, packed) = (size(inflated)?, size(packed)?);
        let bytes = self.chunks.bytes(packed).ok_or(WRONG)?;
        let is_last = self.chunks.0.is_empty();
        if inflated == 0 || inflated > CHUNK_BYTES || (inflated < CHUNK_BYTES && !is_last) {
            return Err(WRONG);
        }
        self.chunk.clear();
        self.taken = 0;
        if packed == inflated {
            self.chunk.extend_from_slice(bytes);
            return Ok(());
        }
        self.chunk.resize(inflated, 0);
        match lz4_flex::block::decompress_into(bytes, &mut self.chunk) {
            Ok(length) if length == inflated => Ok(()),
            _ => Err(WRONG),
        }
    }
}
