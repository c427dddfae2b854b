//! What a commit has to do: a unit for each slot of the upper that says something.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::difference::child;
use crate::overlay::Layer;
use crate::overlay::emptied::Emptied;
use crate::overlay::layer::{Backing, Directory, File, Link, Node, Slot};
use crate::overlay::owned::Origin;

use super::select::SkipReason;

/// What is to be done at a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action<'l> {
    /// What the lower has there goes.
    Remove,
    CreateDir,
    /// A lower entry comes here as it is.
    Move(&'l Origin),
    /// A lower file comes here and is extended.
    MoveAndExtend(&'l Origin, &'l File),
    /// The lower file here is extended.
    Extend(&'l Origin, &'l File),
    /// A file with contents of its own.
    Write(&'l File),
    Link(&'l Link),
    /// The lower file here is taken, and the same as ever.
    Keep,
}

/// A slot that says something, and what becomes of it.
#[derive(Debug)]
pub(super) struct Unit<'l> {
    /// Where it is in the overlay, and will be in the lower.
    pub(super) path: String,
    /// Where in the lower the entries are that the slot hides; `None` below a directory that is the upper's own.
    pub(super) lower: Option<String>,
    pub(super) slot: &'l Slot,
    pub(super) action: Action<'l>,
    /// The unit of the directory it lies in, if that one must be committed first.
    pub(super) parent: Option<usize>,
    /// Why it is not to be committed.
    pub(super) skipped: Option<SkipReason>,
    pub(super) is_done: bool,
}

impl Unit<'_> {
    /// Whether it is done with the structure.
    pub(super) fn is_structure(&self) -> bool {
        matches!(
            self.action,
            Action::CreateDir | Action::Move(_) | Action::MoveAndExtend(..)
        )
    }

    /// The lower entry that comes here.
    pub(super) fn origin(&self) -> Option<&Origin> {
        match &self.action {
            Action::Move(origin) | Action::MoveAndExtend(origin, _) => Some(origin),
            _ => None,
        }
    }
}

/// Everything that a commit would have to do, directories before what lies in them.
#[derive(Debug)]
pub(super) struct Plan<'l> {
    pub(super) units: Vec<Unit<'l>>,
    /// What was hidden in directories that were renamed and then removed.
    pub(super) emptied: &'l Emptied,
    /// The directories of the lower in which units lie that are not of the upper's own making.
    pub(super) entered: BTreeSet<String>,
    /// The units that hide something, by its place in the lower.
    by_lower: FxHashMap<String, usize>,
    /// The places in the lower from which something moves.
    moved: BTreeSet<&'l str>,
}

impl<'l> Plan<'l> {
    pub(super) fn of(layer: &'l Layer) -> Self {
        let mut plan = Self {
            units: Vec::new(),
            emptied: &layer.emptied,
            entered: BTreeSet::new(),
            by_lower: FxHashMap::default(),
            moved: BTreeSet::new(),
        };
        plan.enter("", &layer.root, None);
        plan
    }

    fn enter(&mut self, path: &str, directory: &'l Arc<Directory>, parent: Option<usize>) {
        if let Backing::Merged(lower, _) = &directory.backing
            && directory.slots().next().is_some()
        {
            self.entered.insert(lower.to_string());
        }
        for (name, slot) in directory.slots() {
            let path = child(path, name);
            let lower = directory.backing.lower().map(|base| child(base, name));
            if let Some(Node::Directory(below)) = &slot.node
                && let Backing::Merged(..) = below.backing
            {
                self.enter(&path, below, parent);
                continue;
            }
            let index = self.units.len();
            let action = Action::of(slot, lower.as_deref());
            if let (Some(_), Some(lower)) = (&slot.hides, &lower) {
                self.by_lower.insert(lower.clone(), index);
            }
            let unit = Unit {
                path: path.clone(),
                lower,
                slot,
                action,
                parent,
                skipped: None,
                is_done: false,
            };
            if let Action::Move(origin) | Action::MoveAndExtend(origin, _) = unit.action {
                self.moved.insert(&origin.path);
            }
            self.units.push(unit);
            if let Some(Node::Directory(below)) = &slot.node {
                self.enter(&path, below, Some(index));
            }
        }
    }

    /// The unit whose slot hides the lower entry at `path`, or a directory above it.
    pub(super) fn unit_that_hides(&self, path: &str) -> Option<usize> {
        let mut prefix = path;
        loop {
            if let Some(unit) = self.by_lower.get(prefix) {
                return Some(*unit);
            }
            prefix = &prefix[..prefix.rfind('/')?];
        }
    }

    /// Whether the lower entry at `path` itself moves.
    pub(super) fn is_moved(&self, path: &str) -> bool {
        self.moved.contains(path)
    }

    /// The units to be committed.
    pub(super) fn selected(&self) -> impl Iterator<Item = usize> {
        (0..self.units.len()).filter(|unit| self.units[*unit].skipped.is_none())
    }

    /// Notes that the structure is as it is to be.
    pub(super) fn mark_structure_done(&mut self) {
        for unit in &mut self.units {
            unit.is_done |= unit.skipped.is_none() && unit.is_structure();
        }
    }

    pub(super) fn mark_selected_done(&mut self) {
        for unit in &mut self.units {
            unit.is_done = unit.skipped.is_none();
        }
    }
}

impl<'l> Action<'l> {
    fn of(slot: &'l Slot, lower: Option<&str>) -> Self {
        match &slot.node {
            None => Self::Remove,
            Some(Node::Link(link)) => Self::Link(link),
            Some(Node::Directory(directory)) => match &directory.backing {
                Backing::Moved(origin) => Self::Move(origin),
                Backing::Own(_) | Backing::Merged(..) => Self::CreateDir,
            },
            Some(Node::File(file)) => match &file.base {
                None => Self::Write(file),
                Some(base) => match (Some(&*base.path) == lower, file.own.is_empty()) {
                    (true, true) => Self::Keep,
                    (true, false) => Self::Extend(base, file),
                    (false, true) => Self::Move(base),
                    (false, false) => Self::MoveAndExtend(base, file),
                },
            },
        }
    }
}
