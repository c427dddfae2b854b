//! Snapshots, forks and changes, one behaviour at a time.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use mounts::history::ChangeKind::{Created, Deleted, Modified};
use mounts::history::{Change, ChangeKind};
use mounts::{ErrorKind, Globs, HostDirectory, LeaseMode, Limits, Memory, Mount, Rules, Table};

fn mounted(mount: Mount) -> Table {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    table
}

fn kinds(changes: &[Change]) -> Vec<(&str, ChangeKind)> {
    changes
        .iter()
        .map(|change| (change.path.as_str(), change.kind))
        .collect()
}

fn overlay_over(files: &[(&str, &str)]) -> (Table, tempfile::TempDir) {
    let disk = tempfile::tempdir().unwrap();
    for (path, contents) in files {
        let path = disk.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    let table = mounted(Mount::overlay(HostDirectory::open(disk.path()).unwrap()));
    (table, disk)
}

#[test]
fn a_file_written_with_the_bytes_it_had_is_no_change() {
    let memory = mounted(Mount::memory().with_files([("/f", "same")]).unwrap());
    let (overlay, _disk) = overlay_over(&[("f", "same")]);
    for table in [memory, overlay] {
        table.write("/m/f", "same").unwrap();
        assert_eq!(table.changes(), []);
        table.write("/m/f", "else").unwrap();
        assert_eq!(kinds(&table.changes()), [("/m/f", Modified)]);
        table.write("/m/f", "same").unwrap();
        assert_eq!(table.changes(), []);
    }
}

#[test]
fn a_change_says_type_and_sizes() {
    let (table, _disk) = overlay_over(&[("gone", "four"), ("kept", "four")]);
    table.remove_file("/m/gone").unwrap();
    table.append("/m/kept", b"+1").unwrap();
    table.create_dir_all("/m/new").unwrap();
    let sizes: Vec<_> = table
        .changes()
        .into_iter()
        .map(|change| (change.path, change.previous_size, change.size))
        .collect();
    assert_eq!(
        sizes,
        [
            ("/m/gone".into(), Some(4), None),
            ("/m/kept".into(), Some(4), Some(6)),
            ("/m/new".into(), None, None),
        ]
    );
}

#[test]
fn what_replaces_another_type_is_deleted_and_created() {
    let (table, _disk) = overlay_over(&[("d/f", "")]);
    table.remove_file("/m/d/f").unwrap();
    table.remove_dir("/m/d").unwrap();
    table.write("/m/d", "a file now").unwrap();
    assert_eq!(
        kinds(&table.changes()),
        [("/m/d", Deleted), ("/m/d", Created), ("/m/d/f", Deleted)]
    );
}

#[test]
fn a_renamed_directory_is_reported_with_everything_in_it_and_where_it_came_from() {
    let memory = mounted(
        Mount::memory()
            .with_files([("/a/one", "1"), ("/a/b/two", "2")])
            .unwrap(),
    );
    let (overlay, _disk) = overlay_over(&[("a/one", "1"), ("a/b/two", "2")]);
    for table in [memory, overlay] {
        table.rename("/m/a", "/m/z").unwrap();
        let changes = table.changes();
        assert_eq!(
            kinds(&changes),
            [
                ("/m/a", Deleted),
                ("/m/a/b", Deleted),
                ("/m/a/b/two", Deleted),
                ("/m/a/one", Deleted),
                ("/m/z", Created),
                ("/m/z/b", Created),
                ("/m/z/b/two", Created),
                ("/m/z/one", Created),
            ]
        );
        let sources: Vec<_> = changes
            .iter()
            .filter_map(|change| change.moved_from.as_deref())
            .collect();
        assert_eq!(sources, ["/m/a", "/m/a/b", "/m/a/b/two", "/m/a/one"]);
        table.rename("/m/z", "/m/a").unwrap();
        assert_eq!(table.changes(), []);
    }
}

#[test]
fn a_file_renamed_over_another_names_its_source() {
    let (table, _disk) = overlay_over(&[("a", "aaaa"), ("b", "bbbb")]);
    table.rename("/m/a", "/m/b").unwrap();
    let changes = table.changes();
    assert_eq!(kinds(&changes), [("/m/a", Deleted), ("/m/b", Modified)]);
    assert_eq!(changes[1].moved_from.as_deref(), Some("/m/a"));
}

/// Two names of one file on the host have one inode number. Which of the two was moved nobody can say.
#[test]
fn the_source_of_a_move_is_not_guessed_between_hard_links() {
    let (table, disk) = overlay_over(&[("a", "x")]);
    fs::hard_link(disk.path().join("a"), disk.path().join("b")).unwrap();
    table.rename("/m/a", "/m/c").unwrap();
    table.remove_file("/m/b").unwrap();
    let changes = table.changes();
    assert_eq!(
        kinds(&changes),
        [("/m/a", Deleted), ("/m/b", Deleted), ("/m/c", Created)]
    );
    assert_eq!(changes[2].moved_from, None);
}

#[test]
fn what_the_host_changes_under_an_overlay_is_no_change() {
    let (table, disk) = overlay_over(&[("mine", "1"), ("theirs", "1"), ("d/x", ""), ("owned", "1")]);
    table.write("/m/mine", "22").unwrap();
    table.write("/m/owned", "333").unwrap();
    table.write("/m/d/new", "").unwrap();
    fs::write(disk.path().join("theirs"), "changed by the host").unwrap();
    fs::write(disk.path().join("created"), "by the host").unwrap();
    fs::remove_file(disk.path().join("owned")).unwrap();
    fs::remove_dir_all(disk.path().join("d")).unwrap();
    let changes = table.changes();
    assert_eq!(
        kinds(&changes),
        [
            ("/m/d/new", Created),
            ("/m/mine", Modified),
            ("/m/owned", Modified)
        ]
    );
    assert_eq!(
        changes[2].previous_size,
        Some(1),
        "as it was when it came to be owned"
    );
}

/// A directory that the script emptied and removed stays removed, and what the host puts there later was not removed
/// by the script.
#[test]
fn a_removed_directory_lists_what_the_script_removed_and_not_what_the_host_added() {
    let (table, disk) = overlay_over(&[("d/one", "1"), ("d/e/two", "2")]);
    for file in ["/m/d/one", "/m/d/e/two"] {
        table.remove_file(file).unwrap();
    }
    table.remove_dir("/m/d/e").unwrap();
    table.remove_dir("/m/d").unwrap();
    fs::write(disk.path().join("d/later"), "").unwrap();
    fs::write(disk.path().join("d/e/later"), "").unwrap();
    let expected = [
        ("/m/d", Deleted),
        ("/m/d/e", Deleted),
        ("/m/d/e/two", Deleted),
        ("/m/d/one", Deleted),
    ];
    assert_eq!(kinds(&table.changes()), expected);
}

#[test]
fn hidden_paths_and_paths_below_another_mount_are_left_out() {
    let rules = Rules::new(Globs {
        hide: vec!["secret".into()],
        ..Globs::default()
    });
    let table = mounted(Mount::memory());
    table.create_dir_all("/m/inner").unwrap();
    table.write("/m/inner/covered", "").unwrap();
    table.write("/m/secret", "").unwrap();
    table.mount("/m/inner", Mount::memory()).unwrap();
    table.write("/m/inner/shown", "").unwrap();
    assert_eq!(
        kinds(&table.changes()),
        [("/m/inner/shown", Created), ("/m/secret", Created)]
    );

    let seeded = Mount::memory().with_rules(rules.unwrap());
    let table = mounted(seeded.with_files([("/secret/key", "1"), ("/open", "1")]).unwrap());
    table.write("/m/open", "2").unwrap();
    assert_eq!(kinds(&table.changes()), [("/m/open", Modified)]);
}

#[test]
fn a_mount_that_came_after_the_snapshot_is_compared_with_how_it_came() {
    let table = mounted(Mount::memory());
    let snapshot = table.snapshot();
    table
        .mount("/late", Mount::memory().with_files([("/seed", "1")]).unwrap())
        .unwrap();
    table.write("/late/new", "").unwrap();
    assert_eq!(kinds(&table.changes_since(&snapshot)), [("/late/new", Created)]);
}

#[test]
fn a_fork_carries_limits_rules_and_counters() {
    let rules = Rules::new(Globs {
        deny: vec!["no".into()],
        ..Globs::default()
    })
    .unwrap();
    let limits = Limits {
        max_files: Some(2),
        write_bytes: Some(10),
        ..Limits::default()
    };
    let table = mounted(Mount::memory().with_limits(limits).with_rules(rules));
    table.write("/m/a", "12345").unwrap();
    let fork = table.fork();
    assert_eq!(fork.list_mounts(), table.list_mounts());
    fork.write("/m/b", "12345").unwrap();
    assert_eq!(
        fork.append("/m/b", b"!").unwrap_err().kind(),
        ErrorKind::WriteLimit { limit: 10 }
    );
    assert_eq!(fork.write("/m/c", "").unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(
        fork.read("/m/no").unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    table.append("/m/a", b"12345").unwrap();
}

#[test]
fn a_table_is_restored_under_its_lease_and_by_nobody_else() {
    let table = mounted(Mount::memory());
    let snapshot = table.snapshot();
    table.write("/m/f", "").unwrap();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    assert_eq!(table.restore(&snapshot).unwrap_err().kind(), ErrorKind::InUse);
    lease.restore(&snapshot).unwrap();
    assert!(!table.exists("/m/f"), "the table and its lease have one state");
}

#[test]
fn a_restore_that_does_not_fit_the_mounts_is_refused_and_changes_nothing() {
    let table = mounted(Mount::memory());
    let snapshot = table.snapshot();
    table.write("/m/f", "kept").unwrap();
    table.mount("/more", Mount::memory()).unwrap();
    let error = table.restore(&snapshot).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::NotRestorable, "/more"));
    let both = table.snapshot();
    table.unmount("/more").unwrap();
    let error = table.restore(&both).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::NotRestorable, "/more"));
    table.unmount("/m").unwrap();
    table.mount("/m", Mount::read_write(Memory::new())).unwrap();
    assert_eq!(
        table.restore(&snapshot).unwrap_err().kind(),
        ErrorKind::NotRestorable
    );
    assert_eq!(snapshot.read("/m/f").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(*both.read("/m/f").unwrap().as_contiguous(), *b"kept");
}

