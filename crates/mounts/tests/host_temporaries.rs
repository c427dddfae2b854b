//! Files under construction beside those they will replace: nobody sees them, and none is left for good.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by unwrapping, and plays another process"
)]

#[path = "support/host.rs"]
mod host;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use host::{LOOKUPS, kind, listed, temporaries, with_each_writer, writable};
use mounts::{ErrorKind, HostDirectory, Lease, LeaseMode, Mount, OpenMode, Table};
use rustix::fs::{CWD, FlockOperation, Mode, flock, mknodat};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::tempdir;

/// Such a name as a temporary has.
const NAME: &str = ".mounts-00112233445566778899aabbccddeeff.partial";

/// A temporary as a writer that still lives holds it.
fn held_temporary(directory: &Path) -> File {
    fs::write(directory.join(NAME), "half of it").unwrap();
    let file = File::options().write(true).open(directory.join(NAME)).unwrap();
    flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    file
}

fn leased(mount: Mount) -> Lease {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    table.checkout(LeaseMode::Exclusive).unwrap()
}

#[test]
fn a_temporary_does_not_exist_for_any_verb() {
    with_each_writer(
        |inside| {
            fs::create_dir(inside.join("dir")).unwrap();
            fs::write(inside.join("file"), "").unwrap();
            symlink(NAME, inside.join("link")).unwrap();
        },
        |lease, inside| {
            let writer = held_temporary(inside);
            let path = format!("/m/{NAME}");
            for path in [&path, "/m/link", &format!("{path}/below")] {
                for answer in [
                    lease.read(path).map(drop),
                    lease.open(path),
                    lease.metadata(path).map(drop),
                    lease.list(path).map(drop),
                    lease.write(path, "x"),
                    lease.append(path, b"x"),
                    lease.open_for_write(path, OpenMode::Append),
                    lease.open_for_write(path, OpenMode::Truncate),
                ] {
                    assert_eq!(kind(answer), ErrorKind::NotFound, "{path}");
                }
                assert!(!lease.exists(path));
            }
            for answer in [
                lease.symlink_metadata(&path).map(drop),
                lease.create_dir(&path),
                lease.remove_file(&path),
                lease.remove_dir(&path),
                lease.rename(&path, "/m/stolen"),
                lease.rename("/m/file", &path),
                lease.rename("/m/dir", &path),
            ] {
                assert_eq!(kind(answer), ErrorKind::NotFound);
            }
            assert_eq!(listed(lease, "/m"), ["dir", "file", "link"]);
            assert_eq!(fs::read(inside.join(NAME)).unwrap(), b"half of it");
            drop(writer);
            fs::remove_file(inside.join(NAME)).unwrap();
        },
    );
}

#[test]
fn mounts_that_cannot_write_hide_temporaries_and_leave_them_alone() {
    let root = tempdir().unwrap();
    fs::write(root.path().join(NAME), "abandoned").unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    for (_, open) in LOOKUPS {
        let directory = || open(root.path()).unwrap();
        for mount in [Mount::read_only(directory()), Mount::overlay(directory())] {
            let lease = leased(mount);
            assert_eq!(listed(&lease, "/m"), ["file"]);
            assert_eq!(kind(lease.read(&format!("/m/{NAME}"))), ErrorKind::NotFound);
            assert!(root.path().join(NAME).exists());
        }
    }
}

#[test]
fn an_abandoned_temporary_is_removed_when_its_directory_is_listed() {
    with_each_writer(
        |inside| fs::create_dir(inside.join("dir")).unwrap(),
        |lease, inside| {
            drop(held_temporary(&inside.join("dir")));
            assert_eq!(listed(lease, "/m"), ["dir"]);
            assert!(inside.join("dir").join(NAME).exists(), "another directory's");
            assert_eq!(listed(lease, "/m/dir"), Vec::<String>::new());
            assert!(!inside.join("dir").join(NAME).exists());
        },
    );
}

#[test]
fn a_temporary_that_somebody_is_writing_is_left_to_them() {
    with_each_writer(
        |inside| fs::create_dir(inside.join("dir")).unwrap(),
        |lease, inside| {
            let writer = held_temporary(&inside.join("dir"));
            assert_eq!(listed(lease, "/m/dir"), Vec::<String>::new());
            assert_eq!(kind(lease.remove_dir("/m/dir")), ErrorKind::DirectoryNotEmpty);
            assert!(inside.join("dir").join(NAME).exists());
            drop(writer);
            lease.remove_dir("/m/dir").unwrap();
            assert!(!inside.join("dir").exists());
        },
    );
}

