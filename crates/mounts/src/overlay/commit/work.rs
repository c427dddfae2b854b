//! Doing what was planned: make contents, move and create, put contents in their places, remove.

use rustc_hash::FxHashMap;

use crate::backend::{Answer, Refusal};
use crate::metadata::FileType;
use crate::path::RelativePath;
use crate::target::{CommitTarget, CommitWork, Expected, NewEntry, Staged};

use super::moved::Moved;
use super::plan::{Action, Plan, Unit};

/// Does the work of `plan`, and says where things are now and why it stopped, if it did.
pub(super) fn carry_out(
    plan: &mut Plan<'_>,
    target: &dyn CommitTarget,
) -> Answer<(Moved, Option<(String, Refusal)>)> {
    let mut work = target.begin()?;
    let mut moved = Moved::default();
    let done = stage(plan, work.as_mut()).and_then(|staged| {
        structure(plan, work.as_mut(), &mut moved, &staged)?;
        contents(plan, work.as_mut(), &moved, &staged)?;
        removals(plan, work.as_mut(), &mut moved)
    });
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

/// What has been made for units, and is not in its place yet.
type Made = FxHashMap<usize, Staged>;

/// Makes the files and links that have contents of their own, all out of sight.
fn stage(plan: &Plan<'_>, work: &mut dyn CommitWork) -> Result<Made, Stop> {
    let mut staged = Made::default();
    for index in plan.selected() {
        let unit = &plan.units[index];
        if let Some(entry) = new_entry(unit, plan) {
            staged.insert(index, work.stage(entry).map_err(stop(&unit.path))?);
        }
    }
    if !staged.is_empty() {
        work.flush().map_err(stop(""))?;
    }
    Ok(staged)
}

/// What has to be made for a unit, out of what the lower has before anything is moved.
fn new_entry<'u>(unit: &'u Unit<'_>, plan: &Plan<'_>) -> Option<NewEntry<'u>> {
    Some(match &unit.action {
        Action::Extend(base, file) | Action::MoveAndExtend(base, file) => {
            let path = RelativePath::new(&base.path);
            NewEntry::File {
                like: Some(path),
                base: Some((path, base.identity.size)),
                own: &file.own,
                mode: None,
            }
        }
        Action::Write(file) => {
            let replaces_file = unit
                .slot
                .hides
                .as_ref()
                .is_some_and(|hides| hides.identity.file_type == FileType::File);
            let lower = unit.lower.as_deref().filter(|_| replaces_file);
            let like = lower.filter(|lower| !plan.is_moved(lower)).map(RelativePath::new);
            NewEntry::File {
                like,
                base: None,
                own: &file.own,
                mode: (like.is_none() && file.is_executable()).then_some(file.attributes.mode),
            }
        }
        Action::Link(link) => NewEntry::Link { target: &link.target },
        _ => return None,
    })
}

/// How a step of the second phase is taken back.
enum Undo {
    RemoveDir(String),
    Rename {
        from: String,
        to: String,
    },
    /// What was made for this unit goes back to where it was made.
    Withdraw(usize),
}

/// Creates directories and moves what moved, each after the directory it lies in. If one step fails, all are undone.
fn structure(plan: &mut Plan<'_>, work: &mut dyn CommitWork, moved: &mut Moved, staged: &Made) -> Step {
    let mut undo = Vec::new();
    let units: Vec<_> = plan
        .selected()
        .filter(|unit| plan.units[*unit].is_structure())
        .collect();
    for unit in units {
        if let Err(refusal) = structure_step((unit, staged), plan, work, moved, &mut undo) {
            let mut stopped = stop(&plan.units[unit].path)(refusal);
            for step in undo.into_iter().rev() {
                let undone = match &step {
                    Undo::RemoveDir(path) => work.remove_dir(RelativePath::new(path)),
                    Undo::Rename { from, to } => {
                        work.rename(RelativePath::new(from), RelativePath::new(to), None)
                    }
                    Undo::Withdraw(unit) => match staged.get(unit) {
                        Some(made) => work.withdraw(made, RelativePath::new(&plan.units[*unit].path)),
                        None => Ok(()),
                    },
                };
                match (undone, step) {
                    (Ok(()), Undo::Rename { .. }) => moved.forget_last(),
                    (Ok(()), Undo::RemoveDir(_) | Undo::Withdraw(_)) => {}
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
    (index, staged): (usize, &Made),
    plan: &Plan<'_>,
    work: &mut dyn CommitWork,
    moved: &mut Moved,
    undo: &mut Vec<Undo>,
) -> Answer<()> {
    let unit = &plan.units[index];
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
        Action::MoveAndExtend(origin, _) => {
            if let Some(made) = staged.get(&index) {
                work.place(made, path, None)?;
                undo.push(Undo::Withdraw(index));
            }
            let from = moved.now(&origin.path);
            let aside = work.set_aside(RelativePath::new(&from), &origin.identity.expected())?;
            moved.note(&from, &aside);
            undo.push(Undo::Rename {
                from: aside,
                to: from,
            });
        }
        Action::Move(origin) => {
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

/// Puts what has contents of its own in its place, in exchange for what is there.
fn contents(plan: &mut Plan<'_>, work: &mut dyn CommitWork, moved: &Moved, staged: &Made) -> Step {
    let units: Vec<_> = plan
        .selected()
        .filter(|unit| !plan.units[*unit].is_done && staged.contains_key(unit))
        .collect();
    for index in units {
        let unit = &plan.units[index];
        let over = match &unit.action {
            Action::Extend(base, _) => Some(base.identity.expected()),
            _ => occupant(unit, plan, moved),
        };
        let placed = work.place(&staged[&index], RelativePath::new(&unit.path), over.as_ref());
        placed.map_err(stop(&unit.path))?;
        plan.units[index].is_done = true;
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
