//! Committing an overlay to the directory under it, as a reviewed act.

use std::fmt;

use crate::backend::Refusal;
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::overlay::commit::{Committed, NotCommitted, Policy, Trial};
use crate::path::{RelativePath, VirtualPath};
use crate::rules::{Globs, RuleError, Rules, Verdict};
use crate::table::{Namespace, Table};

use super::changes::within;

pub use crate::overlay::commit::{ConflictKind, SkipReason};

/// What of an overlay is committed. All of it by default, but for dot-directories and new executable bits.
///
/// Globs are those of [`Rules`], on the path inside the mount; one that matches a directory holds for everything below
/// it.
///
/// ```
/// use mounts::history::CommitOptions;
///
/// let options = CommitOptions::new().only(["src"])?.except(["**/*.log"])?;
/// # drop(options);
/// # Ok::<(), mounts::RuleError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CommitOptions {
    only: Option<Matcher>,
    except: Option<Matcher>,
    include: Option<Matcher>,
}

/// Matches what a list of globs matches, and everything below.
#[derive(Debug, Clone)]
struct Matcher(Rules);

impl Matcher {
    fn new<G: Into<String>>(globs: impl IntoIterator<Item = G>) -> std::result::Result<Self, RuleError> {
        let hide = globs.into_iter().map(Into::into).collect();
        let rules = Rules::new(Globs {
            hide,
            ..Globs::default()
        })?;
        Ok(Self(rules))
    }

    fn matches(&self, path: &str) -> bool {
        self.0.standing(RelativePath::new(path)).verdict() == Verdict::Hidden
    }
}

impl CommitOptions {
    /// Everything, but for dot-directories and new executable bits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only what matches one of `globs`.
    ///
    /// # Errors
    ///
    /// [`RuleError`] for the first glob that is malformed.
    pub fn only<G: Into<String>>(
        mut self,
        globs: impl IntoIterator<Item = G>,
    ) -> std::result::Result<Self, RuleError> {
        self.only = Some(Matcher::new(globs)?);
        Ok(self)
    }

    /// Nothing that matches one of `globs`.
    ///
    /// # Errors
    ///
    /// As [`only`](Self::only).
    pub fn except<G: Into<String>>(
        mut self,
        globs: impl IntoIterator<Item = G>,
    ) -> std::result::Result<Self, RuleError> {
        self.except = Some(Matcher::new(globs)?);
        Ok(self)
    }

    /// Also what lies in dot-directories such as `.git`, stands for one (a link whose name begins with a dot, a file
    /// called `.git`), or would make a file executable, where it matches one of
    /// `globs`: a script that may write there can have the host run what it wrote.
    ///
    /// # Errors
    ///
    /// As [`only`](Self::only).
    pub fn include<G: Into<String>>(
        mut self,
        globs: impl IntoIterator<Item = G>,
    ) -> std::result::Result<Self, RuleError> {
        self.include = Some(Matcher::new(globs)?);
        Ok(self)
    }

    fn selects(&self, path: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.matches(path))
            && !self.except.as_ref().is_some_and(|except| except.matches(path))
    }

    fn includes(&self, path: &str) -> bool {
        self.include.as_ref().is_some_and(|include| include.matches(path))
    }
}

/// What a commit did, by virtual path. A directory that was moved or removed stands for everything in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitReport {
    /// What was created, replaced, extended or moved to.
    pub written: Vec<String>,
    /// What was removed, or moved away.
    pub removed: Vec<String>,
    /// What stays in the overlay because it may not be committed, and why.
    pub skipped: Vec<(String, SkipReason)>,
    /// What stays in the overlay because the commit stopped before it.
    pub pending: Vec<String>,
}

/// Something that the host changed since the overlay came to own it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The virtual path.
    pub path: String,
    /// What happened to it.
    pub kind: ConflictKind,
}