/// Inode numbers are given once. If a restored table gave those again that were given since the snapshot, two files
/// that never met would be taken for one that was moved.
#[test]
fn a_file_made_after_a_restore_is_not_taken_for_one_made_before() {
    let (overlay, _disk) = overlay_over(&[]);
    for table in [mounted(Mount::memory()), overlay] {
        let empty = table.snapshot();
        table.write("/m/first", "one").unwrap();
        let with_first = table.snapshot();
        table.restore(&empty).unwrap();
        table.write("/m/second", "two").unwrap();
        let changes = table.changes_since(&with_first);
        assert_eq!(kinds(&changes), [("/m/first", Deleted), ("/m/second", Created)]);
        assert_eq!(changes[1].moved_from, None);
        let fork = empty.fork();
        fork.write("/m/third", "three").unwrap();
        assert!(
            fork.changes_since(&with_first)
                .iter()
                .all(|change| change.moved_from.is_none())
        );
    }
}

/// A writer alternates between two mounts: the second never holds more than the first. A snapshot that looked at one
/// mount, and at the other an operation later, would show a state that never was.
#[test]
fn a_snapshot_of_several_mounts_is_a_state_of_all_of_them_at_one_instant() {
    let table = Table::new();
    for point in ["/a", "/b"] {
        table.mount(point, Mount::memory()).unwrap();
        table.write(&format!("{point}/count"), "").unwrap();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let lease = table.checkout(LeaseMode::Exclusive).unwrap();
            for _ in 0..20_000 {
                lease.append("/a/count", b"x").unwrap();
                lease.append("/b/count", b"x").unwrap();
            }
            done.store(true, Ordering::Release);
        });
        let mut seen = Vec::new();
        while !done.load(Ordering::Acquire) {
            let snapshot = table.snapshot();
            let size = |path| snapshot.metadata(path).unwrap().size;
            let (a, b) = (size("/a/count"), size("/b/count"));
            assert!(a == b || a == b + 1, "{a} and {b}");
            seen.push(a);
        }
        assert!(seen.windows(2).all(|pair| pair[0] <= pair[1]));
    });
    assert_eq!(table.snapshot().metadata("/b/count").unwrap().size, 20_000);
}

#[test]
fn a_read_only_host_directory_is_carried_as_itself() {
    let disk = tempfile::tempdir().unwrap();
    fs::write(disk.path().join("f"), "one").unwrap();
    let table = mounted(Mount::read_only(HostDirectory::open(disk.path()).unwrap()));
    let snapshot = table.snapshot();
    fs::write(disk.path().join("f"), "two").unwrap();
    assert_eq!(*snapshot.fork().read("/m/f").unwrap().as_contiguous(), *b"two");
    table.restore(&snapshot).unwrap();
    assert_eq!(table.changes(), []);
}
