//! A host that swaps what is under an overlay while it is used, and files with names in two places.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the tests play the host"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use mounts::{ErrorKind, HostDirectory, Mount, Table};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::mount::{UnmountFlags, mount_bind, unmount};

use crate::kinds::{DIRECTORY, OVERLAY_OVER_DIRECTORY, OVERLAY_OVER_OVERLAY_OVER_DIRECTORY, TREE, plant};
use crate::linked::Entry;
use crate::support::{image, kind as error};
use crate::verbs::VERBS;

/// The exchanges and the operations that one race has at least.
const ROUNDS: u64 = 2000;

/// The operations that one race has at most: by then, a machine that runs one side at a time has run both.
const MOST: u64 = 1000 * ROUNDS;

/// Exchanges `one` and `other` over and over while `act` runs, until both sides have had their rounds and `act`, which
/// says so, has met what it is there for.
fn race(one: &Path, other: &Path, mut act: impl FnMut(u64) -> bool) {
    let over = AtomicBool::new(false);
    let exchanges = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
                exchanges.fetch_add(1, Ordering::Relaxed);
            }
        });
        let _end = OnDrop(|| over.store(true, Ordering::Relaxed));
        let mut acts = 0;
        let mut has_met = false;
        while acts < ROUNDS || exchanges.load(Ordering::Relaxed) < ROUNDS || (!has_met && acts < MOST) {
            has_met = act(acts);
            acts += 1;
        }
    });
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// `inside/dir` with `file` in it, a link that leads to `outside` beside it, and an overlay over `inside`.
fn house() -> (Table, tempfile::TempDir) {
    let house = plant(TREE);
    let at = |path: &str| house.path().join(path);
    fs::create_dir(at("outside")).unwrap();
    fs::write(at("outside/file"), "outside").unwrap();
    fs::write(at("outside/secret"), "outside").unwrap();
    symlink("../outside", at("inside/trap")).unwrap();
    let table = Table::new();
    let lower = HostDirectory::open(at("inside")).unwrap();
    table.mount("/m", Mount::overlay(lower)).unwrap();
    (table, house)
}

/// What lies outside, as it was made.
fn assert_untouched(house: &Path) {
    assert_eq!(fs::read(house.join("outside/file")).unwrap(), b"outside");
    assert_eq!(fs::read(house.join("outside/secret")).unwrap(), b"outside");
    assert_eq!(fs::read_dir(house.join("outside")).unwrap().count(), 2);
}

#[test]
fn a_directory_swapped_for_a_link_under_an_overlay_is_never_read_through() {
    let (table, house) = house();
    let at = |path: &str| house.path().join(path);
    let mut met = [0_u64; 2];
    race(&at("inside/dir"), &at("inside/trap"), |_| {
        match table.read("/m/dir/file") {
            Ok(contents) => {
                assert_eq!(contents, *b"below");
                met[0] += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::PermissionDenied);
                met[1] += 1;
            }
        }
        assert_ne!(
            table.read("/m/dir/secret").map_err(|error| error.kind()),
            Ok(b"outside"[..].into())
        );
        if let Ok(entries) = table.list("/m/dir") {
            assert!(entries.iter().all(|entry| &*entry.name != "secret"));
        }
        met.iter().all(|count| *count > 0)
    });
    assert!(met.iter().all(|count| *count > 0), "{met:?}");
    assert_untouched(house.path());
}

#[test]
fn nothing_is_written_outside_while_a_directory_is_swapped_for_a_link_under_an_overlay() {
    let (table, house) = house();
    let at = |path: &str| house.path().join(path);
    let mut refused = 0_u64;
    let mut done = 0_u64;
    race(&at("inside/dir"), &at("inside/trap"), |round| {
        let path = format!("/m/dir/new{}", round % 7);
        let answers = [
            table.write(&path, "new"),
            table.append("/m/dir/file", b"!"),
            table.rename(&path, "/m/moved"),
            table.remove_file("/m/moved"),
            table.create_dir_all("/m/dir/sub/more"),
        ];
        for answer in answers {
            match answer {
                Ok(()) => done += 1,
                Err(error) => {
                    let kind = error.kind();
                    let known = matches!(
                        kind,
                        ErrorKind::PermissionDenied
                            | ErrorKind::NotFound
                            | ErrorKind::Stale
                            | ErrorKind::NotADirectory
                    );
                    assert!(known, "{error}");
                    refused += 1;
                }
            }
        }
        done > 0
    });
    assert!(done > 0, "{done} {refused}");
    assert_untouched(house.path());
    assert_eq!(fs::read(at("inside/file")).unwrap(), b"text");
}

