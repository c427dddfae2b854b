//! Symbolic links as a script may ask about them: where a path really leads, and which links it may not see.

use crate::backend::{FollowLinks, LinkMet, Refusal};
use crate::error::{ErrorKind, Operation, Result};
use crate::path::VirtualPath;

use super::namespace::Namespace;
use super::resolve::{MAX_LINKS, Request};

impl Namespace {
    /// Where `path` leads when every link on it is followed, as POSIX `realpath` and Python's
    /// `os.path.realpath`: what does not exist is kept as it is spelled, and so is what may not be accessed, and a link
    /// that leads in a circle or may not be followed.
    ///
    /// # Errors
    ///
    /// Only those that every operation has; in particular a missing file is none.
    pub fn real_path(&self, path: &str) -> Result<VirtualPath<'static>> {
        self.observed(
            Operation::Resolve,
            path,
            |_| 0,
            |request| self.real_path_for(request),
        )
    }

    fn real_path_for(&self, mut request: Request<'_>) -> Result<VirtualPath<'static>> {
        if !self.covers(request.given) {
            return Err(request.error(ErrorKind::NotCovered));
        }
        let mut followed: Vec<VirtualPath<'static>> = Vec::new();
        while followed.len() <= MAX_LINKS
            && !followed.contains(&request.path)
            && let Some(link) = self.link_on(&request)
        {
            let here = request.path.clone().into_owned();
            if self.follow(&mut request, &link).is_err() {
                break;
            }
            followed.push(here);
        }
        Ok(request.path.into_owned())
    }

    /// Whether `path` is a link that leads out of its mount, or where no link may lead: listings leave it out.
    pub(crate) fn is_refused_link(&self, path: &str) -> bool {
        let Ok(mut request) = Request::new(Operation::List, path) else {
            return false;
        };
        for _ in 0..=MAX_LINKS {
            let Some(link) = self.link_on(&request) else {
                return false;
            };
            if let Err(error) = self.follow(&mut request, &link) {
                return error.kind() == ErrorKind::PermissionDenied;
            }
        }
        false
    }

    /// The first link on the way that `request` names, its last component included, as far as the rules let it be
    /// seen.
    fn link_on(&self, request: &Request<'_>) -> Option<LinkMet> {
        let mounted = self.routes().route(&request.path).mounted?.visible();
        let reader = mounted.mount.reader();
        match reader.metadata(mounted.relative, FollowLinks::Yes) {
            Err(Refusal::Link(link)) => Some(link),
            Ok(_) | Err(Refusal::Failed { .. }) => None,
        }
    }
}
