//! Following a symbolic link: its target, rewritten in the script's namespace.
//!
//! Paths that scripts give are normalised lexically. The target of a link is not: Linux follows `link/../x` to
//! beside what `link` leads to, and finds `missing/../x` missing. So what stands before a `..` is looked up like any
//! path, links followed and rules asked, before the `..` takes it away. What no `..` follows is left to the operation.

use crate::backend::{FollowLinks, LinkMet, Refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::FileType;
use crate::path::{PathError, VirtualPath};

use super::namespace::Namespace;
use super::resolve::Request;

/// The symbolic links followed on one path, as Linux.
pub(super) const MAX_LINKS: usize = 40;

/// What is done where a `..` follows what is no directory, or cannot be found out to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is refused, as every operation of Linux does.
    Refused,
    /// The `..` takes it away by name, as POSIX `realpath` does with what need not exist.
    Skipped,
}

/// Why a link cannot be followed.
#[derive(Debug)]
pub(super) enum Astray {
    /// Its target is absolute, is no text, or climbs out of the mount that has the link.
    Outside,
    /// The rewritten path would be none.
    NoPath(PathError),
    /// Something on the way is missing, is no directory or may not be passed; or this is one link too many.
    Failed(Refusal),
}

impl Astray {
    /// Whether the link leads out of its mount, also into another mount of the host.
    pub(super) fn is_outside(&self) -> bool {
        match self {
            Self::Outside => true,
            Self::NoPath(_) => false,
            Self::Failed(refusal) => refusal.is_crossing(),
        }
    }

    fn into_error(self, request: &Request<'_>) -> Error {
        match self {
            Self::Outside => request.error(ErrorKind::PermissionDenied),
            Self::NoPath(error) => Error::from_path(error, request.operation, request.given),
            Self::Failed(refusal) => request.refused(refusal),
        }
    }
}

impl From<PathError> for Astray {
    fn from(error: PathError) -> Self {
        Self::NoPath(error)
    }
}

impl From<ErrorKind> for Astray {
    fn from(kind: ErrorKind) -> Self {
        Self::Failed(kind.into())
    }
}

/// A component still to be walked.
#[derive(Debug, Clone)]
enum Step {
    Name(String),
    /// What was walked so far must be a directory.
    Here,
    /// The same, and its parent comes next. `floor` is the number of components that stay.
    Up {
        floor: usize,
    },
}

/// What stands where a walk has come to.
enum Standing {
    Directory,
    Other,
    Link(LinkMet),
}

/// A walk along the target of a link.
#[derive(Debug, Default)]
struct Walk {
    /// The components walked, from the root of the table.
    path: Vec<String>,
    /// How many of them are known to be directories, none of them a link.
    known: usize,
    /// What is still to be walked, the next one last.
    pending: Vec<Step>,
}

impl Walk {
    fn to(path: &str) -> Self {
        let names = path.split('/').filter(|name| !name.is_empty());
        Self {
            path: names.map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    fn text(&self) -> String {
        format!("/{}", self.path.join("/"))
    }

    /// Goes back to the directory that has `link`, which its mount met at `relative`, and on along its target.
    fn turn(&mut self, relative: &str, link: &LinkMet) -> std::result::Result<(), Astray> {
        let target = link
            .target
            .as_deref()
            .filter(|target| !target.starts_with('/'))
            .ok_or(Astray::Outside)?;
        let count = |path: &str| path.split('/').filter(|name| !name.is_empty()).count();
        let floor = self.path.len() - count(relative);
        let within = relative.get(..link.prefix).map_or(0, count);
        let above = within.checked_sub(1).ok_or(Astray::Outside)?;
        let after = self.path.split_off(floor + above);
        self.known = self.path.len();
        self.pending
            .extend(after.into_iter().skip(1).rev().map(Step::Name));
        self.pending
            .extend(target.rsplit('/').filter_map(|name| match name {
                "" => None,
                "." => Some(Step::Here),
                ".." => Some(Step::Up { floor }),
                name => Some(Step::Name(name.to_owned())),
            }));
        Ok(())
    }
}

impl Namespace {
    /// Continues `request` at the target of `link`, which its mount met.
    ///
    /// The target may lead anywhere below the mount's point, also into a mount nested there; an absolute target
    /// or one that climbs out is refused.
    pub(super) fn follow(&self, request: &mut Request<'_>, link: &LinkMet) -> Result<()> {
        self.try_follow(request, link, Missing::Refused)
            .map_err(|astray| astray.into_error(request))
    }

    /// Does what [`follow`](Self::follow) does, or says why it cannot be done. `request` then stays where it was.
    pub(super) fn try_follow(
        &self,
        request: &mut Request<'_>,
        link: &LinkMet,
        missing: Missing,
    ) -> std::result::Result<(), Astray> {
        request.count_link()?;
        let mounted = self.routes().route(&request.path).mounted;
        let relative = mounted.ok_or(Astray::Outside)?.relative.as_str();
        let mut walk = Walk::to(request.path.as_str());
        walk.turn(relative, link)?;
        let is_last = link.prefix == relative.len();
        let slash = is_last && link.target.as_deref().is_some_and(|target| target.ends_with('/'));

        while let Some(step) = walk.pending.pop() {
            if let Step::Name(name) = step {
                walk.path.push(name);
                continue;
            }
            if walk.path.len() > walk.known {
                match self.standing(request, &mut walk) {
                    Ok(Standing::Directory) => {}
                    Ok(Standing::Link(link)) => {
                        walk.pending.push(step);
                        request.count_link()?;
                        let at = walk.text();
                        let at = VirtualPath::parse(&at)?;
                        let mounted = self.routes().route(&at).mounted.ok_or(Astray::Outside)?;
                        walk.turn(mounted.relative.as_str(), &link)?;
                        continue;
                    }
                    _ if missing == Missing::Skipped => {}
                    Ok(Standing::Other) => return Err(ErrorKind::NotADirectory.into()),
                    Err(astray) => return Err(astray),
                }
                walk.known = walk.path.len();
            }
            if let Step::Up { floor } = step {
                if walk.path.len() <= floor {
                    return Err(Astray::Outside);
                }
                walk.path.pop();
                walk.known = walk.path.len();
            }
        }
        request.path = VirtualPath::parse(&walk.text())?.into_owned();
        request.wants_directory |= slash;
        Ok(())
    }

    /// What stands where `walk` has come to, as `request` may see it.
    fn standing(&self, request: &mut Request<'_>, walk: &mut Walk) -> std::result::Result<Standing, Astray> {
        let path = walk.text();
        let path = VirtualPath::parse(&path)?;
        let route = self.routes().route(&path);
        if route.point.is_some() {
            return Ok(Standing::Directory);
        }
        let mounted = route.mounted.ok_or(ErrorKind::NotFound)?;
        let judged = request.judge(mounted).map_err(Astray::Failed)?;
        match judged.reader().metadata(judged.relative(), FollowLinks::Yes) {
            Ok(found) if found.file_type == FileType::Directory => Ok(Standing::Directory),
            Ok(_) => Ok(Standing::Other),
            Err(Refusal::Link(link)) => Ok(Standing::Link(link)),
            Err(refusal) => Err(Astray::Failed(refusal)),
        }
    }
}
