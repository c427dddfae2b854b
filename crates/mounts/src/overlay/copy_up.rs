//! Changing the upper: directories above, files whole or in part, new directories, whiteouts.

use std::sync::Arc;
use std::time::SystemTime;

use crate::backend::{Answer, FollowLinks};
use crate::contents::Contents;
use crate::error::ErrorKind;
use crate::metadata::{FileType, Metadata};
use crate::path::RelativePath;
use crate::quota::{Admission, Change, Held};
use crate::update::Update;

use super::emptied::Removed;
use super::layer::{Attributes, Backing, Directory, File, Node, Slot};
use super::lookup::{Existing, Place, View};
use super::owned::{Identity, Origin};
use super::{Layer, Overlay};

/// Directories that a change must make in the upper before it can put anything in them, from the top down.
#[derive(Debug, Default)]
pub(super) struct Ancestors {
    missing: Vec<(Backing, String)>,
    held: Held,
}

impl View<'_> {
    /// Finds which of the directories on `path`, itself included, exist in the lower only.
    pub(super) fn ancestors(self, path: RelativePath<'_>) -> Answer<Ancestors> {
        let mut ancestors = Ancestors::default();
        let whole = path.as_str();
        let ends = whole.match_indices('/').map(|(end, _)| end).chain([whole.len()]);
        for end in ends.filter(|end| *end > 0) {
            let prefix = RelativePath::new(&whole[..end]);
            if let Place::Lower(lower) = self.place(prefix)? {
                let ask = |relative: RelativePath<'_>| self.lower.metadata(relative, FollowLinks::Yes);
                let metadata = self.ask(prefix, &lower, ask)?;
                if metadata.file_type != FileType::Directory {
                    return Err(ErrorKind::NotADirectory.into());
                }
                let name = prefix.split_last().map_or("", |(_, name)| name).to_owned();
                let backing = Backing::Merged(lower.path.as_str().into(), Attributes::of(&metadata));
                let node = Node::Directory(Arc::new(Directory::new(backing.clone())));
                ancestors.held = ancestors.held
                    + Slot {
                        node: Some(node),
                        hides: None,
                    }
                    .held(&name);
                ancestors.missing.push((backing, name));
            }
        }
        Ok(ancestors)
    }
}

impl Ancestors {
    pub(super) fn held(&self) -> Held {
        self.held
    }
}

impl Layer {
    /// The upper directory at `path`, for changing, with `ancestors` made on the way.
    pub(super) fn directory_mut(
        &mut self,
        path: RelativePath<'_>,
        ancestors: Ancestors,
    ) -> Answer<&mut Directory> {
        let mut missing = ancestors.missing.into_iter().peekable();
        let mut directory = Arc::make_mut(&mut self.root);
        for name in path.components() {
            let absent = directory.slot(name).is_none();
            if let Some((backing, _)) = missing.next_if(|(_, wanted)| absent && wanted == name) {
                let node = Node::Directory(Arc::new(Directory::new(backing)));
                directory.set(
                    name,
                    Slot {
                        node: Some(node),
                        hides: None,
                    },
                );
            }
            directory = directory.directory_mut(name).ok_or(ErrorKind::NotFound)?;
        }
        Ok(directory)
    }

    /// Puts what `fill` makes at `path`, once `admission` has admitted that it will hold `holds`.
    pub(super) fn place(
        &mut self,
        path: RelativePath<'_>,
        planned: Planned,
        holds: Held,
        admission: &mut Admission<'_>,
        fill: impl FnOnce(SystemTime) -> Slot,
    ) -> Answer<()> {
        let (parent, name) = path.split_last().ok_or(ErrorKind::PermissionDenied)?;
        let Planned {
            ancestors,
            before,
            file_size,
            written,
            touches_parent,
            emptied,
        } = planned;
        let kept = Held {
            memory: emptied.as_ref().map_or(0, |(_, hidden)| hidden.memory()),
            ..Held::default()
        };
        let after = self.held + ancestors.held() + holds + kept - before;
        admission.admit(&Change {
            before: self.held,
            after,
            file_size,
            written,
        })?;
        let now = SystemTime::now();
        let directory = self.directory_mut(parent, ancestors)?;
        directory.set(name, fill(now));
        if touches_parent {
            directory.touch(now);
        }
        if let Some(removed) = emptied {
            self.emptied.keep(removed);
        }
        self.held = after;
        Ok(())
    }

    /// Changes a file that the upper has already, without copying what nobody else holds.
    fn update_file(
        &mut self,
        path: RelativePath<'_>,
        update: Update<'_>,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        let (parent, name) = path.split_last().ok_or(ErrorKind::IsADirectory)?;
        let before = self.held;
        let file = self
            .directory_mut(parent, Ancestors::default())?
            .file_mut(name)
            .ok_or(ErrorKind::NotFound)?;
        let after = before - file.held() + file.held_after(&update);
        let (file_size, written) = (file.size_after(&update), update.written());
        admission.admit(&Change {
            before,
            after,
            file_size,
            written,
        })?;
        file.update(update, SystemTime::now());
        self.held = after;
        Ok(())
    }
}

