//! Attacks on a mounted host directory, each of which must fail.

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
use std::os::unix::net::UnixListener;

use host::{
    LOOKUPS, assert_refused, house, kind, listed, names, with_each_lookup, with_each_writer, with_house,
    writable,
};
use mounts::{ErrorKind, FileType, HostDirectory, LeaseMode, Mount, OpenMode, Table};
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

#[test]
fn special_files_are_never_written_and_are_renamed_and_removed_as_on_linux() {
    with_each_writer(
        |inside| {
            let fifo = inside.join("fifo");
            mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
            drop(UnixListener::bind(inside.join("socket")).unwrap());
            let character = rustix::fs::FileType::CharacterDevice;
            let device = inside.join("device");
            if mknodat(CWD, &device, character, Mode::all(), rustix::fs::makedev(1, 3)).is_err() {
                eprintln!("without a device: this user may not make one");
            }
        },
        |lease, inside| {
            let specials = listed(lease, "/m");
            assert!(specials.len() >= 2);
            for name in &specials {
                let path = format!("/m/{name}");
                for answer in [
                    lease.write(&path, "x"),
                    lease.append(&path, b"x"),
                    lease.open_for_write(&path, OpenMode::Append),
                    lease.open_for_write(&path, OpenMode::Truncate),
                ] {
                    assert_eq!(kind(answer), ErrorKind::PermissionDenied, "{path}");
                }
                assert_eq!(kind(lease.create_dir(&path)), ErrorKind::AlreadyExists);
                assert_eq!(kind(lease.remove_dir(&path)), ErrorKind::NotADirectory);
                let renamed = format!("{path}-renamed");
                lease.rename(&path, &renamed).unwrap();
                assert_eq!(lease.metadata(&renamed).unwrap().file_type, FileType::Special);
                lease.remove_file(&renamed).unwrap();
            }
            assert_eq!(fs::read_dir(inside).unwrap().count(), 0);
            assert_eq!(lease.mounts()[0].usage.held.bytes, 0);
        },
    );
}

#[test]
fn what_is_written_goes_to_the_directory_that_was_mounted_when_its_path_is_taken_over() {
    for (_, open) in LOOKUPS {
        let house = house();
        let inside = house.path().join("inside");
        let table = writable(open(&inside).unwrap());
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        fs::rename(&inside, house.path().join("moved")).unwrap();
        symlink("inside-sibling", &inside).unwrap();

        lease.write("/m/file", "written").unwrap();
        lease.append("/m/dir/file", b" more").unwrap();
        lease.create_dir("/m/made").unwrap();
        lease.rename("/m/made", "/m/dir/moved").unwrap();
        let moved = |path: &str| house.path().join("moved").join(path);
        assert_eq!(fs::read(moved("file")).unwrap(), b"written");
        assert_eq!(fs::read(moved("dir/file")).unwrap(), b"below more");
        assert!(moved("dir/moved").is_dir());
        let sibling = house.path().join("inside-sibling");
        assert_eq!(fs::read(sibling.join("file")).unwrap(), b"outside");
        assert_eq!(fs::read_dir(sibling).unwrap().count(), 1);
    }
}

#[test]
fn links_that_leave_are_neither_written_nor_made_into_anything() {
    with_each_writer(
        |inside| {
            fs::create_dir(inside.with_file_name("outside")).unwrap();
            fs::write(inside.with_file_name("secret"), "outside").unwrap();
            symlink("../secret", inside.join("relative")).unwrap();
            symlink(inside.with_file_name("secret"), inside.join("absolute")).unwrap();
            symlink("../outside", inside.join("directory")).unwrap();
            symlink("../outside/born", inside.join("dangling")).unwrap();
        },
        |lease, inside| {
            for path in [
                "/m/relative",
                "/m/absolute",
                "/m/dangling",
                "/m/directory/new",
                "/m/directory",
            ] {
                for answer in [
                    lease.write(path, "x"),
                    lease.append(path, b"x"),
                    lease.open_for_write(path, OpenMode::Append),
                    lease.open_for_write(path, OpenMode::Truncate),
                ] {
                    assert_eq!(kind(answer), ErrorKind::PermissionDenied, "{path}");
                }
            }
            for answer in [
                lease.create_dir("/m/directory/new"),
                lease.remove_file("/m/directory/new"),
                lease.remove_dir("/m/directory/new"),
                lease.rename("/m/relative", "/m/directory/new"),
                lease.rename("/m/directory/new", "/m/taken"),
            ] {
                assert_eq!(kind(answer), ErrorKind::PermissionDenied);
            }
            assert_eq!(fs::read(inside.with_file_name("secret")).unwrap(), b"outside");
            assert_eq!(fs::read_dir(inside.with_file_name("outside")).unwrap().count(), 0);
        },
    );
}

#[test]
fn a_deep_tree_is_built_written_and_taken_down_again() {
    with_each_writer(
        |_| {},
        |lease, inside| {
            let deep: Vec<_> = (1..=60).map(|depth| vec!["d"; depth].join("/")).collect();
            for directory in &deep {
                lease.create_dir(&format!("/m/{directory}")).unwrap();
            }
            let bottom = format!("/m/{}", deep[59]);
            lease.write(&format!("{bottom}/file"), "bottom").unwrap();
            assert_eq!(fs::read(inside.join(&deep[59]).join("file")).unwrap(), b"bottom");
            assert_eq!(lease.mounts()[0].usage.held.files, 61);
            lease.rename(&format!("{bottom}/file"), "/m/file").unwrap();
            for directory in deep.iter().rev() {
                lease.remove_dir(&format!("/m/{directory}")).unwrap();
            }
            lease.remove_file("/m/file").unwrap();
            assert_eq!(lease.mounts()[0].usage.held.files, 0);
        },
    );
}
