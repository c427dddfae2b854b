//! Symbolic links, over a backend of a few fixed entries: what they lead to, and which of them can be seen.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "support/linked.rs"]
mod linked;
mod support;

use linked::{Entry, Linked};
use mounts::{ErrorKind, FileType, Mount, Table};
use support::kind;

fn table() -> Table {
    let table = Table::new();
    let tree = Linked::new([
        ("dir", Entry::Directory),
        ("dir/file", Entry::File("text")),
        ("dir/up", Entry::Link("../other")),
        ("other", Entry::File("other")),
        ("to_dir", Entry::Link("dir")),
        ("to_file", Entry::Link("to_dir/file")),
        ("dangling", Entry::Link("missing/x")),
        ("out", Entry::Link("../../etc/passwd")),
        ("to_out", Entry::Link("out")),
        ("absolute", Entry::Link("/etc/passwd")),
        ("round", Entry::Link("about")),
        ("about", Entry::Link("round")),
        ("towards", Entry::Link("round")),
    ]);
    table.mount("/m", Mount::read_only(tree)).unwrap();
    table
}

fn real(path: &str) -> String {
    let lease = table().checkout(mounts::LeaseMode::Shared).unwrap();
    lease.real_path(path).unwrap().to_string()
}

#[test]
fn a_real_path_has_no_links_that_can_be_followed() {
    for (path, expected) in [
        ("/m/dir/file", "/m/dir/file"),
        ("/m/to_dir", "/m/dir"),
        ("/m/to_dir/file", "/m/dir/file"),
        ("/m/to_file", "/m/dir/file"),
        ("/m/to_dir/up", "/m/other"),
        ("/m/./to_dir/../to_file", "/m/dir/file"),
        ("/m", "/m"),
        ("/", "/"),
    ] {
        assert_eq!(real(path), expected, "{path}");
    }
}

#[test]
fn a_real_path_keeps_what_is_missing_refused_or_circular() {
    for (path, expected) in [
        ("/m/to_dir/missing/deeper", "/m/dir/missing/deeper"),
        ("/m/dangling", "/m/missing/x"),
        ("/m/dangling/y", "/m/missing/x/y"),
        ("/m/out", "/m/out"),
        ("/m/to_out", "/m/out"),
        ("/m/absolute/x", "/m/absolute/x"),
        ("/m/round", "/m/round"),
        ("/m/towards/x", "/m/round/x"),
    ] {
        assert_eq!(real(path), expected, "{path}");
    }
}

#[test]
fn a_real_path_is_asked_of_the_mount_that_covers_it_or_of_nobody() {
    let lease = table().checkout(mounts::LeaseMode::Shared).unwrap();
    assert_eq!(kind(lease.real_path("/elsewhere")), ErrorKind::NotCovered);
    assert_eq!(kind(lease.real_path("/m/\0")), ErrorKind::Nul);
}

#[test]
fn listings_leave_out_links_that_lead_out_and_show_the_others() {
    for path in ["/m", "/m/", "/m/to_dir/.."] {
        let listed: Vec<_> = table()
            .list(path)
            .unwrap()
            .into_iter()
            .map(|entry| entry.name.to_string())
            .collect();
        assert_eq!(
            listed,
            [
                "about", "dangling", "dir", "other", "round", "to_dir", "to_file", "towards"
            ],
            "{path}"
        );
    }
}

#[test]
fn a_refused_link_is_still_a_link_when_asked_for_by_name() {
    let lease = table().checkout(mounts::LeaseMode::Shared).unwrap();
    for path in ["/m/out", "/m/absolute", "/m/to_out"] {
        assert_eq!(lease.symlink_metadata(path).unwrap().file_type, FileType::Symlink);
        assert_eq!(kind(lease.metadata(path)), ErrorKind::PermissionDenied);
        assert_eq!(kind(lease.read(path)), ErrorKind::PermissionDenied);
    }
    assert_eq!(kind(lease.metadata("/m/round")), ErrorKind::TooManyLinks);
    assert_eq!(kind(lease.metadata("/m/dangling")), ErrorKind::NotFound);
}
