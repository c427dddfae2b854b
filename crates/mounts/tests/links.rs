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
        ("beside_target", Entry::Link("deep/link/../beside")),
        ("deep", Entry::Directory),
        ("deep/link", Entry::Link("../far/away")),
        ("deep/beside", Entry::File("beside the link")),
        ("far", Entry::Directory),
        ("far/away", Entry::Directory),
        ("far/beside", Entry::File("beside the target")),
        ("behind_missing", Entry::Link("missing/../other")),
        ("behind_file", Entry::Link("other/../other")),
        ("slash_file", Entry::Link("other/")),
        ("slash_dot_file", Entry::Link("other/.")),
        ("slash_dir", Entry::Link("dir/")),
        ("to_slash_file", Entry::Link("slash_file")),
        ("behind_refused", Entry::Link("out/../other")),
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
        ("/m/beside_target", "/m/far/beside"),
        ("/m/slash_dir/file", "/m/dir/file"),
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
        ("/m/behind_missing", "/m/other"),
        ("/m/behind_file", "/m/other"),
        ("/m/behind_refused", "/m/behind_refused"),
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
                "about",
                "behind_file",
                "behind_missing",
                "beside_target",
                "dangling",
                "deep",
                "dir",
                "far",
                "other",
                "round",
                "slash_dir",
                "slash_dot_file",
                "slash_file",
                "to_dir",
                "to_file",
                "to_slash_file",
                "towards"
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

/// `..` in a link's target was once taken away by name, so a script read the file beside a link where Linux reads the
/// one beside what the link leads to, and found a file behind a directory that is not there. What a `..` follows is
/// now looked up first.
#[test]
fn what_a_dotdot_follows_in_a_target_is_looked_up_first() {
    let table = table();
    assert_eq!(table.read("/m/beside_target").unwrap(), *b"beside the target");
    assert_eq!(kind(table.read("/m/behind_missing")), ErrorKind::NotFound);
    assert_eq!(kind(table.read("/m/behind_file")), ErrorKind::NotADirectory);
    assert_eq!(kind(table.read("/m/behind_refused")), ErrorKind::PermissionDenied);
    for path in ["/m/behind_missing", "/m/behind_file", "/m/behind_refused"] {
        assert!(!table.exists(path), "{path}");
    }
}

/// A slash behind a link's target was once dropped, so a link to `file/` could be read, and one to `new/` made a file.
/// It now asks for a directory, whatever other links come after it.
#[test]
fn a_target_with_a_slash_behind_it_is_a_directory_or_refused() {
    let table = table();
    for path in ["/m/slash_file", "/m/slash_dot_file", "/m/to_slash_file"] {
        assert_eq!(kind(table.read(path)), ErrorKind::NotADirectory, "{path}");
        assert_eq!(kind(table.metadata(path)), ErrorKind::NotADirectory, "{path}");
        assert_eq!(kind(table.list(path)), ErrorKind::NotADirectory, "{path}");
    }
    assert_eq!(table.read("/m/slash_dir/file").unwrap(), *b"text");
    assert_eq!(table.list("/m/slash_dir").unwrap().len(), 2);

    let overlay = Table::new();
    let lower = Linked::new([
        ("new", Entry::Link("made/")),
        ("old", Entry::Link("file/")),
        ("lost", Entry::Link("missing/made/")),
        ("file", Entry::File("text")),
    ]);
    overlay.mount("/m", Mount::overlay(lower)).unwrap();
    assert_eq!(kind(overlay.write("/m/new", "x")), ErrorKind::IsADirectory);
    assert_eq!(kind(overlay.append("/m/old", b"x")), ErrorKind::IsADirectory);
    assert_eq!(kind(overlay.write("/m/lost", "x")), ErrorKind::NotFound);
    assert!(!overlay.exists("/m/made"));
    assert_eq!(overlay.read("/m/file").unwrap(), *b"text");
}
