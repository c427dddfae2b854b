//! What the upper keeps once a commit is over: what was skipped, or not reached.

use std::sync::Arc;
use std::time::SystemTime;

use rustc_hash::FxHashSet;

use crate::backend::{FollowLinks, Reader};
use crate::difference::child;
use crate::metadata::Metadata;
use crate::overlay::Layer;
use crate::overlay::layer::{Attributes, Backing, Directory, File, Node, Slot};
use crate::overlay::owned::{Hidden, Identity, Origin};
use crate::path::RelativePath;
use crate::quota::Held;
use crate::target::CommitTarget;

use super::moved::Moved;
use super::plan::{Plan, Unit};

struct Settling<'l> {
    done: FxHashSet<&'l str>,
    /// What was found unchanged before the work began: what differs now is the work's own doing.
    checked: FxHashSet<&'l str>,
    moved: &'l Moved,
    lower: &'l dyn Reader,
}

/// The layer without what is done, and with what is left where the lower has it now.
pub(super) fn settled(
    layer: &Layer,
    plan: &Plan<'_>,
    moved: &Moved,
    (target, lower): (&dyn CommitTarget, &dyn Reader),
) -> Layer {
    let paths = |of: fn(&Unit<'_>) -> bool| {
        let units = plan.units.iter().filter(move |unit| of(unit));
        units.map(|unit| unit.path.as_str()).collect()
    };
    let settling = Settling {
        done: paths(|unit| unit.is_done),
        checked: paths(|unit| unit.skipped.is_none()),
        moved,
        lower,
    };
    let root = settling.directory("", &layer.root, layer.root.backing.clone());
    let is_empty = root.slots().next().is_none();
    let emptied = layer.emptied.settled(|path| {
        let now = moved.now(path);
        (!is_empty && target.takes(RelativePath::new(&now))).then_some(now)
    });
    let mut settled = Layer {
        root: Arc::new(root),
        emptied,
        ..layer.clone()
    };
    settled.held = settled.recount();
    settled
}

impl Layer {
    /// Counts what everything in it holds.
    pub(in crate::overlay) fn recount(&self) -> Held {
        let mut held = recount(&self.root);
        held.memory += self.emptied.memory();
        held
    }
}

fn recount(directory: &Directory) -> Held {
    directory.slots().fold(Held::default(), |held, (name, slot)| {
        let below = match &slot.node {
            Some(Node::Directory(directory)) => recount(directory),
            _ => Held::default(),
        };
        held + slot.held(name) + below
    })
}

impl Settling<'_> {
    fn directory(&self, path: &str, directory: &Directory, backing: Backing) -> Directory {
        let base = directory.backing.lower();
        let mut settled = Directory::new(backing);
        settled.touched = directory.touched;
        settled.levels = directory.levels;
        for (name, slot) in directory.slots() {
            let lower = base.map(|base| child(base, name));
            settled.set(name, self.slot(&child(path, name), lower.as_deref(), slot));
        }
        settled
    }

    fn slot(&self, path: &str, lower: Option<&str>, slot: &Slot) -> Slot {
        let is_done = self.done.contains(path);
        let is_touched = self.moved.is_touched() && self.checked.contains(path);
        let hides = match &slot.hides {
            Some(hides) if !is_done => lower.and_then(|lower| self.hidden(lower, hides, is_touched)),
            _ => None,
        };
        let node = match &slot.node {
            Some(Node::Directory(below)) => {
                let backing = match &below.backing {
                    Backing::Own(_) | Backing::Moved(_) if is_done => {
                        Backing::Merged(path.into(), self.attributes(path))
                    }
                    Backing::Moved(origin) => Backing::Moved(self.origin(origin, is_touched)),
                    Backing::Merged(lower, seen) => {
                        Backing::Merged(self.moved.now(lower).into(), seen.clone())
                    }
                    own @ Backing::Own(_) => own.clone(),
                };
                let below = self.directory(path, below, backing);
                let is_lowers = matches!(below.backing, Backing::Merged(..)) && hides.is_none();
                if is_lowers && below.slots().next().is_none() {
                    return Slot::default();
                }
                Some(Node::Directory(Arc::new(below)))
            }
            _ if is_done => None,
            Some(Node::File(file)) => match &file.base {
                None => Some(Node::File(Arc::clone(file))),
                Some(base) => {
                    let base = self.origin(base, is_touched);
                    return based(path, file, base, hides);
                }
            },
            other => other.clone(),
        };
        Slot { node, hides }
    }

    /// Where the lower has an entry that the upper shows, and how it is there.
    fn origin(&self, origin: &Origin, is_touched: bool) -> Origin {
        let path = self.moved.now(&origin.path);
        let identity = self.identity(&path, &origin.identity, is_touched);
        Origin {
            path: path.into(),
            identity,
        }
    }

    /// What is still hidden of an entry of the lower that was at `path`; nothing, if it left its directory.
    fn hidden(&self, path: &str, hidden: &Arc<Hidden>, is_touched: bool) -> Option<Arc<Hidden>> {
        if self.moved.has_left(path) {
            return None;
        }
        if !is_touched {
            return Some(Arc::clone(hidden));
        }
        let below = hidden
            .below
            .iter()
            .filter_map(|(name, hidden)| {
                Some((name.clone(), self.hidden(&child(path, name), hidden, is_touched)?))
            })
            .collect();
        Some(Arc::new(Hidden {
            identity: self.identity(&self.moved.now(path), &hidden.identity, is_touched),
            below,
        }))
    }

    /// The state of an entry that this commit touched: its own change is no drift.
    fn identity(&self, path: &str, before: &Identity, is_touched: bool) -> Identity {
        let found = if is_touched { self.look(path) } else { None };
        match found {
            Some(found) if before.expected().is_met_by(&found) => Identity::of(&found),
            _ => before.clone(),
        }
    }

    fn attributes(&self, path: &str) -> Attributes {
        self.look(path).map_or_else(
            || Attributes::born(1, 0o755, SystemTime::now()),
            |found| Attributes::of(&found),
        )
    }

    fn look(&self, path: &str) -> Option<Metadata> {
        self.lower.metadata(RelativePath::new(path), FollowLinks::No).ok()
    }
}

/// A file that still has bytes in the lower, which may have come to its place already.
fn based(path: &str, file: &File, base: Origin, hides: Option<Arc<Hidden>>) -> Slot {
    let is_in_place = &*base.path == path;
    let hides = if is_in_place {
        Some(Arc::new(Hidden::new(base.identity.clone())))
    } else {
        hides
    };
    let file = File {
        base: Some(base),
        ..file.clone()
    };
    Slot {
        node: Some(Node::File(Arc::new(file))),
        hides,
    }
}
