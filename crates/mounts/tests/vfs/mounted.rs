//! File systems of `vfs` as mounts, beyond what they answer when all goes well: limits, lies and failures.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use mounts::vfs::{TableFs, VfsBackend};
use mounts::{Error, ErrorKind, FileType, LeaseMode, Limits, Mount, Table, Usage};
use vfs::{FileSystem, MemoryFS, PhysicalFS};

use super::faulty::{Fault, Faulty};

fn mounted(files: impl FileSystem, limits: Limits) -> Table {
    let table = Table::new();
    let mount = Mount::read_write(VfsBackend::new(files)).with_limits(limits);
    table.mount("/m", mount).unwrap();
    table
}

fn faulty() -> (Table, Faulty) {
    let files = Faulty::new();
    (mounted(files.clone(), Limits::default()), files)
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn names(table: &Table, path: &str) -> Vec<String> {
    let entries = table.list(path).unwrap();
    entries.iter().map(|entry| entry.name.to_string()).collect()
}

fn usage(table: &Table) -> Usage {
    table.list_mounts()[0].usage
}

#[test]
fn limits_refuse_without_effect_and_count_once() {
    let limits = Limits {
        max_bytes: Some(10),
        max_files: Some(2),
        max_file_size: Some(8),
        write_bytes: Some(20),
        ..Limits::default()
    };
    let table = mounted(MemoryFS::new(), limits);
    assert_eq!(kind(table.write("/m/a", [0; 9])), ErrorKind::FileTooLarge);
    table.write("/m/a", [0; 8]).unwrap();
    assert_eq!(kind(table.append("/m/a", &[0])), ErrorKind::FileTooLarge);
    assert_eq!(kind(table.write("/m/b", [0; 3])), ErrorKind::NoSpace);
    table.write("/m/b", [0; 2]).unwrap();
    assert_eq!(kind(table.create_dir_all("/m/c")), ErrorKind::NoSpace);
    table.write("/m/a", [1; 8]).unwrap();
    assert_eq!(
        kind(table.write("/m/a", [0; 3])),
        ErrorKind::WriteLimit { limit: 20 }
    );
    assert_eq!(table.read("/m/a").unwrap(), [1; 8]);
    let used = usage(&table);
    assert_eq!((used.held.bytes, used.held.files, used.written), (10, 2, 18));
    table.rename("/m/a", "/m/b").unwrap();
    assert_eq!((usage(&table).held.bytes, usage(&table).held.files), (8, 1));
    table.remove_file("/m/b").unwrap();
    assert_eq!((usage(&table).held.bytes, usage(&table).held.files), (0, 0));
}

#[test]
fn what_was_there_before_is_not_charged_and_removing_it_frees_nothing() {
    let files = MemoryFS::new();
    files.create_file("/old").unwrap().write_all(&[0; 100]).unwrap();
    let limits = Limits {
        max_bytes: Some(50),
        ..Limits::default()
    };
    let table = mounted(files, limits);
    assert_eq!(usage(&table).held.bytes, 0);
    table.write("/m/new", [0; 50]).unwrap();
    assert_eq!(kind(table.append("/m/new", &[0])), ErrorKind::NoSpace);
    table.remove_file("/m/new").unwrap();
    table.remove_file("/m/old").unwrap();
    assert_eq!((usage(&table).held.bytes, usage(&table).held.files), (0, 0));
}

/// `create_file` empties the file before anything is written: without a lock that readers respect, they would see it.
#[test]
fn nobody_sees_a_write_half_done() {
    let table = mounted(MemoryFS::new(), Limits::default());
    table.write("/m/a", [1; 64]).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0_u32;
            while !done.load(Ordering::Relaxed) || reads == 0 {
                let bytes = table.read("/m/a").unwrap().to_vec();
                assert_eq!(bytes, [bytes[0]; 64]);
                reads += 1;
            }
        });
        for round in 0..4_000_u32 {
            table.write("/m/a", [round.to_le_bytes()[0]; 64]).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
}

