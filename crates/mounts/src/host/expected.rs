//! Whether something is what a commit was planned for.

use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::fs::{Mode, OFlags, openat};

use crate::metadata::{FileType, Name};
use crate::target::Expected;

use super::errors::refusal;
use super::{HostDirectory, list, stat, temporary};

impl HostDirectory {
    /// Whether the entry called `name` is the one that is `expected`, with nothing in it that is not.
    pub(super) fn is_met(&self, directory: BorrowedFd<'_>, name: &str, expected: &Expected) -> bool {
        let found = stat::entry(directory, name).map_err(refusal);
        let is_it = found
            .and_then(|found| self.judge(found))
            .is_ok_and(|found| expected.is_met_by(&found));
        match &expected.entries {
            Some(entries) if is_it && expected.file_type == FileType::Directory => {
                self.holds_no_more_than(directory, name, entries)
            }
            _ => is_it,
        }
    }

    fn holds_no_more_than(
        &self,
        directory: BorrowedFd<'_>,
        name: &str,
        entries: &BTreeMap<Name, Expected>,
    ) -> bool {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(opened) = openat(directory, name, flags, Mode::empty()) else {
            return false;
        };
        let mut is_known = true;
        let listed = list::each_entry(opened.as_fd(), |name, _| {
            is_known &= name.to_str().is_ok_and(|name| match name {
                "." | ".." => true,
                name if temporary::is_reserved(name) => temporary::sweep(opened.as_fd(), name),
                name => entries
                    .get(name)
                    .is_some_and(|expected| self.is_met(opened.as_fd(), name, expected)),
            });
        });
        listed.is_ok() && is_known
    }
}
