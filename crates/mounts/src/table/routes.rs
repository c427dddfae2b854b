//! Which mount a path belongs to: a trie over components.
//!
//! The cost of a lookup is the number of components down to the deepest mount point on the way, whatever the
//! number of mounts. Nodes are shared, so that a namespace can be cloned and changed without touching those who
//! still hold the old one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::metadata::{FileType, Metadata, Name};
use crate::mount::Mount;
use crate::path::{RelativePath, VirtualPath};

/// A node of the trie: a mount point, an ancestor of one, or both.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    inode: u64,
    created: SystemTime,
    mount: Option<Arc<Mount>>,
    children: HashMap<Name, Arc<Point>>,
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
            children: HashMap::new(),
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
        let mut rest = path.relative_to_root().as_str();
        let mut point = self;
        let mut mounted = self.mount.as_ref().map(|mount| (mount, rest));
        while !rest.is_empty() {
            let (name, below) = rest.split_once('/').unwrap_or((rest, ""));
            let Some(next) = point.children.get(name) else {
                return Route {
                    mounted: mounted.map(Mounted::new),
                    point: None,
                };
            };
            point = next;
            rest = below;
            if let Some(mount) = &point.mount {
                mounted = Some((mount, rest));
            }
        }
        Route {
            mounted: mounted.map(Mounted::new),
            point: Some(point),
        }
    }

    /// Whether a mount is mounted right here.
    pub(crate) fn mount(&self) -> Option<&Arc<Mount>> {
        self.mount.as_ref()
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

impl<'n, 'p> Mounted<'n, 'p> {
    fn new((mount, rest): (&'n Arc<Mount>, &'p str)) -> Self {
        Self {
            mount,
            relative: RelativePath::new(rest),
        }
    }
}
