//! Attacks on a host directory mounted for reading, each of which must fail.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by unwrapping, and lays its own traps"
)]

#[path = "support/host.rs"]
mod host;

use std::fs;
use std::os::unix::fs::symlink;

use host::{assert_refused, house, kind, names, with_each_lookup, with_house};
use mounts::{ErrorKind, FileType, HostDirectory, LeaseMode, Mount, Table};
use rustix::fs::{CWD, Mode, mknodat};
use tempfile::tempdir;

#[test]
fn dots_lead_nowhere_outside_in_any_position() {
    with_house(
        |_| {},
        |table| {
            for (path, expected) in [
                ("/m/../m/file", "inside"),
                ("/m/dir/../file", "inside"),
                ("/m/./dir/./../file", "inside"),
                ("/../../m/file", "inside"),
                ("/m/dir/deeper/../../file", "inside"),
                ("/m/missing/../file", "inside"),
            ] {
                assert_eq!(table.read(path).unwrap().to_vec(), expected.as_bytes(), "{path}");
            }
            for path in [
                "/m/../secret",
                "/m/dir/../../secret",
                "/m/..",
                "/..",
                "/m/../inside-sibling/file",
                "/../m/../secret",
            ] {
                assert!(table.read(path).is_err(), "{path}");
            }
            assert_eq!(kind(table.read("/m/../secret")), ErrorKind::NotCovered);
            assert_eq!(kind(table.read("/m/..hidden")), ErrorKind::NotFound);
        },
    );
}

#[test]
fn a_sibling_whose_name_starts_alike_is_not_inside() {
    with_house(
        |inside| {
            symlink("../inside-sibling/file", inside.join("sibling")).unwrap();
            symlink("../inside-sibling", inside.join("siblings")).unwrap();
        },
        |table| {
            assert_refused(table, "/m/sibling");
            assert_refused(table, "/m/siblings");
            assert_refused(table, "/m/siblings/file");
            assert_eq!(kind(table.read("/m-sibling/file")), ErrorKind::NotCovered);
        },
    );
}

#[test]
fn a_hard_link_is_a_file_like_any_other() {
    with_house(
        |inside| fs::hard_link(inside.join("../secret"), inside.join("hard")).unwrap(),
        |table| {
            // Who may make one inside could have copied the file there.
            assert_eq!(table.read("/m/hard").unwrap(), *b"outside");
            assert_eq!(table.metadata("/m/hard").unwrap().links, 2);
        },
    );
}

#[test]
fn a_fifo_is_denied_and_nobody_waits() {
    with_house(
        |inside| {
            let fifo = inside.join("fifo");
            mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
            symlink("fifo", inside.join("to-fifo")).unwrap();
        },
        |table| {
            for path in ["/m/fifo", "/m/to-fifo"] {
                assert_eq!(kind(table.read(path)), ErrorKind::PermissionDenied);
                assert_eq!(
                    kind(table.checkout(LeaseMode::Shared).unwrap().open(path)),
                    ErrorKind::PermissionDenied
                );
                assert_eq!(kind(table.list(path)), ErrorKind::NotADirectory);
                assert_eq!(table.metadata(path).unwrap().file_type, FileType::Special);
            }
        },
    );
}

#[test]
fn a_device_is_denied() {
    let house = house();
    let device = house.path().join("inside/null");
    let character = rustix::fs::FileType::CharacterDevice;
    if mknodat(CWD, &device, character, Mode::all(), rustix::fs::makedev(1, 3)).is_err() {
        eprintln!("skipped: this user may not make a device");
        return;
    }
    with_each_lookup(&house.path().join("inside"), |table| {
        assert_eq!(kind(table.read("/m/null")), ErrorKind::PermissionDenied);
        assert_eq!(table.metadata("/m/null").unwrap().file_type, FileType::Special);
        let listed = table.list("/m").unwrap();
        assert!(
            listed
                .iter()
                .any(|entry| &*entry.name == "null" && entry.file_type == FileType::Special)
        );
    });
}

#[test]
fn the_directory_stays_the_same_when_its_path_is_taken_over() {
    for open in [HostDirectory::open, HostDirectory::open_walked] {
        let house = house();
        let inside = house.path().join("inside");
        let table = Table::new();
        table
            .mount("/m", Mount::read_only(open(inside.clone()).unwrap()))
            .unwrap();
        fs::rename(&inside, house.path().join("moved")).unwrap();
        assert_eq!(table.read("/m/file").unwrap(), *b"inside");

        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("file"), "impostor").unwrap();
        assert_eq!(table.read("/m/file").unwrap(), *b"inside");
        assert_eq!(names(&table, "/m"), ["dir", "file"]);

        fs::remove_dir_all(&inside).unwrap();
        symlink("inside-sibling", &inside).unwrap();
        assert_eq!(table.read("/m/file").unwrap(), *b"inside");
        assert_eq!(names(&table, "/m/dir"), ["deeper", "file"]);
    }
}

#[test]
fn a_directory_removed_underneath_is_empty_and_its_successor_stays_unseen() {
    let house = house();
    let inside = house.path().join("inside");
    with_each_lookup(&inside, |table| {
        fs::rename(&inside, house.path().join("moved")).unwrap();
        fs::remove_dir_all(house.path().join("moved")).unwrap();
        fs::create_dir_all(inside.join("dir")).unwrap();
        fs::write(inside.join("file"), "new").unwrap();
        assert_eq!(kind(table.read("/m/file")), ErrorKind::NotFound);
        assert!(names(table, "/m").is_empty());
    });
}

#[test]
fn a_nul_byte_is_refused_before_the_host_sees_it() {
    with_house(
        |_| {},
        |table| {
            for path in ["/m/file\0", "/m/\0", "/m/fi\0le", "/m/dir/..\0/file"] {
                assert_eq!(kind(table.read(path)), ErrorKind::Nul, "{path:?}");
                assert!(!table.exists(path));
            }
        },
    );
}

#[test]
fn a_deep_tree_is_reached_to_its_end() {
    let root = tempdir().unwrap();
    let deep = vec!["d"; 60].join("/");
    fs::create_dir_all(root.path().join(&deep)).unwrap();
    fs::write(root.path().join(&deep).join("file"), "bottom").unwrap();
    symlink(format!("{deep}/file"), root.path().join("down")).unwrap();
    with_each_lookup(root.path(), |table| {
        assert_eq!(table.read(&format!("/m/{deep}/file")).unwrap(), *b"bottom");
        assert_eq!(table.read("/m/down").unwrap(), *b"bottom");
        assert_eq!(names(table, &format!("/m/{deep}")), ["file"]);
        let too_deep = format!("/m/{deep}/a/b/c/d");
        assert_eq!(kind(table.read(&too_deep)), ErrorKind::NameTooLong);
    });
}

#[test]
fn names_at_the_limit_are_reached_and_longer_ones_refused() {
    let root = tempdir().unwrap();
    let longest = "n".repeat(255);
    fs::create_dir(root.path().join(&longest)).unwrap();
    fs::write(root.path().join(&longest).join(&longest), "long").unwrap();
    symlink("t".repeat(300), root.path().join("to-longer")).unwrap();
    with_each_lookup(root.path(), |table| {
        assert_eq!(table.read(&format!("/m/{longest}/{longest}")).unwrap(), *b"long");
        assert_eq!(
            kind(table.read(&format!("/m/{longest}n"))),
            ErrorKind::NameTooLong
        );
        assert_eq!(kind(table.read("/m/to-longer")), ErrorKind::NameTooLong);
    });
}
