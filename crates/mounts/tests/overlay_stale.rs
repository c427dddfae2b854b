//! Every way in which the host can change a file that an overlay owns, against every way to own it: what needs the
//! lower's bytes is stale, what replaces or deletes the whole goes on, and nothing is mixed in silently.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by unwrapping, and plays the host"
)]

#[path = "support/host.rs"]
mod host;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use host::{LOOKUPS, kind};
use mounts::{ErrorKind, Lease, LeaseMode, Mount, OpenMode, Overlay, Table};

/// What the file holds before the host changes it.
const TEXT: &str = "lower";

type Change = fn(&Path);

/// What the host does to `d/file`.
const CHANGES: [(&str, Change); 9] = [
    ("longer", |file| fs::write(file, "lower and more").unwrap()),
    ("other bytes", |file| fs::write(file, "LOWER").unwrap()),
    ("emptied", |file| fs::write(file, "").unwrap()),
    ("another time", |file| {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        fs::File::options()
            .write(true)
            .open(file)
            .unwrap()
            .set_modified(time)
            .unwrap();
    }),
    ("a copy in its place", |file| {
        let copy = file.with_file_name("copy");
        fs::copy(file, &copy).unwrap();
        fs::rename(copy, file).unwrap();
    }),
    ("deleted", |file| fs::remove_file(file).unwrap()),
    ("a directory", |file| {
        fs::remove_file(file).unwrap();
        fs::create_dir(file).unwrap();
        fs::write(file.join("below"), "below").unwrap();
    }),
    ("a link to its like", |file| {
        fs::rename(file, file.with_file_name("renamed")).unwrap();
        symlink("renamed", file).unwrap();
    }),
    ("a link that leaves", |file| {
        fs::remove_file(file).unwrap();
        symlink("../../outside", file).unwrap();
    }),
];

/// How the overlay comes to own `d/file`, and where the script finds it afterwards.
type Owning = (&'static str, fn(&Lease), &'static str);

const OWNINGS: [Owning; 5] = [
    (
        "extended",
        |lease| lease.append("/m/d/file", b"+").unwrap(),
        "/m/d/file",
    ),
    (
        "renamed",
        |lease| lease.rename("/m/d/file", "/m/moved").unwrap(),
        "/m/moved",
    ),
    (
        "renamed over another",
        |lease| lease.rename("/m/d/file", "/m/other").unwrap(),
        "/m/other",
    ),
    (
        "extended and renamed",
        |lease| {
            lease.append("/m/d/file", b"+").unwrap();
            lease.rename("/m/d/file", "/m/d/moved").unwrap();
        },
        "/m/d/moved",
    ),
    (
        "renamed, extended and its new directory renamed",
        |lease| {
            lease.create_dir("/m/new").unwrap();
            lease.rename("/m/d/file", "/m/new/file").unwrap();
            lease.append("/m/new/file", b"+").unwrap();
            lease.rename("/m/new", "/m/newer").unwrap();
        },
        "/m/newer/file",
    ),
];

/// What needs no byte of the lower, and what the script then finds; `None` is nothing.
type Whole = (&'static str, fn(&Lease, &str), Option<&'static str>);

const WHOLE: [Whole; 5] = [
    (
        "write",
        |lease, at| lease.write(at, "whole").unwrap(),
        Some("whole"),
    ),
    (
        "truncate",
        |lease, at| lease.open_for_write(at, OpenMode::Truncate).unwrap(),
        Some(""),
    ),
    ("remove", |lease, at| lease.remove_file(at).unwrap(), None),
    (
        "remove and make anew",
        |lease, at| {
            lease.remove_file(at).unwrap();
            lease.append(at, b"anew").unwrap();
        },
        Some("anew"),
    ),
    (
        "rename over it",
        |lease, at| {
            lease.write("/m/own", "own").unwrap();
            lease.rename("/m/own", at).unwrap();
        },
        Some("own"),
    ),
];

