//! What the upper layer is made of: shared nodes in slots, and what each slot hides of the lower layer.

use std::sync::Arc;
use std::time::SystemTime;

use imbl::OrdMap;

use crate::contents::Contents;
use crate::metadata::{FileType, Metadata, Name};
use crate::nesting::Levels;
use crate::quota::Held;
use crate::update::Update;

use super::owned::{Hidden, Identity, Origin, SLOT_BYTES};

/// One name of an upper directory: what the upper has there, and what of the lower it hides. Never empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    pub(super) node: Option<Node>,
    pub(super) hides: Option<Arc<Hidden>>,
}

/// Two slots are the same where they share what they show and what they hide.
impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        let shows = match (&self.node, &other.node) {
            (None, None) => true,
            (Some(Node::File(one)), Some(Node::File(two))) => Arc::ptr_eq(one, two),
            (Some(Node::Link(one)), Some(Node::Link(two))) => Arc::ptr_eq(one, two),
            (Some(Node::Directory(one)), Some(Node::Directory(two))) => Arc::ptr_eq(one, two),
            _ => false,
        };
        let hides = match (&self.hides, &other.hides) {
            (None, None) => true,
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            _ => false,
        };
        shows && hides
    }
}

impl Slot {
    pub(super) fn is_empty(&self) -> bool {
        self.node.is_none() && self.hides.is_none()
    }

    /// What the slot itself adds to the counters under `name`; what lies below a directory counts for itself.
    pub(super) fn held(&self, name: &str) -> Held {
        if self.is_empty() {
            return Held::default();
        }
        let node = self.node.as_ref().map(Node::held).unwrap_or_default();
        Self::held_for(name, node, self.hides.as_deref())
    }

    /// What the whiteouts directly in the directory of this slot add to the counters.
    pub(super) fn whiteouts_held(&self) -> Held {
        let Some(Node::Directory(directory)) = &self.node else {
            return Held::default();
        };
        let whiteouts = directory.slots.iter().filter(|(_, slot)| slot.node.is_none());
        whiteouts.fold(Held::default(), |held, (name, slot)| held + slot.held(name))
    }

    /// What a slot adds to the counters whose node holds `node`.
    pub(super) fn held_for(name: &str, node: Held, hides: Option<&Hidden>) -> Held {
        let hidden = hides.map_or(0, Hidden::memory);
        Held {
            memory: node.memory + SLOT_BYTES + name.len() as u64 + hidden,
            ..node
        }
    }

    /// How the slot changes the number of subdirectories that the lower directory alone would have.
    fn subdirectories(&self) -> i64 {
        let shown = match &self.node {
            Some(Node::Directory(directory)) => !matches!(directory.backing, Backing::Merged(..)),
            _ => false,
        };
        let hidden = self
            .hides
            .as_ref()
            .is_some_and(|hides| hides.identity.file_type == FileType::Directory);
        i64::from(shown) - i64::from(hidden)
    }
}

/// What the upper has at a path.
#[derive(Debug, Clone)]
pub(super) enum Node {
    File(Arc<File>),
    Link(Arc<Link>),
    Directory(Arc<Directory>),
}

impl Node {
    pub(super) fn file_type(&self) -> FileType {
        match self {
            Self::File(_) => FileType::File,
            Self::Link(_) => FileType::Symlink,
            Self::Directory(_) => FileType::Directory,
        }
    }

    /// What the node holds of its own. A lower entry shown elsewhere, or with something below it, is not a file of
    /// the upper's.
    fn held(&self) -> Held {
        match self {
            Self::File(file) => file.held(),
            Self::Link(link) => Held {
                files: 1,
                ..Held::default()
            }
            .plus_bytes(link.target.len() as u64),
            Self::Directory(directory) => {
                let own = matches!(directory.backing, Backing::Own(_));
                Held {
                    files: u64::from(own),
                    ..Held::default()
                }
            }
        }
    }

