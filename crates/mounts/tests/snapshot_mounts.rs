//! Snapshots as what is mounted: a whole tree of mounts, seen as one.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

use mounts::history::Snapshot;
use mounts::{ErrorKind, Globs, HostDirectory, Mount, Rules, Table};
use tempfile::TempDir;

/// A table with memory, a directory of the host with links, and what nobody covers above them.
fn house() -> (Snapshot, TempDir) {
    let disk = tempfile::tempdir().unwrap();
    fs::create_dir(disk.path().join("dir")).unwrap();
    fs::write(disk.path().join("dir/file"), "text").unwrap();
    symlink("file", disk.path().join("dir/link")).unwrap();
    symlink("dir", disk.path().join("way")).unwrap();
    symlink("../../in/memory/note", disk.path().join("dir/across")).unwrap();
    symlink("/etc/passwd", disk.path().join("out")).unwrap();
    let rules = Rules::new(Globs {
        hide: vec!["secret".into()],
        deny: vec!["denied".into()],
        ..Globs::default()
    });
    let files = [("/note", "one"), ("/secret", ""), ("/denied", "")];
    let table = Table::new();
    let memory = Mount::memory()
        .with_files(files)
        .unwrap()
        .with_rules(rules.unwrap());
    table.mount("/in/memory", memory).unwrap();
    let directory = HostDirectory::open(disk.path()).unwrap();
    table.mount("/disk", Mount::overlay(directory)).unwrap();
    let snapshot = table.snapshot();
    table.write("/in/memory/note", "two").unwrap();
    table.write("/disk/later", "").unwrap();
    (snapshot, disk)
}

fn names(table: &Table, path: &str) -> Vec<String> {
    let entries = table.list(path).unwrap().into_iter();
    entries.map(|entry| entry.name.to_string()).collect()
}

#[test]
fn its_mounts_are_one_tree_in_the_state_that_was_kept() {
    let (snapshot, _disk) = house();
    let table = Table::new();
    for (point, mount) in [
        ("/ro", Mount::read_only(snapshot.clone())),
        ("/over", Mount::overlay(snapshot.clone())),
    ] {
        table.mount(point, mount).unwrap();
        let at = |path: &str| format!("{point}{path}");
        assert_eq!(names(&table, point), ["disk", "in"]);
        assert_eq!(names(&table, &at("/in")), ["memory"]);
        assert_eq!(names(&table, &at("/in/memory")), ["denied", "note"]);
        assert_eq!(names(&table, &at("/disk/dir")), ["across", "file", "link"]);
        assert_eq!(
            *table.read(&at("/in/memory/note")).unwrap().as_contiguous(),
            *b"one"
        );
        assert_eq!(
            table.read(&at("/in")).unwrap_err().kind(),
            ErrorKind::IsADirectory
        );
        assert_eq!(
            table.read(&at("/disk/later")).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert_eq!(
            table.read(&at("/in/memory/secret")).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert_eq!(
            table.read(&at("/in/memory/denied")).unwrap_err().kind(),
            ErrorKind::PermissionDenied
        );
    }
    assert_eq!(
        table.write("/ro/in/x", "").unwrap_err().kind(),
        ErrorKind::ReadOnly
    );
    table.write("/over/in/x", "beside a mount point").unwrap();
    table.write("/over/in/memory/note", "three").unwrap();
    assert_eq!(
        *snapshot.read("/in/memory/note").unwrap().as_contiguous(),
        *b"one"
    );
    assert_eq!(table.changes().len(), 2);
}

/// What a link leads to is what the script sees there, in the table that the snapshot is mounted in.
#[test]
fn its_links_are_found_in_the_table_that_it_is_mounted_in() {
    let (snapshot, _disk) = house();
    let table = Table::new();
    table.mount("/w", Mount::overlay(snapshot)).unwrap();
    assert_eq!(*table.read("/w/disk/dir/link").unwrap().as_contiguous(), *b"text");
    table.write("/w/disk/dir/file", "of the overlay").unwrap();
    for path in ["/w/disk/dir/link", "/w/disk/way/file", "/w/disk/way/link"] {
        assert_eq!(
            *table.read(path).unwrap().as_contiguous(),
            *b"of the overlay",
            "{path}"
        );
    }
    assert_eq!(
        *table.read("/w/disk/dir/across").unwrap().as_contiguous(),
        *b"one"
    );
    assert_eq!(
        table.read("/w/disk/out").unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert_eq!(names(&table, "/w/disk"), ["dir", "way"]);
}

#[test]
fn inode_numbers_are_unique_across_the_mounts_in_it() {
    let table = Table::new();
    for point in ["/a", "/b", "/c"] {
        table
            .mount(
                point,
                Mount::memory().with_files([("/f", ""), ("/g", "")]).unwrap(),
            )
            .unwrap();
    }
    let whole = Table::new();
    whole.mount("/m", Mount::read_only(table.snapshot())).unwrap();
    let inode = |path: &String| whole.metadata(path).unwrap().inode;
    let paths: Vec<_> = ["a", "b", "c"]
        .iter()
        .flat_map(|point| ["f", "g"].map(|name| format!("/m/{point}/{name}")))
        .collect();
    let inodes: BTreeSet<_> = paths.iter().map(inode).collect();
    assert_eq!(inodes.len(), paths.len());
    assert_eq!(inode(&paths[0]), table.metadata("/a/f").unwrap().inode);
}
