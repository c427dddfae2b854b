//! Attacks on a host directory by swapping what is in it while operations run.
//!
//! Each race exchanges two entries in one atomic step, thousands of times, while the table is asked. Both states
//! must have been met, or nothing was proven.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by unwrapping, and plays the host"
)]

#[path = "support/host.rs"]
mod host;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use host::{names, with_each_lookup, with_limits};
use mounts::{ErrorKind, FileType, Limits, Table};
use rustix::fs::{CWD, Mode, RenameFlags, mknodat, renameat_with};
use tempfile::{TempDir, tempdir};

/// The exchanges and the operations that one race has at least.
const ROUNDS: u64 = 2000;

/// Exchanges `one` and `other` over and over while `act` runs, until both have had their rounds and `act` has met
/// both states, which it tells by answering true or false.
fn race(one: &Path, other: &Path, act: impl Fn() -> bool) {
    let over = AtomicBool::new(false);
    let exchanges = AtomicU64::new(0);
    let mut met = [0_u64; 2];
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
                exchanges.fetch_add(1, Ordering::Relaxed);
            }
        });
        // However it ends, the other side ends too.
        let _end = OnDrop(|| over.store(true, Ordering::Relaxed));
        let enough = |met: &[u64; 2]| {
            met.iter().sum::<u64>() >= ROUNDS
                && met.iter().all(|count| *count > 0)
                && exchanges.load(Ordering::Relaxed) >= ROUNDS
        };
        while !enough(&met) {
            met[usize::from(act())] += 1;
        }
    });
    eprintln!("{exchanges:?} exchanges; {met:?} answers of each kind");
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// `inside/dir` and `outside` look alike but for the contents of `file`.
fn house() -> TempDir {
    let house = tempdir().unwrap();
    for (directory, text) in [("inside/dir", "inside"), ("outside", "outside")] {
        let directory = house.path().join(directory);
        fs::create_dir_all(directory.join("deeper")).unwrap();
        fs::write(directory.join("file"), text).unwrap();
        fs::write(directory.join("deeper/file"), text).unwrap();
        fs::write(directory.join(format!("{text}-only")), text).unwrap();
    }
    house
}

/// Whether the file inside was read; anything but that or a refusal is a leak.
fn reads_inside(table: &Table, path: &str) -> bool {
    match table.read(path) {
        Ok(contents) => {
            assert_eq!(contents, *b"inside", "{path}");
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{path}");
            false
        }
    }
}

#[test]
fn a_directory_swapped_for_a_link_that_leaves_is_never_read_through() {
    for target in ["../outside", "absolute"] {
        let house = house();
        let inside = house.path().join("inside");
        let target = match target {
            "absolute" => house.path().join("outside"),
            relative => relative.into(),
        };
        symlink(target, inside.join("trap")).unwrap();
        with_each_lookup(&inside, |table| {
            race(&inside.join("dir"), &inside.join("trap"), || {
                let deeper = reads_inside(table, "/m/dir/deeper/file");
                assert!(!table.exists("/m/dir/outside-only"));
                match table.list("/m/dir") {
                    Ok(entries) => assert!(entries.iter().all(|entry| &*entry.name != "outside-only")),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
                }
                deeper
            });
        });
    }
}

#[test]
fn a_file_swapped_for_a_link_that_leaves_is_never_read_through() {
    let house = house();
    let inside = house.path().join("inside");
    symlink("../../outside/file", inside.join("dir/trap")).unwrap();
    with_each_lookup(&inside, |table| {
        race(&inside.join("dir/file"), &inside.join("dir/trap"), || {
            reads_inside(table, "/m/dir/file")
        });
    });
}