/// What a crash left in a directory made it impossible to remove: the script saw an empty directory that was not
/// empty. So what nobody is writing goes when it is in the way.
#[test]
fn an_abandoned_temporary_does_not_keep_its_directory_from_being_removed_or_replaced() {
    with_each_writer(
        |inside| {
            for name in ["removed", "replaced", "full", "other"] {
                fs::create_dir(inside.join(name)).unwrap();
                drop(held_temporary(&inside.join(name)));
            }
            fs::write(inside.join("full/file"), "").unwrap();
        },
        |lease, inside| {
            lease.remove_dir("/m/removed").unwrap();
            assert_eq!(
                kind(lease.rename("/m/other", "/m/full")),
                ErrorKind::DirectoryNotEmpty
            );
            lease.rename("/m/other", "/m/replaced").unwrap();
            assert_eq!(kind(lease.remove_dir("/m/full")), ErrorKind::DirectoryNotEmpty);
            assert_eq!(listed(lease, "/m"), ["full", "replaced"]);
            assert_eq!(listed(lease, "/m/replaced"), Vec::<String>::new());
            assert!(!inside.join("full").join(NAME).exists());
        },
    );
}

#[test]
fn what_is_only_called_like_a_temporary_is_hidden_and_never_opened_or_removed() {
    let lay: [fn(&Path); 3] = [
        |at| fs::create_dir_all(at.join("theirs")).unwrap(),
        |at| symlink("../../outside", at).unwrap(),
        |at| mknodat(CWD, at, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap(),
    ];
    for make in lay {
        let root = tempdir().unwrap();
        fs::write(root.path().join("outside"), "outside").unwrap();
        fs::create_dir_all(root.path().join("inside/dir")).unwrap();
        let at = root.path().join("inside/dir").join(NAME);
        make(&at);
        let table = writable(HostDirectory::open(root.path().join("inside")).unwrap());
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        assert_eq!(listed(&lease, "/m/dir"), Vec::<String>::new());
        assert_eq!(kind(lease.remove_dir("/m/dir")), ErrorKind::DirectoryNotEmpty);
        assert!(fs::symlink_metadata(&at).is_ok());
        assert_eq!(fs::read(root.path().join("outside")).unwrap(), b"outside");
    }
}

/// A file system of 64 KiB, for as long as the value lives.
struct Small(PathBuf);

impl Small {
    fn new(at: &Path) -> Option<Self> {
        match mount("tmpfs", at, "tmpfs", MountFlags::empty(), c"size=64k") {
            Ok(()) => Some(Self(at.to_owned())),
            Err(error) => {
                eprintln!("skipped: this user may not mount ({error})");
                None
            }
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).unwrap();
    }
}

#[test]
fn where_the_disk_fills_a_replaced_file_stays_and_what_was_appended_is_counted() {
    for (_, open) in LOOKUPS {
        let root = tempdir().unwrap();
        let Some(_small) = Small::new(root.path()) else {
            return;
        };
        let table = writable(open(root.path()).unwrap());
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        let held = || lease.mounts()[0].usage.held;
        lease.write("/m/file", "kept").unwrap();
        for path in ["/m/file", "/m/new"] {
            assert_eq!(kind(lease.write(path, vec![b'x'; 100_000])), ErrorKind::NoSpace);
        }
        assert_eq!(lease.read("/m/file").unwrap(), *b"kept");
        assert_eq!(listed(&lease, "/m"), ["file"]);
        assert_eq!(temporaries(root.path()), Vec::<String>::new());
        assert_eq!((held().bytes, held().files), (4, 1));

        let appended = lease.append("/m/file", &vec![b'x'; 100_000]);
        assert_eq!(kind(appended), ErrorKind::NoSpace);
        let now = fs::metadata(root.path().join("file")).unwrap().len();
        assert!(now > 4, "Linux writes what fits");
        assert_eq!((held().bytes, held().files), (now, 1));
        lease.remove_file("/m/file").unwrap();
        assert_eq!((held().bytes, held().files), (0, 0));
    }
}

/// What one block of the hammered file is made of: one letter, many times.
fn is_whole(bytes: &[u8]) -> bool {
    const SIZES: [usize; 3] = [1, 5_000, 200_000];
    SIZES.contains(&bytes.len()) && bytes.iter().all(|byte| *byte == bytes[0])
}

#[test]
fn two_tables_over_one_directory_tear_nothing_and_lose_no_append() {
    const ROUNDS: u64 = 300;
    let root = tempdir().unwrap();
    fs::write(root.path().join("block"), "a").unwrap();
    let tables = [HostDirectory::open, HostDirectory::open_walked]
        .map(|open| writable(open(root.path().to_owned()).unwrap()));
    let over = AtomicBool::new(false);
    let (read, swept) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        // Readers of the host and of a table see whole blocks; listing sweeps all the while.
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert!(is_whole(&fs::read(root.path().join("block")).unwrap()));
                assert!(is_whole(&tables[0].read("/m/block").unwrap().to_vec()));
                read.fetch_add(1, Ordering::Relaxed);
            }
        });
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let shown = tables[1].list("/m").unwrap();
                assert!(shown.iter().all(|entry| !entry.name.ends_with(".partial")));
                swept.fetch_add(1, Ordering::Relaxed);
            }
        });
        let writers: Vec<_> = tables
            .iter()
            .zip([b'b', b'c'])
            .map(|(table, letter)| {
                scope.spawn(move || {
                    let lease = table.checkout(LeaseMode::Shared).unwrap();
                    for round in 0..ROUNDS {
                        let size = [1, 5_000, 200_000][usize::try_from(round % 3).unwrap()];
                        lease.write("/m/block", vec![letter; size]).unwrap();
                        let line = format!("{}{round}\n", char::from(letter));
                        lease.append("/m/log", line.as_bytes()).unwrap();
                        // Both create it and both remove it: whoever is late finds it gone, or there.
                        lease.open_for_write("/m/flag", OpenMode::Append).unwrap();
                        lease.open_for_write("/m/flag", OpenMode::Truncate).unwrap();
                        lease.write("/m/flag", "set").unwrap();
                        lease.append("/m/flag", b"more").unwrap();
                        if let Err(error) = lease.remove_file("/m/flag") {
                            assert_eq!(error.kind(), ErrorKind::NotFound);
                        }
                    }
                })
            })
            .collect();
        let ended: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        over.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(Result::unwrap);
    });
    let log = fs::read_to_string(root.path().join("log")).unwrap();
    for letter in ["b", "c"] {
        let lines = log.lines().filter_map(|line| line.strip_prefix(letter));
        let expected: Vec<_> = (0..ROUNDS).map(|round| round.to_string()).collect();
        assert_eq!(lines.collect::<Vec<_>>(), expected);
    }
    assert!(read.into_inner() > 0 && swept.into_inner() > 0);
    assert_eq!(temporaries(root.path()), Vec::<String>::new());
}

