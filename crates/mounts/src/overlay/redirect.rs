//! Renaming: nodes of the upper move, and what only the lower has is shown from elsewhere, without being read.

use std::sync::Arc;
use std::time::SystemTime;

use crate::backend::{Answer, FollowLinks, Refusal, RenameRefusal};
use crate::error::ErrorKind;
use crate::metadata::FileType;
use crate::nesting::Levels;
use crate::path::RelativePath;
use crate::quota::{Admission, Change, Held};

use super::copy_up::taken;
use super::layer::{Attributes, Backing, Directory, Link, Node, Slot};
use super::lookup::{Existing, View};
use super::owned::{Identity, Origin};
use super::{Layer, Overlay};

impl Overlay {
    /// Moves what is at `from` to `to`, at a cost that does not depend on what lies below.
    pub(super) fn relocate(
        &self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        let _turn = self.turn.lock();
        let root = self.root();
        let view = self.view(&root);
        let source = view.existing(from).map_err(RenameRefusal::From)?;
        let target = view.existing(to).map_err(RenameRefusal::To)?;
        check(view, (from, &source), (to, &target))?;
        if from == to {
            return Ok(());
        }
        let now = SystemTime::now();
        let plan = || -> Answer<_> {
            let moved = detached(view, from, &source)?;
            let left = Slot {
                node: None,
                hides: source.hides(view.lower)?,
            };
            let placed = Slot {
                node: Some(moved),
                hides: target.hides(view.lower)?,
            };
            Ok((left, placed.settled(view, to, now)))
        };
        let (left, placed) = plan().map_err(RenameRefusal::From)?;
        let levels = placed
            .levels_at(to)
            .map_err(|kind| RenameRefusal::To(kind.into()))?;
        let (from_parent, from_name) = split(from)?;
        let (to_parent, to_name) = split(to)?;
        let from_ancestors = view.ancestors(from_parent).map_err(RenameRefusal::From)?;
        let before = source.held(from_name) + target.held(to_name) - kept_below(&source);
        let emptied = target.emptied();
        let mut holds = left.held(from_name) + placed.held(to_name);
        holds.memory += emptied.as_ref().map_or(0, |(_, hidden)| hidden.memory());

        // The directories above the target may be, in part, those above the source: they are found once the latter
        // are there.
        drop((source, target, root));
        self.change(|layer| {
            let mut next = layer.clone();
            let source_held = from_ancestors.held();
            let directory = next
                .directory_mut(from_parent, from_ancestors)
                .map_err(RenameRefusal::From)?;
            directory.set(from_name, left);
            directory.touch(now);
            let root = Arc::clone(&next.root);
            let to_ancestors = self.view(&root).ancestors(to_parent).map_err(RenameRefusal::To)?;
            let after = layer.held + source_held + to_ancestors.held() + holds - before;
            admission
                .admit(&Change {
                    before: layer.held,
                    after,
                    ..Change::default()
                })
                .map_err(|kind| RenameRefusal::To(kind.into()))?;
            let directory = next
                .directory_mut(to_parent, to_ancestors)
                .map_err(RenameRefusal::To)?;
            directory.set(to_name, placed);
            directory.touch(now);
            if let Some(levels) = levels {
                next.raise(to_parent, levels);
            }
            if let Some(removed) = emptied {
                next.emptied.keep(removed);
            }
            next.held = after;
            *layer = next;
            Ok(())
        })
    }
}

/// The whiteouts in a directory that moves: they move with it.
fn kept_below(source: &Existing) -> Held {
    match source {
        Existing::Upper(slot) => slot.whiteouts_held(),
        Existing::Absent { .. } | Existing::Lower { .. } => Held::default(),
    }
}

fn split(path: RelativePath<'_>) -> Result<(RelativePath<'_>, &str), RenameRefusal> {
    path.split_last()
        .ok_or_else(|| RenameRefusal::From(ErrorKind::PermissionDenied.into()))
}

