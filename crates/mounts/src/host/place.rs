//! Where an entry is, or will be: a name in a directory that is held open.
//!
//! What changes a directory is done in two steps. The directory is looked up as everything is, beneath the root and
//! through no link; the change is then one system call on one name in it, which follows nothing.

use std::os::fd::{AsFd as _, BorrowedFd};

use cap_std::fs::{Dir, File};
use rustix::io::Errno;

use crate::backend::{Answer, LinkMet, Refusal};
use crate::metadata::Metadata;
use crate::path::RelativePath;

use super::errors::refusal;
use super::lookup::Purpose;
use super::{HostDirectory, link, stat, visible};

/// A name in an open directory of a host directory.
#[derive(Debug)]
pub(super) struct Place<'h, 'p> {
    host: &'h HostDirectory,
    /// `None` is the root itself.
    entered: Option<Dir>,
    path: RelativePath<'p>,
    pub(super) name: &'p str,
}

impl HostDirectory {
    /// Enters the directory that has, or will have, the entry at `path`; `None` for the root, which no directory has.
    pub(super) fn place<'h, 'p>(&'h self, path: RelativePath<'p>) -> Answer<Option<Place<'h, 'p>>> {
        self.enter(visible(path)?)
    }

    /// As [`place`](Self::place), temporaries not excluded.
    pub(super) fn enter<'h, 'p>(&'h self, path: RelativePath<'p>) -> Answer<Option<Place<'h, 'p>>> {
        let Some((parent, name)) = path.split_last() else {
            return Ok(None);
        };
        let entered = if parent.is_root() {
            None
        } else {
            Some(match self.open_beneath(parent, Purpose::Enter) {
                Some(opened) => Dir::from_std_file(opened?.into_std()),
                None => self.walk_to_directory(path)?,
            })
        };
        Ok(Some(Place {
            host: self,
            entered,
            path,
            name,
        }))
    }
}

impl Place<'_, '_> {
    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.entered.as_ref().unwrap_or(&self.host.root).as_fd()
    }

    /// What has the name now, if anything.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` for what another mount of the host covers.
    pub(super) fn look(&self) -> Answer<Option<Metadata>> {
        match stat::entry(self.directory(), self.name) {
            Ok(found) => self.host.judge(found).map(Some),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOENT) => Ok(None),
            Err(error) => Err(refusal(error)),
        }
    }

    /// Describes an object that was opened by the name.
    pub(super) fn judge(&self, object: &File) -> Answer<stat::Found> {
        let found = stat::object(object).map_err(refusal)?;
        self.host.require_same_mount(&found)?;
        Ok(found)
    }

    /// The refusal that reports the link which has the name; `None` when there is none any more.
    pub(super) fn link(&self) -> Answer<Option<Refusal>> {
        match link::read(self.directory(), self.name) {
            Ok(target) => Ok(Some(Refusal::Link(LinkMet {
                prefix: self.path.as_str().len(),
                target,
            }))),
            Err(Errno::INVAL | Errno::NOENT) => Ok(None),
            Err(error) => Err(refusal(error.into())),
        }
    }
}