/// A sweep between the moment a temporary appears and the moment it is locked takes it for an abandoned one. Its
/// writer must notice, or it would publish a file that has no name any more.
#[test]
fn writers_survive_being_swept_before_they_hold_their_lock() {
    const WRITES: u64 = 500;
    // A machine with one core hardly ever runs the sweep at that moment, and would wait for it without an end.
    const MOST: u64 = 50 * WRITES;
    let root = tempdir().unwrap();
    let table = writable(HostDirectory::open(root.path()).unwrap());
    let over = AtomicBool::new(false);
    let swept = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for name in temporaries(root.path()) {
                    let Ok(file) = File::options().write(true).open(root.path().join(&name)) else {
                        continue;
                    };
                    // What the sweep does, at the worst of moments.
                    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
                        && fs::remove_file(root.path().join(&name)).is_ok()
                    {
                        swept.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        let written = thread::scope(|inner| {
            inner
                .spawn(|| {
                    let rounds =
                        (0..MOST).take_while(|round| *round < WRITES || swept.load(Ordering::Relaxed) == 0);
                    for round in rounds {
                        let text = format!("{round}");
                        lease.write("/m/file", text.as_str()).unwrap();
                        assert_eq!(fs::read_to_string(root.path().join("file")).unwrap(), text);
                    }
                })
                .join()
        });
        over.store(true, Ordering::Relaxed);
        written.unwrap();
    });
    let mut leftover = File::create(root.path().join(NAME)).unwrap();
    leftover.write_all(b"x").unwrap();
    drop(leftover);
    assert_eq!(table.list("/m").unwrap().len(), 1);
    assert_eq!(temporaries(root.path()), Vec::<String>::new());
    eprintln!(
        "{} temporaries were taken before they were locked",
        swept.into_inner()
    );
}
