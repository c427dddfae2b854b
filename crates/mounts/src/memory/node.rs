//! The nodes of a tree: files and directories, shared and never changed while shared.

use std::sync::Arc;
use std::time::SystemTime;

use imbl::OrdMap;

use crate::contents::Contents;
use crate::metadata::{DirEntry, FileType, Metadata, Name};
use crate::nesting::Levels;

/// What a node is reckoned to cost in memory beside its contents and its name, in bytes.
///
/// A file is an `Arc` of about 130 bytes and its share of a directory's map; a directory adds a map of its own.
pub(super) const NODE_BYTES: u64 = 256;

/// The size a directory reports, as ext4 does for a small one.
const DIRECTORY_SIZE: u64 = 4096;

/// An entry of a directory.
#[derive(Debug, Clone)]
pub(super) enum Node {
    File(Arc<File>),
    Directory(Arc<Directory>),
}

/// Two entries are the same where they share their node. Others may hold the same all the same.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(two)) => Arc::ptr_eq(one, two),
            (Self::Directory(one), Self::Directory(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }
}

impl Node {
    pub(super) fn file_type(&self) -> FileType {
        match self {
            Self::File(_) => FileType::File,
            Self::Directory(_) => FileType::Directory,
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        matches!(self, Self::Directory(_))
    }

    pub(super) fn metadata(&self) -> Metadata {
        match self {
            Self::File(file) => file.metadata(),
            Self::Directory(directory) => directory.metadata(),
        }
    }

    pub(super) fn inode(&self) -> u64 {
        match self {
            Self::File(file) => file.inode,
            Self::Directory(directory) => directory.inode,
        }
    }

    /// Bytes of contents held by the node itself, not by what a directory holds.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::File(file) => file.contents.len() as u64,
            Self::Directory(_) => 0,
        }
    }

    /// Notes that the node's name changed.
    pub(super) fn touch_changed(&mut self, now: SystemTime) {
        match self {
            Self::File(file) => Arc::make_mut(file).times.changed = now,
            Self::Directory(directory) => Arc::make_mut(directory).times.changed = now,
        }
    }
}

/// When a node last changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) modified: SystemTime,
    pub(super) changed: SystemTime,
}

impl Times {
    pub(super) fn at(now: SystemTime) -> Self {
        Self {
            modified: now,
            changed: now,
        }
    }
}

/// A file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) inode: u64,
    pub(super) mode: u32,
    pub(super) times: Times,
    pub(super) contents: Contents,
}

impl File {
    pub(super) fn new(inode: u64, now: SystemTime) -> Self {
        Self {
            inode,
            mode: 0o644,
            times: Times::at(now),
            contents: Contents::default(),
        }
    }

    fn metadata(&self) -> Metadata {
        metadata(
            FileType::File,
            self.mode,
            self.contents.len() as u64,
            self.inode,
            1,
            self.times,
        )
    }
}

/// A directory: its entries by name, in a persistent map, so that a copy of the node is O(1) and a change to a
/// copy O(log n).
#[derive(Debug, Clone)]
pub(super) struct Directory {
    inode: u64,
    mode: u32,
    pub(super) times: Times,
    entries: OrdMap<Name, Node>,
    subdirectories: u64,
    /// How many levels of directories are below, at most.
    pub(super) levels: Levels,
}

impl Directory {
    pub(super) fn new(inode: u64, now: SystemTime) -> Self {
        Self {
            inode,
            mode: 0o755,
            times: Times::at(now),
            entries: OrdMap::new(),
            subdirectories: 0,
            levels: Levels::default(),
        }
    }

    /// A directory as a dump has it, still without entries.
    pub(super) fn loaded(inode: u64, mode: u32, times: Times) -> Self {
        Self {
            inode,
            mode,
            times,
            entries: OrdMap::new(),
            subdirectories: 0,
            levels: Levels::default(),
        }
    }

    /// The name that comes last.
    pub(super) fn last_name(&self) -> Option<&str> {
        self.entries.get_max().map(|(name, _)| &**name)
    }

    pub(super) fn metadata(&self) -> Metadata {
        let links = 2 + self.subdirectories;
        metadata(
            FileType::Directory,
            self.mode,
            DIRECTORY_SIZE,
            self.inode,
            links,
            self.times,
        )
    }

    pub(super) fn entries(&self) -> &OrdMap<Name, Node> {
        &self.entries
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.entries.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.entries.get_mut(name)
    }

    pub(super) fn insert(&mut self, name: &str, node: Node) {
        self.subdirectories += u64::from(node.is_directory());
        if let Some(replaced) = self.entries.insert(name.into(), node) {
            self.subdirectories -= u64::from(replaced.is_directory());
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Node> {
        let node = self.entries.remove(name)?;
        self.subdirectories -= u64::from(node.is_directory());
        Some(node)
    }

    /// Counts the levels of directories below.
    pub(super) fn count_levels(&self) -> usize {
        let below = self.entries.values().map(|node| match node {
            Node::Directory(directory) => 1 + directory.count_levels(),
            Node::File(_) => 0,
        });
        below.max().unwrap_or(0)
    }

    /// Notes that the entries changed.
    pub(super) fn touch(&mut self, now: SystemTime) {
        self.times = Times::at(now);
    }

    pub(super) fn list(&self) -> Vec<DirEntry> {
        let entry = |(name, node): (&Name, &Node)| DirEntry {
            name: name.clone(),
            file_type: node.file_type(),
        };
        self.entries.iter().map(entry).collect()
    }
}

fn metadata(file_type: FileType, mode: u32, size: u64, inode: u64, links: u64, times: Times) -> Metadata {
    Metadata {
        file_type,
        mode,
        size,
        inode,
        device: 0,
        links,
        uid: 0,
        gid: 0,
        accessed: times.modified,
        modified: times.modified,
        changed: times.changed,
    }
}
