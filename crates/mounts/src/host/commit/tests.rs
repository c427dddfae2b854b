//! What no file system at hand, and no race, brings about by itself.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use std::collections::BTreeMap;
use std::fs;

use crate::backend::{FollowLinks, Reader as _};

use super::*;

fn expected(directory: &WritableHostDirectory, path: &str) -> Expected {
    let found = directory
        .metadata(RelativePath::new(path), FollowLinks::No)
        .unwrap();
    Expected {
        file_type: found.file_type,
        inode: found.inode,
        size: found.size,
        modified: found.modified,
        entries: Some(BTreeMap::new()),
    }
}

/// What the file system cannot exchange is looked at and replaced: a file, a directory, and nothing that is not
/// the expected entry.
#[test]
fn what_cannot_be_exchanged_is_looked_at_and_replaced() {
    let disk = tempfile::tempdir().unwrap();
    fs::write(disk.path().join("file"), "old").unwrap();
    fs::create_dir(disk.path().join("directory")).unwrap();
    fs::write(disk.path().join("other"), "theirs").unwrap();
    let directory = WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap());
    let (file, dir) = (expected(&directory, "file"), expected(&directory, "directory"));
    let mut work = Work::begin_in(&directory);
    let new = Contents::from("new");
    let entry = NewEntry::File {
        like: None,
        base: None,
        own: &new,
        mode: None,
    };
    for (path, over) in [("file", &file), ("directory", &dir)] {
        let Staged(made) = work.stage(entry).unwrap();
        let name = made.rsplit('/').next().unwrap();
        work.place_over(name, RelativePath::new(path), over).unwrap();
        assert_eq!(fs::read(disk.path().join(path)).unwrap(), b"new");
    }
    let Staged(made) = work.stage(entry).unwrap();
    let name = made.rsplit('/').next().unwrap();
    let refused = work.place_over(name, RelativePath::new("other"), &file);
    assert!(matches!(
        refused,
        Err(Refusal::Failed {
            kind: ErrorKind::Stale,
            ..
        })
    ));
    assert_eq!(fs::read(disk.path().join("other")).unwrap(), b"theirs");
    work.finish().unwrap();
    drop(work);
    assert_eq!(
        fs::read_dir(disk.path()).unwrap().count(),
        3,
        "nothing is left over"
    );
}

/// Somebody replaces a file in the last moment, and again before it could be put back. Removed with what the commit
/// had to remove, their first version would be lost without anybody having asked for it.
#[test]
fn what_cannot_be_put_back_is_kept() {
    let disk = tempfile::tempdir().unwrap();
    let directory = WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap());
    let mut work = Work::begin_in(&directory);
    let attic = disk.path().join(&work.attic().unwrap().0.name);
    fs::write(attic.join("theirs"), "first").unwrap();
    fs::write(disk.path().join("file"), "second").unwrap();
    let stray = format!("{}/theirs", attic.file_name().unwrap().to_str().unwrap());
    let back = {
        let (from, to) = (RelativePath::new(&stray), RelativePath::new("file"));
        let (from, to) = (work.at(from).unwrap(), work.at(to).unwrap());
        to_free((from.directory(), from.name), (to.directory(), to.name))
    };
    let refused = work.put_back(back);
    assert!(matches!(
        refused,
        Err(Refusal::Failed {
            kind: ErrorKind::AlreadyExists,
            ..
        })
    ));
    work.finish().unwrap();
    drop(work);
    assert_eq!(fs::read(attic.join("theirs")).unwrap(), b"first");
    assert_eq!(fs::read(disk.path().join("file")).unwrap(), b"second");
}
