//! The table: routing, mount points, leases, and what happens where mounts meet.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use mounts::{ErrorKind, FileType, LeaseMode, Limits, Mount, OpenMode, Table};
use support::kind;

fn table(points: &[&str]) -> Table {
    let table = Table::new();
    for point in points {
        table.mount(point, Mount::memory()).unwrap();
    }
    table
}

fn names(table: &Table, path: &str) -> Vec<String> {
    table
        .list(path)
        .unwrap()
        .iter()
        .map(|entry| entry.name.to_string())
        .collect()
}

#[test]
fn the_longest_prefix_wins_whatever_the_order_of_mounting() {
    let table = table(&["/a/b", "/", "/a", "/a/b/c/d"]);
    for (path, point) in [
        ("/x", "/"),
        ("/a/x", "/a"),
        ("/a/b/x", "/a/b"),
        ("/a/b/c/d/x", "/a/b/c/d"),
    ] {
        table.write(path, point).unwrap();
    }
    for mount in table.list_mounts() {
        assert_eq!(
            mount.usage.held.bytes,
            mount.point.len() as u64,
            "{}",
            mount.point
        );
    }
}

#[test]
fn component_boundaries_count() {
    let table = table(&["/data"]);
    assert_eq!(kind(table.read("/database")), ErrorKind::NotCovered);
    assert_eq!(kind(table.write("/dat", "x")), ErrorKind::NotCovered);
    assert_eq!(kind(table.read("/data/base")), ErrorKind::NotFound);
}

#[test]
fn one_path_in_two_spellings_is_one_mount_point() {
    let table = table(&["/d"]);
    for spelling in ["/d", "/d/", "//d", "/x/../d/."] {
        assert_eq!(
            kind(table.mount(spelling, Mount::memory())),
            ErrorKind::AlreadyMounted,
            "{spelling}"
        );
    }
    assert_eq!(kind(table.mount("d", Mount::memory())), ErrorKind::NotAbsolute);
    assert_eq!(kind(table.mount("/\0", Mount::memory())), ErrorKind::Nul);
    assert_eq!(table.mount_count(), 1);
}

#[test]
fn mount_points_and_their_ancestors_are_visible_directories() {
    let table = table(&["/mnt/deep/one", "/mnt/two"]);
    assert_eq!(names(&table, "/"), ["mnt"]);
    assert_eq!(names(&table, "/mnt"), ["deep", "two"]);
    for path in ["/", "/mnt", "/mnt/deep", "/mnt/deep/one"] {
        let metadata = table.metadata(path).unwrap();
        assert_eq!(metadata.file_type, FileType::Directory, "{path}");
        assert_eq!(metadata.links, 2 + names(&table, path).len() as u64, "{path}");
    }
    assert_eq!(table.metadata("/mnt").unwrap().mode, 0o555);
}

#[test]
fn a_mount_point_shadows_what_its_parent_mount_holds_there() {
    let table = Table::new();
    table.mount("/", Mount::memory()).unwrap();
    table.create_dir_all("/a/b").unwrap();
    table.write("/a/b/hidden", "below").unwrap();
    table.write("/a/file", "x").unwrap();
    table.mount("/a/b", Mount::memory()).unwrap();
    assert_eq!(names(&table, "/a"), ["b", "file"]);
    assert_eq!(names(&table, "/a/b"), Vec::<String>::new());
    assert_eq!(kind(table.read("/a/b/hidden")), ErrorKind::NotFound);
    table.unmount("/a/b").unwrap();
    assert_eq!(table.read("/a/b/hidden").unwrap(), *b"below");
}

#[test]
fn mount_points_and_ancestors_cannot_be_moved_replaced_or_removed() {
    let table = table(&["/", "/mnt/one"]);
    table.create_dir_all("/dir").unwrap();
    table.write("/file", "x").unwrap();
    for point in ["/mnt/one", "/mnt", "/"] {
        assert_eq!(
            kind(table.remove_dir(point)),
            ErrorKind::PermissionDenied,
            "rmdir {point}"
        );
        assert_eq!(
            kind(table.remove_file(point)),
            ErrorKind::PermissionDenied,
            "unlink {point}"
        );
        assert_eq!(
            kind(table.rename(point, "/dir/x")),
            ErrorKind::PermissionDenied,
            "from {point}"
        );
        assert_eq!(
            kind(table.rename("/dir", point)),
            ErrorKind::PermissionDenied,
            "to {point}"
        );
        assert_eq!(
            kind(table.rename("/file", point)),
            ErrorKind::PermissionDenied,
            "to {point}"
        );
        assert_eq!(
            kind(table.write(point, "x")),
            ErrorKind::IsADirectory,
            "write {point}"
        );
        assert_eq!(
            kind(table.append(point, b"x")),
            ErrorKind::IsADirectory,
            "append {point}"
        );
        assert_eq!(kind(table.read(point)), ErrorKind::IsADirectory, "read {point}");
        table.create_dir_all(point).unwrap();
    }
}

