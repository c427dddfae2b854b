//! What was hidden in lower directories that were renamed and then removed.
//!
//! A whiteout keeps what had been hidden in the directory when it came to stand in its place. What is hidden in a
//! directory later, under its new name, is kept by that directory; when it is removed, it is kept here. So it is known
//! of each lower entry that the script removed that it was the script who removed it.

use std::sync::Arc;

use imbl::OrdMap;

use crate::difference::child;
use crate::metadata::{FileType, Name};
use crate::target::Expected;

use super::layer::{Backing, Node, Slot};
use super::lookup::Existing;
use super::owned::Hidden;

/// The records, by the paths of the directories in the lower.
#[derive(Debug, Clone, Default)]
pub(super) struct Emptied(OrdMap<Name, Arc<Hidden>>);

/// A directory that is about to be removed, by its path in the lower, and what had been hidden in it.
pub(super) type Removed = (Name, Arc<Hidden>);

impl Existing {
    /// The record that has to be kept once what exists is removed.
    pub(super) fn emptied(&self) -> Option<Removed> {
        let Self::Upper(Slot {
            node: Some(Node::Directory(directory)),
            ..
        }) = self
        else {
            return None;
        };
        let Backing::Moved(origin) = &directory.backing else {
            return None;
        };
        let below = directory.hidden_below();
        (!below.is_empty()).then(|| {
            let identity = origin.identity.clone();
            (origin.path.clone(), Arc::new(Hidden { identity, below }))
        })
    }
}

impl Emptied {
    pub(super) fn keep(&mut self, (path, hidden): Removed) {
        self.0.insert(path, hidden);
    }

    /// The records, in the order of their paths.
    pub(super) fn records(&self) -> impl ExactSizeIterator<Item = (&Name, &Arc<Hidden>)> {
        self.0.iter()
    }

    /// The path that comes last.
    pub(super) fn last_path(&self) -> Option<&str> {
        self.0.get_max().map(|(path, _)| &**path)
    }

    /// What the records cost in memory, in bytes.
    pub(super) fn memory(&self) -> u64 {
        self.0.values().map(|hidden| hidden.memory()).sum()
    }

    /// The same records where the directories are `now`, without those that are gone.
    pub(super) fn settled(&self, now: impl Fn(&str) -> Option<String>) -> Self {
        let mut settled = OrdMap::new();
        for (path, hidden) in &self.0 {
            if let Some(now) = now(path) {
                settled.insert(now.into(), Arc::clone(hidden));
            }
        }
        Self(settled)
    }

    /// Whether it is known of everything in the lower directory at `path` how it came to be hidden.
    pub(super) fn knows(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// What was hidden in the lower directory at `path`, whose whiteout is `hidden`.
    pub(super) fn below<'l>(
        &'l self,
        path: &str,
        hidden: &'l Hidden,
    ) -> impl Iterator<Item = (&'l Name, &'l Hidden)> {
        let later = self.0.get(path).into_iter().flat_map(|later| &later.below);
        hidden
            .below
            .iter()
            .chain(later)
            .map(|(name, hidden)| (name, &**hidden))
    }

    /// What was hidden under `name` in the lower directory at `path`, whose whiteout is `hidden`.
    pub(super) fn get<'l>(&'l self, path: &str, hidden: &'l Hidden, name: &str) -> Option<&'l Hidden> {
        let later = || self.0.get(path)?.below.get(name);
        hidden.below.get(name).or_else(later).map(Arc::as_ref)
    }

    /// What a commit must find at `path`, with nothing in it but what was hidden. What moves away from there, which
    /// `is_moved` tells, takes along what is in it.
    pub(super) fn expected(&self, path: &str, hidden: &Hidden, is_moved: &dyn Fn(&str) -> bool) -> Expected {
        let expected = hidden.identity.expected();
        if is_moved(path) {
            return expected;
        }
        let below = self.below(path, hidden).map(|(name, hidden)| {
            let expected = self.expected(&child(path, name), hidden, is_moved);
            (name.clone(), expected)
        });
        Expected {
            entries: Some(below.collect()),
            ..expected
        }
    }

    /// Everything that was hidden below the lower entry at `lower`, which is at `path` for the script, and what it was.
    pub(super) fn paths_below(&self, path: &str, lower: &str, hidden: &Hidden) -> Vec<(String, FileType)> {
        let mut paths = Vec::new();
        for (name, hidden) in self.below(lower, hidden) {
            let path = child(path, name);
            paths.extend(self.paths_below(&path, &child(lower, name), hidden));
            paths.push((path, hidden.identity.file_type));
        }
        paths
    }
}
