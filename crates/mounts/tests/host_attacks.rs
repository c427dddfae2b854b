//! Attacks on a host directory mounted for reading, each of which must fail.

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
use std::path::Path;

use host::{names, with_each_lookup};
use mounts::{ErrorKind, FileType, HostDirectory, LeaseMode, Mount, Table};
use rustix::fs::{CWD, Mode, mknodat};
use tempfile::{TempDir, tempdir};

fn kind<T: std::fmt::Debug>(result: mounts::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// `inside` is what is mounted; `inside-sibling` and `secret` are beside it.
fn house() -> TempDir {
    let house = tempdir().unwrap();
    let at = |path: &str| house.path().join(path);
    fs::create_dir_all(at("inside/dir/deeper")).unwrap();
    fs::create_dir(at("inside-sibling")).unwrap();
    fs::write(at("inside/file"), "inside").unwrap();
    fs::write(at("inside/dir/file"), "below").unwrap();
    fs::write(at("inside-sibling/file"), "outside").unwrap();
    fs::write(at("secret"), "outside").unwrap();
    house
}

fn with_house(lay: impl Fn(&Path), check: impl Fn(&Table)) {
    let house = house();
    let inside = house.path().join("inside");
    lay(&inside);
    with_each_lookup(&inside, check);
}

/// Nothing that is refused may be read, described, listed, or found to exist through `path`.
fn assert_refused(table: &Table, path: &str) {
    let lease = table.checkout(LeaseMode::Shared).unwrap();
    for (operation, answer) in [
        ("read", lease.read(path).map(drop)),
        ("open", lease.open(path)),
        ("metadata", lease.metadata(path).map(drop)),
        ("list", lease.list(path).map(drop)),
        ("write", lease.write(path, "x")),
    ] {
        assert_eq!(kind(answer), ErrorKind::PermissionDenied, "{operation} {path}");
    }
    assert!(!lease.exists(path) && !lease.is_dir(path), "{path}");
}

#[test]
fn dots_lead_nowhere_outside_in_any_position() {
    with_house(
        |_| {},
        |table| {
            for (path, expected) in [
                ("/m/../m/file", "inside"),
                ("/m/dir/../file", "inside"),
                ("/m/./dir/./../file", "inside"),
                ("/../../m/file", "inside"),
                ("/m/dir/deeper/../../file", "inside"),
                ("/m/missing/../file", "inside"),
            ] {
                assert_eq!(table.read(path).unwrap().to_vec(), expected.as_bytes(), "{path}");
            }
            for path in [
                "/m/../secret",
                "/m/dir/../../secret",
                "/m/..",
                "/..",
                "/m/../inside-sibling/file",
                "/../m/../secret",
            ] {
                assert!(table.read(path).is_err(), "{path}");
            }
            assert_eq!(kind(table.read("/m/../secret")), ErrorKind::NotCovered);
            assert_eq!(kind(table.read("/m/..hidden")), ErrorKind::NotFound);
        },
    );
}

#[test]
fn a_sibling_whose_name_starts_alike_is_not_inside() {
    with_house(
        |inside| {
            symlink("../inside-sibling/file", inside.join("sibling")).unwrap();
            symlink("../inside-sibling", inside.join("siblings")).unwrap();
        },
        |table| {
            assert_refused(table, "/m/sibling");
            assert_refused(table, "/m/siblings");
            assert_refused(table, "/m/siblings/file");
            assert_eq!(kind(table.read("/m-sibling/file")), ErrorKind::NotCovered);
        },
    );
}

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

#[test]
fn a_hard_link_is_a_file_like_any_other() {
    with_house(
        |inside| fs::hard_link(inside.join("../secret"), inside.join("hard")).unwrap(),
        |table| {
            // Who may make one inside could have copied the file there.
            assert_eq!(table.read("/m/hard").unwrap(), *b"outside");
            assert_eq!(table.metadata("/m/hard").unwrap().links, 2);
        },
    );
}

#[test]
fn a_fifo_is_denied_and_nobody_waits() {
    with_house(
        |inside| {
            let fifo = inside.join("fifo");
            mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
            symlink("fifo", inside.join("to-fifo")).unwrap();
        },
        |table| {
            for path in ["/m/fifo", "/m/to-fifo"] {
                assert_eq!(kind(table.read(path)), ErrorKind::PermissionDenied);
                assert_eq!(
                    kind(table.checkout(LeaseMode::Shared).unwrap().open(path)),
                    ErrorKind::PermissionDenied
                );
                assert_eq!(kind(table.list(path)), ErrorKind::NotADirectory);
                assert_eq!(table.metadata(path).unwrap().file_type, FileType::Special);
            }
        },
    );
}

#[test]
fn a_device_is_denied() {
    let house = house();
    let device = house.path().join("inside/null");
    let character = rustix::fs::FileType::CharacterDevice;
    if mknodat(CWD, &device, character, Mode::all(), rustix::fs::makedev(1, 3)).is_err() {
        eprintln!("skipped: this user may not make a device");
        return;
    }
    with_each_lookup(&house.path().join("inside"), |table| {
        assert_eq!(kind(table.read("/m/null")), ErrorKind::PermissionDenied);
        assert_eq!(table.metadata("/m/null").unwrap().file_type, FileType::Special);
        let listed = table.list("/m").unwrap();
        assert!(
            listed
                .iter()
                .any(|entry| &*entry.name == "null" && entry.file_type == FileType::Special)
        );
    });
}

#[test]
fn the_directory_stays_the_same_when_its_path_is_taken_over() {
    for open in [HostDirectory::open, HostDirectory::open_walked] {
        let house = house();
        let inside = house.path().join("inside");
        let table = Table::new();
        table
            .mount("/m", Mount::read_only(open(inside.clone()).unwrap()))
            .unwrap();
        fs::rename(&inside, house.path().join("moved")).unwrap();
        assert_eq!(table.read("/m/file").unwrap(), *b"inside");

        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("file"), "impostor").unwrap();
        assert_eq!(table.read("/m/file").unwrap(), *b"inside");
        assert_eq!(names(&table, "/m"), ["dir", "file"]);

        fs::remove_dir_all(&inside).unwrap();
        symlink("inside-sibling", &inside).unwrap();
        assert_eq!(table.read("/m/file").unwrap(), *b"inside");
        assert_eq!(names(&table, "/m/dir"), ["deeper", "file"]);
    }
}

