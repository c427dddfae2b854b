//! How one upper layer differs from another over the same lower.
//!
//! A directory of either side is a place: the slots of an upper directory, if there is one, and the lower directory
//! that shows through. Two places over one lower directory can differ only in their slots, and of those only in the
//! ones that the sides do not share: so the cost follows what changed. Where the lower directories are two (something
//! was renamed, or replaced), both are listed.
//!
//! The lower is live. What the other side owns is compared as it was when it came to be owned; that the host changed
//! it since is drift, and no change of this layer's.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::ordmap::DiffItem;

use crate::backend::{FollowLinks, Reader, Refusal};
use crate::contents::Contents;
use crate::difference::{Differences, Entry, child};
use crate::metadata::{FileType, Name};
use crate::path::RelativePath;

use super::Layer;
use super::emptied::Emptied;
use super::layer::{Directory, File, Node};
use super::owned::{Hidden, Identity};

/// What one side has under a name.
#[derive(Clone)]
enum Item<'l> {
    Absent,
    Upper(&'l Node),
    /// What the lower has at this path, and how it was when the other side came to own it.
    Lower(String, Option<Record<'l>>),
}

/// How a lower entry was when a side came to own it.
#[derive(Clone, Copy)]
struct Record<'l> {
    hidden: &'l Hidden,
    /// What that side removed after it had renamed it.
    emptied: &'l Emptied,
}

impl Record<'_> {
    fn child(self, path: &str, name: &str) -> Option<Self> {
        let hidden = self.emptied.get(path, self.hidden, name)?;
        Some(Self { hidden, ..self })
    }
}

/// A directory as one side has it.
#[derive(Clone)]
struct Place<'l> {
    upper: Option<&'l Arc<Directory>>,
    /// The lower directory that shows through.
    lower: Option<String>,
    /// How the lower directory, and what the other side hid in it, was when the other side came to own it.
    recorded: Option<Record<'l>>,
}

/// Which of the two states has something that the other lacks.
#[derive(Debug, Clone, Copy)]
enum State {
    Before,
    Now,
}

/// Two states of an upper layer.
pub(super) struct Comparison<'l, 'f, 'v> {
    pub(super) since: &'l Layer,
    pub(super) now: &'l Layer,
    pub(super) lower: &'l dyn Reader,
    /// Files of more bytes are not read.
    pub(super) limit: u64,
    pub(super) found: &'f mut Differences<'v>,
}

impl<'l> Place<'l> {
    fn of(directory: &'l Arc<Directory>) -> Self {
        Self {
            upper: Some(directory),
            lower: directory.backing.lower().map(str::to_owned),
            recorded: None,
        }
    }

    /// What is under `name`, where `hides` is what the other side hides there.
    fn child(&self, name: &str, hides: Option<Record<'l>>) -> Item<'l> {
        if let Some(slot) = self.upper.and_then(|directory| directory.slot(name)) {
            return slot.node.as_ref().map_or(Item::Absent, Item::Upper);
        }
        let Some(lower) = &self.lower else {
            return Item::Absent;
        };
        let recorded = hides.or_else(|| self.recorded?.child(lower, name));
        Item::Lower(child(lower, name), recorded)
    }

    /// What this side, whose layer is given, hides under `name` of what the other side shows there: an entry of the
    /// lower directory that shows through both, and of no other.
    fn hides_in(&self, layer: &'l Layer, other: &Self, name: &str) -> Option<Record<'l>> {
        let hidden = self.upper?.slot(name)?.hides.as_deref()?;
        let emptied = &layer.emptied;
        (self.lower == other.lower).then_some(Record { hidden, emptied })
    }
}

impl<'l> Item<'l> {
    fn as_place(&self) -> Option<Place<'l>> {
        match self {
            Self::Upper(Node::Directory(directory)) => Some(Place::of(directory)),
            Self::Lower(path, recorded) => Some(Place {
                upper: None,
                lower: Some(path.clone()),
                recorded: *recorded,
            }),
            Self::Upper(_) | Self::Absent => None,
        }
    }
}

impl<'l> Comparison<'l, '_, '_> {
    /// Notes how the one layer differs from the other.
    pub(super) fn run(mut self) {
        let (since, now) = (Place::of(&self.since.root), Place::of(&self.now.root));
        self.directories("", &since, &now);
    }

