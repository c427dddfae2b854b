//! Committing an overlay to its host directory, one behaviour at a time.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use mounts::history::{CommitError, ConflictKind};
use mounts::{ErrorKind, HostDirectory, LeaseMode, Mount, Overlay, Table};
use support::committed::{all, directory, house, over, text};

fn conflicts(table: &Table) -> Vec<(String, ConflictKind)> {
    match table.commit("/m", &all()).unwrap_err() {
        CommitError::Conflicts(conflicts) => conflicts
            .into_iter()
            .map(|conflict| (conflict.path, conflict.kind))
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn refusal(result: Result<mounts::history::CommitReport, CommitError>) -> ErrorKind {
    match result.unwrap_err() {
        CommitError::Refused(error) => error.kind(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_report_names_what_was_written_and_what_was_removed() {
    let (table, disk) = over(&[("a", "1"), ("gone/x", "1"), ("moved/y", "1")]);
    table.write("/m/a", "2").unwrap();
    table.create_dir_all("/m/new").unwrap();
    table.remove_file("/m/gone/x").unwrap();
    table.remove_dir("/m/gone").unwrap();
    table.rename("/m/moved", "/m/new/here").unwrap();
    let plan = table.plan_commit("/m", &all()).unwrap();
    assert_eq!(plan.written, ["/m/a", "/m/new", "/m/new/here"]);
    assert_eq!(plan.removed, ["/m/gone", "/m/moved"]);
    assert_eq!(text(&disk, "a"), "1", "a plan changes nothing");
    assert_eq!(table.commit("/m", &all()).unwrap(), plan);
    assert_eq!(text(&disk, "a"), "2");
    assert_eq!(text(&disk, "new/here/y"), "1");
    assert!(!disk.path().join("gone").exists() && !disk.path().join("moved").exists());
}

#[test]
fn what_is_new_in_a_directory_that_hands_its_group_on_has_that_group() {
    let (table, disk) = over(&[("shared/old", "1"), ("plain/old", "1")]);
    let shared = disk.path().join("shared");
    let own = fs::metadata(&shared).unwrap().gid();
    // Only the privileged may choose a group; for others it is a directory of their own group.
    let group = match std::os::unix::fs::chown(&shared, None, Some(4321)) {
        Ok(()) => 4321,
        Err(_) => own,
    };
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o2775)).unwrap();
    table.write("/m/shared/old", "2").unwrap();
    table.write("/m/shared/file", "2").unwrap();
    table.create_dir_all("/m/shared/new").unwrap();
    table.write("/m/shared/new/file", "2").unwrap();
    table.write("/m/plain/file", "2").unwrap();
    table.rename("/m/plain/old", "/m/shared/moved").unwrap();
    table.append("/m/shared/moved", b"2").unwrap();
    table.commit("/m", &all()).unwrap();
    let gid = |path: &str| fs::metadata(disk.path().join(path)).unwrap().gid();
    for born in ["shared/file", "shared/new", "shared/new/file"] {
        assert_eq!(gid(born), group, "{born}");
    }
    for other in ["shared/old", "plain/file", "shared/moved"] {
        assert_eq!(gid(other), own, "{other}");
    }
    assert_eq!(text(&disk, "shared/moved"), "12");
}

#[test]
fn a_renamed_directory_is_renamed_and_not_copied() {
    let (table, disk) = over(&[("a/big", "1")]);
    let inode = |path: &str| fs::metadata(disk.path().join(path)).unwrap().ino();
    let before = (inode("a"), inode("a/big"));
    table.rename("/m/a", "/m/b").unwrap();
    table.commit("/m", &all()).unwrap();
    assert_eq!((inode("b"), inode("b/big")), before);
}

#[test]
fn two_directories_that_changed_places_change_places() {
    let (table, disk) = over(&[("a/one", "1"), ("b/two", "2")]);
    table.rename("/m/a", "/m/c").unwrap();
    table.rename("/m/b", "/m/a").unwrap();
    table.rename("/m/c", "/m/b").unwrap();
    table.commit("/m", &all()).unwrap();
    assert_eq!(
        (text(&disk, "b/one"), text(&disk, "a/two")),
        ("1".into(), "2".into())
    );
    assert_eq!(
        fs::read_dir(disk.path()).unwrap().count(),
        2,
        "nothing is left over"
    );
}

#[test]
fn a_directory_moves_into_one_that_came_out_of_it() {
    let (table, disk) = over(&[("a/b/inner", "1"), ("a/outer", "2")]);
    table.rename("/m/a/b", "/m/b").unwrap();
    table.rename("/m/a", "/m/b/a").unwrap();
    table.commit("/m", &all()).unwrap();
    assert_eq!(
        (text(&disk, "b/inner"), text(&disk, "b/a/outer")),
        ("1".into(), "2".into())
    );
}

/// A directory takes the place of the one it came out of. Its contents are not among what was removed there: taken for
/// that, they would stop the commit, as if the host had added them.
#[test]
fn a_directory_takes_the_place_of_the_one_it_was_in() {
    let (table, disk) = over(&[("b/a/file", "1")]);
    table.rename("/m/b/a", "/m/c").unwrap();
    table.rename("/m/c", "/m/b").unwrap();
    table.commit("/m", &all()).unwrap();
    assert_eq!(text(&disk, "b/file"), "1");
    assert!(!disk.path().join("b/a").exists());
}

#[test]
fn a_replaced_file_keeps_mode_and_owner_and_a_new_one_gets_those_of_new_files() {
    let (table, disk) = over(&[("tool", "old")]);
    let tool = disk.path().join("tool");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o750)).unwrap();
    table.write("/m/tool", "new").unwrap();
    table.write("/m/fresh", "").unwrap();
    fs::write(disk.path().join("like"), "").unwrap();
    table.commit("/m", &all()).unwrap();
    let mode = |path: &str| fs::metadata(disk.path().join(path)).unwrap().mode();
    assert_eq!(mode("tool") & 0o7777, 0o750);
    assert_eq!(mode("fresh"), mode("like"));
}

#[test]
fn the_other_names_of_a_replaced_or_extended_file_keep_what_they_had() {
    let (table, disk) = over(&[("a", "one"), ("b", "two")]);
    let outside = tempfile::tempdir_in(disk.path().parent().unwrap()).unwrap();
    for name in ["a", "b"] {
        fs::hard_link(disk.path().join(name), outside.path().join(name)).unwrap();
    }
    table.write("/m/a", "replaced").unwrap();
    table.append("/m/b", b" and more").unwrap();
    table.commit("/m", &all()).unwrap();
    assert_eq!(
        (text(&disk, "a"), text(&disk, "b")),
        ("replaced".into(), "two and more".into())
    );
    assert_eq!(
        (text(&outside, "a"), text(&outside, "b")),
        ("one".into(), "two".into())
    );
}

#[test]
fn a_renamed_link_is_committed_as_a_link() {
    let (table, disk) = over(&[("d/target", "1")]);
    symlink("target", disk.path().join("d/link")).unwrap();
    table.rename("/m/d/link", "/m/d/renamed").unwrap();
    table.commit("/m", &all()).unwrap();
    assert_eq!(
        fs::read_link(disk.path().join("d/renamed")).unwrap(),
        Path::new("target")
    );
    assert!(disk.path().join("d/link").symlink_metadata().is_err());
}

/// One row for each thing the host can do to a path, before or after the script first touched it, and what comes of it.
#[test]
fn the_drift_matrix() {
    type Act = fn(&Path);
    type Work = fn(&Table) -> mounts::Result<()>;
    let change: Act = |path| fs::write(path, "changed by the host").unwrap();
    let delete: Act = |path| fs::remove_file(path).unwrap();
    let to_directory: Act = |path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    };
    let to_link: Act = |path| {
        fs::remove_file(path).unwrap();
        symlink("/etc/passwd", path).unwrap();
    };
    let scripts: [(&str, Work); 4] = [
        ("replaces", |table| table.write("/m/f", "by the script")),
        ("extends", |table| table.append("/m/f", b" by the script")),
        ("removes", |table| table.remove_file("/m/f")),
        ("renames", |table| table.rename("/m/f", "/m/g")),
    ];
    for (what, work) in scripts {
        for (how, act) in [
            ("changed", change),
            ("deleted", delete),
            ("made a directory", to_directory),
            ("made a link", to_link),
        ] {
            let (table, disk) = over(&[("f", "old")]);
            let path = disk.path().join("f");
            work(&table).unwrap();
            act(&path);
            let found = path.symlink_metadata().ok().map(|found| found.ino());
            let conflicts = conflicts(&table);
            assert!(
                conflicts.contains(&("/m/f".into(), ConflictKind::Drifted)),
                "the script {what} what the host then {how}: {conflicts:?}"
            );
            let now = path.symlink_metadata().ok().map(|found| found.ino());
            assert_eq!(now, found, "nothing was done to it");
            assert!(!disk.path().join("g").exists());

            // What the host did before the script came is what the script saw.
            let (table, disk) = over(&[("f", "old")]);
            act(&disk.path().join("f"));
            let _ = work(&table);
            assert!(table.commit("/m", &all()).is_ok(), "{how}, then {what}");
            assert_eq!(table.changes(), []);
        }
    }
    let (table, disk) = over(&[]);
    table.write("/m/f", "mine").unwrap();
    table.create_dir_all("/m/d/e").unwrap();
    fs::write(disk.path().join("f"), "theirs").unwrap();
    fs::create_dir(disk.path().join("d")).unwrap();
    assert_eq!(
        conflicts(&table),
        [
            ("/m/d".into(), ConflictKind::Exists),
            ("/m/f".into(), ConflictKind::Exists)
        ]
    );
    assert_eq!(text(&disk, "f"), "theirs");

    // Made before the script came, it is what the script replaces and writes into.
    let (table, disk) = over(&[]);
    fs::write(disk.path().join("f"), "theirs").unwrap();
    fs::create_dir(disk.path().join("d")).unwrap();
    table.write("/m/f", "mine").unwrap();
    table.create_dir_all("/m/d/e").unwrap();
    table.commit("/m", &all()).unwrap();
    assert_eq!(text(&disk, "f"), "mine");
    assert!(disk.path().join("d/e").is_dir());
    assert_eq!(table.changes(), []);

    let (table, disk) = over(&[("d/x", "")]);
    table.write("/m/d/new", "").unwrap();
    fs::remove_dir_all(disk.path().join("d")).unwrap();
    assert_eq!(
        conflicts(&table),
        [("/m/d/new".into(), ConflictKind::DirectoryGone)]
    );

    let (table, disk) = over(&[("d/x", "")]);
    table.remove_file("/m/d/x").unwrap();
    table.remove_dir("/m/d").unwrap();
    fs::write(disk.path().join("d/later"), "by the host").unwrap();
    assert_eq!(conflicts(&table), [("/m/d".into(), ConflictKind::Drifted)]);
    assert_eq!(text(&disk, "d/later"), "by the host");
}

