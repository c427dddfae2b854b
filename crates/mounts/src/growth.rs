//! What a mount of files that are kept elsewhere holds: what has been added through the mount, less what was removed.
//!
//! Counting what was there before would mean reading all of it when it is mounted. So it is not counted, and
//! removing it frees no room: as with any directory that is written through.

use crate::backend::Answer;
use crate::quota::{Admission, Change, Held};

/// Bytes and entries added, less those removed; negative where more was removed of what had been there before.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Growth {
    bytes: i128,
    entries: i128,
}

impl Growth {
    /// What the mount is charged for. It keeps nothing in our memory: what the file system keeps is its own.
    pub(crate) fn held(self) -> Held {
        let charged = |growth: i128| u64::try_from(growth.max(0)).unwrap_or(u64::MAX);
        Held {
            bytes: charged(self.bytes),
            files: charged(self.entries),
            memory: 0,
        }
    }

    /// A file of so many bytes, or a directory of none, is there now.
    pub(crate) fn with_entry(self, bytes: u64) -> Self {
        Self {
            bytes: self.bytes + i128::from(bytes),
            entries: self.entries + 1,
        }
    }

    /// It is not any more.
    pub(crate) fn without_entry(self, bytes: u64) -> Self {
        Self {
            bytes: self.bytes - i128::from(bytes),
            entries: self.entries - 1,
        }
    }

    /// Asks whether the mount may grow to `after`.
    pub(crate) fn admit(self, after: Self, admission: &mut Admission<'_>) -> Answer<()> {
        self.admit_file(after, 0, 0, admission)
    }

    /// Asks the same for a change that writes some bytes of a file which will have `file_size`.
    pub(crate) fn admit_file(
        self,
        after: Self,
        file_size: u64,
        written: u64,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        let change = Change {
            before: self.held(),
            after: after.held(),
            file_size,
            written,
        };
        Ok(admission.admit(&change)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_what_was_there_before_charges_nothing_and_frees_nothing() {
        let growth = Growth::default().without_entry(100);
        assert_eq!(growth.held(), Held::default());
        assert_eq!(growth.with_entry(30).held(), Held::default());
        let grown = Growth::default().with_entry(30).with_entry(0);
        assert_eq!((grown.held().bytes, grown.held().files), (30, 2));
        assert_eq!(grown.without_entry(30).without_entry(0).held(), Held::default());
    }
}
