//! Which units may be committed, and which must wait for others that may not.

use crate::backend::{FollowLinks, Reader};
use crate::metadata::{FileType, Metadata};
use crate::overlay::layer::{File, Node};
use crate::path::RelativePath;
use crate::target::CommitTarget;

use super::plan::{Action, Plan, Unit};

/// Why a change stays in the overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// It was not asked for.
    NotSelected,
    /// It lies in a directory whose name begins with a dot, such as `.git`, is one, or stands for one: a link of such a
    /// name, and a file called `.git`.
    DotDirectory,
    /// It would make a file executable where none was.
    Executable,
    /// A rule of the mount forbids it.
    Rule,
    /// The lower layer keeps such names for itself.
    Name,
    /// It cannot be done without a change that stays: of the directory it lies in, or of the other end of a move.
    Depends,
}

/// What a commit may do, by the paths inside the mount.
pub(crate) struct Policy<'p> {
    /// Whether it was asked for.
    pub(crate) selects: &'p dyn Fn(&str) -> bool,
    /// Whether dot-directories and new executable bits are asked for.
    pub(crate) includes: &'p dyn Fn(&str) -> bool,
    /// Whether the rules let it be changed.
    pub(crate) permits: &'p dyn Fn(&str) -> bool,
}

/// Decides for each unit whether it is to be committed.
pub(super) fn select(
    plan: &mut Plan<'_>,
    policy: &Policy<'_>,
    (target, lower): (&dyn CommitTarget, &dyn Reader),
) {
    let refusals: Vec<_> = plan
        .units
        .iter()
        .map(|unit| {
            let is_taken = target.takes(RelativePath::new(&unit.path));
            (!is_taken)
                .then_some(SkipReason::Name)
                .or_else(|| refused(unit, plan, policy, lower))
        })
        .collect();
    for (unit, refusal) in plan.units.iter_mut().zip(refusals) {
        unit.skipped = refusal;
    }
    // Both ends of a move go together: what leaves a place that stays hidden would be gone, and what is hidden cannot
    // go before what leaves it has left.
    let mut waiting = vec![Vec::new(); plan.units.len()];
    for (index, unit) in plan.units.iter().enumerate() {
        if let Some(parent) = unit.parent {
            waiting[parent].push(index);
        }
        if let Some(source) = unit
            .origin()
            .and_then(|origin| plan.unit_that_hides(&origin.path))
        {
            waiting[index].push(source);
            waiting[source].push(index);
        }
    }
    let mut skipped: Vec<_> = (0..plan.units.len())
        .filter(|unit| plan.units[*unit].skipped.is_some())
        .collect();
    while let Some(unit) = skipped.pop() {
        for &next in &waiting[unit] {
            if plan.units[next].skipped.is_none() {
                plan.units[next].skipped = Some(SkipReason::Depends);
                skipped.push(next);
            }
        }
    }
}

fn refused(unit: &Unit<'_>, plan: &Plan<'_>, policy: &Policy<'_>, lower: &dyn Reader) -> Option<SkipReason> {
    // What goes with a directory is judged name by name, as it was when it was removed.
    let hidden = unit.slot.hides.as_deref().zip(unit.lower.as_deref());
    let below = hidden
        .into_iter()
        .flat_map(|(hides, lower)| plan.emptied.paths_below(&unit.path, lower, hides));
    for (path, file_type) in std::iter::once((unit.path.clone(), file_type(unit))).chain(below) {
        if !(policy.selects)(&path) {
            return Some(SkipReason::NotSelected);
        }
        if !(policy.permits)(&path) {
            return Some(SkipReason::Rule);
        }
        if is_in_dot_directory(&path, file_type) && !(policy.includes)(&path) {
            return Some(SkipReason::DotDirectory);
        }
    }
    (makes_executable(unit, lower) && !(policy.includes)(&unit.path)).then_some(SkipReason::Executable)
}

/// A directory or link if the unit shows or hides one.
fn file_type(unit: &Unit<'_>) -> FileType {
    let shown = match unit.slot.node {
        Some(Node::Directory(_)) => FileType::Directory,
        Some(Node::Link(_)) => FileType::Symlink,
        Some(Node::File(_)) | None => FileType::File,
    };
    match &unit.slot.hides {
        Some(hides) if shown == FileType::File => hides.identity.file_type,
        _ => shown,
    }
}

fn is_in_dot_directory(path: &str, file_type: FileType) -> bool {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    // A link may lead to a directory, and git takes a file called `.git` for where one is.
    let stands_for_a_directory =
        matches!(file_type, FileType::Directory | FileType::Symlink) || name.eq_ignore_ascii_case(".git");
    let directories = if stands_for_a_directory { path } else { parent };
    directories.split('/').any(|name| name.starts_with('.'))
}

/// Whether a file comes to be executable where none was.
fn makes_executable(unit: &Unit<'_>, lower: &dyn Reader) -> bool {
    let (Action::Move(_) | Action::MoveAndExtend(..) | Action::Write(_), Some(Node::File(file))) =
        (&unit.action, &unit.slot.node)
    else {
        return false;
    };
    let was = || {
        let found = unit
            .lower
            .as_deref()
            .map(|path| lower.metadata(RelativePath::new(path), FollowLinks::No));
        found.is_some_and(|found| found.is_ok_and(|found| is_executable(&found)))
    };
    file.is_executable() && !was()
}

fn is_executable(metadata: &Metadata) -> bool {
    metadata.file_type == FileType::File && metadata.mode & EXECUTABLE != 0
}

/// The permission bits that let somebody execute a file.
const EXECUTABLE: u32 = 0o111;

impl File {
    pub(super) fn is_executable(&self) -> bool {
        self.attributes.mode & EXECUTABLE != 0
    }
}