/// What a change is known to do before it is made.
#[derive(Debug, Default)]
pub(super) struct Planned {
    pub(super) ancestors: Ancestors,
    /// What the slot held before.
    pub(super) before: Held,
    pub(super) file_size: u64,
    pub(super) written: u64,
    pub(super) touches_parent: bool,
    /// What is to be known later of a directory that goes.
    pub(super) emptied: Option<Removed>,
}

impl Overlay {
    /// Creates, replaces or extends the file at `path`.
    pub(super) fn put(
        &self,
        path: RelativePath<'_>,
        update: Update<'_>,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        let (parent, name) = path.split_last().ok_or(ErrorKind::IsADirectory)?;
        let _turn = self.turn.lock();
        let root = self.root();
        let view = self.view(&root);
        let existing = view.existing(path)?;
        let taken = match existing.file_type() {
            None => None,
            Some(FileType::Directory) => return Err(ErrorKind::IsADirectory.into()),
            Some(FileType::Special) => return Err(ErrorKind::PermissionDenied.into()),
            // Asking again, now to follow it, makes whoever has the link say where it leads.
            Some(FileType::Symlink) => return view.metadata(path, FollowLinks::Yes).map(drop),
            Some(FileType::File) if matches!(update, Update::Touch) => return Ok(()),
            Some(FileType::File) => {
                let Existing::Lower {
                    path: lower,
                    metadata,
                } = &existing
                else {
                    drop((existing, root));
                    return self.change(|layer| layer.update_file(path, update, admission));
                };
                Some(taken(lower, metadata))
            }
        };
        let hides = existing.hides(self.lower.as_ref())?;
        let created = taken.is_none();
        let before = existing.held(name);
        let ancestors = view.ancestors(parent)?;
        drop((existing, root));

        self.change(|layer| {
            let mut file = taken.unwrap_or_else(|| File::born(layer.next_inode(), SystemTime::now()));
            let planned = Planned {
                ancestors,
                before,
                file_size: file.size_after(&update),
                written: update.written(),
                touches_parent: created,
                emptied: None,
            };
            let holds = Slot::held_for(name, file.held_after(&update), hides.as_deref());
            layer.place(path, planned, holds, admission, |now| {
                file.update(update, now);
                Slot {
                    node: Some(Node::File(Arc::new(file))),
                    hides,
                }
            })
        })
    }

    /// Creates a directory of the upper's own.
    pub(super) fn make_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        let (parent, name) = path.split_last().ok_or(ErrorKind::AlreadyExists)?;
        let _turn = self.turn.lock();
        let root = self.root();
        let view = self.view(&root);
        let existing = view.existing(path)?;
        if existing.file_type().is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let hides = existing.hides(self.lower.as_ref())?;
        let before = existing.held(name);
        let planned = Planned {
            ancestors: view.ancestors(parent)?,
            before,
            touches_parent: true,
            ..Planned::default()
        };
        drop((existing, root));
        self.change(|layer| {
            let attributes = Attributes::born(layer.next_inode(), 0o755, SystemTime::now());
            let node = Node::Directory(Arc::new(Directory::new(Backing::Own(attributes))));
            let slot = Slot {
                node: Some(node),
                hides,
            };
            layer.place(path, planned, slot.held(name), admission, |_| slot)
        })
    }

    /// Takes away what is at `path`: a file or link, or an empty directory. What the lower has there is hidden.
    pub(super) fn remove(
        &self,
        path: RelativePath<'_>,
        what: FileType,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        let (parent, name) = path.split_last().ok_or(ErrorKind::PermissionDenied)?;
        let _turn = self.turn.lock();
        let root = self.root();
        let view = self.view(&root);
        let existing = view.existing(path)?;
        match (what, existing.file_type()) {
            (_, None) => return Err(ErrorKind::NotFound.into()),
            (FileType::Directory, Some(FileType::Directory)) => {
                if !view.is_empty(path)? {
                    return Err(ErrorKind::DirectoryNotEmpty.into());
                }
            }
            (FileType::Directory, Some(_)) => return Err(ErrorKind::NotADirectory.into()),
            (_, Some(FileType::Directory)) => return Err(ErrorKind::IsADirectory.into()),
            (_, Some(_)) => {}
        }
        let planned = Planned {
            ancestors: view.ancestors(parent)?,
            before: existing.held(name),
            touches_parent: true,
            emptied: existing.emptied(),
            ..Planned::default()
        };
        let slot = Slot {
            node: None,
            hides: existing.hides(self.lower.as_ref())?,
        };
        drop((existing, root));
        self.change(|layer| layer.place(path, planned, slot.held(name), admission, |_| slot))
    }
}

impl Existing {
    /// What the slot at the path holds before the change, under `name`, with what goes when it goes: the whiteouts
    /// in a directory that shows nothing.
    pub(super) fn held(&self, name: &str) -> Held {
        match self {
            Self::Upper(slot) => slot.held(name) + slot.whiteouts_held(),
            Self::Absent { hides } => Slot {
                node: None,
                hides: hides.clone(),
            }
            .held(name),
            Self::Lower { .. } => Held::default(),
        }
    }
}

/// A lower file as the upper takes it: all of its bytes still below.
pub(super) fn taken(path: &str, metadata: &Metadata) -> File {
    let origin = Origin {
        path: path.into(),
        identity: Identity::of(metadata),
    };
    File {
        attributes: Attributes::of(metadata),
        base: Some(origin),
        own: Contents::default(),
    }
}
