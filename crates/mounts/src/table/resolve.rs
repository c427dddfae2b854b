//! From a path to a backend: the one step every operation starts with.
//!
//! The table routes the path to a mount and lets the operation try. A backend that meets a symbolic link says so
//! before it has had any effect; the link is then rewritten *in the script's namespace* and the step starts again,
//! so that rules, mount points and layers decide about the target as they would about any path. At most
//! [`MAX_LINKS`](super::follow::MAX_LINKS) times. What the rules of a mount say is asked before its backend is, here and nowhere else.

use crate::backend::{Answer, FollowLinks, Refusal};
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::metadata::FileType;
use crate::path::{RelativePath, VirtualPath};

use super::follow::MAX_LINKS;
use super::judged::Judged;
use super::namespace::Namespace;
use super::routes::{Mounted, Point, Route};

/// A path being resolved for an operation: as the caller gave it for errors, normalised for everything else.
#[derive(Debug, Clone)]
pub(crate) struct Request<'p> {
    pub(crate) operation: Operation,
    pub(crate) given: &'p str,
    pub(crate) path: VirtualPath<'p>,
    /// Whether the path was one that may not be changed, as it was given or after a link: then it stays so.
    is_read_only: bool,
    /// How many links were followed so far.
    links: usize,
    /// Whether the link followed last named its target with a slash behind it, so that nothing but a directory will do.
    pub(super) wants_directory: bool,
    /// Whether the operation makes a file where there is none.
    makes_file: bool,
}

impl<'p> Request<'p> {
    pub(crate) fn new(operation: Operation, given: &'p str) -> Result<Self> {
        let path = VirtualPath::parse(given).map_err(|error| Error::from_path(error, operation, given))?;
        Ok(Self::at(operation, given, path))
    }

    /// A request for a path that was checked before.
    pub(crate) fn at(operation: Operation, given: &'p str, path: VirtualPath<'p>) -> Self {
        Self {
            operation,
            given,
            path,
            is_read_only: false,
            links: 0,
            wants_directory: false,
            makes_file: false,
        }
    }

    /// The same request, by an operation that makes a file where there is none.
    pub(crate) fn making_file(self) -> Self {
        Self {
            makes_file: true,
            ..self
        }
    }

    /// Counts a link that is about to be followed.
    pub(super) fn count_link(&mut self) -> std::result::Result<(), ErrorKind> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(ErrorKind::TooManyLinks);
        }
        Ok(())
    }

    /// Lets the rules judge the path as it is now, which is where it leads in its mount.
    pub(crate) fn judge<'n, 'm>(&mut self, mounted: Mounted<'n, 'm>) -> Answer<Judged<'n, 'm>> {
        let judged = mounted.judge()?;
        self.is_read_only |= judged.is_read_only();
        Ok(if self.is_read_only {
            judged.through_read_only()
        } else {
            judged
        })
    }

    /// Refuses what is no directory where only one will do, as Linux refuses a slash behind its name.
    fn require_directory(&self, judged: &Judged<'_, '_>) -> Answer<()> {
        if !self.wants_directory {
            return Ok(());
        }
        let is_directory = |path: RelativePath<'_>| -> Answer<bool> {
            let found = judged.reader().metadata(path, FollowLinks::Yes)?;
            Ok(found.file_type == FileType::Directory)
        };
        // The name of a file to be made cannot end in a slash, whatever is there.
        if self.makes_file
            && let Some((parent, _)) = judged.relative().split_last()
        {
            return Err(if is_directory(parent)? {
                ErrorKind::IsADirectory.into()
            } else {
                ErrorKind::NotADirectory.into()
            });
        }
        if is_directory(judged.relative())? {
            Ok(())
        } else {
            Err(ErrorKind::NotADirectory.into())
        }
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.operation, self.given)
    }

    pub(crate) fn refused(&self, refusal: Refusal) -> Error {
        match refusal {
            Refusal::Failed { kind, source } => self.error(kind).with_source(source),
            // A caller that meets a link where it may not follow one.
            Refusal::Link(_) => self.error(ErrorKind::PermissionDenied),
        }
    }
}

impl Namespace {
    /// Routes `request` and lets `act` try on the mount it leads to, following the links it meets.
    ///
    /// Where the path is a mount point or an ancestor of one, `at_point` is asked first: it gives `None` to let the
    /// mount answer. Points are there whatever the rules of the mount around them say.
    pub(crate) fn resolve<T>(
        &self,
        mut request: Request<'_>,
        at_point: impl Fn(&Route<'_, '_>, &Point) -> Option<Answer<T>>,
        mut act: impl FnMut(&Judged<'_, '_>) -> Answer<T>,
    ) -> Result<T> {
        loop {
            let path = request.path.clone();
            let route = self.routes().route(&path);
            if let Some(point) = route.point
                && let Some(answer) = at_point(&route, point)
            {
                return answer.map_err(|refusal| request.refused(refusal));
            }
            let Some(mounted) = route.mounted else {
                return Err(request.error(ErrorKind::NotCovered));
            };
            let answer = request.judge(mounted).and_then(|judged| {
                request.require_directory(&judged)?;
                act(&judged)
            });
            match answer {
                Ok(answer) => return Ok(answer),
                Err(Refusal::Link(link)) => self.follow(&mut request, &link)?,
                Err(refusal) => return Err(request.refused(refusal)),
            }
        }
    }
}
