//! A dump taken apart and put together again, for those who change what is behind its checksum.

#![allow(dead_code, reason = "each of those who include it uses its own part")]

use sha2::{Digest, Sha256};

const SIZES_END: usize = 28;
const HEADER_BYTES: usize = 60;

/// The body of a dump, inflated.
pub(crate) fn body(dump: &[u8]) -> Vec<u8> {
    let mut chunks = &dump[HEADER_BYTES..];
    let mut body = Vec::new();
    while !chunks.is_empty() {
        let number = |at: usize| u32::from_le_bytes(chunks[at..at + 4].try_into().unwrap()) as usize;
        let (inflated, packed) = (number(0), number(4));
        let bytes = &chunks[8..8 + packed];
        if inflated == packed {
            body.extend_from_slice(bytes);
        } else {
            body.extend(lz4_flex::block::decompress(bytes, inflated).unwrap());
        }
        chunks = &chunks[8 + packed..];
    }
    body
}

/// A dump of a body, as it is written.
pub(crate) fn dump(body: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    for chunk in body.chunks(256 * 1024) {
        let length = u32::try_from(chunk.len()).unwrap().to_le_bytes();
        chunks.extend_from_slice(&length);
        chunks.extend_from_slice(&length);
        chunks.extend_from_slice(chunk);
    }
    sealed(1, body.len() as u64, &chunks)
}

/// A dump of these chunks, which claims to have this version and to inflate to so many bytes. Its checksum is right.
pub(crate) fn sealed(version: u32, inflated: u64, chunks: &[u8]) -> Vec<u8> {
    let mut dump = b"\x89mounts\n".to_vec();
    dump.extend_from_slice(&version.to_le_bytes());
    dump.extend_from_slice(&inflated.to_le_bytes());
    dump.extend_from_slice(&(chunks.len() as u64).to_le_bytes());
    let checksum = Sha256::new()
        .chain_update(&dump[..SIZES_END])
        .chain_update(chunks);
    dump.extend_from_slice(&checksum.finalize());
    dump.extend_from_slice(chunks);
    dump
}
