//! How deep directories lie in one another.
//!
//! What is created is created by its path, and no path is deeper than [`MAX_COMPONENTS`]. But a directory that is
//! renamed takes along what is in it: renamed into another one again and again, directories would come to lie so deep
//! that whatever walks a tree, or frees it, runs out of stack. So each directory knows a number of levels that it has
//! at most below it, and a rename that would make a tree too deep is refused. Only renames of directories raise the
//! number, along one path; that it may be too large costs a count before a refusal, and nothing else.

use crate::path::{MAX_COMPONENTS, RelativePath};

/// How many directories may lie in one another below the root of a mount.
pub(crate) const MAX_LEVELS: usize = 256;

/// At least the number of levels of directories below a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Levels(usize);

impl Levels {
    /// So many levels, as they were counted.
    pub(crate) fn counted(levels: usize) -> Self {
        Self(levels)
    }

    /// Those of the directory that has a directory with these so many levels below it.
    pub(crate) fn above(self, levels: usize) -> Self {
        Self(self.most() + levels)
    }

    /// Those of the directory right above, where these were counted.
    pub(crate) fn counted_above(self) -> Self {
        Self(self.0 + 1)
    }

    /// Whether a directory with these can be at `path`.
    pub(crate) fn fit_at(self, path: RelativePath<'_>) -> bool {
        path.components().count() + self.most() <= MAX_LEVELS
    }

    /// What was created below a directory is not deeper than a path.
    fn most(self) -> usize {
        self.0.max(MAX_COMPONENTS)
    }
}
