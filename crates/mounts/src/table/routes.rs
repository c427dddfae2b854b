//! Which mount a path belongs to: a trie over components.
//!
//! The cost of a lookup is the number of components down to the deepest mount point on the way, whatever the
//! number of mounts. Nodes are shared, so that a namespace can be cloned and changed without touching those who
//! still hold the old one.
//!
//! The hasher is a fast one that can be made to collide: the names in the maps are those of mount points, which the
//! host chooses, and a name that a script looks up is never put into one.

use std::sync::Arc;
use std::time::SystemTime;

use rustc_hash::FxHashMap;

use crate::metadata::{FileType, Metadata, Name};
use crate::mount::Mount;
use crate::path::{RelativePath, VirtualPath};

/// A node of the trie: a mount point, an ancestor of one, or both.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    inode: u64,
    created: SystemTime,
    mount: Option<Arc<Mount>>,
    children: FxHashMap<Name, Arc<Point>>,
}

/// Where a path leads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route<'n, 'p> {
    /// The deepest mount that covers the path, and the path within it.
    pub(crate) mounted: Option<Mounted<'n, 'p>>,
    /// The node at the path itself, if it is a mount point or an ancestor of one.
    pub(crate) point: Option<&'n Point>,
}

/// A mount and a path within it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mounted<'n, 'p> {
    pub(crate) mount: &'n Arc<Mount>,
    pub(crate) relative: RelativePath<'p>,
}

impl Point {
    fn new(inode: u64) -> Self {
        Self {
            inode,
            created: SystemTime::now(),
            mount: None,
            children: FxHashMap::default(),
        }
    }

    /// The root of a trie with nothing in it.
    pub(crate) fn root() -> Self {
        Self::new(1)
    }

    /// What an ancestor of a mount point looks like where no mount answers for it: a read-only directory.
    pub(crate) fn metadata(&self) -> Metadata {
        Metadata {
            file_type: FileType::Directory,
            mode: 0o555,
            size: 4096,
            inode: self.inode,
            device: 0,
            links: 2 + self.children.len() as u64,
            uid: 0,
            gid: 0,
            accessed: self.created,
            modified: self.created,
            changed: self.created,
        }
    }

    /// Finds the way to `path`; `self` is the root of the trie.
    pub(crate) fn route<'n, 'p>(&'n self, path: &'p VirtualPath<'_>) -> Route<'n, 'p> {
        let here = |mount, relative| Mounted { mount, relative };
        let mut rest = path.relative_to_root();
        let mut point = self;
        let mut mounted = self.mount.as_ref().map(|mount| here(mount, rest));
        while !rest.is_root() {
            let Some((next, below)) = point.step(rest) else {
                return Route { mounted, point: None };
            };
            point = next;
            rest = below;
            mounted = point.mount.as_ref().map(|mount| here(mount, rest)).or(mounted);
        }
        Route {
            mounted,
            point: Some(point),
        }
    }

    /// The point that `path` leads to first, and the rest of the path.
    fn step<'n, 'p>(&'n self, path: RelativePath<'p>) -> Option<(&'n Self, RelativePath<'p>)> {
        if self.children.is_empty() {
            return None;
        }
        let (name, below) = path.split_first()?;
        Some((self.children.get(name)?, below))
    }

    /// Whether a mount is mounted right here.
    pub(crate) fn mount(&self) -> Option<&Arc<Mount>> {
        self.mount.as_ref()
    }

    /// Every point from here, which is at `path`, down: its path, its inode number, and when it came to be.
    pub(crate) fn each(&self, path: &str, found: &mut Vec<(String, u64, SystemTime)>) {
        found.push((path.to_owned(), self.inode, self.created));
        let mut children: Vec<_> = self.children.iter().collect();
        children.sort_by_key(|(name, _)| *name);
        for (name, child) in children {
            child.each(&format!("{}/{name}", path.trim_end_matches('/')), found);
        }
    }

    /// Makes the point at `path` the one that had this inode number. Answers whether there is one.
    pub(crate) fn identify(&mut self, path: &VirtualPath<'_>, inode: u64, created: SystemTime) -> bool {
        let mut point = self;
        for name in path.components() {
            match point.children.get_mut(name) {
                Some(child) => point = Arc::make_mut(child),
                None => return false,
            }
        }
        point.inode = inode;
        point.created = created;
        true
    }

    /// The names of mount points and ancestors of mount points directly below.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.children.keys()
    }

    /// Places `mount` at `path`, over whatever was mounted there. New points are numbered from `last_inode` on.
    pub(crate) fn insert(&mut self, path: &VirtualPath<'_>, mount: Arc<Mount>, last_inode: &mut u64) {
        let mut point = self;
        for name in path.components() {
            point = Arc::make_mut(point.children.entry(name.into()).or_insert_with(|| {
                *last_inode += 1;
                Arc::new(Point::new(*last_inode))
            }));
        }
        point.mount = Some(mount);
    }

    /// Takes the mount at `path` away, and the ancestors that led to nothing else.
    pub(crate) fn remove(&mut self, path: &VirtualPath<'_>) -> Option<Arc<Mount>> {
        self.route(path).point?.mount.as_ref()?;
        self.take(path.relative_to_root())
    }

    fn take(&mut self, path: RelativePath<'_>) -> Option<Arc<Mount>> {
        let Some(name) = path.components().next() else {
            return self.mount.take();
        };
        let below = path.as_str().get(name.len() + 1..).unwrap_or("");
        let child = Arc::make_mut(self.children.get_mut(name)?);
        let mount = child.take(RelativePath::new(below))?;
        if child.mount.is_none() && child.children.is_empty() {
            self.children.remove(name);
        }
        Some(mount)
    }
}