#[test]
fn appends_from_many_threads_are_all_there() {
    const APPENDS: usize = 500;
    let table = mounted(MemoryFS::new(), Limits::default());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..APPENDS {
                    table.append("/m/log", b"x").unwrap();
                }
            });
        }
    });
    assert_eq!(table.read("/m/log").unwrap().len(), 4 * APPENDS);
    assert_eq!(usage(&table).held.bytes, 4 * APPENDS as u64);
}

#[test]
fn a_write_that_fails_half_way_is_counted_as_it_is() {
    let (table, files) = faulty();
    table.write("/m/a", "12345678").unwrap();
    files.set(Fault::FullAfter(3));
    assert_eq!(kind(table.write("/m/a", "abcdef")), ErrorKind::NoSpace);
    assert_eq!(kind(table.append("/m/a", b"ghijkl")), ErrorKind::NoSpace);
    assert_eq!(kind(table.write("/m/b", "mnopqr")), ErrorKind::NoSpace);
    files.set(None);
    assert_eq!(table.read("/m/a").unwrap(), *b"abcghi");
    assert_eq!(table.read("/m/b").unwrap(), *b"mno");
    assert_eq!((usage(&table).held.bytes, usage(&table).held.files), (9, 2));
}

/// `vfs::MemoryFS` cannot move anything, so everything is copied: what fails on the way must not be left behind.
#[test]
fn a_rename_that_fails_leaves_everything_where_it_was() {
    let (table, files) = faulty();
    table.create_dir_all("/m/dir/sub").unwrap();
    table.create_dir_all("/m/empty").unwrap();
    for file in ["/m/file", "/m/dir/one", "/m/dir/sub/two"] {
        table.write(file, file).unwrap();
    }
    let before = usage(&table);
    files.set(Fault::NoFile("two"));
    assert_eq!(
        kind(table.rename("/m/dir", "/m/moved")),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        kind(table.rename("/m/dir", "/m/empty")),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        kind(table.rename("/m/file", "/m/two")),
        ErrorKind::PermissionDenied
    );
    files.set(Fault::FullAfter(2));
    assert_eq!(kind(table.rename("/m/file", "/m/other")), ErrorKind::NoSpace);
    files.set(None);
    assert_eq!(names(&table, "/m"), ["dir", "empty", "file"]);
    assert_eq!(names(&table, "/m/empty"), [""; 0]);
    assert_eq!(table.read("/m/file").unwrap(), *b"/m/file");
    assert_eq!(usage(&table), before);
    table.rename("/m/dir", "/m/empty").unwrap();
    assert_eq!(names(&table, "/m"), ["empty", "file"]);
    assert_eq!(table.read("/m/empty/sub/two").unwrap(), *b"/m/dir/sub/two");
}

#[test]
fn a_length_that_is_not_true_is_found_out() {
    let (table, files) = faulty();
    table.write("/m/a", [0; 1_000]).unwrap();
    let limited = mounted(
        files.clone(),
        Limits {
            memory: Some(500),
            ..Limits::default()
        },
    );
    files.set(Fault::Length(u64::MAX));
    assert!(table.read("/m/a").is_err());
    let unlimited = mounted(
        files.clone(),
        Limits {
            memory: None,
            ..Limits::default()
        },
    );
    assert_eq!(kind(unlimited.read("/m/a")), ErrorKind::FileTooLarge);
    files.set(Fault::Length(1));
    assert_eq!(table.read("/m/a").unwrap().len(), 1_000);
    assert_eq!(kind(limited.read("/m/a")), ErrorKind::MemoryLimit { limit: 500 });
}

#[test]
fn names_that_no_path_can_have_are_not_listed() {
    static NAMES: [&str; 6] = ["", ".", "..", "a/b", "nul\0", "missing"];
    let (table, files) = faulty();
    table.write("/m/..a", "").unwrap();
    files.set(Fault::Names(&NAMES));
    assert_eq!(names(&table, "/m"), ["..a"]);
}

#[test]
fn what_cannot_be_described_is_listed_as_special() {
    let (table, files) = faulty();
    table.write("/m/a", "").unwrap();
    files.set(Fault::Undescribed("a"));
    assert_eq!(table.list("/m").unwrap()[0].file_type, FileType::Special);
    assert_eq!(kind(table.metadata("/m/a")), ErrorKind::Os(5));
}