/// Why a commit was not made, or not to its end.
#[derive(Debug)]
#[non_exhaustive]
pub enum CommitError {
    /// It was not begun. [`ErrorKind::NotMounted`]; [`ErrorKind::NotCommittable`] for what is no overlay, or lies over
    /// something that takes no changes; [`ErrorKind::InUse`] while somebody else has an exclusive lease.
    Refused(Error),
    /// The host changed what would be changed. Nothing was done.
    Conflicts(Vec<Conflict>),
    /// It stopped half-way. Each file is as it was, or as it was to be; what is done has left the overlay, and
    /// committing again goes on from there.
    Incomplete {
        /// What stopped it.
        error: Error,
        /// What was done before.
        report: CommitReport,
    },
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Conflicts(conflicts) => {
                write!(f, "the host changed what would be committed:")?;
                conflicts
                    .iter()
                    .try_for_each(|conflict| write!(f, " '{}'", conflict.path))
            }
            Self::Incomplete { error, report } => {
                write!(f, "{error}; {} changes are pending", report.pending.len())
            }
        }
    }
}

impl std::error::Error for CommitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(error) | Self::Incomplete { error, .. } => Some(error),
            Self::Conflicts(_) => None,
        }
    }
}

/// # Commit
impl Table {
    /// Applies what an overlay changed to the directory under it; see [`Namespace::commit`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn commit(
        &self,
        point: &str,
        options: &CommitOptions,
    ) -> std::result::Result<CommitReport, CommitError> {
        let (_in_flight, namespace) = self
            .begin_change()
            .ok_or_else(|| CommitError::Refused(Error::new(ErrorKind::InUse, Operation::Commit, point)))?;
        namespace.commit(point, options)
    }

    /// Says what a commit would do; see [`Namespace::plan_commit`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn plan_commit(
        &self,
        point: &str,
        options: &CommitOptions,
    ) -> std::result::Result<CommitReport, CommitError> {
        self.current().plan_commit(point, options)
    }

    /// Drops what an overlay changed; see [`Namespace::discard`].
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::InUse`] while an exclusive lease is out.
    pub fn discard(&self, point: &str) -> Result<()> {
        self.change(Operation::Discard, point, |namespace| namespace.discard(point))
    }
}

/// # Commit
impl Namespace {
    /// Applies what the overlay mounted at `point` changed to the directory under it, which is mounted as a
    /// [`WritableHostDirectory`](crate::WritableHostDirectory).
    ///
    /// Everything is checked first: if the host changed, removed or made anything that the commit would change or
    /// make, nothing is done. Then new contents are written out of sight and flushed to the disk; new directories are
    /// made and what was moved is moved (undone as a whole if a step fails); the new contents are put in their places,
    /// each atomically; what was removed goes last. What is displaced is looked at after it was, and put back if it is
    /// not what the check found: what somebody writes meanwhile is not lost. If somebody has written there once more
    /// before it could be put back, theirs stays, and it is kept in a directory at the root that no mount shows, called
    /// `.mounts-` and `.partial`. What a commit had displaced when its process was killed is kept there too; the rest of
    /// what it left is removed by the next listing of the root through a writable mount. Where the file system cannot exchange two files, the place is looked at just before instead. Files
    /// that are replaced keep owner, mode and extended attributes.
    ///
    /// What was committed leaves the overlay, which shows the same as before; what was skipped stays. For every other
    /// overlay over the directory, forks of this one included, it is a change that the host made.
    ///
    /// ```
    /// use mounts::history::CommitOptions;
    /// use mounts::{HostDirectory, Mount, Table, WritableHostDirectory};
    ///
    /// let project = tempfile::tempdir()?;
    /// let directory = WritableHostDirectory::new(HostDirectory::open(project.path())?);
    /// let table = Table::new();
    /// table.mount("/repo", Mount::overlay(directory))?;
    /// table.write("/repo/notes.md", "reviewed")?;
    /// assert!(!project.path().join("notes.md").exists());
    ///
    /// let options = CommitOptions::new();
    /// assert_eq!(table.plan_commit("/repo", &options)?.written, ["/repo/notes.md"]);
    /// table.commit("/repo", &options)?;
    /// assert_eq!(std::fs::read(project.path().join("notes.md"))?, b"reviewed");
    /// assert!(table.changes().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CommitError`].
    pub fn commit(
        &self,
        point: &str,
        options: &CommitOptions,
    ) -> std::result::Result<CommitReport, CommitError> {
        self.committed(point, options, Trial::Real)
    }

    /// Says what [`commit`](Self::commit) would do now, and does nothing.
    ///
    /// # Errors
    ///
    /// As there, but for [`CommitError::Incomplete`].
    pub fn plan_commit(
        &self,
        point: &str,
        options: &CommitOptions,
    ) -> std::result::Result<CommitReport, CommitError> {
        self.committed(point, options, Trial::DryRun)
    }

    fn committed(
        &self,
        given: &str,
        options: &CommitOptions,
        trial: Trial,
    ) -> std::result::Result<CommitReport, CommitError> {
        let refused = |kind| CommitError::Refused(Error::new(kind, Operation::Commit, given));
        let point = VirtualPath::parse(given)
            .map_err(|error| CommitError::Refused(Error::from_path(error, Operation::Commit, given)))?;
        let mount = self
            .mount_at(&point)
            .ok_or_else(|| refused(ErrorKind::NotMounted))?;
        let overlay = mount
            .overlay_kept()
            .ok_or_else(|| refused(ErrorKind::NotCommittable))?;
        let permits = |path: &str| {
            mount
                .rules()
                .is_none_or(|rules| rules.standing(RelativePath::new(path)).verdict() == Verdict::Open)
        };
        let policy = Policy {
            selects: &|path| options.selects(path),
            includes: &|path| options.includes(path),
            permits: &permits,
        };
        let mut committed = overlay.commit(&policy, trial).map_err(|reason| match reason {
            NotCommitted::NoTarget => refused(ErrorKind::NotCommittable),
            NotCommitted::Conflicts(conflicts) => CommitError::Conflicts(
                conflicts
                    .into_iter()
                    .map(|conflict| Conflict {
                        path: within(&point, &conflict.path),
                        kind: conflict.kind,
                    })
                    .collect(),
            ),
            NotCommitted::Failed(refusal) => CommitError::Refused(failed(refusal, given)),
        })?;
        let stopped = committed.stopped.take();
        let report = CommitReport::of(&point, committed);
        match stopped {
            None => Ok(report),
            Some((path, refusal)) => Err(CommitError::Incomplete {
                error: failed(refusal, &within(&point, &path)),
                report,
            }),
        }
    }

    /// Drops what the overlay mounted at `point` changed: it shows the lower layer again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotMounted`]; [`ErrorKind::NotCommittable`] for what is no overlay.
    pub fn discard(&self, point: &str) -> Result<()> {
        let path =
            VirtualPath::parse(point).map_err(|error| Error::from_path(error, Operation::Discard, point))?;
        let refused = |kind| Error::new(kind, Operation::Discard, point);
        let mount = self
            .mount_at(&path)
            .ok_or_else(|| refused(ErrorKind::NotMounted))?;
        let overlay = mount
            .overlay_kept()
            .ok_or_else(|| refused(ErrorKind::NotCommittable))?;
        overlay.discard();
        Ok(())
    }
}

fn failed(refusal: Refusal, path: &str) -> Error {
    match refusal {
        Refusal::Failed { kind, source } => Error::new(kind, Operation::Commit, path).with_source(source),
        // Where the check found a directory, there is a link by now.
        Refusal::Link(_) => Error::new(ErrorKind::Stale, Operation::Commit, path),
    }
}

impl CommitReport {
    fn of(point: &VirtualPath<'_>, committed: Committed) -> Self {
        let whole = |paths: Vec<String>| {
            let mut paths: Vec<_> = paths.iter().map(|path| within(point, path)).collect();
            paths.sort();
            paths
        };
        let mut skipped: Vec<_> = committed
            .skipped
            .into_iter()
            .map(|(path, reason)| (within(point, &path), reason))
            .collect();
        skipped.sort_by(|one, two| one.0.cmp(&two.0));
        Self {
            written: whole(committed.written),
            removed: whole(committed.removed),
            skipped,
            pending: whole(committed.pending),
        }
    }
}
