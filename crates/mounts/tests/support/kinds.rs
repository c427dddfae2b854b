//! Every kind of mount, made with the same tree in it, for tests that hold of all of them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "each test binary uses its own part, a test fails by unwrapping, and plays the host"
)]

use std::ops::Deref;
use std::sync::Arc;

#[cfg(unix)]
use mounts::history::Snapshot;
#[cfg(unix)]
use mounts::{HostDirectory, WritableHostDirectory};
use mounts::{Lease, LeaseMode, Memory, Mount, Overlay, Table};
use tempfile::TempDir;

use crate::linked::{Entry, Linked};

/// The entries of a tree, parents first.
pub(crate) type Tree<'t> = &'t [(&'static str, Entry)];

/// What the suites are run on unless they bring a tree of their own.
pub(crate) const TREE: Tree<'static> = &[
    ("dir", Entry::Directory),
    ("dir/file", Entry::File("below")),
    ("dir/sub", Entry::Directory),
    ("dir/sub/deep", Entry::File("deep")),
    ("empty", Entry::Directory),
    ("file", Entry::File("text")),
    ("z", Entry::File("z")),
];

/// A kind of mount: how one is made with a tree in it.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Whether the tree may have links, and on a Unix host special files.
    pub(crate) has_links: bool,
    /// Whether changes are made to the host's own entries, special files among them.
    pub(crate) writes_through: bool,
    /// Whether the table is a fork of another one, which still has everything that both share.
    is_forked: bool,
    make: fn(Tree<'_>) -> Made,
}

struct Made {
    mount: Mount,
    kept: Option<TempDir>,
}

/// A table with a mount at `/m`, under a lease.
pub(crate) struct Mounted {
    pub(crate) table: Table,
    lease: Lease,
    /// The directory of the host behind it, if there is one.
    pub(crate) host: Option<TempDir>,
    /// The table that it is a fork of.
    _shared: Option<Table>,
}

impl Mounted {
    /// The table alone, without a lease on it, and what it needs to be kept.
    pub(crate) fn released(self) -> (Table, Option<TempDir>) {
        (self.table, self.host)
    }
}

impl Deref for Mounted {
    type Target = Lease;

    fn deref(&self) -> &Lease {
        &self.lease
    }
}

impl Kind {
    /// A mount with `tree` in it.
    pub(crate) fn with(self, tree: Tree<'_>) -> Mounted {
        self.altered(tree, |mount| mount)
    }

    /// The same, as `alter` makes it: under limits, or rules.
    pub(crate) fn altered(self, tree: Tree<'_>, alter: impl FnOnce(Mount) -> Mount) -> Mounted {
        let made = (self.make)(tree);
        let table = Table::new();
        table.mount("/m", alter(made.mount)).unwrap();
        let (table, shared) = if self.is_forked {
            (table.fork(), Some(table))
        } else {
            (table, None)
        };
        let lease = table.checkout(LeaseMode::Shared).unwrap();
        Mounted {
            table,
            lease,
            host: made.kept,
            _shared: shared,
        }
    }
}

fn made(mount: Mount) -> Made {
    Made { mount, kept: None }
}

/// Grows `tree` through a table of its own, links left out.
fn grow(mount: Mount, tree: Tree<'_>) {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    for (path, entry) in tree {
        let path = format!("/m/{path}");
        match entry {
            Entry::Directory => table.create_dir_all(&path).unwrap(),
            Entry::File(text) => table.write(&path, *text).unwrap(),
            Entry::Link(_) | Entry::Special => {}
        }
    }
}

fn grown_memory(tree: Tree<'_>) -> Arc<Memory> {
    let memory = Arc::new(Memory::new());
    grow(Mount::read_write(Arc::clone(&memory)), tree);
    memory
}

/// Half of the tree in the lower layer, half in the layer between.
fn grown_overlay(tree: Tree<'_>) -> Arc<Overlay> {
    let (below, above) = tree.split_at(tree.len() / 2);
    let overlay = Arc::new(Overlay::new(grown_memory(below)));
    grow(Mount::read_write(Arc::clone(&overlay)), above);
    overlay
}

/// A directory of the host that holds the tree, links and FIFOs included.
#[cfg(unix)]
pub(crate) fn plant(tree: Tree<'_>) -> TempDir {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let house = tempfile::tempdir().unwrap();
    let inside = house.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    for (path, entry) in tree {
        let path = inside.join(path);
        match entry {
            Entry::Directory => std::fs::create_dir(path).unwrap(),
            Entry::File(text) => std::fs::write(path, text).unwrap(),
            Entry::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
            Entry::Special => mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap(),
        }
    }
    house
}

