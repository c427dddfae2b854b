//! Committing: the lower becomes what the overlay shows.
//!
//! Replaying what the script did would need a journal, and would touch files that it changed back. Here a plan is
//! made of what the upper owns now, all of it is checked, and then it is done in an order in which each step is
//! possible and none can lose anything:
//!
//! ```text
//! 1. directories that are new, and everything that moved   from the top down, undone as a whole if a step fails
//! 2. contents                                              made out of sight, flushed, then put in their places
//! 3. removals                                              set aside, checked, and removed at the very end
//! ```
//!
//! ```text
//! overlay/commit           the three steps
//! overlay/commit/plan      what is to be done: a unit for each slot that says something
//! overlay/commit/select    which units may be committed, and which must wait for others
//! overlay/commit/check     whether the lower still is what the plan was made for
//! overlay/commit/settle    what the upper keeps
//! ```

mod check;
mod plan;
mod select;
mod settle;

use rustc_hash::FxHashMap;

use crate::backend::{Answer, Refusal};
use crate::difference::child;
use crate::metadata::FileType;
use crate::path::RelativePath;
use crate::target::{CommitTarget, CommitWork, Expected, NewEntry};

use super::Overlay;
use plan::{Action, Plan, Unit};

pub(crate) use check::Conflict;
pub use check::ConflictKind;
pub(crate) use select::Policy;
pub use select::SkipReason;

/// What became of a commit.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    pub(crate) written: Vec<String>,
    pub(crate) removed: Vec<String>,
    pub(crate) skipped: Vec<(String, SkipReason)>,
    pub(crate) pending: Vec<String>,
    /// Why it stopped before everything was done, and at which path.
    pub(crate) stopped: Option<(String, Refusal)>,
}

/// Whether a commit is made, or only said what it would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trial {
    DryRun,
    Real,
}

/// Why nothing was tried.
#[derive(Debug)]
pub(crate) enum NotCommitted {
    /// The lower layer takes no changes.
    NoTarget,
    /// It is not what the plan was made for.
    Conflicts(Vec<Conflict>),
    Failed(Refusal),
}

impl Overlay {
    /// Makes the lower what the overlay shows, as far as `policy` lets. Nobody else changes the overlay meanwhile;
    /// who reads it may find what is being moved to be stale.
    pub(crate) fn commit(&self, policy: &Policy<'_>, trial: Trial) -> Result<Committed, NotCommitted> {
        let target = self.lower.commit_target().ok_or(NotCommitted::NoTarget)?;
        let _turn = self.turn.lock();
        let layer = self.layer();
        let lower = self.lower.as_ref();
        let mut plan = Plan::of(&layer);
        select::select(&mut plan, policy, (target, lower));
        let conflicts = check::conflicts(&plan, lower);
        if !conflicts.is_empty() {
            return Err(NotCommitted::Conflicts(conflicts));
        }
        if trial == Trial::DryRun {
            plan.mark_selected_done();
            return Ok(report(&plan, None));
        }
        let (moved, stopped) = if plan.selected().next().is_some() {
            carry_out(&mut plan, target).map_err(NotCommitted::Failed)?
        } else {
            Default::default()
        };
        let settled = settle::settled(&layer, &plan, &moved, (target, lower));
        self.change(|layer| *layer = settled);
        Ok(report(&plan, stopped))
    }

    /// Drops every change; what was given an inode number keeps it for itself.
    pub(crate) fn discard(&self) {
        self.restore(&self.unchanged());
    }
}

fn report(plan: &Plan<'_>, stopped: Option<(String, Refusal)>) -> Committed {
    let mut report = Committed {
        stopped,
        ..Committed::default()
    };
    for unit in &plan.units {
        let path = unit.path.clone();
        match (unit.skipped, unit.is_done, &unit.action) {
            (Some(reason), ..) => report.skipped.push((path, reason)),
            (None, false, _) => report.pending.push(path),
            (None, true, Action::Remove) => report.removed.push(path),
            (None, true, Action::Keep) => {}
            (None, true, _) => report.written.push(path),
        }
    }
    report
}

/// Where entries of the lower are now.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Where each entry that moved, or was set aside, has gone, in the order in which that happened. Each is named by
    /// the place that it had just before.
    steps: Vec<(String, String)>,
    /// Which of them by the first name, so that most questions are answered without a look at the list.
    by_name: FxHashMap<String, usize>,
    /// Whether anything was ever moved, put back or not: the host has other times for it since.
    is_touched: bool,
}