    /// Notes that the node's name changed.
    pub(super) fn touch_changed(&mut self, now: SystemTime) {
        match self {
            Self::File(file) => Arc::make_mut(file).attributes.changed = now,
            Self::Link(link) => Arc::make_mut(link).attributes.changed = now,
            Self::Directory(directory) => {
                let directory = Arc::make_mut(directory);
                if let Backing::Own(attributes) = &mut directory.backing {
                    attributes.changed = now;
                }
            }
        }
    }
}

/// What `stat` reports beside type, size and links.
#[derive(Debug, Clone)]
pub(super) struct Attributes {
    pub(super) inode: u64,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) modified: SystemTime,
    pub(super) changed: SystemTime,
}

impl Attributes {
    pub(super) fn born(inode: u64, mode: u32, now: SystemTime) -> Self {
        Self {
            inode,
            mode,
            uid: 0,
            gid: 0,
            modified: now,
            changed: now,
        }
    }

    /// Those of a lower entry, which keeps its inode number through copy-up and rename.
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.inode,
            mode: metadata.mode,
            uid: metadata.uid,
            gid: metadata.gid,
            modified: metadata.modified,
            changed: metadata.changed,
        }
    }

    pub(super) fn metadata(&self, file_type: FileType, size: u64, links: u64) -> Metadata {
        Metadata {
            file_type,
            mode: self.mode,
            size,
            inode: self.inode,
            device: 0,
            links,
            uid: self.uid,
            gid: self.gid,
            accessed: self.modified,
            modified: self.modified,
            changed: self.changed,
        }
    }
}

/// A file: the bytes of a lower file, if it still has any, followed by bytes of its own.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) attributes: Attributes,
    pub(super) base: Option<Origin>,
    pub(super) own: Contents,
}

impl File {
    pub(super) fn born(inode: u64, now: SystemTime) -> Self {
        Self {
            attributes: Attributes::born(inode, 0o644, now),
            base: None,
            own: Contents::default(),
        }
    }

    pub(super) fn held(&self) -> Held {
        Held {
            files: u64::from(self.base.is_none()),
            ..Held::default()
        }
        .plus_bytes(self.own.len() as u64)
    }

    /// What the file will hold once `update` is made.
    pub(super) fn held_after(&self, update: &Update<'_>) -> Held {
        let based = self.base.is_some() && update.keeps_contents();
        let files = u64::from(!based);
        Held {
            files,
            ..Held::default()
        }
        .plus_bytes(update.size_after(self.own.len() as u64))
    }

    pub(super) fn size_after(&self, update: &Update<'_>) -> u64 {
        update.size_after(self.size())
    }

    /// Makes `update`: what keeps the contents extends the file's own bytes, anything else cuts the base off.
    pub(super) fn update(&mut self, update: Update<'_>, now: SystemTime) {
        if !update.keeps_contents() {
            self.base = None;
        }
        update.apply(&mut self.own);
        self.attributes.modified = now;
        self.attributes.changed = now;
    }

    pub(super) fn size(&self) -> u64 {
        self.base.as_ref().map_or(0, |base| base.identity.size) + self.own.len() as u64
    }

    pub(super) fn metadata(&self) -> Metadata {
        self.attributes.metadata(FileType::File, self.size(), 1)
    }
}

/// A symbolic link that came from the lower layer and was renamed.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) attributes: Attributes,
    pub(super) target: String,
}

impl Link {
    pub(super) fn metadata(&self) -> Metadata {
        self.attributes
            .metadata(FileType::Symlink, self.target.len() as u64, 1)
    }
}

/// What of the lower layer shows through an upper directory where it has no slot.
#[derive(Debug, Clone)]
pub(super) enum Backing {
    /// Nothing: the directory was born here, or made anew over one that was hidden.
    Own(Attributes),
    /// The lower directory at the same place, and how it looked when something was first put in it. The upper does
    /// not own it.
    Merged(Name, Attributes),
    /// A lower directory that was renamed.
    Moved(Origin),
}

