//! Copying one file.

use ::monty_types::ExcType;

use crate::error::{ErrorKind, Operation};
use crate::metadata::FileType;
use crate::path::VirtualPath;

use super::super::outcome::Failure;
use super::super::work::{Place, Work};
use super::{base_name, error, no_link, quoted};

/// Where a copy goes: `copyfile` writes what it is told to, `copy` and `copy2` put it into a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copied {
    Exactly,
    Into,
}

/// What becomes of a link: what it leads to is copied, or the link is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symlinks {
    Followed,
    Kept,
}

impl Work<'_> {
    /// Copies a file. `names` is how an error shows that both are the same.
    pub(super) fn copy_file(
        &mut self,
        from: &Place,
        to: &Place,
        symlinks: Symlinks,
        (from_shown, to_shown): (&str, String),
    ) -> Result<(), Failure> {
        self.visit(from)?;
        if self.is_same(from, to) {
            let text = format!("{from_shown} and {to_shown} are the same file");
            return Err(error(text));
        }
        if symlinks == Symlinks::Kept && self.is_link(from) {
            return Err(no_link(from, to));
        }
        self.check_trailing_slash(from, to)?;
        self.files
            .copy(&from.absolute, &to.absolute)
            .map_err(|error| match error.operation() {
                Operation::Read => from.error(&error),
                _ => to.error(&error),
            })
    }

    /// Refuses to take a path for a file that says with its last `/` that it leads to a directory.
    fn check_trailing_slash(&self, from: &Place, to: &Place) -> Result<(), Failure> {
        let is_file = |place: &Place| self.look(place).map(|found| found.file_type == FileType::File);
        let says_directory = |place: &Place| place.spelled.ends_with('/');
        match (is_file(from), is_file(to)) {
            (Some(true), _) if says_directory(from) => {
                Err(from.failure(ErrorKind::NotADirectory, Operation::Read))
            }
            (Some(true), Some(true) | None) if says_directory(to) && self.has_parent(to) => {
                Err(Failure::Raised(
                    ExcType::FileNotFoundError,
                    format!("Directory does not exist: {}", to.spelled),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whether the directory is there that a path would be in.
    fn has_parent(&self, place: &Place) -> bool {
        VirtualPath::parse(&place.absolute).is_ok_and(|path| {
            path.parent()
                .is_some_and(|parent| self.files.is_dir(parent.as_str()))
        })
    }

    /// Copies a file as the function does that was chosen for it.
    pub(super) fn copy_by(&mut self, copied: Copied, from: &Place, to: &Place) -> Result<(), Failure> {
        let inside = (copied == Copied::Into && self.is_dir(to)).then(|| to.child(base_name(&from.spelled)));
        let to = inside.as_ref().unwrap_or(to);
        let shown = quoted(&from.spelled);
        self.copy_file(from, to, Symlinks::Followed, (&shown, quoted(&to.spelled)))
    }
}
