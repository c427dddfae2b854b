//! What is reported of a mount that is written through.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

mod support;

use std::fs;
use std::sync::Arc;

use mounts::history::ChangeKind::{Created, Deleted, Modified};
use mounts::history::{Change, ChangeKind};
use mounts::{FileType, Globs, LeaseMode, Limits, Memory, Mount, OpenMode, Rules, Table};
use support::committed::{directory, house};
use support::history::mounted;
use tempfile::TempDir;

fn written(files: &[(&str, &str)]) -> (Table, TempDir) {
    let disk = house(files);
    (mounted(Mount::read_write(directory(&disk))), disk)
}

fn kinds(changes: &[Change]) -> Vec<(&str, ChangeKind)> {
    let kinds = changes.iter().map(|change| (change.path.as_str(), change.kind));
    kinds.collect()
}

#[test]
fn what_was_created_modified_and_removed_is_reported_with_its_sizes() {
    let (table, _disk) = written(&[("kept", "k"), ("log", "one"), ("old", "12345")]);
    table.write("/m/new", "1234").unwrap();
    table.append("/m/log", b" two").unwrap();
    table.append("/m/log", b" three").unwrap();
    table.remove_file("/m/old").unwrap();
    table.create_dir_all("/m/some/where").unwrap();
    let changes = table.changes();
    let sizes: Vec<_> = changes
        .iter()
        .map(|change| {
            (
                change.path.as_str(),
                change.kind,
                change.previous_size,
                change.size,
            )
        })
        .collect();
    assert_eq!(
        sizes,
        [
            ("/m/log", Modified, Some(3), Some(13)),
            ("/m/new", Created, None, Some(4)),
            ("/m/old", Deleted, Some(5), None),
            ("/m/some", Created, None, None),
            ("/m/some/where", Created, None, None),
        ]
    );
    assert_eq!(changes[3].file_type, FileType::Directory);
}

#[test]
fn what_is_undone_is_no_change() {
    let (table, _disk) = written(&[("d/x", "x"), ("d/y", "y"), ("empty", "")]);
    table.write("/m/new", "1").unwrap();
    table.append("/m/new", b"2").unwrap();
    table.remove_file("/m/new").unwrap();
    table.create_dir_all("/m/fresh").unwrap();
    table.remove_dir("/m/fresh").unwrap();
    table.rename("/m/d", "/m/e").unwrap();
    table.rename("/m/e/x", "/m/x").unwrap();
    table.rename("/m/x", "/m/e/x").unwrap();
    table.rename("/m/e", "/m/d").unwrap();
    let lease = table.checkout(LeaseMode::Shared).unwrap();
    for mode in [OpenMode::Append, OpenMode::Truncate] {
        lease.open_for_write("/m/empty", mode).unwrap();
    }
    lease.open_for_write("/m/d/x", OpenMode::Append).unwrap();
    lease.append("/m/d/x", b"").unwrap();
    assert_eq!(table.changes(), []);
    assert_eq!(table.list_mounts()[0].usage.journal, 0);
}

#[test]
fn a_file_that_comes_back_is_modified_and_one_written_as_it_was_too() {
    let (table, _disk) = written(&[("back", "one"), ("same", "same")]);
    table.remove_file("/m/back").unwrap();
    table.write("/m/back", "other").unwrap();
    table.write("/m/same", "same").unwrap();
    assert_eq!(
        kinds(&table.changes()),
        [("/m/back", Modified), ("/m/same", Modified)]
    );
}

#[test]
fn a_file_in_the_place_of_a_directory_is_deleted_and_created() {
    let (table, _disk) = written(&[("d/x", "1")]);
    table.remove_file("/m/d/x").unwrap();
    table.remove_dir("/m/d").unwrap();
    table.write("/m/d", "file").unwrap();
    assert_eq!(
        kinds(&table.changes()),
        [("/m/d", Deleted), ("/m/d", Created), ("/m/d/x", Deleted)]
    );
}

#[test]
fn a_directory_that_moves_takes_what_is_in_it_along() {
    let (table, _disk) = written(&[("d/x", "1"), ("d/s/y", "22"), ("d/gone", "")]);
    table.write("/m/d/new", "333").unwrap();
    table.remove_file("/m/d/gone").unwrap();
    table.rename("/m/d", "/m/e").unwrap();
    table.append("/m/e/x", b"2").unwrap();
    let changes = table.changes();
    let moves: Vec<_> = changes
        .iter()
        .map(|change| (change.path.as_str(), change.kind, change.moved_from.as_deref()))
        .collect();
    assert_eq!(
        moves,
        [
            ("/m/d", Deleted, None),
            ("/m/d/gone", Deleted, None),
            ("/m/d/s", Deleted, None),
            ("/m/d/s/y", Deleted, None),
            ("/m/d/x", Deleted, None),
            ("/m/e", Created, Some("/m/d")),
            ("/m/e/new", Created, None),
            ("/m/e/s", Created, Some("/m/d/s")),
            ("/m/e/s/y", Created, Some("/m/d/s/y")),
            ("/m/e/x", Created, Some("/m/d/x")),
        ]
    );
    let x = &changes[9];
    assert_eq!((x.size, changes[4].previous_size), (Some(2), Some(1)));
}

