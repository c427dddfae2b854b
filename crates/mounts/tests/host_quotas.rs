//! What a host directory that is written counts: what came through this mount, and nothing that was there.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by unwrapping, and looks at what was written"
)]

#[path = "support/host.rs"]
mod host;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;

use host::{LOOKUPS, kind, temporaries};
use mounts::{ErrorKind, Lease, LeaseMode, Limits, Mount, OpenMode, Table, WritableHostDirectory};
use tempfile::tempdir;

type Change = fn(&Lease) -> mounts::Result<()>;

/// Runs `check` on a directory that holds `dir/old` of ten bytes, mounted at `/m` under `limits`.
fn under(limits: Limits, check: impl Fn(&Lease, &Path)) {
    for (lookup, open) in LOOKUPS {
        eprintln!("looking paths up {lookup}");
        let root = tempdir().unwrap();
        fs::create_dir(root.path().join("dir")).unwrap();
        fs::write(root.path().join("dir/old"), "0123456789").unwrap();
        let directory = WritableHostDirectory::new(open(root.path()).unwrap());
        let table = Table::new();
        table
            .mount("/m", Mount::read_write(directory).with_limits(limits))
            .unwrap();
        check(&table.checkout(LeaseMode::Exclusive).unwrap(), root.path());
        assert_eq!(temporaries(root.path()), Vec::<String>::new());
    }
}

fn held(table: &Lease) -> (u64, u64) {
    let held = table.mounts()[0].usage.held;
    assert_eq!(held.memory, 0, "what the disk keeps is not in memory");
    (held.bytes, held.files)
}

fn written(table: &Lease) -> u64 {
    table.mounts()[0].usage.written
}

fn image(root: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut image = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            image.insert(path.to_str().unwrap().to_owned(), fs::read(&path).ok());
            if path.is_dir() {
                pending.push(path);
            }
        }
    }
    image
}

#[test]
fn what_was_there_is_not_counted_and_removing_it_counts_nothing() {
    under(Limits::default(), |table, _| {
        assert_eq!(held(table), (0, 0));
        table.remove_file("/m/dir/old").unwrap();
        table.remove_dir("/m/dir").unwrap();
        assert_eq!(held(table), (0, 0));
        table.write("/m/new", "01234567890123456789").unwrap();
        assert_eq!(held(table), (10, 0), "ten bytes and one entry more than less");
        assert_eq!(written(table), 20);
    });
}

#[test]
fn growth_is_counted_by_the_difference_a_change_makes() {
    under(Limits::default(), |table, _| {
        table.write("/m/dir/old", "0123456789abcde").unwrap();
        assert_eq!(held(table), (5, 0));
        table.append("/m/dir/old", b"xyz").unwrap();
        assert_eq!(held(table), (8, 0));
        table.write("/m/new", "12").unwrap();
        table.create_dir("/m/made").unwrap();
        assert_eq!(held(table), (10, 2));
        table.rename("/m/new", "/m/dir/old").unwrap();
        assert_eq!(held(table), (0, 1), "eighteen bytes and one entry were replaced");
        table.remove_dir("/m/made").unwrap();
        assert_eq!(held(table), (0, 0));
        assert_eq!(written(table), 20);
    });
}

#[test]
fn a_rename_between_two_names_of_one_file_changes_no_counter() {
    under(Limits::default(), |table, root| {
        table.write("/m/one", "12345").unwrap();
        fs::hard_link(root.join("one"), root.join("two")).unwrap();
        table.rename("/m/one", "/m/two").unwrap();
        assert_eq!(held(table), (5, 1));
        assert_eq!(table.read("/m/one").unwrap(), *b"12345");
        assert_eq!(table.read("/m/two").unwrap(), *b"12345");
    });
}