impl Moved {
    fn note(&mut self, from: &str, to: &str) {
        self.is_touched = true;
        self.by_name.insert(from.to_owned(), self.steps.len());
        self.steps.push((from.to_owned(), to.to_owned()));
    }

    fn is_touched(&self) -> bool {
        self.is_touched
    }

    /// Whether what was at `path` left the directory it was in.
    fn has_left(&self, path: &str) -> bool {
        match path.rsplit_once('/') {
            Some((parent, name)) => self.now(path) != child(&self.now(parent), name),
            None => self.now(path) != path,
        }
    }

    fn forget_last(&mut self) {
        if let Some((from, _)) = self.steps.pop() {
            self.by_name.remove(&from);
        }
    }

    /// Where what was at `path` before the commit is now.
    pub(super) fn now(&self, path: &str) -> String {
        let mut now = path.to_owned();
        let mut first = 0;
        // The earliest step that concerns the path or a directory above it, and then the steps after that one.
        while let Some((index, length)) = RelativePath::new(&now)
            .prefixes()
            .filter_map(|prefix| {
                let index = self.by_name.get(prefix.as_str()).copied()?;
                (index >= first).then_some((index, prefix.as_str().len()))
            })
            .min()
        {
            let (_, to) = &self.steps[index];
            now = format!("{to}{}", &now[length..]);
            first = index + 1;
        }
        now
    }
}

/// Does the work of `plan`, and says where things are now and why it stopped, if it did.
fn carry_out(plan: &mut Plan<'_>, target: &dyn CommitTarget) -> Answer<(Moved, Option<(String, Refusal)>)> {
    let mut work = target.begin()?;
    let mut moved = Moved::default();
    let done = structure(plan, work.as_mut(), &mut moved)
        .and_then(|()| contents(plan, work.as_mut(), &moved))
        .and_then(|()| removals(plan, work.as_mut(), &mut moved));
    // What was set aside has to go, but for what should have come back and could not.
    let ended = match &done {
        Err(Stop {
            aside: Aside::Missed, ..
        }) => Ok(()),
        _ => work.flush().and_then(|()| work.finish()),
    };
    let stopped = done.err().map(|stop| (stop.path, stop.refusal));
    Ok((
        moved,
        stopped.or(ended.err().map(|refusal| (String::new(), refusal))),
    ))
}

type Step = Result<(), Stop>;

/// Why the work ended early.
struct Stop {
    path: String,
    refusal: Refusal,
    aside: Aside,
}

/// What is left of what was set aside.
enum Aside {
    /// What had to go.
    Rest,
    /// Something that had to come back when a step was taken back, and did not.
    Missed,
}

fn stop(path: &str) -> impl FnOnce(Refusal) -> Stop {
    let path = path.to_owned();
    move |refusal| Stop {
        path,
        refusal,
        aside: Aside::Rest,
    }
}

/// How a step of the first phase is taken back.
enum Undo {
    RemoveDir(String),
    Rename { from: String, to: String },
}

/// Creates directories and moves what moved, each after the directory it lies in. If one step fails, all are undone.
fn structure(plan: &mut Plan<'_>, work: &mut dyn CommitWork, moved: &mut Moved) -> Step {
    let mut undo = Vec::new();
    let units: Vec<_> = plan
        .selected()
        .filter(|unit| plan.units[*unit].is_structure())
        .collect();
    for unit in units {
        if let Err(refusal) = structure_step(&plan.units[unit], plan, work, moved, &mut undo) {
            let mut stopped = stop(&plan.units[unit].path)(refusal);
            for step in undo.into_iter().rev() {
                let undone = match &step {
                    Undo::RemoveDir(path) => work.remove_dir(RelativePath::new(path)),
                    Undo::Rename { from, to } => {
                        work.rename(RelativePath::new(from), RelativePath::new(to), None)
                    }
                };
                match (undone, step) {
                    (Ok(()), Undo::Rename { .. }) => moved.forget_last(),
                    (Ok(()), Undo::RemoveDir(_)) => {}
                    // A second failure: what is moved stays moved, and the upper is settled accordingly.
                    (Err(_), _) => {
                        stopped.aside = Aside::Missed;
                        break;
                    }
                }
            }
            return Err(stopped);
        }
    }
    plan.mark_structure_done();
    // Where something moved away and nothing comes, nothing is left to do.
    for unit in &mut plan.units {
        let has_left = unit.lower.as_deref().is_some_and(|lower| moved.has_left(lower));
        unit.is_done |= unit.skipped.is_none() && has_left && matches!(unit.action, Action::Remove);
    }
    Ok(())
}