#[test]
fn a_directory_removed_underneath_is_empty_and_its_successor_stays_unseen() {
    let house = house();
    let inside = house.path().join("inside");
    with_each_lookup(&inside, |table| {
        fs::rename(&inside, house.path().join("moved")).unwrap();
        fs::remove_dir_all(house.path().join("moved")).unwrap();
        fs::create_dir_all(inside.join("dir")).unwrap();
        fs::write(inside.join("file"), "new").unwrap();
        assert_eq!(kind(table.read("/m/file")), ErrorKind::NotFound);
        assert!(names(table, "/m").is_empty());
    });
}

#[test]
fn a_nul_byte_is_refused_before_the_host_sees_it() {
    with_house(
        |_| {},
        |table| {
            for path in ["/m/file\0", "/m/\0", "/m/fi\0le", "/m/dir/..\0/file"] {
                assert_eq!(kind(table.read(path)), ErrorKind::Nul, "{path:?}");
                assert!(!table.exists(path));
            }
        },
    );
}

#[test]
fn a_deep_tree_is_reached_to_its_end() {
    let root = tempdir().unwrap();
    let deep = vec!["d"; 60].join("/");
    fs::create_dir_all(root.path().join(&deep)).unwrap();
    fs::write(root.path().join(&deep).join("file"), "bottom").unwrap();
    symlink(format!("{deep}/file"), root.path().join("down")).unwrap();
    with_each_lookup(root.path(), |table| {
        assert_eq!(table.read(&format!("/m/{deep}/file")).unwrap(), *b"bottom");
        assert_eq!(table.read("/m/down").unwrap(), *b"bottom");
        assert_eq!(names(table, &format!("/m/{deep}")), ["file"]);
        let too_deep = format!("/m/{deep}/a/b/c/d");
        assert_eq!(kind(table.read(&too_deep)), ErrorKind::NameTooLong);
    });
}

#[test]
fn names_at_the_limit_are_reached_and_longer_ones_refused() {
    let root = tempdir().unwrap();
    let longest = "n".repeat(255);
    fs::create_dir(root.path().join(&longest)).unwrap();
    fs::write(root.path().join(&longest).join(&longest), "long").unwrap();
    symlink("t".repeat(300), root.path().join("to-longer")).unwrap();
    with_each_lookup(root.path(), |table| {
        assert_eq!(table.read(&format!("/m/{longest}/{longest}")).unwrap(), *b"long");
        assert_eq!(
            kind(table.read(&format!("/m/{longest}n"))),
            ErrorKind::NameTooLong
        );
        assert_eq!(kind(table.read("/m/to-longer")), ErrorKind::NameTooLong);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn magic_links_are_refused_whatever_their_text() {
    let (pipe, _other_end) = std::io::pipe().unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&pipe);
    let text = fs::read_link(format!("/proc/self/fd/{number}")).unwrap();
    assert!(text.to_str().unwrap().starts_with("pipe:["));
    with_each_lookup(Path::new("/proc/self"), |table| {
        assert_refused(table, "/m/exe");
        assert_refused(table, "/m/root/etc/passwd");
        assert_refused(table, "/m/cwd");
        assert_refused(table, &format!("/m/fd/{number}"));
        assert!(!names(table, "/m").contains(&"root".to_owned()));
        assert!(!names(table, "/m/fd").contains(&number.to_string()));
    });
}