    /// The bytes of the file that the earlier state had at `path`: those of the lower as they were when the later state
    /// came to own it. `None` where they cannot be had any more, or are too many.
    pub(super) fn previous(&self, path: RelativePath<'_>) -> Option<Contents> {
        let (parent, name) = path.split_last()?;
        let mut since = Place::of(&self.since.root);
        let mut now = Some(Place::of(&self.now.root));
        for name in parent.components() {
            let recorded = now.as_ref().and_then(|now| now.hides_in(self.now, &since, name));
            let next = since.child(name, recorded).as_place()?;
            now = now.and_then(|now| now.child(name, None).as_place());
            since = next;
        }
        let recorded = now.as_ref().and_then(|now| now.hides_in(self.now, &since, name));
        self.contents(&since.child(name, recorded))
    }

    fn directories(&mut self, path: &str, since: &Place<'l>, now: &Place<'l>) {
        for name in self.differing(since, now) {
            let one = since.child(&name, now.hides_in(self.now, since, &name));
            let two = now.child(&name, since.hides_in(self.since, now, &name));
            self.items(&child(path, &name), &one, &two);
        }
    }

    /// The names under which two directories may differ.
    fn differing(&self, since: &Place<'l>, now: &Place<'l>) -> BTreeSet<Name> {
        if since.lower != now.lower {
            let mut names = self.names(since);
            names.extend(self.names(now));
            return names;
        }
        match (since.upper, now.upper) {
            (Some(one), Some(two)) if Arc::ptr_eq(one, two) => BTreeSet::new(),
            (Some(one), Some(two)) => one
                .slot_map()
                .diff(two.slot_map())
                .map(|item| match item {
                    DiffItem::Add(name, _)
                    | DiffItem::Remove(name, _)
                    | DiffItem::Update { new: (name, _), .. } => name.clone(),
                })
                .collect(),
            (one, two) => [one, two]
                .into_iter()
                .flatten()
                .flat_map(|directory| directory.slots())
                .map(|(name, _)| name.clone())
                .collect(),
        }
    }

    /// The names of everything in a directory.
    fn names(&self, place: &Place<'l>) -> BTreeSet<Name> {
        let mut names = BTreeSet::new();
        if let Some(lower) = &place.lower {
            let expected = place
                .recorded
                .map(|recorded| &recorded.hidden.identity)
                .or_else(|| place.upper?.backing.moved_identity());
            // Where all of it was removed, that is known name by name. What was only moved away has its names still.
            let is_known = place
                .recorded
                .is_some_and(|recorded| recorded.emptied.knows(lower));
            let is_as_expected =
                expected.is_none_or(|expected| self.identity(lower).as_ref() == Some(expected));
            if !is_known
                && is_as_expected
                && let Ok(entries) = self.lower.list(RelativePath::new(lower))
            {
                names.extend(entries.into_iter().map(|entry| entry.name));
            }
            if let Some(recorded) = place.recorded {
                let below = recorded.emptied.below(lower, recorded.hidden);
                names.extend(below.map(|(name, _)| name.clone()));
            }
        }
        for (name, slot) in place.upper.into_iter().flat_map(|directory| directory.slots()) {
            match slot.node {
                Some(_) => names.insert(name.clone()),
                None => names.remove(name),
            };
        }
        names
    }

    fn items(&mut self, path: &str, since: &Item<'l>, now: &Item<'l>) {
        if !self.found.sees(path) {
            return;
        }
        if let (Item::Lower(lower, None), Item::Upper(Node::Directory(directory))) = (since, now)
            && directory.backing.is_merged_with(lower)
        {
            // It is not owned, so it was there when something was put in it, whatever the host has done since.
            if let Some(since) = since.as_place() {
                self.directories(path, &since, &Place::of(directory));
            }
            return;
        }
        let (before, after) = (self.entry(since), self.entry(now));
        match (before, after) {
            (Some(before), Some(after)) if before.file_type == after.file_type => match before.file_type {
                FileType::Directory => {
                    if let (Some(since), Some(now)) = (since.as_place(), now.as_place()) {
                        self.directories(path, &since, &now);
                    }
                }
                FileType::File => {
                    if before.size != after.size || !self.is_same_file(since, now) {
                        self.found.note(path, Some(before), Some(after));
                    }
                }
                FileType::Symlink => {
                    if self.target(since) != self.target(now) {
                        self.found.note(path, Some(before), Some(after));
                    }
                }
                FileType::Special => {}
            },
            _ => {
                self.whole(path, since, State::Before);
                self.whole(path, now, State::Now);
            }
        }
    }

