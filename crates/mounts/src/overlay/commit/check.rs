//! Whether the lower still is what the plan was made for. Everything is looked at before anything is done.

use crate::backend::{FollowLinks, Reader, Refusal};
use crate::difference::child;
use crate::error::ErrorKind;
use crate::metadata::{FileType, Metadata};
use crate::overlay::emptied::Emptied;
use crate::overlay::owned::{Hidden, Identity, Origin};
use crate::path::RelativePath;

use super::plan::{Action, Plan, Unit};

/// What the host has done to something that a commit would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConflictKind {
    /// What the overlay changed, moved or removed is not what it was.
    Drifted,
    /// Something has come to be where the overlay creates.
    Exists,
    /// The directory in which the overlay creates is gone, or is none any more.
    DirectoryGone,
}

/// One of the reasons why nothing was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// The path inside the mount.
    pub(crate) path: String,
    pub(crate) kind: ConflictKind,
}

/// Everything that stands in the way of the units to be committed.
pub(super) fn conflicts(plan: &Plan<'_>, lower: &dyn Reader) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for unit in plan.selected().map(|unit| &plan.units[unit]) {
        if let Some(kind) = conflict(unit, plan, lower) {
            conflicts.push(Conflict {
                path: unit.path.clone(),
                kind,
            });
        }
    }
    conflicts
}

fn conflict(unit: &Unit<'_>, plan: &Plan<'_>, lower: &dyn Reader) -> Option<ConflictKind> {
    if let Some(path) = &unit.lower {
        let there = metadata(lower, path);
        match (&unit.slot.hides, there) {
            (Some(hides), _) => {
                if !is_unchanged(hides, path, plan.emptied, lower) {
                    return Some(ConflictKind::Drifted);
                }
            }
            (None, Ok(_)) => return Some(ConflictKind::Exists),
            (
                None,
                Err(Refusal::Failed {
                    kind: ErrorKind::NotFound,
                    ..
                }),
            ) => {
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                let entered = plan.entered.contains(parent);
                if entered
                    && !metadata(lower, parent).is_ok_and(|found| found.file_type == FileType::Directory)
                {
                    return Some(ConflictKind::DirectoryGone);
                }
            }
            (None, Err(_)) => return Some(ConflictKind::DirectoryGone),
        }
    }
    let origin = match &unit.action {
        Action::Move(origin) | Action::MoveAndExtend(origin, _) | Action::Extend(origin, _) => Some(*origin),
        _ => None,
    };
    origin
        .is_some_and(|origin| !is_origin_unchanged(origin, lower))
        .then_some(ConflictKind::Drifted)
}

fn is_origin_unchanged(origin: &Origin, lower: &dyn Reader) -> bool {
    metadata(lower, &origin.path).is_ok_and(|found| Identity::of(&found) == origin.identity)
}

/// Whether the lower entry at `path`, and everything in it that was hidden before it was, is what it was.
fn is_unchanged(hidden: &Hidden, path: &str, emptied: &Emptied, lower: &dyn Reader) -> bool {
    metadata(lower, path).is_ok_and(|found| Identity::of(&found) == hidden.identity)
        && emptied
            .below(path, hidden)
            .all(|(name, hidden)| is_unchanged(hidden, &child(path, name), emptied, lower))
}

fn metadata(lower: &dyn Reader, path: &str) -> Result<Metadata, Refusal> {
    lower.metadata(RelativePath::new(path), FollowLinks::No)
}
