//! The lookup step: where does this path live now? Every operation of the overlay starts here.

use std::sync::Arc;

use crate::backend::{Answer, FollowLinks, LinkMet, Reader, Refusal};
use crate::error::ErrorKind;
use crate::metadata::{FileType, Metadata};
use crate::path::RelativePath;

use super::layer::{Attributes, Backing, Directory, Link, Node, Slot};
use super::owned::{Hidden, Identity, Origin};

/// Where a path lives.
#[derive(Debug)]
pub(super) enum Place<'l> {
    /// The root of the layer.
    Root,
    /// In the upper.
    Upper(&'l Slot, &'l Node),
    /// Nowhere: the upper hides what the lower has, or has a directory of its own in which the name is missing.
    Absent(Option<&'l Slot>),
    /// In the lower, if anywhere: nothing in the upper is at the path or decides about it.
    Lower(LowerPath<'l>),
}

/// A path in the lower layer.
#[derive(Debug)]
pub(super) struct LowerPath<'l> {
    pub(super) path: String,
    /// How much of the path asked for, in bytes, is directories of the upper.
    upper: usize,
    /// The renamed lower directory the path leads through, if any: it must still be the one that was renamed.
    pub(super) through: Option<&'l Origin>,
}

impl LowerPath<'_> {
    pub(super) fn relative(&self) -> RelativePath<'_> {
        RelativePath::new(&self.path)
    }

    /// Whether `parent`, a part of the path asked for, is a directory of the upper, which is one whatever the lower has.
    fn is_in_upper(&self, parent: RelativePath<'_>) -> bool {
        parent.is_root() || self.upper > parent.as_str().len()
    }
}

/// What exists at a path, as a change needs to know it.
#[derive(Debug)]
pub(super) enum Existing {
    Absent { hides: Option<Arc<Hidden>> },
    Upper(Slot),
    Lower { path: String, metadata: Metadata },
}

impl Existing {
    pub(super) fn file_type(&self) -> Option<FileType> {
        match self {
            Self::Absent { .. } => None,
            Self::Upper(slot) => slot.node.as_ref().map(Node::file_type),
            Self::Lower { metadata, .. } => Some(metadata.file_type),
        }
    }

    /// What a slot hides that comes to stand here: what it hid before, or what the lower has here now.
    pub(super) fn hides(&self, lower: &dyn Reader) -> Answer<Option<Arc<Hidden>>> {
        Ok(match self {
            Self::Absent { hides } => hides.clone(),
            Self::Lower { metadata, .. } => Some(Arc::new(Hidden::new(Identity::of(metadata)))),
            Self::Upper(Slot {
                hides: Some(hides), ..
            }) => Some(hides.clone()),
            Self::Upper(Slot {
                node: Some(Node::Directory(directory)),
                hides: None,
            }) => {
                let Backing::Merged(path, _) = &directory.backing else {
                    return Ok(None);
                };
                let metadata = lower.metadata(RelativePath::new(path), FollowLinks::No)?;
                let below = directory.hidden_below();
                Some(Arc::new(Hidden {
                    identity: Identity::of(&metadata),
                    below,
                }))
            }
            Self::Upper(_) => None,
        })
    }
}

/// The layers as an operation sees them: the upper as it was when the operation began, and the lower.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'l> {
    pub(super) root: &'l Arc<Directory>,
    pub(super) lower: &'l dyn Reader,
}