impl Backing {
    pub(super) fn inode(&self) -> u64 {
        match self {
            Self::Own(attributes) | Self::Merged(_, attributes) => attributes.inode,
            Self::Moved(origin) => origin.identity.inode,
        }
    }

    /// What a renamed lower directory was when it was renamed.
    pub(super) fn moved_identity(&self) -> Option<&Identity> {
        match self {
            Self::Moved(origin) => Some(&origin.identity),
            Self::Own(_) | Self::Merged(..) => None,
        }
    }

    /// Whether the lower directory at `path` shows through at its own place.
    pub(super) fn is_merged_with(&self, path: &str) -> bool {
        matches!(self, Self::Merged(lower, _) if **lower == *path)
    }

    /// The lower directory that shows through.
    pub(super) fn lower(&self) -> Option<&str> {
        match self {
            Self::Own(_) => None,
            Self::Merged(path, _) => Some(path),
            Self::Moved(origin) => Some(&origin.path),
        }
    }
}

/// A directory of the upper layer.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    pub(super) backing: Backing,
    /// When the upper last changed what the directory lists, `None` while the lower's times stand.
    pub(super) touched: Option<SystemTime>,
    slots: OrdMap<Name, Slot>,
    subdirectories: i64,
    /// How many levels of directories the upper has below, at most.
    pub(super) levels: Levels,
}

impl Directory {
    pub(super) fn new(backing: Backing) -> Self {
        Self {
            backing,
            touched: None,
            slots: OrdMap::new(),
            subdirectories: 0,
            levels: Levels::default(),
        }
    }

    pub(super) fn slot_map(&self) -> &OrdMap<Name, Slot> {
        &self.slots
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = (&Name, &Slot)> {
        self.slots.iter()
    }

    pub(super) fn slot(&self, name: &str) -> Option<&Slot> {
        self.slots.get(name)
    }

    /// A directory below, for changing.
    pub(super) fn directory_mut(&mut self, name: &str) -> Option<&mut Directory> {
        match self.slots.get_mut(name)?.node.as_mut()? {
            Node::Directory(directory) => Some(Arc::make_mut(directory)),
            Node::File(_) | Node::Link(_) => None,
        }
    }

    /// A file below, for changing.
    pub(super) fn file_mut(&mut self, name: &str) -> Option<&mut File> {
        match self.slots.get_mut(name)?.node.as_mut()? {
            Node::File(file) => Some(Arc::make_mut(file)),
            Node::Link(_) | Node::Directory(_) => None,
        }
    }

    /// Puts `slot` under `name`; an empty one takes the name away.
    pub(super) fn set(&mut self, name: &str, slot: Slot) {
        self.subdirectories += slot.subdirectories();
        let before = if slot.is_empty() {
            self.slots.remove(name)
        } else {
            self.slots.insert(name.into(), slot)
        };
        self.subdirectories -= before.map_or(0, |slot| slot.subdirectories());
    }

    /// Notes that the entries changed.
    pub(super) fn touch(&mut self, now: SystemTime) {
        self.touched = Some(now);
    }

    /// What `stat` says of the directory: with `attributes`, and the links of the lower directory that shows through.
    pub(super) fn metadata_over(&self, attributes: &Attributes, lower_links: Option<u64>) -> Metadata {
        let links = lower_links
            .unwrap_or(2)
            .saturating_add_signed(self.subdirectories);
        let metadata = attributes.metadata(FileType::Directory, 4096, links);
        match self.touched {
            Some(now) => Metadata {
                accessed: now,
                modified: now,
                changed: now,
                ..metadata
            },
            None => metadata,
        }
    }

    /// What was hidden in the directory, for the whiteout that will stand in its place.
    pub(super) fn hidden_below(&self) -> OrdMap<Name, Arc<Hidden>> {
        self.slots
            .iter()
            .filter_map(|(name, slot)| Some((name.clone(), slot.hides.clone()?)))
            .collect()
    }
}