#[test]
fn what_lies_beside_a_mount_point_below_a_writable_mount_can_be_written() {
    let table = table(&["/", "/mnt/deep/one"]);
    assert_eq!(names(&table, "/mnt/deep"), ["one"]);
    table.write("/mnt/deep/beside", "x").unwrap();
    assert_eq!(names(&table, "/mnt/deep"), ["beside", "one"]);
    assert_eq!(table.read("/mnt/deep/beside").unwrap(), *b"x");
    assert_eq!(kind(table.write("/mnt/deeper/beside", "x")), ErrorKind::NotFound);
}

#[test]
fn an_ancestor_that_no_mount_covers_is_a_read_only_directory() {
    let table = table(&["/mnt/one"]);
    assert_eq!(kind(table.write("/mnt/file", "x")), ErrorKind::NotCovered);
    assert_eq!(kind(table.write("/mnt", "x")), ErrorKind::IsADirectory);
    assert_eq!(kind(table.remove_dir("/mnt")), ErrorKind::PermissionDenied);
}

#[test]
fn a_rename_between_mounts_crosses_devices() {
    let table = table(&["/a", "/b"]);
    table.write("/a/f", "x").unwrap();
    let error = table.rename("/a/f", "/b/f").unwrap_err();
    assert_eq!(
        (error.kind(), error.errno()),
        (ErrorKind::CrossesDevices, Some(18))
    );
    assert_eq!((error.path(), error.destination()), ("/a/f", Some("/b/f")));
    assert_eq!(
        kind(table.rename("/a/f", "/elsewhere")),
        ErrorKind::CrossesDevices
    );
    assert_eq!(kind(table.rename("/here", "/there")), ErrorKind::NotCovered);
    assert_eq!(table.read("/a/f").unwrap(), *b"x");
}

#[test]
fn every_mount_has_a_device_and_every_entry_an_inode_of_its_own() {
    let table = table(&["/a", "/b"]);
    table.write("/a/one", "").unwrap();
    table.write("/a/two", "").unwrap();
    table.write("/b/one", "").unwrap();
    let stat = |path: &str| table.metadata(path).unwrap();
    assert_ne!(stat("/a/one").inode, stat("/a/two").inode);
    assert_eq!(stat("/a").device, stat("/a/one").device);
    assert_ne!(stat("/a/one").device, stat("/b/one").device);
    let inode = stat("/a/one").inode;
    table.write("/a/one", "again").unwrap();
    table.rename("/a/one", "/a/three").unwrap();
    assert_eq!(
        stat("/a/three").inode,
        inode,
        "a file keeps its inode through writes and renames"
    );
}

#[test]
fn times_move_as_on_linux() {
    let table = table(&["/m"]);
    table.create_dir_all("/m/d").unwrap();
    table.write("/m/d/f", "x").unwrap();
    let stat = |path: &str| table.metadata(path).unwrap();
    let (directory, file) = (stat("/m/d"), stat("/m/d/f"));
    table.write("/m/d/f", "y").unwrap();
    assert_eq!(
        stat("/m/d").modified,
        directory.modified,
        "writing a file leaves its directory alone"
    );
    assert!(stat("/m/d/f").modified > file.modified);
    let file = stat("/m/d/f");
    table.rename("/m/d/f", "/m/d/g").unwrap();
    assert!(
        stat("/m/d").modified > directory.modified,
        "renaming changes the directory"
    );
    assert_eq!(
        stat("/m/d/g").modified,
        file.modified,
        "and not the file's contents"
    );
    assert!(stat("/m/d/g").changed > file.changed);
}

#[test]
fn malformed_paths_are_refused_before_routing_and_over_long_ones_elided() {
    let table = table(&["/m"]);
    for root in ["/m", "/unmounted"] {
        let long = format!("{root}/{}", "x".repeat(256));
        let error = table.read(&long).unwrap_err();
        assert_eq!(error.errno(), Some(36));
        assert!(error.path().len() < 60 && error.path().contains('…'));
        assert_eq!(kind(table.read(&format!("{root}/a\0b"))), ErrorKind::Nul);
        assert_eq!(
            kind(table.read(&format!("{root}{}", "/d".repeat(64)))),
            ErrorKind::NameTooLong
        );
    }
    assert_eq!(kind(table.read("m/a")), ErrorKind::NotAbsolute);
}

#[test]
fn limits_refuse_without_effect() {
    let limits = Limits {
        max_bytes: Some(10),
        max_files: Some(2),
        max_file_size: Some(8),
        write_bytes: Some(20),
        ..Limits::default()
    };
    let table = Table::new();
    table.mount("/m", Mount::memory().with_limits(limits)).unwrap();
    assert_eq!(kind(table.write("/m/a", vec![0; 9])), ErrorKind::FileTooLarge);
    table.write("/m/a", vec![0; 8]).unwrap();
    assert_eq!(kind(table.append("/m/a", &[0])), ErrorKind::FileTooLarge);
    assert_eq!(kind(table.write("/m/b", vec![0; 3])), ErrorKind::NoSpace);
    table.write("/m/b", vec![0; 2]).unwrap();
    assert_eq!(kind(table.create_dir_all("/m/c")), ErrorKind::NoSpace);
    assert_eq!(kind(table.append("/m/c", b"")), ErrorKind::NoSpace);
    table.write("/m/a", vec![1; 8]).unwrap();
    assert_eq!(
        kind(table.write("/m/a", vec![0; 3])),
        ErrorKind::WriteLimit { limit: 20 }
    );
    assert_eq!(table.read("/m/a").unwrap(), [1; 8]);
    let usage = table.list_mounts()[0].usage;
    assert_eq!((usage.held.bytes, usage.held.files, usage.written), (10, 2, 18));
    table.remove_file("/m/b").unwrap();
    table.create_dir_all("/m/c").unwrap();
}

