//! Applies overlays to the directories under them, and says what became of each entry.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use mounts::history::{CommitError, CommitReport, Conflict, ConflictKind, SkipReason};
use mounts::{Table, VirtualPath};

use crate::arguments::{Commits, Trial};
use crate::failure::Failure;
use crate::shown::Shown;

/// Commits the overlays of `table` that `commits` names, or says what that would do. All of them are checked before
/// the first is committed.
///
/// # Errors
///
/// [`Failure::Conflict`] where the host has changed what would be, [`Failure::Commit`] where something else is in the
/// way: of what is not committed by then, the overlays have everything.
pub(crate) fn commit(table: &Table, commits: &Commits) -> Result<(), Failure> {
    let mut plans = Vec::new();
    let mut conflicts = Vec::new();
    for overlay in &commits.overlays {
        match table.plan_commit(overlay.point.as_str(), &overlay.options) {
            Ok(plan) => plans.push(plan),
            Err(CommitError::Conflicts(found)) => conflicts.extend(found),
            Err(other) => return Err(failed(&overlay.point, &other)),
        }
    }
    if !conflicts.is_empty() {
        return Err(conflicted(&conflicts));
    }
    if commits.trial == Trial::DryRun {
        return plans
            .iter()
            .try_for_each(|plan| print(plan, &WOULD))
            .map_err(Failure::Output);
    }
    for overlay in &commits.overlays {
        let committed = table.commit(overlay.point.as_str(), &overlay.options);
        let done = match &committed {
            Ok(report) | Err(CommitError::Incomplete { report, .. }) => print(report, &DID),
            Err(_) => Ok(()),
        };
        match committed {
            Ok(_) => done.map_err(Failure::Output)?,
            // The host was faster than the check.
            Err(CommitError::Conflicts(found)) => return Err(conflicted(&found)),
            Err(other) => return Err(failed(&overlay.point, &other)),
        }
    }
    Ok(())
}

/// The words for what is done to an entry.
struct Words {
    written: &'static str,
    removed: &'static str,
    skipped: &'static str,
}

const DID: Words = Words {
    written: "wrote",
    removed: "removed",
    skipped: "skipped",
};

const WOULD: Words = Words {
    written: "would write",
    removed: "would remove",
    skipped: "would skip",
};

/// Prints a line for each entry: what was done, and what was not.
fn print(report: &CommitReport, words: &Words) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for path in &report.written {
        writeln!(out, "{} {}", words.written, Shown(path))?;
    }
    for path in &report.removed {
        writeln!(out, "{} {}", words.removed, Shown(path))?;
    }
    for (path, reason) in &report.skipped {
        writeln!(out, "{} {}: {}", words.skipped, Shown(path), why(*reason))?;
    }
    for path in &report.pending {
        writeln!(out, "did not come to {}", Shown(path))?;
    }
    out.flush()
}

fn why(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::NotSelected => "it is not asked for",
        SkipReason::DotDirectory => {
            "it is, or is in, a directory whose name begins with a dot; --include takes it"
        }
        SkipReason::Executable => "it would become executable; --include takes it",
        SkipReason::Rule => "a rule of its mount forbids it",
        SkipReason::Name => "the mount keeps such names for itself",
        SkipReason::Depends => "it depends on something else that is skipped",
        _ => "it may not be committed",
    }
}

fn conflicted(conflicts: &[Conflict]) -> Failure {
    let mut text = "nothing is committed where the host has changed what would be".to_owned();
    for conflict in conflicts {
        let why = match conflict.kind {
            ConflictKind::Drifted => "it is not what it was when the script changed it",
            ConflictKind::Exists => "something has come to be there",
            ConflictKind::DirectoryGone => "the directory that it would be in is gone",
            _ => "the host has changed it",
        };
        let _ = write!(text, "\n  {}: {why}", Shown(&conflict.path));
    }
    Failure::Conflict(text)
}

fn failed(point: &VirtualPath<'_>, error: &CommitError) -> Failure {
    let (how, error) = match error {
        CommitError::Incomplete { error, .. } => ("stopped at", error),
        CommitError::Refused(error) => ("is not possible at", error),
        other => return Failure::Commit(format!("the commit of '{point}': {other}")),
    };
    let (path, why) = (Shown(error.path()), error.kind().description());
    Failure::Commit(format!("the commit of '{point}' {how} {path}: {why}"))
}
