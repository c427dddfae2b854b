//! Reading the parts of a dump, which may have been written by anybody.

use serde::Deserialize;

use crate::contents::Contents;

/// Why bytes are no dump of a table: what is wrong, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Something in it contradicts itself or the crate's rules.
    Invalid(&'static str),
    /// What it describes would take more memory than is allowed.
    TooLarge,
}

/// Records still to be read, and the contents that they name.
#[derive(Debug)]
pub(crate) struct Unpacker<'b> {
    records: &'b [u8],
    contents: Vec<Contents>,
    /// Bytes of memory that what is read may still take.
    room: u64,
}

impl<'b> Unpacker<'b> {
    /// What is read may take `room` bytes of memory beside the contents.
    pub(crate) fn new(records: &'b [u8], contents: Vec<Contents>, room: u64) -> Self {
        Self {
            records,
            contents,
            room,
        }
    }

    /// The next record.
    pub(crate) fn take<T: Deserialize<'b>>(&mut self) -> Result<T, Malformed> {
        let (record, rest) = postcard::take_from_bytes(self.records)
            .map_err(|_| Malformed::Invalid("a record cannot be read"))?;
        self.records = rest;
        Ok(record)
    }

    /// The contents of this number.
    pub(crate) fn contents(&self, number: u32) -> Result<Contents, Malformed> {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.contents.get(number))
            .cloned()
            .ok_or(Malformed::Invalid("a file names contents that are not there"))
    }

    /// Counts `bytes` of memory that are about to be taken.
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), Malformed> {
        self.room = self.room.checked_sub(bytes).ok_or(Malformed::TooLarge)?;
        Ok(())
    }

    /// Checks that everything was read.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.records.is_empty() {
            Ok(())
        } else {
            Err(Malformed::Invalid("records follow the last one"))
        }
    }
}