#[test]
fn host_changes_beside_what_the_overlay_owns_are_no_conflict() {
    let (table, disk) = over(&[("mine", "1"), ("theirs", "1"), ("d/x", "")]);
    table.write("/m/mine", "2").unwrap();
    table.write("/m/d/new", "").unwrap();
    fs::write(disk.path().join("theirs"), "2").unwrap();
    fs::write(disk.path().join("d/theirs"), "").unwrap();
    table.commit("/m", &all()).unwrap();
    assert_eq!(
        (text(&disk, "mine"), text(&disk, "theirs")),
        ("2".into(), "2".into())
    );
    assert!(disk.path().join("d/theirs").exists() && disk.path().join("d/new").exists());
}

#[test]
fn what_takes_no_changes_is_refused() {
    let disk = house(&[]);
    let table = Table::new();
    table.mount("/memory", Mount::memory()).unwrap();
    let plain = HostDirectory::open(disk.path()).unwrap();
    table.mount("/plain", Mount::overlay(plain)).unwrap();
    let twice = Overlay::new(directory(&disk));
    table.mount("/twice", Mount::overlay(twice)).unwrap();
    for point in ["/memory", "/plain", "/twice"] {
        assert_eq!(
            refusal(table.commit(point, &all())),
            ErrorKind::NotCommittable,
            "{point}"
        );
    }
    assert_eq!(refusal(table.commit("/nothing", &all())), ErrorKind::NotMounted);
    assert_eq!(refusal(table.commit("relative", &all())), ErrorKind::NotAbsolute);
    assert_eq!(
        table.discard("/memory").unwrap_err().kind(),
        ErrorKind::NotCommittable
    );
}

