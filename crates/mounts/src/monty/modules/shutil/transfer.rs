//! Moving: a rename, or where that is not possible a copy and a removal.

use crate::error::Error;
use crate::path::VirtualPath;

use super::super::outcome::Failure;
use super::super::work::{Place, Work};
use super::file::{Copied, Symlinks};
use super::tree::{Removal, TreeCopy};
use super::{base_name, error, no_link};

/// Where something was moved to.
pub(super) enum Moved {
    /// To the place that was named.
    Exactly,
    /// Into the directory that was named.
    Into(Place),
    /// To where it was.
    Nowhere,
}

impl Work<'_> {
    pub(super) fn transfer(&mut self, from: &Place, to: &Place, copied: Copied) -> Result<Moved, Failure> {
        self.visit(from)?;
        let mut there = to.clone();
        let is_into = self.is_dir(to);
        if is_into {
            if self.is_same(from, to) {
                return self.rename(from, to).map(|()| Moved::Nowhere);
            }
            there = to.child(base_name(from.spelled.trim_end_matches('/')));
            if self.look(&there).is_some() {
                return Err(error(format!(
                    "Destination path '{}' already exists",
                    there.spelled
                )));
            }
        }
        if let Err(refused) = self.rename(from, &there) {
            self.carry(from, to, &there, copied, refused)?;
        }
        Ok(if is_into {
            Moved::Into(there)
        } else {
            Moved::Exactly
        })
    }

    fn rename(&self, from: &Place, to: &Place) -> Result<(), Failure> {
        let shown = |error: Error| {
            let here = Error::new(error.kind(), error.operation(), &from.spelled);
            Failure::File(here.with_destination(&to.spelled))
        };
        self.files.rename(&from.absolute, &to.absolute).map_err(shown)
    }

    /// Copies and removes what could not be renamed.
    fn carry(
        &mut self,
        from: &Place,
        to: &Place,
        there: &Place,
        copied: Copied,
        refused: Failure,
    ) -> Result<(), Failure> {
        if self.is_link(from) {
            return Err(no_link(from, there));
        }
        if self.is_dir(from) {
            if is_in(to, from) {
                return Err(error(format!(
                    "Cannot move a directory '{}' into itself '{}'.",
                    from.spelled, to.spelled
                )));
            }
            // It could be copied and not removed.
            if self.files.is_mount_point_or_above(&from.absolute) {
                return Err(refused);
            }
            let plan = TreeCopy {
                symlinks: Symlinks::Kept,
                ignored: Vec::new(),
                copied,
                skips_dangling: false,
                exist_ok: false,
            };
            self.copy_whole_tree(from, there, &plan)?;
            return self.remove_whole_tree(from, Removal::Strict);
        }
        self.copy_by(copied, from, there)?;
        self.files
            .remove_file(&from.absolute)
            .map_err(|error| from.error(&error))
    }
}

/// Whether `inner` is `outer` or lies in it, by its path.
fn is_in(inner: &Place, outer: &Place) -> bool {
    match (
        VirtualPath::parse(&inner.absolute),
        VirtualPath::parse(&outer.absolute),
    ) {
        (Ok(inner), Ok(outer)) => inner.starts_with(&outer),
        _ => false,
    }
}
