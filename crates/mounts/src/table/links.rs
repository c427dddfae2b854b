//! Symbolic links as a script may ask about them: where a path really leads, and which links it may not see.

use crate::backend::{Answer, FollowLinks, Refusal};
use crate::error::{ErrorKind, Operation, Result};
use crate::metadata::Metadata;
use crate::path::VirtualPath;

use super::follow::Missing;
use super::namespace::Namespace;
use super::resolve::Request;

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
        while !followed.contains(&request.path)
            && let Some(Err(Refusal::Link(link))) = self.lookup(&request)
        {
            let here = request.path.clone().into_owned();
            if self.try_follow(&mut request, &link, Missing::Skipped).is_err() {
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
        loop {
            match self.lookup(&request) {
                Some(Err(Refusal::Link(link))) => {
                    if let Err(astray) = self.try_follow(&mut request, &link, Missing::Refused) {
                        return astray.is_outside();
                    }
                }
                Some(Err(refusal)) => return refusal.is_crossing(),
                Some(Ok(_)) | None => return false,
            }
        }
    }

    /// What is where `request` has come to, its last component followed, as far as the rules let it be seen; `None`
    /// where nothing is mounted.
    fn lookup(&self, request: &Request<'_>) -> Option<Answer<Metadata>> {
        let mounted = self.routes().route(&request.path).mounted?.visible();
        Some(
            mounted
                .mount
                .reader()
                .metadata(mounted.relative, FollowLinks::Yes),
        )
    }
}
