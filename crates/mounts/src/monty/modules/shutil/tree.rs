//! Copying and removing trees. Both recurse as deep as a path may be.

use ::monty_types::ExcType;
use ::monty_types::scan::SegmentPattern;

use crate::error::{ErrorKind, Operation};
use crate::metadata::{DirEntry, FileType};
use crate::monty::mkdir::{Existing, Parents, make_dir};

use super::super::outcome::Failure;
use super::super::work::{Place, Work};
use super::file::{Copied, Symlinks};
use super::ignored::{compiled, is_ignored};
use super::{error, no_link, quoted};

/// How a tree is copied.
pub(super) struct TreeCopy<'a> {
    pub(super) symlinks: Symlinks,
    pub(super) ignored: Vec<&'a str>,
    pub(super) copied: Copied,
    pub(super) skips_dangling: bool,
    pub(super) exist_ok: bool,
}

/// What becomes of an error while a tree is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    /// It ends the removal.
    Strict,
    /// The rest is removed.
    Tolerant,
}

impl Removal {
    /// What a failure comes to. That a run has no more time, or has looked at too much, is never ignored.
    fn settle(self, done: Result<(), Failure>) -> Result<(), Failure> {
        match done {
            Err(failure) if self == Removal::Tolerant && is_os_error(&failure) => Ok(()),
            done => done,
        }
    }
}

/// Whether Python's function would catch it.
fn is_os_error(failure: &Failure) -> bool {
    failure
        .exception()
        .is_some_and(|exception| exception.exc_type().is_subclass_of(ExcType::OSError))
}

/// A tree being copied: how, and what went wrong so far, as the items of a Python list.
struct Copying<'p> {
    plan: &'p TreeCopy<'p>,
    ignored: Vec<SegmentPattern>,
    failed: Vec<String>,
}

impl Work<'_> {
    /// Copies a tree. What cannot be copied is left out, and told in the end.
    pub(super) fn copy_whole_tree(
        &mut self,
        from: &Place,
        to: &Place,
        plan: &TreeCopy<'_>,
    ) -> Result<(), Failure> {
        self.answer_from(to);
        let mut copying = Copying {
            plan,
            ignored: compiled(&plan.ignored),
            failed: Vec::new(),
        };
        self.copy_tree(from, to, &mut copying)?;
        match copying.failed.as_slice() {
            [] => Ok(()),
            failed => Err(error(format!("[{}]", failed.join(", ")))),
        }
    }

    fn copy_tree(&mut self, from: &Place, to: &Place, copying: &mut Copying<'_>) -> Result<(), Failure> {
        self.visit(from)?;
        // Listed before anything is made: a tree can be copied into itself, as it was.
        let entries = self.list(from)?;
        self.make_dirs(to, copying.plan.exist_ok)?;
        for entry in entries {
            if is_ignored(&entry.name, &copying.ignored) {
                continue;
            }
            let (source, target) = (from.child(&entry.name), to.child(&entry.name));
            let done = self.copy_entry(&entry, &source, &target, copying);
            match done {
                Err(failure) if is_os_error(&failure) => {
                    let text = failure
                        .exception()
                        .and_then(|error| error.message().map(str::to_owned));
                    let [source, target] = [&source, &target].map(|place| quoted(&place.spelled));
                    let item = format!("({source}, {target}, {})", quoted(&text.unwrap_or_default()));
                    self.hold(&item, from)?;
                    copying.failed.push(item);
                }
                done => done?,
            }
        }
        Ok(())
    }

    fn copy_entry(
        &mut self,
        entry: &DirEntry,
        source: &Place,
        target: &Place,
        copying: &mut Copying<'_>,
    ) -> Result<(), Failure> {
        self.visit(source)?;
        let plan = copying.plan;
        let is_dir = match entry.file_type {
            FileType::Symlink if plan.symlinks == Symlinks::Kept => return Err(no_link(source, target)),
            FileType::Symlink if plan.skips_dangling && self.look(source).is_none() => return Ok(()),
            FileType::Symlink => self.is_dir(source),
            file_type => file_type == FileType::Directory,
        };
        if is_dir {
            self.copy_tree(source, target, copying)
        } else {
            self.copy_by(plan.copied, source, target)
        }
    }

    /// `os.makedirs`.
    fn make_dirs(&mut self, place: &Place, exist_ok: bool) -> Result<(), Failure> {
        let existing = if exist_ok {
            Existing::Accept
        } else {
            Existing::Refuse
        };
        make_dir(self.files, &place.absolute, Parents::Create, existing).map_err(|error| {
            // A relative path is a relative path in an error about one of its parents, too.
            let prefix = place.absolute.strip_suffix(&place.spelled).unwrap_or_default();
            let spelled = error.path().strip_prefix(prefix).unwrap_or(error.path());
            self.locate(spelled).error(&error)
        })
    }

    /// Removes a tree. A mount point, and what has one in it, is refused before anything is removed.
    pub(super) fn remove_whole_tree(&mut self, place: &Place, removal: Removal) -> Result<(), Failure> {
        let found = match self.files.symlink_metadata(&place.absolute) {
            Ok(found) => found,
            Err(error) => return removal.settle(Err(place.error(&error))),
        };
        let real = self.files.real_path(&place.absolute).ok();
        let refused = if found.file_type == FileType::Symlink {
            Some(error("Cannot call rmtree on a symbolic link".to_owned()))
        } else if real.is_none_or(|real| self.files.is_mount_point_or_above(real.as_str())) {
            Some(place.failure(ErrorKind::PermissionDenied, Operation::RemoveDir))
        } else {
            None
        };
        match refused {
            Some(refused) => removal.settle(Err(refused)),
            None => self.remove_tree(place, removal),
        }
    }

    fn remove_tree(&mut self, place: &Place, removal: Removal) -> Result<(), Failure> {
        self.visit(place)?;
        let entries = match self.list(place) {
            Ok(entries) => entries,
            Err(failure) => {
                removal.settle(Err(failure))?;
                Vec::new()
            }
        };
        for entry in entries {
            let below = place.child(&entry.name);
            if entry.file_type == FileType::Directory {
                self.remove_tree(&below, removal)?;
            } else {
                self.visit(&below)?;
                let removed = self.files.remove_file(&below.absolute);
                removal.settle(removed.map_err(|error| below.error(&error)))?;
            }
        }
        let removed = self.files.remove_dir(&place.absolute);
        removal.settle(removed.map_err(|error| place.error(&error)))
    }
}