#[test]
fn a_read_whose_answer_would_not_fit_is_refused() {
    let limits = Limits {
        memory: Some(10_000),
        ..Limits::default()
    };
    let table = Table::new();
    table.mount("/m", Mount::memory().with_limits(limits)).unwrap();
    table.write("/m/small", vec![0; 3000]).unwrap();
    assert_eq!(table.read("/m/small").unwrap().len(), 3000);
    table.write("/m/large", vec![0; 5000]).unwrap();
    assert_eq!(
        kind(table.read("/m/large")),
        ErrorKind::MemoryLimit { limit: 10_000 }
    );
    assert_eq!(
        kind(table.write("/m/more", vec![0; 3000])),
        ErrorKind::MemoryLimit { limit: 10_000 }
    );
}

#[test]
fn leases_exclude_what_they_say() {
    let table = table(&["/m"]);
    let exclusive = table.checkout(LeaseMode::Exclusive).unwrap();
    for mode in [LeaseMode::Exclusive, LeaseMode::Shared] {
        assert_eq!(kind(table.checkout(mode)), ErrorKind::InUse);
    }
    assert_eq!(kind(table.mount("/n", Mount::memory())), ErrorKind::InUse);
    assert_eq!(kind(table.unmount("/m")), ErrorKind::InUse);
    assert_eq!(kind(table.write("/m/a", "x")), ErrorKind::InUse);
    exclusive.write("/m/a", "x").unwrap();
    assert_eq!(
        table.read("/m/a").unwrap(),
        *b"x",
        "reading beside a lease sees what it wrote"
    );
    drop(exclusive);

    let shared = table.checkout(LeaseMode::Shared).unwrap();
    let second = table.checkout(LeaseMode::Shared).unwrap();
    assert_eq!(kind(table.checkout(LeaseMode::Exclusive)), ErrorKind::InUse);
    assert_eq!(kind(table.mount("/n", Mount::memory())), ErrorKind::InUse);
    table.write("/m/a", "y").unwrap();
    drop((shared, second));
    table.mount("/n", Mount::memory()).unwrap();
    table.unmount("/n").unwrap();
    assert_eq!(kind(table.unmount("/n")), ErrorKind::NotMounted);
}

#[test]
fn opening_for_append_creates_and_leaves_alone_what_is_there() {
    let table = table(&["/m"]);
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    lease.open_for_write("/m/a", OpenMode::Append).unwrap();
    lease.append("/m/a", b"x").unwrap();
    lease.open_for_write("/m/a", OpenMode::Append).unwrap();
    assert_eq!(lease.read("/m/a").unwrap(), *b"x");
    lease.open_for_write("/m/a", OpenMode::Truncate).unwrap();
    assert!(lease.read("/m/a").unwrap().is_empty());
    assert_eq!(kind(lease.open("/m/b")), ErrorKind::NotFound);
    lease.open("/m/a").unwrap();
}

/// Many threads append to one file and swap another; no append is lost and no read is torn.
#[test]
fn concurrent_operations_are_atomic() {
    const WRITERS: usize = 4;
    const APPENDS: usize = 500;
    let table = table(&["/m"]);
    table.write("/m/swap", vec![0; 4096]).unwrap();
    let done = AtomicBool::new(false);
    let torn = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) || reads == 0 {
                let bytes = table.read("/m/swap").unwrap().to_vec();
                assert_eq!(bytes.len(), 4096);
                if bytes.iter().any(|byte| *byte != bytes[0]) {
                    return true;
                }
                reads += 1;
            }
            false
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let table = &table;
                scope.spawn(move || {
                    for round in 0..APPENDS {
                        table
                            .append("/m/log", format!("{writer}:{round}\n").as_bytes())
                            .unwrap();
                        table
                            .write("/m/swap", vec![u8::try_from(round % 251).unwrap(); 4096])
                            .unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(!torn, "a read saw half of a write");
    let log = String::from_utf8(table.read("/m/log").unwrap().to_vec()).unwrap();
    for writer in 0..WRITERS {
        let prefix = format!("{writer}:");
        let rounds: Vec<usize> = log
            .lines()
            .filter_map(|line| line.strip_prefix(&prefix)?.parse().ok())
            .collect();
        assert_eq!(rounds, (0..APPENDS).collect::<Vec<_>>(), "writer {writer}");
    }
}