#[test]
fn a_file_system_may_say_in_its_own_words_that_something_is_missing() {
    let (table, files) = faulty();
    table.write("/m/file", "").unwrap();
    files.set(Fault::OwnWords);
    assert_eq!(kind(table.read("/m/missing")), ErrorKind::NotFound);
    assert_eq!(kind(table.read("/m/file/below")), ErrorKind::NotADirectory);
    table.write("/m/new", "made").unwrap();
}

#[test]
fn the_metadata_is_as_documented() {
    let table = mounted(MemoryFS::new(), Limits::default());
    table.write("/m/a", "123").unwrap();
    table.create_dir_all("/m/d").unwrap();
    let (file, directory) = (table.metadata("/m/a").unwrap(), table.metadata("/m/d").unwrap());
    assert_eq!((file.size, file.mode, file.links), (3, 0o644, 1));
    assert_eq!((directory.mode, directory.links), (0o755, 1));
    assert_ne!(file.inode, directory.inode);
    assert_eq!(table.metadata("/m/a").unwrap().inode, file.inode);
    assert!(file.modified.elapsed().unwrap().as_secs() < 600);
}

/// Each error takes the way out of one table, through `vfs`, and into another.
#[test]
fn an_error_of_a_table_within_a_table_stays_what_it_was() {
    let limits = Limits {
        max_bytes: Some(10),
        max_file_size: Some(8),
        write_bytes: Some(12),
        ..Limits::default()
    };
    let inner = Table::new();
    inner.mount("/full", Mount::memory().with_limits(limits)).unwrap();
    inner
        .mount("/fixed", Mount::read_only(VfsBackend::new(MemoryFS::new())))
        .unwrap();
    let outer = mounted(TableFs::new(inner.clone()), Limits::default());
    outer.write("/m/full/a", [0; 8]).unwrap();
    for (answer, expected) in [
        (outer.write("/m/full/b", [0; 9]), ErrorKind::FileTooLarge),
        (outer.write("/m/full/b", [0; 3]), ErrorKind::NoSpace),
        (
            outer.write("/m/full/a", [0; 8]),
            ErrorKind::WriteLimit { limit: 12 },
        ),
        (outer.write("/m/fixed/a", "x"), ErrorKind::ReadOnly),
        (outer.write("/m/nowhere", "x"), ErrorKind::ReadOnly),
        (outer.write("/m/missing/x", "x"), ErrorKind::NotFound),
        (outer.remove_file("/m/nowhere"), ErrorKind::NotFound),
        (outer.remove_dir("/m/fixed"), ErrorKind::PermissionDenied),
        (outer.remove_dir("/m/full"), ErrorKind::DirectoryNotEmpty),
        (outer.rename("/m/full/missing", "/m/full/x"), ErrorKind::NotFound),
    ] {
        assert_eq!(kind(answer), expected);
    }
    let lease = inner.checkout(LeaseMode::Exclusive).unwrap();
    assert_eq!(kind(outer.remove_file("/m/full/a")), ErrorKind::Os(16));
    drop(lease);
    outer.remove_file("/m/full/a").unwrap();
}

#[test]
fn errors_of_the_operating_system_keep_their_numbers() {
    let missing = tempfile::tempdir().unwrap().path().join("gone");
    let table = mounted(PhysicalFS::new(&missing), Limits::default());
    assert_eq!(kind(table.list("/m")), ErrorKind::NotFound);
    assert_eq!(kind(table.write("/m/a", "x")), ErrorKind::NotFound);
    assert!(!table.exists("/m/a"));
}

#[test]
fn the_root_of_a_mount_stays() {
    let table = mounted(MemoryFS::new(), Limits::default());
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    lease.create_dir("/m/a").unwrap();
    for refused in [
        lease.remove_dir("/m"),
        lease.rename("/m", "/m/a/b"),
        lease.rename("/m/a", "/m"),
    ] {
        assert_eq!(kind(refused), ErrorKind::PermissionDenied);
    }
}
