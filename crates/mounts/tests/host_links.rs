//! Symbolic links in a host directory mounted for reading: what stays inside is followed, all else refused.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by unwrapping, and lays its own traps"
)]

#[path = "support/host.rs"]
mod host;

use std::fs;
use std::os::unix::fs::symlink;

use host::{assert_refused, kind, names, with_each_lookup, with_house};
use mounts::{ErrorKind, FileType, LeaseMode};

#[test]
fn absolute_links_are_refused_even_to_what_is_inside() {
    with_house(
        |inside| {
            symlink("/etc/passwd", inside.join("passwd")).unwrap();
            symlink("/", inside.join("slash")).unwrap();
            symlink("//etc", inside.join("slashes")).unwrap();
            symlink(inside.join("file"), inside.join("itself")).unwrap();
            symlink("/m/file", inside.join("virtual")).unwrap();
        },
        |table| {
            for path in [
                "/m/passwd",
                "/m/slash",
                "/m/slash/etc/passwd",
                "/m/slashes/passwd",
                "/m/itself",
                "/m/virtual",
            ] {
                assert_refused(table, path);
            }
            assert_eq!(names(table, "/m"), ["dir", "file"]);
        },
    );
}

#[test]
fn relative_links_that_leave_are_refused_at_any_depth() {
    with_house(
        |inside| {
            symlink("../secret", inside.join("up")).unwrap();
            symlink("../../secret", inside.join("dir/up")).unwrap();
            symlink("dir/../../secret", inside.join("through")).unwrap();
            symlink("../inside/file", inside.join("out-and-in")).unwrap();
            symlink("../../../../../../../etc/passwd", inside.join("dir/far")).unwrap();
        },
        |table| {
            for path in ["/m/up", "/m/dir/up", "/m/through", "/m/out-and-in", "/m/dir/far"] {
                assert_refused(table, path);
            }
            assert_eq!(names(table, "/m"), ["dir", "file"]);
            assert_eq!(names(table, "/m/dir"), ["deeper", "file"]);
        },
    );
}

#[test]
fn links_that_stay_inside_are_followed_and_seen_as_links() {
    with_house(
        |inside| {
            symlink("file", inside.join("link")).unwrap();
            symlink("dir", inside.join("directory")).unwrap();
            symlink("../file", inside.join("dir/up")).unwrap();
            symlink(".", inside.join("here")).unwrap();
            symlink("dir/deeper/../..", inside.join("round-about")).unwrap();
        },
        |table| {
            let lease = table.checkout(LeaseMode::Shared).unwrap();
            for (path, expected) in [
                ("/m/link", "inside"),
                ("/m/directory/file", "below"),
                ("/m/directory/up", "inside"),
                ("/m/here/here/directory/up", "inside"),
                ("/m/round-about/file", "inside"),
            ] {
                assert_eq!(lease.read(path).unwrap().to_vec(), expected.as_bytes(), "{path}");
            }
            for path in ["/m/link", "/m/directory", "/m/here/here", "/m/directory/up"] {
                let itself = lease.symlink_metadata(path).unwrap();
                assert_eq!(itself.file_type, FileType::Symlink, "{path}");
            }
            assert_eq!(lease.symlink_metadata("/m/link").unwrap().size, 4);
            assert!(lease.is_dir("/m/directory"));
            assert_eq!(names(table, "/m/here/directory"), ["deeper", "file", "up"]);
        },
    );
}

#[test]
fn chains_are_followed_up_to_forty_links_and_refused_when_one_of_them_leaves() {
    with_house(
        |inside| {
            for number in 1..=41 {
                let target = match number {
                    1 => "file".to_owned(),
                    _ => format!("chain{}", number - 1),
                };
                symlink(target, inside.join(format!("chain{number}"))).unwrap();
            }
            symlink("second", inside.join("first")).unwrap();
            symlink("dir/third", inside.join("second")).unwrap();
            symlink("../../secret", inside.join("dir/third")).unwrap();
        },
        |table| {
            assert_eq!(table.read("/m/chain40").unwrap(), *b"inside");
            assert_eq!(kind(table.read("/m/chain41")), ErrorKind::TooManyLinks);
            for path in ["/m/first", "/m/second", "/m/dir/third"] {
                assert_refused(table, path);
            }
            assert_eq!(names(table, "/m/dir"), ["deeper", "file"]);
            let listed = names(table, "/m");
            assert!(!listed.iter().any(|name| name == "first" || name == "second"));
        },
    );
}