#[test]
fn a_directory_swapped_for_a_link_that_stays_inside_is_read_either_way() {
    let house = house();
    let inside = house.path().join("inside");
    fs::create_dir(inside.join("other")).unwrap();
    fs::write(inside.join("other/file"), "other").unwrap();
    symlink("other", inside.join("link")).unwrap();
    with_each_lookup(&inside, |table| {
        race(&inside.join("dir"), &inside.join("link"), || {
            let text = table.read("/m/dir/file").unwrap().to_vec();
            assert!(matches!(text.as_slice(), b"inside" | b"other"));
            text == b"inside"
        });
    });
}

#[test]
fn a_file_swapped_for_a_fifo_is_denied_and_nobody_waits() {
    let house = house();
    let inside = house.path().join("inside");
    let fifo = inside.join("dir/fifo");
    mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    with_each_lookup(&inside, |table| {
        race(&inside.join("dir/file"), &fifo, || {
            reads_inside(table, "/m/dir/file")
        });
    });
}

#[test]
fn a_directory_swapped_for_a_fifo_is_no_directory_and_nobody_waits() {
    let house = house();
    let inside = house.path().join("inside");
    let fifo = inside.join("fifo");
    mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    with_each_lookup(&inside, |table| {
        race(&inside.join("dir"), &fifo, || match table.list("/m/dir") {
            Ok(entries) => {
                assert_eq!(entries.len(), 3);
                true
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotADirectory);
                false
            }
        });
    });
}

#[test]
fn a_directory_moved_out_while_it_is_read_gives_its_own_file_or_none() {
    let house = house();
    let inside = house.path().join("inside");
    let empty = house.path().join("empty");
    fs::create_dir(&empty).unwrap();
    with_each_lookup(&inside, |table| {
        race(&inside.join("dir"), &empty, || {
            // While the empty directory is in its place there is no file; moved out half-way through a lookup, it is
            // missing or, as the kernel notices where it ended up, denied.
            match table.read("/m/dir/deeper/file") {
                Ok(text) => {
                    assert_eq!(text, *b"inside");
                    true
                }
                Err(error) => {
                    assert!(matches!(
                        error.kind(),
                        ErrorKind::NotFound | ErrorKind::PermissionDenied
                    ));
                    false
                }
            }
        });
    });
}

#[test]
fn a_file_that_grows_while_it_is_read_stays_within_the_limit() {
    const LIMIT: u64 = 64 * 1024;
    let root = tempdir().unwrap();
    let path = root.path().join("log");
    let limits = Limits {
        memory: Some(LIMIT),
        ..Limits::default()
    };
    with_limits(root.path(), limits, |table| {
        let over = AtomicBool::new(false);
        fs::write(&path, "").unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut log = fs::File::options().append(true).open(&path).unwrap();
                while !over.load(Ordering::Relaxed) {
                    log.write_all(&[b'x'; 97]).unwrap();
                    if log.metadata().unwrap().len() > 2 * LIMIT {
                        log.set_len(0).unwrap();
                    }
                }
            });
            let _end = OnDrop(|| over.store(true, Ordering::Relaxed));
            let mut met = [0_u64; 2];
            while met.iter().any(|count| *count < ROUNDS) {
                match table.read("/m/log") {
                    Ok(contents) => {
                        assert!(contents.len() as u64 <= LIMIT);
                        assert!(contents.to_vec().iter().all(|byte| *byte == b'x'));
                        met[0] += 1;
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::MemoryLimit { limit: LIMIT });
                        met[1] += 1;
                    }
                }
            }
        });
    });
}

#[test]
fn a_directory_that_fills_while_it_is_listed_shows_what_stays() {
    let root = tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    for number in 0..40 {
        fs::write(at(&format!("stays{number}")), "").unwrap();
    }
    fs::create_dir(at("a")).unwrap();
    fs::write(at("b"), "").unwrap();
    with_each_lookup(root.path(), |table| {
        race(&at("a"), &at("b"), || {
            let listed = names(table, "/m");
            let stays = listed.iter().filter(|name| name.starts_with("stays")).count();
            assert_eq!(stays, 40);
            table
                .metadata("/m/a")
                .is_ok_and(|metadata| metadata.file_type == FileType::Directory)
        });
    });
}