/// A directory was moved away, another made in its place and moved elsewhere: it is not the one that was there.
#[test]
fn a_directory_made_in_the_place_of_one_that_moved_is_not_taken_for_it() {
    let (table, _disk) = written(&[("a/x", "1")]);
    table.rename("/m/a", "/m/b").unwrap();
    table.create_dir_all("/m/a").unwrap();
    table.rename("/m/a", "/m/c").unwrap();
    let changes = table.changes();
    let source = |path: &str| {
        let change = changes
            .iter()
            .find(|change| change.path == path && change.kind == Created);
        change.unwrap().moved_from.as_deref()
    };
    assert_eq!((source("/m/b"), source("/m/c")), (Some("/m/a"), None));
}

#[test]
fn a_directory_that_moves_to_where_a_file_was_is_told_of_beside_the_file() {
    let (table, _disk) = written(&[("c/b", "1"), ("a/x", "2")]);
    table.rename("/m/c/b", "/m/a/a").unwrap();
    table.rename("/m/a", "/m/c/b").unwrap();
    let changes = table.changes();
    let at: Vec<_> = changes.iter().filter(|change| change.path == "/m/c/b").collect();
    assert_eq!(at.len(), 2);
    assert_eq!(
        (at[0].kind, at[0].file_type, at[0].moved_from.as_deref()),
        (Deleted, FileType::File, None)
    );
    assert_eq!(
        (at[1].kind, at[1].file_type, at[1].moved_from.as_deref()),
        (Created, FileType::Directory, Some("/m/a"))
    );
}

#[test]
fn only_what_was_changed_since_the_snapshot_is_reported_since_it() {
    let (table, _disk) = written(&[("a", "1"), ("b", "2")]);
    table.write("/m/early", "x").unwrap();
    table.write("/m/a", "11").unwrap();
    table.remove_file("/m/b").unwrap();
    let snapshot = table.snapshot();
    assert_eq!(table.changes_since(&snapshot), []);
    table.append("/m/a", b"1").unwrap();
    table.remove_file("/m/early").unwrap();
    table.write("/m/b", "back").unwrap();
    let changes = table.changes_since(&snapshot);
    assert_eq!(
        kinds(&changes),
        [("/m/a", Modified), ("/m/b", Created), ("/m/early", Deleted)]
    );
    assert_eq!((changes[0].previous_size, changes[0].size), (Some(2), Some(3)));
}

#[test]
fn a_refused_operation_leaves_no_entry() {
    let disk = house(&[("d/x", "1"), ("f", "1")]);
    let limits = Limits {
        max_file_size: Some(4),
        ..Limits::default()
    };
    let table = mounted(Mount::read_write(directory(&disk)).with_limits(limits));
    let lease = table.checkout(LeaseMode::Shared).unwrap();
    for refused in [
        lease.write("/m/f", "too long"),
        lease.write("/m/new", "too long"),
        lease.append("/m/f", b"2345"),
        lease.write("/m/d", ""),
        lease.write("/m/none/x", ""),
        lease.remove_dir("/m/d"),
        lease.remove_file("/m/none"),
        lease.create_dir("/m/f"),
        lease.rename("/m/none", "/m/x"),
        lease.rename("/m/f", "/m/d"),
        lease.rename("/m/d", "/m/d/e"),
    ] {
        refused.unwrap_err();
    }
    assert_eq!(table.changes(), []);
}

/// A fork works in the same directory. What it does there is its own doing, and so is what the host does.
#[test]
fn a_fork_begins_with_an_empty_journal_and_nobody_reports_what_others_did() {
    let (table, disk) = written(&[]);
    table.write("/m/mine", "1").unwrap();
    let fork = table.fork();
    assert_eq!(fork.changes(), []);
    fork.write("/m/theirs", "2").unwrap();
    fs::write(disk.path().join("hosts"), "3").unwrap();
    assert_eq!(kinds(&table.changes()), [("/m/mine", Created)]);
    assert_eq!(kinds(&fork.changes()), [("/m/theirs", Created)]);
    assert_eq!(
        kinds(&fork.changes_since(&table.snapshot())),
        [("/m/theirs", Created)]
    );
    assert_eq!(table.snapshot().fork().changes(), []);
}

#[test]
fn a_directory_mounted_again_begins_anew() {
    let disk = house(&[]);
    let writable = Arc::new(directory(&disk));
    let table = mounted(Mount::read_write(Arc::clone(&writable)));
    table.write("/m/f", "1").unwrap();
    table.unmount("/m").unwrap();
    table.mount("/m", Mount::read_write(writable)).unwrap();
    assert_eq!(table.changes(), []);
    table.append("/m/f", b"2").unwrap();
    assert_eq!(kinds(&table.changes()), [("/m/f", Modified)]);
}

