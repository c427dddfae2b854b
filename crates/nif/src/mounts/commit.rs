//! Overlays and what becomes of their changes: applied to the directory below, or dropped.

use mounts::{
    Operation,
    history::{CommitError, CommitOptions, CommitReport, Conflict, ConflictKind, SkipReason},
};
use rustler::{Atom, Binary, Decoder, Encoder, Env, Error, NifResult, Term};

use super::{answer, done, holder::Holder, options::proper_list, text};
use crate::{
    atoms,
    error::{argument_error, structure},
};

/// What is committed, from `[only: globs, except: globs, include: globs]`. A glob that is none is an `ArgumentError`
/// which names it.
struct Selection(CommitOptions);

impl<'a> Decoder<'a> for Selection {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        let mut options = CommitOptions::new();
        for (option, listed) in proper_list::<(Atom, Term<'a>)>(term)? {
            let globs = proper_list::<String>(listed)?;
            let (name, selected) = match option {
                option if option == atoms::only() => (":only", options.only(globs)),
                option if option == atoms::except() => (":except", options.except(globs)),
                option if option == atoms::include() => (":include", options.include(globs)),
                _ => return Err(Error::BadArg),
            };
            options = selected.map_err(|error| argument_error(format!("{name}: {error}")))?;
        }
        Ok(Self(options))
    }
}

/// Whether a commit is made, or only said what it would do.
enum Trial {
    Real,
    DryRun,
}

impl<'a> Decoder<'a> for Trial {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        match Atom::from_term(term)? {
            trial if trial == atoms::real() => Ok(Self::Real),
            trial if trial == atoms::dry_run() => Ok(Self::DryRun),
            _ => Err(Error::BadArg),
        }
    }
}

/// Applies what the overlay at `point` changed to its directory. On a dirty I/O scheduler: it writes files of the host
/// and waits for the disk.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_commit<'a>(
    env: Env<'a>,
    holder: Holder<'a>,
    point: Binary<'a>,
    selection: Selection,
    trial: Trial,
) -> Term<'a> {
    answer(env, move || {
        let (point, options) = (text(point, Operation::Commit)?, selection.0);
        let report = match trial {
            Trial::Real => holder.ask(
                env,
                |table| table.commit(point, &options),
                |leased| leased.commit(point, &options),
            ),
            Trial::DryRun => holder.ask(
                env,
                |table| table.plan_commit(point, &options),
                |leased| leased.plan_commit(point, &options),
            ),
        }?;
        Ok(reported(env, &report))
    })
}

/// Drops what the overlay at `point` changed. On a dirty I/O scheduler: it waits for changes, and frees what they wrote.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_discard<'a>(env: Env<'a>, holder: Holder<'a>, point: Binary<'a>) -> Term<'a> {
    done(env, || {
        let point = text(point, Operation::Discard)?;
        holder.ask(env, |table| table.discard(point), |leased| leased.discard(point))
    })
}

/// A report as `ExMonty.Mount.CommitReport`.
fn reported<'a>(env: Env<'a>, report: &CommitReport) -> Term<'a> {
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|(path, reason)| (path, skip_reason(*reason)))
        .collect();
    structure(
        env,
        atoms::commit_report_struct(),
        &[
            (atoms::written(), report.written.encode(env)),
            (atoms::removed(), report.removed.encode(env)),
            (atoms::skipped(), skipped.encode(env)),
            (atoms::pending(), report.pending.encode(env)),
        ],
    )
}

fn skip_reason(reason: SkipReason) -> Atom {
    match reason {
        SkipReason::NotSelected => atoms::not_selected(),
        SkipReason::DotDirectory => atoms::dot_directory(),
        SkipReason::Executable => atoms::executable(),
        SkipReason::Rule => atoms::rule(),
        SkipReason::Name => atoms::name(),
        SkipReason::Depends => atoms::depends(),
        _ => atoms::other(),
    }
}

/// Why a commit was not made, or not to its end.
#[derive(Debug)]
pub(crate) enum Uncommitted {
    Conflicts(Vec<Conflict>),
    Incomplete {
        error: mounts::Error,
        report: CommitReport,
    },
}

impl Uncommitted {
    /// What it is in the place of a reason; `posix` names errors.
    pub(super) fn encode<'a>(&self, env: Env<'a>, posix: impl Fn(&mounts::Error) -> Term<'a>) -> Term<'a> {
        match self {
            Self::Conflicts(conflicts) => {
                let why = |conflict: &Conflict| match conflict.kind {
                    ConflictKind::Drifted => atoms::drifted(),
                    ConflictKind::Exists => atoms::exists(),
                    ConflictKind::DirectoryGone => atoms::directory_gone(),
                    _ => atoms::other(),
                };
                let conflicts: Vec<_> = conflicts
                    .iter()
                    .map(|conflict| (&conflict.path, why(conflict)))
                    .collect();
                (atoms::conflict(), conflicts).encode(env)
            }
            Self::Incomplete { error, report } => {
                (atoms::incomplete(), posix(error), reported(env, report)).encode(env)
            }
        }
    }
}

impl From<CommitError> for super::Refusal {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused(error) => Self::Mounts(error),
            CommitError::Conflicts(conflicts) => Self::Uncommitted(Uncommitted::Conflicts(conflicts)),
            CommitError::Incomplete { error, report } => {
                Self::Uncommitted(Uncommitted::Incomplete { error, report })
            }
            // A reason that this version of the crate does not have.
            other => Self::Failed(crate::error::Failure::new(atoms::eio(), other.to_string())),
        }
    }
}
