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

fn new_file(own: &Contents) -> NewEntry<'_> {
    NewEntry::File {
        like: None,
        base: None,
        own,
        mode: None,
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
    let entry = new_file(&new);
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
    let attic = disk.path().join(&work.attic().unwrap().name);
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

/// Somebody replaces a file in the last moment, so the commit takes what it made back; and before it does, they replace
/// that too. What comes out then is not what was made. It was removed as if it were, and their last word was lost.
#[test]
fn what_somebody_put_over_what_was_made_is_their_last_word_and_what_it_displaced_is_kept() {
    let disk = tempfile::tempdir().unwrap();
    let path = disk.path().join("file");
    let directory = WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap());
    let mut work = Work::begin_in(&directory);
    let own = Contents::from("made");
    let Staged(made) = work.stage(new_file(&own)).unwrap();
    let attic = disk.path().join(&work.attic().unwrap().name);
    fs::write(&path, "first").unwrap();
    let name = name_of(&made);
    // The exchange, and then theirs over what was made.
    fs::rename(attic.join(name), attic.join("held-7")).unwrap();
    fs::rename(&path, disk.path().join("moved")).unwrap();
    fs::rename(attic.join("held-7"), &path).unwrap();
    fs::rename(disk.path().join("moved"), attic.join("held-7")).unwrap();
    fs::write(disk.path().join("second"), "second").unwrap();
    fs::rename(disk.path().join("second"), &path).unwrap();
    let place = work.at(RelativePath::new("file")).unwrap();
    let there = work.attic().unwrap().directory().try_clone_to_owned().unwrap();
    work.take_back((there.as_fd(), "held-7"), (place.directory(), place.name), name)
        .unwrap();
    work.finish().unwrap();
    drop(work);
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(fs::read(attic.join("held-7")).unwrap(), b"first");
}

/// A later step fails, and what was put in its place is to be taken back; somebody has replaced it. Theirs was taken for
/// what was made, and removed with it.
#[test]
fn what_is_withdrawn_is_what_was_made_and_nothing_else() {
    let disk = tempfile::tempdir().unwrap();
    let path = disk.path().join("file");
    let directory = WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap());
    let mut work = Work::begin_in(&directory);
    let own = Contents::from("made");
    let staged = work.stage(new_file(&own)).unwrap();
    let file = RelativePath::new("file");
    work.place(&staged, file, None).unwrap();
    work.withdraw(&staged, file).unwrap();
    assert!(!path.exists());
    work.place(&staged, file, None).unwrap();
    fs::write(disk.path().join("theirs"), "theirs").unwrap();
    fs::rename(disk.path().join("theirs"), &path).unwrap();
    let refused = work.withdraw(&staged, file);
    assert!(matches!(
        refused,
        Err(Refusal::Failed {
            kind: ErrorKind::Stale,
            ..
        })
    ));
    work.finish().unwrap();
    drop(work);
    assert_eq!(fs::read(&path).unwrap(), b"theirs");
    assert_eq!(
        fs::read_dir(disk.path()).unwrap().count(),
        1,
        "nothing is left over"
    );
}

/// While a commit is under way, nobody sweeps what it has made; when it is killed, the lock is gone.
#[test]
fn an_attic_is_swept_when_nobody_works_in_it() {
    let disk = tempfile::tempdir().unwrap();
    let directory = WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap());
    let other = WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap());
    let mut work = Work::begin_in(&directory);
    let own = Contents::from("made");
    let staged = work.stage(new_file(&own)).unwrap();
    assert!(other.list(RelativePath::ROOT).unwrap().is_empty());
    assert_eq!(fs::read(disk.path().join(&staged.0)).unwrap(), b"made");
    // What a kill leaves: everything where it is, and no lock.
    work.made.clear();
    drop(work);
    assert!(disk.path().join(&staged.0).exists());
    assert!(other.list(RelativePath::ROOT).unwrap().is_empty());
    assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 0);
}

/// What a killed commit had displaced may be the only copy, or somebody else's.
#[test]
fn a_sweep_leaves_what_was_displaced_and_whatever_it_does_not_know() {
    let disk = tempfile::tempdir().unwrap();
    let attic = disk.path().join(temporary::fresh_name());
    fs::create_dir_all(attic.join("spare-3")).unwrap();
    for name in ["spare-1", "held-2", "spare-", "spare-1x", "theirs"] {
        fs::write(attic.join(name), name).unwrap();
    }
    let directory = WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap());
    assert!(directory.list(RelativePath::ROOT).unwrap().is_empty());
    let mut left: Vec<_> = fs::read_dir(&attic)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["held-2", "spare-", "spare-1x", "spare-3", "theirs"]);
    // Once the commit had ended, none of it is needed.
    fs::create_dir(attic.join("done")).unwrap();
    assert!(directory.list(RelativePath::ROOT).unwrap().is_empty());
    assert!(!attic.exists());
}

/// A name that says what is spare must never be had by what is displaced and was not looked at.
#[test]
fn what_is_replaced_is_spare_only_once_it_was_looked_at() {
    let disk = tempfile::tempdir().unwrap();
    fs::write(disk.path().join("file"), "old").unwrap();
    let directory = WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap());
    let over = expected(&directory, "file");
    let mut work = Work::begin_in(&directory);
    let own = Contents::from("made");
    let staged = work.stage(new_file(&own)).unwrap();
    let attic = disk.path().join(&work.attic().unwrap().name);
    let file = RelativePath::new("file");
    work.place(&staged, file, Some(&over)).unwrap();
    let names = || -> Vec<_> {
        let entries = fs::read_dir(&attic).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    assert!(
        names().iter().all(|name| name.starts_with("spare-")),
        "{:?}",
        names()
    );
    let over = expected(&directory, "file");
    work.set_aside(file, &over).unwrap();
    assert_eq!(names().iter().filter(|name| name.starts_with("held-")).count(), 1);
    work.finish().unwrap();
    assert!(!attic.exists());
}