#[test]
fn a_commit_is_made_by_the_owner_of_the_lease_and_by_nobody_else() {
    let (table, disk) = over(&[]);
    table.write("/m/f", "1").unwrap();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    assert_eq!(refusal(table.commit("/m", &all())), ErrorKind::InUse);
    assert_eq!(table.discard("/m").unwrap_err().kind(), ErrorKind::InUse);
    lease.commit("/m", &all()).unwrap();
    assert_eq!(text(&disk, "f"), "1");
}

#[test]
fn discarding_shows_the_lower_again_and_gives_everything_back() {
    let (table, disk) = over(&[("f", "1")]);
    table.write("/m/f", "2").unwrap();
    table.create_dir_all("/m/d").unwrap();
    let snapshot = table.snapshot();
    table.discard("/m").unwrap();
    assert_eq!(table.changes(), []);
    assert_eq!(*table.read("/m/f").unwrap().as_contiguous(), *b"1");
    assert_eq!(table.list_mounts()[0].usage.held, mounts::Held::default());
    table.restore(&snapshot).unwrap();
    assert_eq!(*table.read("/m/f").unwrap().as_contiguous(), *b"2");
    assert_eq!(text(&disk, "f"), "1");
}

/// For everybody else who looks at the directory, a commit is something that the host did.
#[test]
fn a_commit_is_drift_for_a_fork_that_changed_the_same_file() {
    let (table, disk) = over(&[("f", "old"), ("g", "old")]);
    table.write("/m/f", "first").unwrap();
    let fork = table.fork();
    fork.write("/m/f", "second").unwrap();
    table.commit("/m", &all()).unwrap();
    assert_eq!(conflicts(&fork), [("/m/f".into(), ConflictKind::Drifted)]);
    assert_eq!(text(&disk, "f"), "first");
    assert_eq!(*fork.read("/m/f").unwrap().as_contiguous(), *b"second");
}

/// A FIFO is removed and replaced like any other entry, in the overlay and by the commit, and opened by neither.
#[test]
fn a_special_file_is_removed_and_replaced_without_being_opened() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let (table, disk) = over(&[("file", "1")]);
    for name in ["removed", "replaced"] {
        mknodat(
            CWD,
            disk.path().join(name),
            FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
    }
    table.remove_file("/m/removed").unwrap();
    table.rename("/m/file", "/m/replaced").unwrap();
    assert_eq!(table.changes().len(), 4);
    table.commit("/m", &all()).unwrap();
    assert_eq!(text(&disk, "replaced"), "1");
    assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 1);
    assert_eq!(table.changes(), []);
}

#[test]
fn a_commit_with_nothing_to_do_does_nothing() {
    let (table, disk) = over(&[("f", "1")]);
    let before = fs::metadata(disk.path()).unwrap().ctime_nsec();
    table.append("/m/f", b"").unwrap();
    let report = table.commit("/m", &all()).unwrap();
    assert_eq!(report, mounts::history::CommitReport::default());
    assert_eq!(fs::metadata(disk.path()).unwrap().ctime_nsec(), before);
    assert_eq!(table.list_mounts()[0].usage.held, mounts::Held::default());
}
