//! The kinds of lower layers, each with the host's way to change it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use mounts::{HostDirectory, Lease, LeaseMode, Memory, Mount, Overlay, Table};
use tempfile::TempDir;

/// What an overlay lies over, as its owner sees it.
pub(crate) enum Lower {
    Table(Lease),
    Directory(
        PathBuf,
        #[allow(dead_code, reason = "kept as long as it is used")] TempDir,
    ),
}

impl Lower {
    pub(crate) fn write(&self, path: &str, contents: &str) {
        match self {
            Self::Table(lease) => lease.write(&format!("/m/{path}"), contents).unwrap(),
            Self::Directory(root, _) => fs::write(root.join(path), contents).unwrap(),
        }
    }

    pub(crate) fn read(&self, path: &str) -> String {
        match self {
            Self::Table(lease) => text(lease, &format!("/m/{path}")),
            Self::Directory(root, _) => fs::read_to_string(root.join(path)).unwrap(),
        }
    }

    fn create_dir_all(&self, path: &str) {
        match self {
            Self::Table(lease) => lease.create_dir_all(&format!("/m/{path}")).unwrap(),
            Self::Directory(root, _) => fs::create_dir_all(root.join(path)).unwrap(),
        }
    }

    /// `d/a`, `d/b`, `d/e/f` and `file`.
    fn fill(&self) {
        self.create_dir_all("d/e");
        for (path, name) in [("d/a", "a"), ("d/b", "b"), ("d/e/f", "f"), ("file", "file")] {
            self.write(path, &format!("lower {name}"));
        }
    }
}

/// An overlay at `/m`, and what it lies over.
pub(crate) struct Layers {
    pub(crate) over: Lease,
    pub(crate) lower: Lower,
}

fn leased(mount: Mount) -> Lease {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    table.checkout(LeaseMode::Shared).unwrap()
}

pub(crate) fn over_memory() -> Layers {
    let memory = Arc::new(Memory::new());
    let lower = Lower::Table(leased(Mount::read_write(Arc::clone(&memory))));
    lower.fill();
    Layers {
        over: leased(Mount::overlay(memory)),
        lower,
    }
}

/// The lower overlay has everything in its own upper.
pub(crate) fn over_overlay() -> Layers {
    let overlay = Arc::new(Overlay::new(Memory::new()));
    let lower = Lower::Table(leased(Mount::read_write(Arc::clone(&overlay))));
    lower.fill();
    Layers {
        over: leased(Mount::overlay(overlay)),
        lower,
    }
}

/// The lower overlay has nothing of its own: all shows through from the directory below.
pub(crate) fn over_overlay_over_directory() -> Layers {
    let (directory, lower) = directory();
    Layers {
        over: leased(Mount::overlay(Overlay::new(directory))),
        lower,
    }
}

pub(crate) fn over_directory() -> Layers {
    let (directory, lower) = directory();
    Layers {
        over: leased(Mount::overlay(directory)),
        lower,
    }
}

fn directory() -> (HostDirectory, Lower) {
    let root = tempfile::tempdir().unwrap();
    let lower = Lower::Directory(root.path().to_owned(), root);
    lower.fill();
    let Lower::Directory(path, _) = &lower else {
        unreachable!("it was made as one")
    };
    (HostDirectory::open(path).unwrap(), lower)
}

pub(crate) fn names(lease: &Lease, path: &str) -> Vec<String> {
    let entries = lease.list(path).unwrap();
    entries.iter().map(|entry| entry.name.to_string()).collect()
}

pub(crate) fn text(lease: &Lease, path: &str) -> String {
    String::from_utf8(lease.read(path).unwrap().to_vec()).unwrap()
}

/// Makes a test of each function for each kind of lower layer.
macro_rules! on_every_lower {
    ($($test:ident),+ $(,)?) => {
        $crate::lowers::on_lower!(over_memory $($test)+);
        $crate::lowers::on_lower!(over_overlay $($test)+);
        $crate::lowers::on_lower!(over_directory $($test)+);
        $crate::lowers::on_lower!(over_overlay_over_directory $($test)+);
    };
}

macro_rules! on_lower {
    ($lower:ident $($test:ident)+) => {
        mod $lower {
            $(#[test]
            fn $test() {
                super::$test(&super::lowers::$lower());
            })+
        }
    };
}

pub(crate) use {on_every_lower, on_lower};