#[cfg(unix)]
fn planted(tree: Tree<'_>, mount: impl FnOnce(HostDirectory) -> Mount) -> Made {
    let house = plant(tree);
    let opened = HostDirectory::open(house.path().join("inside")).unwrap();
    Made {
        mount: mount(opened),
        kept: Some(house),
    }
}

/// A snapshot of a table that has an overlay over the directory as its root.
#[cfg(unix)]
fn snapshot_of(directory: HostDirectory) -> Snapshot {
    let table = Table::new();
    table.mount("/", Mount::overlay(directory)).unwrap();
    table.snapshot()
}

const fn kind(name: &'static str, has_links: bool, make: fn(Tree<'_>) -> Made) -> Kind {
    Kind {
        name,
        has_links,
        writes_through: false,
        is_forked: false,
        make,
    }
}

const fn forked(name: &'static str, kind: Kind) -> Kind {
    Kind {
        name,
        is_forked: true,
        ..kind
    }
}

const fn writing_through(kind: Kind) -> Kind {
    Kind {
        writes_through: true,
        ..kind
    }
}

pub(crate) const MEMORY: Kind = kind("memory", false, |tree| {
    made(Mount::read_write(grown_memory(tree)))
});

pub(crate) const OVERLAY_OVER_MEMORY: Kind = kind("overlay over memory", false, |tree| {
    made(Mount::overlay(grown_memory(tree)))
});

pub(crate) const OVERLAY_OVER_OVERLAY: Kind = kind("overlay over overlay", false, |tree| {
    made(Mount::overlay(grown_overlay(tree)))
});

/// Over a backend as somebody else might write one.
pub(crate) const OVERLAY_OVER_LINKS: Kind = kind("overlay over links", true, |tree| {
    made(Mount::overlay(Linked::new(tree.iter().copied())))
});

#[cfg(unix)]
pub(crate) const OVERLAY_OVER_DIRECTORY: Kind = kind("overlay over a directory", true, |tree| {
    planted(tree, Mount::overlay)
});

#[cfg(unix)]
pub(crate) const OVERLAY_OVER_OVERLAY_OVER_DIRECTORY: Kind =
    kind("overlay over overlay over a directory", true, |tree| {
        planted(tree, |directory| Mount::overlay(Overlay::new(directory)))
    });

#[cfg(unix)]
pub(crate) const OVERLAY_OVER_SNAPSHOT: Kind = kind("overlay over a snapshot", true, |tree| {
    planted(tree, |directory| Mount::overlay(snapshot_of(directory)))
});

#[cfg(unix)]
pub(crate) const DIRECTORY: Kind = writing_through(kind("directory", true, |tree| {
    planted(tree, |directory| {
        Mount::read_write(WritableHostDirectory::new(directory))
    })
}));

#[cfg(unix)]
pub(crate) const WALKED_DIRECTORY: Kind =
    writing_through(kind("directory, component by component", true, |tree| {
        let house = plant(tree);
        let opened = HostDirectory::open_walked(house.path().join("inside")).unwrap();
        Made {
            mount: Mount::read_write(WritableHostDirectory::new(opened)),
            kept: Some(house),
        }
    }));

#[cfg(feature = "vfs")]
pub(crate) const VFS: Kind = kind("vfs", false, |tree| {
    let files = Arc::new(mounts::vfs::VfsBackend::new(vfs::MemoryFS::new()));
    grow(Mount::read_write(Arc::clone(&files)), tree);
    made(Mount::read_write(files))
});

pub(crate) const FORKED_MEMORY: Kind = forked("memory, forked", MEMORY);

pub(crate) const FORKED_OVERLAY: Kind = forked("overlay over overlay, forked", OVERLAY_OVER_OVERLAY);

#[cfg(unix)]
pub(crate) const FORKED_OVERLAY_OVER_DIRECTORY: Kind =
    forked("overlay over a directory, forked", OVERLAY_OVER_DIRECTORY);

pub(crate) const READ_ONLY_MEMORY: Kind = kind("memory, read-only", false, |tree| {
    made(Mount::read_only(grown_memory(tree)))
});

pub(crate) const READ_ONLY_OVERLAY: Kind = kind("overlay, read-only", false, |tree| {
    made(Mount::read_only(grown_overlay(tree)))
});

pub(crate) const READ_ONLY_LINKS: Kind = kind("links, read-only", true, |tree| {
    made(Mount::read_only(Linked::new(tree.iter().copied())))
});

#[cfg(unix)]
pub(crate) const READ_ONLY_DIRECTORY: Kind = kind("directory, read-only", true, |tree| {
    planted(tree, Mount::read_only)
});

#[cfg(unix)]
pub(crate) const READ_ONLY_SNAPSHOT: Kind = kind("snapshot, read-only", true, |tree| {
    planted(tree, |directory| Mount::read_only(snapshot_of(directory)))
});