/// Runs `check` on overlays of one and of two layers over a directory with `d/file` and `other`, which the host
/// finds at the path it is given.
fn with_overlays(check: impl Fn(&Lease, &Path)) {
    for ((_, open), layers) in LOOKUPS.into_iter().zip([1, 2]) {
        let around = tempfile::tempdir().unwrap();
        let root = around.path().join("inside");
        fs::write(around.path().join("outside"), "outside").unwrap();
        fs::create_dir_all(root.join("d")).unwrap();
        fs::write(root.join("d/file"), TEXT).unwrap();
        // Long ago, so that a change within one tick of the clock is one.
        let file = fs::File::options().write(true).open(root.join("d/file")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000))
            .unwrap();
        fs::write(root.join("other"), "other").unwrap();
        let lower = open(&root).unwrap();
        let table = Table::new();
        let mount = match layers {
            1 => Mount::overlay(lower),
            _ => Mount::overlay(Overlay::new(lower)),
        };
        table.mount("/m", mount).unwrap();
        check(
            &table.checkout(LeaseMode::Exclusive).unwrap(),
            &root.join("d/file"),
        );
        assert_eq!(fs::read(around.path().join("outside")).unwrap(), b"outside");
    }
}

#[test]
fn what_the_upper_took_bytes_of_is_stale_however_the_host_changed_it() {
    for (owned, own, at) in OWNINGS {
        for (changed, change) in CHANGES {
            with_overlays(|lease, file| {
                own(lease);
                let before = lease.read(at).unwrap();
                assert!(before.to_vec().starts_with(TEXT.as_bytes()));
                change(file);
                for answer in [lease.read(at).map(drop), lease.open(at)] {
                    assert_eq!(kind(answer), ErrorKind::Stale, "{owned}, then {changed}");
                }
                assert_eq!(lease.read("/m/other").is_ok(), at != "/m/other");
            });
        }
    }
}

#[test]
fn whole_replacements_and_deletions_of_what_is_stale_go_on() {
    for (owned, own, at) in OWNINGS {
        for (changed, change) in CHANGES {
            for (verb, whole, expected) in WHOLE {
                with_overlays(|lease, file| {
                    own(lease);
                    change(file);
                    whole(lease, at);
                    let found = lease.read(at).map(|contents| contents.to_vec());
                    match expected {
                        Some(text) => {
                            assert_eq!(found.unwrap(), text.as_bytes(), "{owned}, {changed}, {verb}");
                        }
                        None => assert_eq!(kind(found), ErrorKind::NotFound, "{owned}, {changed}, {verb}"),
                    }
                });
            }
        }
    }
}

#[test]
fn what_was_replaced_or_deleted_before_the_host_changed_it_never_notices() {
    for (changed, change) in CHANGES {
        for (verb, whole, expected) in WHOLE {
            with_overlays(|lease, file| {
                whole(lease, "/m/d/file");
                change(file);
                let found = lease.read("/m/d/file").map(|contents| contents.to_vec());
                match expected {
                    Some(text) => assert_eq!(found.unwrap(), text.as_bytes(), "{verb}, then {changed}"),
                    None => assert_eq!(kind(found), ErrorKind::NotFound, "{verb}, then {changed}"),
                }
                let names: Vec<_> = lease
                    .list("/m/d")
                    .unwrap()
                    .into_iter()
                    .map(|entry| entry.name)
                    .collect();
                let shown = names.iter().any(|name| &**name == "file");
                assert_eq!(shown, expected.is_some(), "{verb}, then {changed}");
            });
        }
    }
}

#[test]
fn what_nobody_owns_shows_what_the_host_has_now() {
    with_overlays(|lease, file| {
        assert_eq!(lease.read("/m/d/file").unwrap(), *b"lower");
        lease.write("/m/d/mine", "mine").unwrap();
        fs::write(file, "changed").unwrap();
        assert_eq!(lease.read("/m/d/file").unwrap(), *b"changed");
        fs::remove_file(file).unwrap();
        assert_eq!(kind(lease.read("/m/d/file")), ErrorKind::NotFound);
        symlink("../other", file).unwrap();
        assert_eq!(lease.read("/m/d/file").unwrap(), *b"other");
        fs::remove_file(file).unwrap();
        symlink("../../outside", file).unwrap();
        assert_eq!(kind(lease.read("/m/d/file")), ErrorKind::PermissionDenied);
    });
}
