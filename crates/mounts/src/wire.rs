//! The parts of a dump, as bytes: records one after the other, and contents, each distinct one once.
//!
//! A recursive record per tree would be the obvious form, and would let whoever wrote the bytes decide how deep the
//! reader recurses. Here every tree is flat: a directory says how many entries follow, and whoever reads keeps a stack
//! of its own. Records have types of their own, apart from what is kept in memory, so that the form of a dump does not
//! move when the latter does.
//!
//! ```text
//! wire.rs          what both sides agree on
//! wire/packer      writing
//! wire/unpacker    reading what may have been written by anybody
//! wire/records     what memory trees and upper layers have in common
//! ```
//!
//! Backends write and read themselves ([`Pack`]). What is around that, and what lies over what, is `history/dump`.

mod packer;
mod records;
mod unpacker;

use std::fmt;

use crate::backend::Reader;
use crate::nesting::MAX_LEVELS;

pub(crate) use packer::Packer;
pub(crate) use records::{Counters, FREE_INODES, Instant, mode, name, path, size};
pub(crate) use unpacker::{Malformed, Unpacker};

/// How deep directories, or what was hidden in them, may lie in one another, the root included.
pub(crate) const MAX_DEPTH: usize = MAX_LEVELS + 1;

/// A backend that can write its whole state.
pub(crate) trait Pack: fmt::Debug {
    fn shape(&self) -> Shape;

    /// What it lies over or is made of, and where that is for whoever sees this at `/`.
    fn below(&self) -> Vec<(&str, &dyn Reader)>;

    /// Writes what it has of its own, where the dump has what is below under these numbers.
    ///
    /// # Errors
    ///
    /// [`TooDeep`].
    fn pack(&self, below: &[u32], packer: &mut Packer) -> Result<(), TooDeep>;
}

/// How a backend is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A tree in memory.
    Tree,
    /// An upper layer.
    Layer,
    /// The mounts of a table.
    Table,
}

/// Directories lie more than [`MAX_DEPTH`] deep in one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooDeep;

/// The whole state of a backend of this crate, for [`Table::dump`](crate::Table::dump).
///
/// It is what [`Reader::portable`] answers. Nobody else can make one; a backend that shows exactly what another one
/// shows may pass on that one's.
#[derive(Debug, Clone, Copy)]
pub struct Portable<'a>(&'a dyn Pack);

impl<'a> Portable<'a> {
    pub(crate) fn new(backend: &'a dyn Pack) -> Self {
        Self(backend)
    }

    pub(crate) fn backend(self) -> &'a dyn Pack {
        self.0
    }

    /// What tells one backend from another while both exist.
    pub(crate) fn address(self) -> *const () {
        std::ptr::from_ref(self.0).cast()
    }
}