#[test]
fn what_rules_hide_is_not_reported() {
    let disk = house(&[("d/open", "1"), ("d/secret/key", "2")]);
    let globs = Globs {
        hide: vec!["**/secret".into()],
        ..Globs::default()
    };
    let table = mounted(Mount::read_write(directory(&disk)).with_rules(Rules::new(globs).unwrap()));
    table.rename("/m/d", "/m/e").unwrap();
    assert!(
        table
            .changes()
            .iter()
            .all(|change| !change.path.contains("secret"))
    );
    assert_eq!(table.changes().len(), 4);
}

#[test]
fn writers_at_the_same_time_are_all_reported() {
    let (table, _disk) = written(&[("log", "")]);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let table = &table;
            scope.spawn(move || {
                let lease = table.checkout(LeaseMode::Shared).unwrap();
                for round in 0..50 {
                    lease.append("/m/log", b"x").unwrap();
                    lease.write(&format!("/m/{writer}-{round}"), "1").unwrap();
                    lease
                        .rename(&format!("/m/{writer}-{round}"), &format!("/m/{writer}"))
                        .unwrap();
                }
            });
        }
    });
    let changes = table.changes();
    let paths = [
        ("/m/0", Created),
        ("/m/1", Created),
        ("/m/2", Created),
        ("/m/3", Created),
        ("/m/log", Modified),
    ];
    assert_eq!(kinds(&changes), paths);
    assert_eq!(changes[4].size, Some(200));
}

/// A journal that has given up must say so: a list of some changes that looks like one of all would be believed.
#[test]
fn a_journal_that_may_not_grow_says_that_something_changed_and_no_more() {
    let limits = Limits {
        memory: Some(80_000),
        ..Limits::default()
    };
    let table = mounted(Mount::read_write(Memory::new()).with_limits(limits));
    for file in 0..40 {
        table.write(&format!("/m/{file}"), "").unwrap();
    }
    let changes = table.changes();
    assert_eq!(changes.len(), 40);
    let journal = table.list_mounts()[0].usage.journal;
    assert!((1..=10_000).contains(&journal), "{journal}");
    let before = table.snapshot();
    for file in 40..80 {
        table.write(&format!("/m/{file}"), "").unwrap();
    }
    assert_eq!(kinds(&table.changes()), [("/m", Modified)]);
    assert_eq!(table.changes()[0].file_type, FileType::Directory);
    assert_eq!(kinds(&table.changes_since(&before)), [("/m", Modified)]);
    assert_eq!(table.list_mounts()[0].usage.journal, 0);
    assert!(
        table
            .diff("/m")
            .unwrap()
            .contains("more changed in it than is remembered")
    );

    let after = table.snapshot();
    assert_eq!(table.changes_since(&after), []);
    table.remove_file("/m/0").unwrap();
    assert_eq!(kinds(&table.changes_since(&after)), [("/m", Modified)]);
    assert_eq!(table.fork().changes(), []);
}

/// The journal counts as what the mount keeps in memory: there is less room for an answer.
#[test]
fn what_a_journal_takes_is_taken_from_the_memory_of_the_mount() {
    let disk = house(&[("big", &"x".repeat(79_000))]);
    let limits = Limits {
        memory: Some(80_000),
        ..Limits::default()
    };
    let table = mounted(Mount::read_write(directory(&disk)).with_limits(limits));
    table.read("/m/big").unwrap();
    for file in 0..20 {
        table.write(&format!("/m/{file}"), "").unwrap();
    }
    table.read("/m/big").unwrap_err();
    for file in 0..20 {
        table.remove_file(&format!("/m/{file}")).unwrap();
    }
    table.read("/m/big").unwrap();
}

#[test]
fn many_changes_of_one_file_are_one_note() {
    let table = mounted(Mount::read_write(Memory::new()));
    let lease = table.checkout(LeaseMode::Shared).unwrap();
    lease.write("/m/f", "").unwrap();
    let journal = table.list_mounts()[0].usage.journal;
    for _ in 0..20_000 {
        lease.open_for_write("/m/f", OpenMode::Truncate).unwrap();
        lease.write("/m/g", "").unwrap();
        lease.remove_file("/m/g").unwrap();
    }
    assert_eq!(table.list_mounts()[0].usage.journal, journal);
    assert_eq!(kinds(&table.changes()), [("/m/f", Created)]);
}

/// Linux leaves both.
#[test]
fn two_names_of_one_file_renamed_over_one_another_are_no_change() {
    let (table, disk) = written(&[("one", "1")]);
    fs::hard_link(disk.path().join("one"), disk.path().join("two")).unwrap();
    table.rename("/m/one", "/m/two").unwrap();
    assert_eq!(table.changes(), []);
}

#[test]
fn a_copied_file_is_reported_like_a_written_one() {
    let (table, _disk) = written(&[("from", "12345"), ("over", "1")]);
    let lease = table.checkout(LeaseMode::Shared).unwrap();
    lease.copy("/m/from", "/m/new").unwrap();
    lease.copy("/m/from", "/m/over").unwrap();
    assert_eq!(
        kinds(&table.changes()),
        [("/m/new", Created), ("/m/over", Modified)]
    );
}