    /// Notes what one side has at `path`, and everything below it.
    fn whole(&mut self, path: &str, item: &Item<'l>, state: State) {
        if !self.found.sees(path) {
            return;
        }
        let Some(entry) = self.entry(item) else {
            return;
        };
        match state {
            State::Before => self.found.note(path, Some(entry), None),
            State::Now => self.found.note(path, None, Some(entry)),
        }
        if entry.file_type == FileType::Directory
            && let Some(place) = item.as_place()
        {
            for name in self.names(&place) {
                let item = place.child(&name, None);
                self.whole(&child(path, &name), &item, state);
            }
        }
    }

    /// What is at an item, `None` where nothing is, or nothing that the lower lets see.
    fn entry(&self, item: &Item<'l>) -> Option<Entry> {
        let lower = |path: &str| {
            let found = self.lower.metadata(RelativePath::new(path), FollowLinks::No);
            found.ok().map(|found| Entry {
                file_type: found.file_type,
                size: found.size,
                inode: found.inode,
            })
        };
        let entry = match item {
            Item::Absent => return None,
            Item::Lower(path, None) => lower(path)?,
            Item::Lower(_, Some(recorded)) => recorded.hidden.identity.entry(),
            Item::Upper(Node::File(file)) => Entry {
                file_type: FileType::File,
                size: file.size(),
                inode: file.attributes.inode,
            },
            Item::Upper(Node::Link(link)) => Entry {
                file_type: FileType::Symlink,
                size: link.target.len() as u64,
                inode: link.attributes.inode,
            },
            Item::Upper(Node::Directory(directory)) => Entry {
                file_type: FileType::Directory,
                size: 0,
                inode: directory.backing.inode(),
            },
        };
        match entry.file_type {
            FileType::Directory => Some(Entry { size: 0, ..entry }),
            _ => Some(entry),
        }
    }

    /// Whether two files of one size hold the same bytes; those that are not known to are compared byte by byte.
    fn is_same_file(&self, since: &Item<'l>, now: &Item<'l>) -> bool {
        match (since, now) {
            (Item::Upper(Node::File(one)), Item::Upper(Node::File(two)))
                if Arc::ptr_eq(one, two) || (one.base == two.base && one.own == two.own) =>
            {
                true
            }
            // Both have one size, so nothing was added to the lower file.
            (Item::Lower(path, recorded), Item::Upper(Node::File(file)))
            | (Item::Upper(Node::File(file)), Item::Lower(path, recorded))
                if file.base.as_ref().is_some_and(|base| {
                    *base.path == **path
                        && recorded.is_none_or(|recorded| recorded.hidden.identity == base.identity)
                }) =>
            {
                true
            }
            (Item::Lower(one, _), Item::Lower(two, _)) if one == two => true,
            _ => match (self.contents(since), self.contents(now)) {
                (Some(one), Some(two)) => one == two,
                _ => false,
            },
        }
    }

    /// The bytes of a file, `None` where they cannot be had: too many, or the lower drifted.
    fn contents(&self, item: &Item<'l>) -> Option<Contents> {
        let lower = |path: &str, expected: Option<&Identity>| {
            let contents = self.lower.read(RelativePath::new(path), self.limit).ok()?;
            let is_as_expected = match expected {
                Some(expected) => self.identity(path)? == *expected,
                None => true,
            };
            is_as_expected.then_some(contents)
        };
        match item {
            Item::Lower(path, recorded) => lower(path, recorded.map(|recorded| &recorded.hidden.identity)),
            Item::Upper(Node::File(file)) if file.size() <= self.limit => match file.as_ref() {
                File { base: None, own, .. } => Some(own.clone()),
                File {
                    base: Some(base),
                    own,
                    ..
                } => Some(lower(&base.path, Some(&base.identity))?.followed_by(own)),
            },
            Item::Upper(_) | Item::Absent => None,
        }
    }

    fn target(&self, item: &Item<'l>) -> Option<String> {
        match item {
            Item::Upper(Node::Link(link)) => Some(link.target.clone()),
            Item::Lower(path, _) => match self.lower.metadata(RelativePath::new(path), FollowLinks::Yes) {
                Err(Refusal::Link(met)) if met.prefix == path.len() => met.target,
                _ => None,
            },
            Item::Upper(_) | Item::Absent => None,
        }
    }

    fn identity(&self, path: &str) -> Option<Identity> {
        let found = self.lower.metadata(RelativePath::new(path), FollowLinks::No);
        found.ok().map(|found| Identity::of(&found))
    }
}