#[test]
fn what_a_limit_refuses_alters_nothing() {
    let none = Limits::default();
    let bytes = Limits {
        max_bytes: Some(3),
        ..none
    };
    let files = Limits {
        max_files: Some(0),
        ..none
    };
    let size = Limits {
        max_file_size: Some(10),
        ..none
    };
    let work = Limits {
        write_bytes: Some(3),
        ..none
    };
    let cases: [(Limits, ErrorKind, Change); 12] = [
        (bytes, ErrorKind::NoSpace, |lease| lease.write("/m/new", "1234")),
        (bytes, ErrorKind::NoSpace, |lease| lease.append("/m/new", b"1234")),
        (bytes, ErrorKind::NoSpace, |lease| {
            lease.write("/m/dir/old", "0123456789abcd")
        }),
        (bytes, ErrorKind::NoSpace, |lease| {
            lease.append("/m/dir/old", b"abcd")
        }),
        (files, ErrorKind::NoSpace, |lease| lease.write("/m/new", "")),
        (files, ErrorKind::NoSpace, |lease| lease.create_dir("/m/new")),
        (files, ErrorKind::NoSpace, |lease| {
            lease.open_for_write("/m/new", OpenMode::Append)
        }),
        (files, ErrorKind::NoSpace, |lease| {
            lease.open_for_write("/m/new", OpenMode::Truncate)
        }),
        (size, ErrorKind::FileTooLarge, |lease| {
            lease.append("/m/dir/old", b"x")
        }),
        (size, ErrorKind::FileTooLarge, |lease| {
            lease.write("/m/dir/old", "0123456789x")
        }),
        (work, ErrorKind::WriteLimit { limit: 3 }, |lease| {
            lease.write("/m/dir/old", "1234")
        }),
        (work, ErrorKind::WriteLimit { limit: 3 }, |lease| {
            lease.append("/m/new", b"1234")
        }),
    ];
    for (limits, expected, change) in cases {
        under(limits, |table, root| {
            // The same with one name and with two, where the file would be copied.
            for hard_linked in [false, true] {
                if hard_linked {
                    fs::hard_link(root.join("dir/old"), root.join("dir/second")).unwrap();
                }
                let before = image(root);
                assert_eq!(kind(change(table)), expected);
                assert_eq!(image(root), before);
                assert_eq!((held(table), written(table)), ((0, 0), 0));
            }
        });
    }
}

#[test]
fn a_refusal_of_the_host_leaves_what_the_mount_holds_as_it_was() {
    under(Limits::default(), |table, root| {
        let before = image(root);
        assert_eq!(kind(table.write("/m/dir", "12345")), ErrorKind::IsADirectory);
        assert_eq!(kind(table.write("/m/no/such", "12345")), ErrorKind::NotFound);
        assert_eq!(kind(table.append("/m/dir/old/x", b"1")), ErrorKind::NotADirectory);
        assert_eq!(kind(table.create_dir("/m/dir")), ErrorKind::AlreadyExists);
        assert_eq!(kind(table.remove_dir("/m/dir")), ErrorKind::DirectoryNotEmpty);
        assert_eq!(kind(table.remove_file("/m/dir")), ErrorKind::IsADirectory);
        assert_eq!(kind(table.remove_dir("/m/dir/old")), ErrorKind::NotADirectory);
        assert_eq!(
            kind(table.rename("/m/dir", "/m/dir/old")),
            ErrorKind::InvalidArgument
        );
        assert_eq!(
            kind(table.rename("/m/dir/old", "/m/dir")),
            ErrorKind::DirectoryNotEmpty
        );
        assert_eq!(image(root), before);
        assert_eq!(held(table), (0, 0));
    });
}

#[test]
fn writers_of_one_mount_take_turns_and_no_growth_is_lost() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 300;
    under(Limits::default(), |lease, root| {
        thread::scope(|scope| {
            for writer in 0..THREADS {
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let own = format!("/m/dir/{writer}-{}", round % 7);
                        lease.write(&own, vec![b'x'; round % 50]).unwrap();
                        lease.append(&own, b"more").unwrap();
                        lease.append("/m/shared", b"12").unwrap();
                        if round % 3 == 0 {
                            lease.remove_file(&own).unwrap();
                            lease.create_dir(&own).unwrap();
                            lease.remove_dir(&own).unwrap();
                        }
                    }
                });
            }
        });
        let now = image(root);
        let bytes: usize = now.values().flatten().map(Vec::len).sum();
        // Less `dir` and the ten bytes of `dir/old`.
        assert_eq!(held(lease), (bytes as u64 - 10, now.len() as u64 - 2));
        let shared = fs::metadata(root.join("shared")).unwrap().len();
        assert_eq!(shared, 2 * (THREADS * ROUNDS) as u64);
    });
}