fn structure_step(
    unit: &Unit<'_>,
    plan: &Plan<'_>,
    work: &mut dyn CommitWork,
    moved: &mut Moved,
    undo: &mut Vec<Undo>,
) -> Answer<()> {
    let path = RelativePath::new(&unit.path);
    if let Some(expected) = occupant(unit, plan, moved) {
        let aside = work.set_aside(path, &expected)?;
        moved.note(&unit.path, &aside);
        undo.push(Undo::Rename {
            from: aside,
            to: unit.path.clone(),
        });
    }
    match &unit.action {
        Action::CreateDir => {
            work.create_dir(path)?;
            undo.push(Undo::RemoveDir(unit.path.clone()));
        }
        Action::Move(origin) | Action::MoveAndExtend(origin, _) => {
            let from = moved.now(&origin.path);
            work.rename(RelativePath::new(&from), path, Some(&origin.identity.expected()))?;
            moved.note(&from, &unit.path);
            undo.push(Undo::Rename {
                from: unit.path.clone(),
                to: from,
            });
        }
        _ => {}
    }
    Ok(())
}

/// What of the lower is in the place of a unit and has to go for it, if anything still is.
fn occupant(unit: &Unit<'_>, plan: &Plan<'_>, moved: &Moved) -> Option<Expected> {
    let hides = unit.slot.hides.as_deref()?;
    let lower = unit.lower.as_deref()?;
    // It is where it was, with the directory it lies in, or it has moved by itself.
    (moved.now(lower) == unit.path).then(|| plan.emptied.expected(lower, hides, &|path| plan.is_moved(path)))
}

/// Makes the files and links that have contents of their own, all out of sight, and then puts them in their places.
fn contents(plan: &mut Plan<'_>, work: &mut dyn CommitWork, moved: &Moved) -> Step {
    let units: Vec<_> = plan
        .selected()
        .filter(|unit| !plan.units[*unit].is_done)
        .collect();
    let mut staged = Vec::new();
    for index in units {
        let unit = &plan.units[index];
        let over = match &unit.action {
            Action::Extend(base, _) | Action::MoveAndExtend(base, _) => Some(base.identity.expected()),
            Action::Write(_) | Action::Link(_) => occupant(unit, plan, moved),
            _ => continue,
        };
        let path = RelativePath::new(&unit.path);
        let like = over
            .as_ref()
            .filter(|over| over.file_type == FileType::File)
            .map(|_| path);
        let entry = match &unit.action {
            Action::Extend(base, file) | Action::MoveAndExtend(base, file) => NewEntry::File {
                like,
                base: Some((path, base.identity.size)),
                own: &file.own,
                mode: None,
            },
            Action::Write(file) => NewEntry::File {
                like,
                base: None,
                own: &file.own,
                mode: (like.is_none() && file.is_executable()).then_some(file.attributes.mode),
            },
            Action::Link(link) => NewEntry::Link { target: &link.target },
            _ => continue,
        };
        staged.push((index, work.stage(entry).map_err(stop(&unit.path))?, over));
    }
    if staged.is_empty() {
        return Ok(());
    }
    work.flush().map_err(stop(""))?;
    for (index, entry, over) in staged {
        let unit = &mut plan.units[index];
        let placed = work.place(&entry, RelativePath::new(&unit.path), over.as_ref());
        placed.map_err(stop(&unit.path))?;
        unit.is_done = true;
    }
    Ok(())
}

/// Sets aside what the upper hides and shows nothing for.
fn removals(plan: &mut Plan<'_>, work: &mut dyn CommitWork, moved: &mut Moved) -> Step {
    let units: Vec<_> = plan
        .selected()
        .filter(|unit| !plan.units[*unit].is_done)
        .collect();
    for index in units {
        let unit = &plan.units[index];
        if let (Action::Remove, Some(expected)) = (&unit.action, occupant(unit, plan, moved)) {
            let path = unit.path.clone();
            let aside = work
                .set_aside(RelativePath::new(&path), &expected)
                .map_err(stop(&path))?;
            moved.note(&path, &aside);
        }
        plan.units[index].is_done = true;
    }
    Ok(())
}