/// Refuses what Linux refuses, in its order: ancestry before the type of what would be replaced.
fn check(
    view: View<'_>,
    (from, source): (RelativePath<'_>, &Existing),
    (to, target): (RelativePath<'_>, &Existing),
) -> Result<(), RenameRefusal> {
    let refuse = |kind: ErrorKind| Err(RenameRefusal::To(kind.into()));
    let moved = match source.file_type() {
        None => return Err(RenameRefusal::From(ErrorKind::NotFound.into())),
        Some(FileType::Special) => return Err(RenameRefusal::From(ErrorKind::PermissionDenied.into())),
        Some(moved) => moved,
    };
    if from == to {
        return Ok(());
    }
    if to.starts_with(from) {
        return refuse(ErrorKind::InvalidArgument);
    }
    if from.starts_with(to) {
        return refuse(ErrorKind::DirectoryNotEmpty);
    }
    match (moved, target.file_type()) {
        (FileType::Directory, Some(FileType::Directory)) => {
            if view.is_empty(to).map_err(RenameRefusal::To)? {
                Ok(())
            } else {
                refuse(ErrorKind::DirectoryNotEmpty)
            }
        }
        (FileType::Directory, Some(_)) => refuse(ErrorKind::NotADirectory),
        (_, Some(FileType::Directory)) => refuse(ErrorKind::IsADirectory),
        _ => Ok(()),
    }
}

/// The node that stands for what exists at `path` once it is somewhere else.
fn detached(view: View<'_>, path: RelativePath<'_>, existing: &Existing) -> Answer<Node> {
    match existing {
        Existing::Absent { .. } | Existing::Upper(Slot { node: None, .. }) => Err(ErrorKind::NotFound.into()),
        Existing::Upper(Slot { node: Some(node), .. }) => {
            let mut node = node.clone();
            if let Node::Directory(directory) = &mut node
                && let Backing::Merged(lower, _) = &directory.backing
            {
                let metadata = view.lower.metadata(RelativePath::new(lower), FollowLinks::No)?;
                let origin = Origin {
                    path: lower.clone(),
                    identity: Identity::of(&metadata),
                };
                Arc::make_mut(directory).backing = Backing::Moved(origin);
            }
            Ok(node)
        }
        Existing::Lower {
            path: lower,
            metadata,
        } => Ok(match metadata.file_type {
            FileType::File => Node::File(Arc::new(taken(lower, metadata))),
            FileType::Directory => {
                let origin = Origin {
                    path: lower.as_str().into(),
                    identity: Identity::of(metadata),
                };
                Node::Directory(Arc::new(Directory::new(Backing::Moved(origin))))
            }
            FileType::Symlink => match view.metadata(path, FollowLinks::Yes) {
                Err(Refusal::Link(met)) if met.prefix == path.as_str().len() => {
                    let target = met.target.ok_or(ErrorKind::PermissionDenied)?;
                    Node::Link(Arc::new(Link {
                        attributes: Attributes::of(metadata),
                        target,
                    }))
                }
                Err(refusal) => return Err(refusal),
                Ok(_) => return Err(ErrorKind::Stale.into()),
            },
            FileType::Special => return Err(ErrorKind::PermissionDenied.into()),
        }),
    }
}

impl Layer {
    /// Notes, on the way to `path`, that a directory with these levels is in it now.
    fn raise(&mut self, path: RelativePath<'_>, levels: Levels) {
        let mut above = path.components().count() + 1;
        let mut names = path.components();
        let mut next = Some(Arc::make_mut(&mut self.root));
        while let Some(directory) = next {
            directory.levels = directory.levels.max(levels.above(above));
            above -= 1;
            next = names.next().and_then(|name| directory.directory_mut(name));
        }
    }
}

impl Directory {
    /// Counts the levels of directories that the upper has below.
    fn count_levels(&self) -> usize {
        let below = self.slots().map(|(_, slot)| match &slot.node {
            Some(Node::Directory(directory)) => 1 + directory.count_levels(),
            _ => 0,
        });
        below.max().unwrap_or(0)
    }
}

impl Slot {
    /// The levels of the directory that is to be at `path`, unless it would lie too deep with what is in it.
    fn levels_at(&self, path: RelativePath<'_>) -> Result<Option<Levels>, ErrorKind> {
        let Some(Node::Directory(directory)) = &self.node else {
            return Ok(None);
        };
        let counted = || Levels::counted(directory.count_levels());
        let levels = Some(directory.levels).filter(|levels| levels.fit_at(path));
        match levels.unwrap_or_else(counted) {
            levels if levels.fit_at(path) => Ok(Some(levels)),
            _ => Err(ErrorKind::NameTooLong),
        }
    }

    /// The slot as it is kept at `path`: what came back to where the lower has it is no longer a change.
    fn settled(mut self, view: View<'_>, path: RelativePath<'_>, now: SystemTime) -> Self {
        let natural = view.natural_path(path);
        let returned = |origin: &Origin, hides: &super::owned::Hidden| {
            Some(&*origin.path) == natural.as_deref() && origin.identity == hides.identity
        };
        match (&mut self.node, &self.hides) {
            (Some(Node::File(file)), Some(hides))
                if file.own.is_empty() && file.base.as_ref().is_some_and(|base| returned(base, hides)) =>
            {
                return Self::default();
            }
            (Some(Node::Directory(directory)), Some(hides)) => {
                if let Backing::Moved(origin) = &directory.backing
                    && returned(origin, hides)
                    && let Ok(metadata) = view
                        .lower
                        .metadata(RelativePath::new(&origin.path), FollowLinks::No)
                {
                    let backing = Backing::Merged(origin.path.clone(), Attributes::of(&metadata));
                    Arc::make_mut(directory).backing = backing;
                    self.hides = None;
                    return self;
                }
            }
            _ => {}
        }
        if let Some(node) = &mut self.node {
            node.touch_changed(now);
        }
        self
    }
}