#[cfg(unix)]
pub(crate) const READ_ONLY_WALKED_DIRECTORY: Kind =
    kind("directory, read-only, component by component", true, |tree| {
        let house = plant(tree);
        let opened = HostDirectory::open_walked(house.path().join("inside")).unwrap();
        Made {
            mount: Mount::read_only(opened),
            kept: Some(house),
        }
    });

#[cfg(feature = "vfs")]
pub(crate) const READ_ONLY_VFS: Kind = kind("vfs, read-only", false, |tree| {
    let files = Arc::new(mounts::vfs::VfsBackend::new(vfs::MemoryFS::new()));
    grow(Mount::read_write(Arc::clone(&files)), tree);
    made(Mount::read_only(files))
});

/// Makes a test of each function for each kind that can be written.
#[allow(unused_macros, reason = "each test binary uses its own part")]
macro_rules! on_writable_kinds {
    ($($suite:ident: $($test:ident),+;)+) => {
        $crate::kinds::on_kind!(memory MEMORY $($suite: $($test),+;)+);
        $crate::kinds::on_kind!(overlay_over_memory OVERLAY_OVER_MEMORY $($suite: $($test),+;)+);
        $crate::kinds::on_kind!(overlay_over_overlay OVERLAY_OVER_OVERLAY $($suite: $($test),+;)+);
        $crate::kinds::on_kind!(overlay_over_links OVERLAY_OVER_LINKS $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(overlay_over_directory OVERLAY_OVER_DIRECTORY $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(
            overlay_over_overlay_over_directory OVERLAY_OVER_OVERLAY_OVER_DIRECTORY $($suite: $($test),+;)+
        );
        #[cfg(unix)]
        $crate::kinds::on_kind!(overlay_over_snapshot OVERLAY_OVER_SNAPSHOT $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(directory DIRECTORY $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(walked_directory WALKED_DIRECTORY $($suite: $($test),+;)+);
        $crate::kinds::on_kind!(forked_memory FORKED_MEMORY $($suite: $($test),+;)+);
        $crate::kinds::on_kind!(forked_overlay FORKED_OVERLAY $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(
            forked_overlay_over_directory FORKED_OVERLAY_OVER_DIRECTORY $($suite: $($test),+;)+
        );
        #[cfg(feature = "vfs")]
        $crate::kinds::on_kind!(vfs VFS $($suite: $($test),+;)+);
    };
}

/// The same for each kind that can only be read.
#[allow(unused_macros, reason = "each test binary uses its own part")]
macro_rules! on_read_only_kinds {
    ($($suite:ident: $($test:ident),+;)+) => {
        $crate::kinds::on_kind!(read_only_memory READ_ONLY_MEMORY $($suite: $($test),+;)+);
        $crate::kinds::on_kind!(read_only_overlay READ_ONLY_OVERLAY $($suite: $($test),+;)+);
        $crate::kinds::on_kind!(read_only_links READ_ONLY_LINKS $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(read_only_directory READ_ONLY_DIRECTORY $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(read_only_snapshot READ_ONLY_SNAPSHOT $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(
            read_only_walked_directory READ_ONLY_WALKED_DIRECTORY $($suite: $($test),+;)+
        );
        #[cfg(feature = "vfs")]
        $crate::kinds::on_kind!(read_only_vfs READ_ONLY_VFS $($suite: $($test),+;)+);
    };
}

/// The same for each kind that can be written and has links.
#[allow(unused_macros, reason = "each test binary uses its own part")]
macro_rules! on_linked_kinds {
    ($($suite:ident: $($test:ident),+;)+) => {
        $crate::kinds::on_kind!(linked_overlay_over_links OVERLAY_OVER_LINKS $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(
            linked_overlay_over_directory OVERLAY_OVER_DIRECTORY $($suite: $($test),+;)+
        );
        #[cfg(unix)]
        $crate::kinds::on_kind!(linked_overlay_over_snapshot OVERLAY_OVER_SNAPSHOT $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(linked_directory DIRECTORY $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(linked_walked_directory WALKED_DIRECTORY $($suite: $($test),+;)+);
        #[cfg(unix)]
        $crate::kinds::on_kind!(
            linked_overlay_over_overlay_over_directory OVERLAY_OVER_OVERLAY_OVER_DIRECTORY $($suite: $($test),+;)+
        );
    };
}

#[allow(unused_macros, reason = "each test binary uses its own part")]
macro_rules! on_kind {
    ($module:ident $kind:ident $($suite:ident: $($test:ident),+;)+) => {
        mod $module {
            $(mod $suite {
                $(#[test]
                fn $test() {
                    crate::$suite::$test(crate::kinds::$kind);
                })+
            })+
        }
    };
}

#[allow(unused_imports, reason = "each test binary uses its own part")]
pub(crate) use {on_kind, on_linked_kinds, on_read_only_kinds, on_writable_kinds};