#[test]
fn the_directory_under_an_overlay_stays_the_same_when_its_path_is_taken_over() {
    let (table, house) = house();
    let at = |path: &str| house.path().join(path);
    table.write("/m/new", "upper").unwrap();
    fs::rename(at("inside"), at("moved")).unwrap();
    symlink("outside", at("inside")).unwrap();
    assert_eq!(table.read("/m/file").unwrap(), *b"text");
    assert_eq!(error(table.read("/m/secret")), ErrorKind::NotFound);
    table.append("/m/file", b"!").unwrap();
    assert_eq!(table.read("/m/file").unwrap(), *b"text!");
    assert_eq!(fs::read(at("moved/file")).unwrap(), b"text");
    assert_untouched(house.path());
}

#[test]
fn a_file_with_another_name_outside_is_not_changed_through_an_overlay() {
    let mounted = OVERLAY_OVER_DIRECTORY.with(TREE);
    let house = mounted.host.as_ref().unwrap().path().to_owned();
    fs::hard_link(house.join("inside/file"), house.join("outside-name")).unwrap();
    mounted.append("/m/file", b" and more").unwrap();
    mounted.write("/m/dir/file", "new").unwrap();
    mounted.rename("/m/file", "/m/renamed").unwrap();
    mounted.append("/m/renamed", b"!").unwrap();
    assert_eq!(mounted.read("/m/renamed").unwrap(), *b"text and more!");
    mounted.remove_file("/m/renamed").unwrap();
    assert_eq!(fs::read(house.join("outside-name")).unwrap(), b"text");
    assert_eq!(fs::read(house.join("inside/file")).unwrap(), b"text");
}

#[test]
fn two_overlays_over_one_directory_are_two_worlds() {
    let house = plant(TREE);
    let tables: Vec<_> = (0..2)
        .map(|_| {
            let table = Table::new();
            let lower = HostDirectory::open(house.path().join("inside")).unwrap();
            table.mount("/m", Mount::overlay(lower)).unwrap();
            table
        })
        .collect();
    let before = image(&tables[1].checkout(mounts::LeaseMode::Shared).unwrap(), "/m");
    tables[0].write("/m/file", "mine").unwrap();
    tables[0].rename("/m/dir", "/m/empty").unwrap();
    tables[0].remove_file("/m/z").unwrap();
    assert_eq!(
        image(&tables[1].checkout(mounts::LeaseMode::Shared).unwrap(), "/m"),
        before
    );
    tables[1].write("/m/z", "yours").unwrap();
    assert!(!tables[0].exists("/m/z"));
}

/// A bind mount for as long as the value lives.
struct Bound<'p>(&'p Path);

impl Drop for Bound<'_> {
    fn drop(&mut self) {
        unmount(self.0, UnmountFlags::DETACH).unwrap();
    }
}

#[test]
fn what_another_mount_of_the_host_covers_is_denied_to_every_verb() {
    for kind in [
        OVERLAY_OVER_DIRECTORY,
        OVERLAY_OVER_OVERLAY_OVER_DIRECTORY,
        DIRECTORY,
    ] {
        let files = kind.with(&[
            ("covered", Entry::Directory),
            ("to_covered", Entry::Link("covered/file")),
            ("beside", Entry::Link("covered/../z")),
            ("empty", Entry::Directory),
            ("z", Entry::File("z")),
        ]);
        let house = files.host.as_ref().unwrap().path().to_owned();
        let (outside, covered) = (house.join("outside"), house.join("inside/covered"));
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "outside").unwrap();
        if let Err(refusal) = mount_bind(&outside, &covered) {
            eprintln!("skipped: this user may not mount ({refusal})");
            return;
        }
        let _bound = Bound(&covered);
        for path in ["/m/covered/file", "/m/covered/new", "/m/to_covered/below"] {
            for (name, _, act) in VERBS {
                let answer = act(&files, path).map_err(|error| error.kind());
                assert_eq!(
                    answer,
                    Err(ErrorKind::PermissionDenied),
                    "{}: {name} {path}",
                    kind.name
                );
            }
        }
        for path in ["/m/covered", "/m/to_covered", "/m/beside"] {
            assert_eq!(
                error(files.read(path)),
                ErrorKind::PermissionDenied,
                "{}: {path}",
                kind.name
            );
            assert!(!files.exists(path), "{}: {path}", kind.name);
        }
        for act in [
            files.remove_dir("/m/covered"),
            files.rename("/m/covered", "/m/moved"),
            files.rename("/m/empty", "/m/covered"),
        ] {
            assert!(act.is_err(), "{}", kind.name);
        }
        let listed = files.list("/m").unwrap();
        let names: Vec<_> = listed.iter().map(|entry| &*entry.name).collect();
        assert_eq!(names, ["empty", "z"], "{}", kind.name);
        assert_eq!(fs::read(outside.join("file")).unwrap(), b"outside");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }
}
