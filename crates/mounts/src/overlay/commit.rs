//! Committing: the lower becomes what the overlay shows.
//!
//! Replaying what the script did would need a journal, and would touch files that it changed back. Here a plan is
//! made of what the upper owns now, all of it is checked, and then it is done in an order in which each step is
//! possible and none can lose anything:
//!
//! ```text
//! 1. contents     made out of sight, and flushed
//! 2. structure    new directories, and everything that moved: from the top down, undone as a whole if a step fails
//! 3. contents     put in their places
//! 4. removals     set aside, checked, and removed at the very end
//! ```
//!
//! ```text
//! overlay/commit           a commit from the plan to what the upper keeps
//! overlay/commit/plan      what is to be done: a unit for each slot that says something
//! overlay/commit/select    which units may be committed, and which must wait for others
//! overlay/commit/check     whether the lower still is what the plan was made for
//! overlay/commit/work      the four phases
//! overlay/commit/moved     where entries of the lower are meanwhile
//! overlay/commit/settle    what the upper keeps
//! ```

mod check;
mod moved;
mod plan;
mod select;
mod settle;
mod work;

use crate::backend::Refusal;

use super::Overlay;
use plan::{Action, Plan};

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
            work::carry_out(&mut plan, target).map_err(NotCommitted::Failed)?
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