#[test]
fn loops_end() {
    with_house(
        |inside| {
            symlink("self", inside.join("self")).unwrap();
            symlink("pong", inside.join("ping")).unwrap();
            symlink("ping", inside.join("pong")).unwrap();
            symlink("deepening/x", inside.join("deepening")).unwrap();
        },
        |table| {
            for path in ["/m/self", "/m/ping", "/m/self/x", "/m/pong/x/y"] {
                assert_eq!(kind(table.read(path)), ErrorKind::TooManyLinks, "{path}");
                assert_eq!(kind(table.metadata(path)), ErrorKind::TooManyLinks, "{path}");
                assert_eq!(kind(table.list(path)), ErrorKind::TooManyLinks, "{path}");
            }
            assert_eq!(kind(table.read("/m/deepening")), ErrorKind::TooManyLinks);
        },
    );
}

#[test]
fn dangling_links_are_missing_files_and_are_listed() {
    with_house(
        |inside| {
            symlink("missing", inside.join("dangling")).unwrap();
            symlink("file/x", inside.join("through-a-file")).unwrap();
        },
        |table| {
            assert_eq!(kind(table.read("/m/dangling")), ErrorKind::NotFound);
            assert_eq!(kind(table.metadata("/m/dangling")), ErrorKind::NotFound);
            assert_eq!(
                kind(table.metadata("/m/through-a-file")),
                ErrorKind::NotADirectory
            );
            assert!(!table.exists("/m/dangling"));
            assert!(names(table, "/m").contains(&"dangling".to_owned()));
        },
    );
}

#[test]
fn a_trailing_slash_does_not_make_a_link_something_else() {
    with_house(
        |inside| {
            symlink("dir", inside.join("directory")).unwrap();
            symlink("../inside-sibling", inside.join("outside")).unwrap();
            symlink("../inside-sibling/", inside.join("outside-slash")).unwrap();
        },
        |table| {
            assert_eq!(names(table, "/m/directory/"), ["deeper", "file"]);
            for path in ["/m/outside/", "/m/outside//", "/m/outside/.", "/m/outside-slash/"] {
                assert_refused(table, path);
            }
        },
    );
}

#[test]
fn a_link_to_a_parent_of_the_mount_is_refused() {
    with_house(
        |inside| {
            symlink("..", inside.join("parent")).unwrap();
            symlink("../..", inside.join("dir/grandparent")).unwrap();
            symlink("..", inside.join("dir/root")).unwrap();
        },
        |table| {
            for path in [
                "/m/parent",
                "/m/parent/secret",
                "/m/parent/inside/file",
                "/m/dir/grandparent",
            ] {
                assert_refused(table, path);
            }
            assert_eq!(table.read("/m/dir/root/file").unwrap(), *b"inside");
        },
    );
}

#[cfg(target_os = "linux")]
#[test]
fn magic_links_are_refused_whatever_their_text() {
    let (pipe, _other_end) = std::io::pipe().unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&pipe);
    let text = fs::read_link(format!("/proc/self/fd/{number}")).unwrap();
    assert!(text.to_str().unwrap().starts_with("pipe:["));
    with_each_lookup(std::path::Path::new("/proc/self"), |table| {
        assert_refused(table, "/m/exe");
        assert_refused(table, "/m/root/etc/passwd");
        assert_refused(table, "/m/cwd");
        assert_refused(table, &format!("/m/fd/{number}"));
        assert!(!names(table, "/m").contains(&"root".to_owned()));
        assert!(!names(table, "/m/fd").contains(&number.to_string()));
    });
}
