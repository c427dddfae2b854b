//! Files that are in a mount before it is mounted, and who may write into what is mounted.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use mounts::{Error, ErrorKind, Limits, Mount, Result, Table};

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.map(drop).map_err(|error: Error| error.kind()).unwrap_err()
}

fn seeded(files: &[(&str, &str)], limits: Limits) -> Result<Table> {
    let mount = Mount::memory()
        .with_limits(limits)
        .with_files(files.iter().copied())?;
    let table = Table::new();
    table.mount("/m", mount)?;
    Ok(table)
}

#[test]
fn seeded_files_and_the_directories_above_them_are_there_from_the_start() {
    let files = [("/a/b/c", "deep"), ("/a/d", ""), ("//e/../top", "shallow")];
    let table = seeded(&files, Limits::default()).unwrap();
    assert_eq!(table.read("/m/a/b/c").unwrap(), *b"deep");
    assert_eq!(table.read("/m/a/d").unwrap(), *b"");
    assert_eq!(table.read("/m/top").unwrap(), *b"shallow");
    assert_eq!(table.list("/m").unwrap().len(), 2);
}

#[test]
fn seeded_files_count() {
    let table = seeded(&[("/a/b", "four")], Limits::default()).unwrap();
    let usage = table.list_mounts()[0].usage;
    assert_eq!((usage.held.bytes, usage.held.files, usage.written), (4, 2, 4));

    for (limits, expected) in [
        (
            Limits {
                max_bytes: Some(3),
                ..Limits::default()
            },
            ErrorKind::NoSpace,
        ),
        (
            Limits {
                max_files: Some(1),
                ..Limits::default()
            },
            ErrorKind::NoSpace,
        ),
        (
            Limits {
                max_file_size: Some(3),
                ..Limits::default()
            },
            ErrorKind::FileTooLarge,
        ),
        (
            Limits {
                write_bytes: Some(3),
                ..Limits::default()
            },
            ErrorKind::WriteLimit { limit: 3 },
        ),
        (
            Limits {
                memory: Some(3),
                ..Limits::default()
            },
            ErrorKind::MemoryLimit { limit: 3 },
        ),
    ] {
        assert_eq!(kind(seeded(&[("/a/b", "four")], limits)), expected);
    }
}

#[test]
fn seeded_directories_are_there_from_the_start_and_count() {
    let limits = |max_files| Limits {
        max_files: Some(max_files),
        ..Limits::default()
    };
    let seeded = |directories: &[&str], limits| {
        let mount = Mount::memory().with_limits(limits);
        mount
            .with_directories(directories.iter().copied())?
            .with_files([("/a/file", "")])
    };
    let table = Table::new();
    table
        .mount("/m", seeded(&["/a", "/b/c", "/b", "/"], limits(4)).unwrap())
        .unwrap();
    assert!(table.list("/m/b/c").unwrap().is_empty());
    assert_eq!(table.list_mounts()[0].usage.held.files, 4);

    assert_eq!(kind(seeded(&["/a", "/b/c"], limits(3))), ErrorKind::NoSpace);
    assert_eq!(kind(seeded(&["a"], Limits::default())), ErrorKind::NotAbsolute);
    let beside = seeded(&[], Limits::default()).unwrap();
    assert_eq!(
        kind(beside.with_directories(["/a/file"])),
        ErrorKind::AlreadyExists
    );
}

#[test]
fn names_that_no_directory_could_hold_together_are_refused() {
    for (files, expected) in [
        (vec![("/a", "1"), ("/a", "2")], ErrorKind::AlreadyExists),
        (vec![("/a", "1"), ("/b/../a", "2")], ErrorKind::AlreadyExists),
        (vec![("/a", "1"), ("/a/b", "2")], ErrorKind::AlreadyExists),
        (vec![("/a/b", "1"), ("/a", "2")], ErrorKind::AlreadyExists),
        (vec![("/a", "1"), ("/a/b/c", "2")], ErrorKind::NotADirectory),
        (vec![("/", "1")], ErrorKind::IsADirectory),
        (vec![("a", "1")], ErrorKind::NotAbsolute),
        (vec![("/a\0", "1")], ErrorKind::Nul),
    ] {
        assert_eq!(kind(seeded(&files, Limits::default())), expected, "{files:?}");
    }
}

#[test]
fn a_path_is_writable_where_its_mount_is() {
    let table = seeded(&[("/file", "")], Limits::default()).unwrap();
    for path in ["/m", "/m/file", "/m/missing/below", "/m/../m/file"] {
        assert!(table.is_writable(path), "{path}");
    }
    for path in ["/", "/other", "m", "/m\0"] {
        assert!(!table.is_writable(path), "{path}");
    }
}
