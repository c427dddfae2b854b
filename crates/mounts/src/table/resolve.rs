//! From a path to a backend: the one step every operation starts with.
//!
//! The table routes the path to a mount and lets the operation try. A backend that meets a symbolic link says so
//! before it has had any effect; the link is then rewritten *in the script's namespace* and the step starts again,
//! so that rules, mount points and layers decide about the target as they would about any path. At most
//! [`MAX_LINKS`] times. What the rules of a mount say is asked before its backend is, here and nowhere else.

use crate::backend::{Answer, LinkMet, Refusal};
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::path::VirtualPath;

use super::judged::Judged;
use super::namespace::Namespace;
use super::routes::{Mounted, Point, Route};

/// The symbolic links followed on one path, as Linux.
pub(crate) const MAX_LINKS: usize = 40;

/// A path being resolved for an operation: as the caller gave it for errors, normalised for everything else.
#[derive(Debug, Clone)]
pub(crate) struct Request<'p> {
    pub(crate) operation: Operation,
    pub(crate) given: &'p str,
    pub(crate) path: VirtualPath<'p>,
    /// Whether the path was one that may not be changed, as it was given or after a link: then it stays so.
    is_read_only: bool,
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
        }
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
    /// Continues `request` at the target of `link`, which its mount met.
    ///
    /// The target may lead anywhere below the mount's point, also into a mount nested there; an absolute target
    /// or one that climbs out is refused.
    pub(super) fn follow(&self, request: &mut Request<'_>, link: &LinkMet) -> Result<()> {
        let denied = || request.error(ErrorKind::PermissionDenied);
        let target = link
            .target
            .as_deref()
            .filter(|target| !target.starts_with('/'))
            .ok_or_else(denied)?;
        let inside = self
            .routes()
            .route(&request.path)
            .mounted
            .ok_or_else(denied)?
            .relative
            .as_str();
        let (before, after) = inside.split_at_checked(link.prefix).ok_or_else(denied)?;
        let parent = before.rsplit_once('/').map_or("", |(parent, _)| parent);
        let mut components: Vec<&str> = parent.split('/').filter(|name| !name.is_empty()).collect();
        for name in target.split('/').chain(after.split('/')) {
            match name {
                "" | "." => {}
                ".." => drop(components.pop().ok_or_else(denied)?),
                name => components.push(name),
            }
        }
        let point = &request.path.as_str()[..request.path.as_str().len() - inside.len()];
        let rewritten = format!("{point}/{}", components.join("/"));
        request.path = VirtualPath::parse(&rewritten)
            .map_err(|error| Error::from_path(error, request.operation, request.given))?
            .into_owned();
        Ok(())
    }

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
        for _ in 0..=MAX_LINKS {
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
            match request.judge(mounted).and_then(|judged| act(&judged)) {
                Ok(answer) => return Ok(answer),
                Err(Refusal::Link(link)) => self.follow(&mut request, &link)?,
                Err(refusal) => return Err(request.refused(refusal)),
            }
        }
        Err(request.error(ErrorKind::TooManyLinks))
    }
}