impl<'l> View<'l> {
    /// Says where `path` lives now.
    ///
    /// A file of the upper on the way is `NotADirectory`, a link of the upper on the way a refusal that names it;
    /// neither is looked at when it is the last component.
    pub(super) fn place(self, path: RelativePath<'_>) -> Answer<Place<'l>> {
        let whole = path.as_str();
        let mut directory = self.root;
        let mut found = Place::Root;
        let mut through = None;
        let mut passed = 0;
        for name in path.components() {
            match found {
                Place::Root => {}
                Place::Upper(_, Node::Directory(next)) => directory = next,
                Place::Upper(_, Node::Link(link)) => return Err(link_met(link, passed - 1)),
                Place::Upper(_, Node::File(_)) => return Err(ErrorKind::NotADirectory.into()),
                Place::Absent(_) | Place::Lower(_) => return Err(ErrorKind::NotFound.into()),
            }
            match &directory.backing {
                Backing::Own(_) => through = None,
                Backing::Merged(..) => {}
                Backing::Moved(origin) => through = Some(origin),
            }
            found = match directory.slot(name) {
                Some(slot) => slot
                    .node
                    .as_ref()
                    .map_or(Place::Absent(Some(slot)), |node| Place::Upper(slot, node)),
                None => match directory.backing.lower() {
                    None => Place::Absent(None),
                    Some(base) => {
                        let path = below(base, &whole[passed..]);
                        return Ok(Place::Lower(LowerPath {
                            path,
                            upper: passed,
                            through,
                        }));
                    }
                },
            };
            passed += name.len() + 1;
        }
        Ok(found)
    }

    /// Says what exists at `path`, whose parent must be a directory.
    pub(super) fn existing(self, path: RelativePath<'_>) -> Answer<Existing> {
        match self.place(path)? {
            Place::Root => Err(ErrorKind::PermissionDenied.into()),
            Place::Upper(slot, _) => Ok(Existing::Upper(slot.clone())),
            Place::Absent(slot) => Ok(Existing::Absent {
                hides: slot.and_then(|slot| slot.hides.clone()),
            }),
            Place::Lower(lower) => match self.ask(path, &lower, |relative| {
                self.lower.metadata(relative, FollowLinks::No)
            }) {
                Ok(metadata) => Ok(Existing::Lower {
                    path: lower.path,
                    metadata,
                }),
                Err(Refusal::Failed {
                    kind: ErrorKind::NotFound,
                    ..
                }) => {
                    let parent = path.split_last().map_or(RelativePath::ROOT, |(parent, _)| parent);
                    if !lower.is_in_upper(parent) {
                        self.require_directory(parent)?;
                    }
                    Ok(Existing::Absent { hides: None })
                }
                Err(refusal) => Err(refusal),
            },
        }
    }

    /// Checks that `path` is a directory.
    pub(super) fn require_directory(self, path: RelativePath<'_>) -> Answer<()> {
        match self.metadata(path, FollowLinks::Yes)?.file_type {
            FileType::Directory => Ok(()),
            _ => Err(ErrorKind::NotADirectory.into()),
        }
    }

    /// Describes what is at `path` in the merged view.
    pub(super) fn metadata(self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        match self.place(path)? {
            Place::Absent(_) => Err(ErrorKind::NotFound.into()),
            Place::Lower(lower) => self.ask(path, &lower, |relative| self.lower.metadata(relative, follow)),
            Place::Root => self.directory_metadata(self.root),
            Place::Upper(_, Node::Directory(directory)) => self.directory_metadata(directory),
            Place::Upper(_, Node::File(file)) => Ok(file.metadata()),
            Place::Upper(_, Node::Link(link)) => match follow {
                FollowLinks::No => Ok(link.metadata()),
                FollowLinks::Yes => Err(link_met(link, path.as_str().len())),
            },
        }
    }

    fn directory_metadata(self, directory: &Directory) -> Answer<Metadata> {
        let found = match &directory.backing {
            Backing::Own(attributes) => return Ok(directory.metadata_over(attributes, None)),
            Backing::Moved(origin) => {
                self.require_same(origin)?;
                self.lower
                    .metadata(RelativePath::new(&origin.path), FollowLinks::No)
                    .map_err(stale)?
            }
            Backing::Merged(path, seen) => {
                // The host may have taken the directory away: what the upper has in it keeps it visible.
                match self.lower.metadata(RelativePath::new(path), FollowLinks::No) {
                    Ok(found) if found.file_type == FileType::Directory => found,
                    _ => return Ok(directory.metadata_over(seen, None)),
                }
            }
        };
        Ok(directory.metadata_over(&Attributes::of(&found), Some(found.links)))
    }

    /// Asks the lower about `lower`, which is where `path` lives, and translates the link it may meet.
    pub(super) fn ask<T>(
        self,
        path: RelativePath<'_>,
        lower: &LowerPath<'_>,
        question: impl FnOnce(RelativePath<'_>) -> Answer<T>,
    ) -> Answer<T> {
        if let Some(origin) = lower.through {
            self.require_same(origin)?;
        }
        question(lower.relative()).map_err(|refusal| match refusal {
            Refusal::Link(LinkMet { prefix, target }) => {
                // Both paths end in the same components. A link before those stands where the upper has a directory.
                let after = lower.path.len() - prefix;
                match path.as_str().len().checked_sub(after) {
                    Some(prefix) if prefix > lower.upper => Refusal::Link(LinkMet { prefix, target }),
                    _ => ErrorKind::Stale.into(),
                }
            }
            failed @ Refusal::Failed { .. } => failed,
        })
    }

    /// Where in the lower `path` would live if no slot decided about it.
    pub(super) fn natural_path(self, path: RelativePath<'_>) -> Option<String> {
        let (parent, name) = path.split_last()?;
        match self.place(parent).ok()? {
            Place::Root => self.root.backing.lower().map(|base| below(base, name)),
            Place::Upper(_, Node::Directory(directory)) => {
                directory.backing.lower().map(|base| below(base, name))
            }
            Place::Lower(lower) => Some(below(&lower.path, name)),
            Place::Upper(..) | Place::Absent(_) => None,
        }
    }

    /// Checks that the lower still has, at its place, the directory that was renamed.
    fn require_same(self, origin: &Origin) -> Answer<()> {
        let now = self
            .lower
            .metadata(RelativePath::new(&origin.path), FollowLinks::No)
            .map_err(stale)?;
        if Identity::of(&now).is_same_entry(&origin.identity) {
            Ok(())
        } else {
            Err(ErrorKind::Stale.into())
        }
    }

    /// Checks that the lower still has, unchanged, the entry the upper took.
    pub(super) fn require_unchanged(self, origin: &Origin) -> Answer<()> {
        let now = self
            .lower
            .metadata(RelativePath::new(&origin.path), FollowLinks::No)
            .map_err(stale)?;
        if Identity::of(&now) == origin.identity {
            Ok(())
        } else {
            Err(ErrorKind::Stale.into())
        }
    }
}

/// The refusal for a link of the upper at the first `prefix` bytes of a path.
pub(super) fn link_met(link: &Link, prefix: usize) -> Refusal {
    Refusal::Link(LinkMet {
        prefix,
        target: Some(link.target.clone()),
    })
}

/// What the upper owns is gone from the lower, or is something else now.
pub(super) fn stale(_: Refusal) -> Refusal {
    ErrorKind::Stale.into()
}

/// The lower path of `name` below the lower directory `base`.
pub(super) fn below(base: &str, name: &str) -> String {
    if base.is_empty() {
        name.to_owned()
    } else {
        format!("{base}/{name}")
    }
}
