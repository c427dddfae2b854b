//! Listing a directory that both layers have.

use crate::backend::{Answer, Refusal};
use crate::error::ErrorKind;
use crate::metadata::{DirEntry, Name};
use crate::path::RelativePath;

use super::layer::{Backing, Directory, Node, Slot};
use super::lookup::{Place, View, link_met};

impl View<'_> {
    /// Lists what is in `path`, sorted by name.
    pub(super) fn list(self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        match self.place(path)? {
            Place::Absent(_) => Err(ErrorKind::NotFound.into()),
            Place::Lower(lower) => self.ask(path, &lower, |relative| self.lower.list(relative)),
            Place::Root => self.list_merged(self.root),
            Place::Upper(_, Node::Directory(directory)) => self.list_merged(directory),
            Place::Upper(_, Node::File(_)) => Err(ErrorKind::NotADirectory.into()),
            Place::Upper(_, Node::Link(link)) => Err(link_met(link, path.as_str().len())),
        }
    }

    /// Whether the directory shows no entry, in either layer.
    pub(super) fn is_empty(self, path: RelativePath<'_>) -> Answer<bool> {
        match self.place(path)? {
            Place::Upper(_, Node::Directory(directory)) => {
                let shown = directory.slots().any(|(_, slot)| slot.node.is_some());
                Ok(!shown && self.list_merged(directory)?.is_empty())
            }
            _ => Ok(self.list(path)?.is_empty()),
        }
    }

    /// The lower's entries that no slot decides about, and the slots that show something.
    fn list_merged(self, directory: &Directory) -> Answer<Vec<DirEntry>> {
        let lower = self.list_lower(directory)?;
        let mut slots = directory.slots().peekable();
        let mut merged = Vec::with_capacity(lower.len());
        let show = |merged: &mut Vec<DirEntry>, name: &Name, slot: &Slot| {
            if let Some(node) = &slot.node {
                merged.push(DirEntry {
                    name: name.clone(),
                    file_type: node.file_type(),
                });
            }
        };
        for entry in lower {
            while let Some((name, slot)) = slots.next_if(|(name, _)| **name < entry.name) {
                show(&mut merged, name, slot);
            }
            match slots.next_if(|(name, _)| **name == entry.name) {
                Some((name, slot)) => show(&mut merged, name, slot),
                None => merged.push(entry),
            }
        }
        for (name, slot) in slots {
            show(&mut merged, name, slot);
        }
        Ok(merged)
    }

    fn list_lower(self, directory: &Directory) -> Answer<Vec<DirEntry>> {
        match &directory.backing {
            Backing::Own(_) => Ok(Vec::new()),
            Backing::Moved(origin) => {
                self.require_unchanged(origin)?;
                self.lower.list(RelativePath::new(&origin.path))
            }
            Backing::Merged(path, _) => match self.lower.list(RelativePath::new(path)) {
                // The host has taken the directory away, or put something else in its place.
                Err(
                    Refusal::Link(_)
                    | Refusal::Failed {
                        kind: ErrorKind::NotFound | ErrorKind::NotADirectory,
                        ..
                    },
                ) => Ok(Vec::new()),
                answer => answer,
            },
        }
    }
}
