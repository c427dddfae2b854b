//! Writing the parts of a dump.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use serde::Serialize;

use crate::contents::Contents;

/// Records as bytes, and the contents that they name by number.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    records: Vec<u8>,
    contents: Vec<Contents>,
    /// The number of each distinct content. Hashed with a key of its own: scripts choose what is hashed.
    numbers: HashMap<Bytes, u32>,
}

/// Contents as a key: equal bytes are equal keys, however they lie in memory.
#[derive(Debug, PartialEq, Eq)]
struct Bytes(Contents);

impl Hash for Bytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for segment in self.0.segments() {
            state.write(segment);
        }
    }
}

impl Packer {
    /// Adds a record.
    pub(crate) fn put(&mut self, record: &impl Serialize) {
        let records = std::mem::take(&mut self.records);
        // The records of this crate have no form that could not be written, and a vector takes every byte.
        self.records = postcard::to_extend(record, records).unwrap_or_default();
    }

    /// The number of `contents`, which the dump will have once.
    pub(crate) fn contents(&mut self, contents: &Contents) -> u32 {
        let next = u32::try_from(self.contents.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(Bytes(contents.clone())).or_insert_with(|| {
            self.contents.push(contents.clone());
            next
        })
    }

    /// The records, and the contents in the order of their numbers.
    pub(crate) fn finish(self) -> (Vec<u8>, Vec<Contents>) {
        (self.records, self.contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_have_one_number_however_they_lie_in_memory() {
        let mut rope = Contents::from(vec![7; 100_000]);
        let kept = rope.clone();
        rope.append(&[7; 1000]);
        assert!(rope.segments().count() > 1);
        let mut packer = Packer::default();
        let numbers = [
            packer.contents(&rope),
            packer.contents(&Contents::from(vec![7; 101_000])),
            packer.contents(&kept),
            packer.contents(&rope),
        ];
        assert_eq!(numbers, [0, 0, 1, 0]);
    }
}
