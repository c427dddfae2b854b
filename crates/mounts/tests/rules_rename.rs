//! Rules and renames: nothing leaves the reach of its rule, and nothing hidden is destroyed or brought to light.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use mounts::{ErrorKind, Globs, LeaseMode, Memory, Mount, Overlay, Rules, Table};
use support::kind;

/// `a/b/c/file`, `a/b/other`, and an empty directory.
const FILES: [(&str, &str); 3] = [("/a/b/c/file", "kept"), ("/a/b/other", "o"), ("/top", "t")];

fn globs(list: &[&str]) -> Vec<String> {
    list.iter().map(|&glob| glob.to_owned()).collect()
}

fn hide(list: &[&str]) -> Globs {
    Globs {
        hide: globs(list),
        ..Globs::default()
    }
}

fn deny(list: &[&str]) -> Globs {
    Globs {
        deny: globs(list),
        ..Globs::default()
    }
}

fn read_only(list: &[&str]) -> Globs {
    Globs {
        read_only: globs(list),
        ..Globs::default()
    }
}

/// The tree on the host.
#[cfg(unix)]
#[allow(
    clippy::disallowed_methods,
    reason = "a test makes host directories by itself"
)]
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(directory.path().join("a/b/c")).unwrap();
    std::fs::create_dir(directory.path().join("empty")).unwrap();
    for (path, text) in FILES {
        std::fs::write(directory.path().join(&path[1..]), text).unwrap();
    }
    directory
}

/// The tree on each kind of mount: in memory, in the upper layer, and in the lower.
fn on_every_kind(given: &Globs, check: impl Fn(&str, &Table)) {
    let lower = |files: &[(&str, &str)]| {
        let memory = std::sync::Arc::new(Memory::new());
        let grown = Table::new();
        grown.mount("/", Mount::read_write(memory.clone())).unwrap();
        grown.create_dir_all("/empty").unwrap();
        for (path, text) in files {
            let (parent, _) = path.rsplit_once('/').unwrap();
            grown.create_dir_all(&format!("/{parent}")).unwrap();
            grown.write(path, *text).unwrap();
        }
        memory
    };
    #[cfg(unix)]
    let directory = directory();
    for (name, mount) in [
        ("memory", Mount::read_write(lower(&FILES))),
        ("upper", Mount::overlay(lower(&[])).with_files(FILES).unwrap()),
        ("lower", Mount::overlay(lower(&FILES))),
        ("lowest", Mount::overlay(Overlay::new(lower(&FILES)))),
        #[cfg(unix)]
        (
            "directory",
            Mount::overlay(mounts::HostDirectory::open(directory.path()).unwrap()),
        ),
    ] {
        let table = Table::new();
        let rules = Rules::new(given.clone()).unwrap();
        table.mount("/m", mount.with_rules(rules)).unwrap();
        check(name, &table);
    }
}

#[test]
fn neither_a_file_nor_a_directory_above_it_can_be_renamed_out_of_its_rule() {
    for (given, file) in [
        (hide(&["a/b/c/file"]), ErrorKind::NotFound),
        (deny(&["a/b/c/file"]), ErrorKind::PermissionDenied),
        (read_only(&["a/b/c/file"]), ErrorKind::ReadOnly),
        (read_only(&["a/b/c/*"]), ErrorKind::ReadOnly),
        (hide(&["a/*/c/f*"]), ErrorKind::NotFound),
        (deny(&["a/**/file"]), ErrorKind::PermissionDenied),
    ] {
        on_every_kind(&given, |mount, table| {
            for (from, expected) in [
                ("/m/a/b/c/file", file),
                ("/m/a/b/c", ErrorKind::PermissionDenied),
                ("/m/a/b", ErrorKind::PermissionDenied),
                ("/m/a", ErrorKind::PermissionDenied),
            ] {
                for to in ["/m/x", "/m/empty", "/m/empty/x"] {
                    let error = table.rename(from, to).unwrap_err();
                    assert_eq!(error.kind(), expected, "{given:?}, {mount}: {from} -> {to}");
                    assert_eq!((error.path(), error.destination()), (from, Some(to)));
                }
            }
            assert!(table.list("/m/empty").unwrap().is_empty());
            table.rename("/m/a/b/other", "/m/empty/other").unwrap();
        });
    }
}

#[test]
fn a_directory_is_renamed_where_the_same_is_said_of_everything_in_it() {
    for given in [
        hide(&["**/file"]),
        deny(&["**/c"]),
        read_only(&["**/c/file"]),
        hide(&["{a,x,empty}/b/c"]),
    ] {
        on_every_kind(&given, |mount, table| {
            let before = kind_of(table, "/m/a/b/c/file");
            table.rename("/m/a", "/m/x").unwrap();
            assert_eq!(kind_of(table, "/m/x/b/c/file"), before, "{given:?}, {mount}");
            table.rename("/m/x", "/m/empty").unwrap();
            assert_eq!(kind_of(table, "/m/empty/b/c/file"), before, "{given:?}, {mount}");
            table.rename("/m/empty", "/m/a").unwrap();
            assert_eq!(kind_of(table, "/m/a/b/c/file"), before, "{given:?}, {mount}");
        });
    }
}

fn kind_of(table: &Table, path: &str) -> [Option<ErrorKind>; 2] {
    let read = table.read(path).err().map(|error| error.kind());
    let append = table.append(path, b"").err().map(|error| error.kind());
    [read, append]
}

#[test]
fn what_can_be_seen_is_not_renamed_into_a_rule_either() {
    for given in [
        hide(&["x/b/c"]),
        deny(&["x/**/file"]),
        read_only(&["x/b"]),
        hide(&["*/b/x"]),
    ] {
        on_every_kind(&given, |mount, table| {
            let (from, to) = if given.hide == ["*/b/x"] {
                table.create_dir_all("/m/y/x").unwrap();
                ("/m/y", "/m/a/b/y")
            } else {
                ("/m/a", "/m/x")
            };
            let answer = table.rename(from, to);
            if given.hide == ["*/b/x"] {
                answer.unwrap();
                assert_eq!(
                    kind(table.rename("/m/a/b/y/x", "/m/a/b/x")),
                    ErrorKind::NotFound,
                    "{mount}"
                );
            } else {
                assert_eq!(kind(answer), ErrorKind::PermissionDenied, "{given:?}, {mount}");
                assert_eq!(table.read("/m/a/b/c/file").unwrap(), *b"kept");
            }
        });
    }
}

#[test]
fn a_directory_that_holds_only_hidden_entries_looks_empty_and_is_not_destroyed() {
    on_every_kind(&hide(&["**/file"]), |mount, table| {
        assert!(table.list("/m/a/b/c").unwrap().is_empty(), "{mount}");
        assert_eq!(
            kind(table.remove_dir("/m/a/b/c")),
            ErrorKind::DirectoryNotEmpty,
            "{mount}"
        );
        assert_eq!(
            kind(table.rename("/m/empty", "/m/a/b/c")),
            ErrorKind::DirectoryNotEmpty,
            "{mount}"
        );
        assert_eq!(
            kind(table.rename("/m/top", "/m/a/b/c")),
            ErrorKind::IsADirectory,
            "{mount}"
        );
    });
}

#[test]
fn what_linux_refuses_is_refused_for_its_own_reason() {
    on_every_kind(&hide(&["a/b/c/file"]), |mount, table| {
        assert_eq!(
            kind(table.rename("/m/a", "/m/a/b/x")),
            ErrorKind::InvalidArgument,
            "{mount}"
        );
        assert_eq!(
            kind(table.rename("/m/a/b", "/m/a")),
            ErrorKind::DirectoryNotEmpty,
            "{mount}"
        );
        assert_eq!(
            kind(table.rename("/m/none", "/m/x")),
            ErrorKind::NotFound,
            "{mount}"
        );
        assert_eq!(
            kind(table.rename("/m/top", "/elsewhere")),
            ErrorKind::CrossesDevices,
            "{mount}"
        );
        assert_eq!(
            kind(table.rename("/m/a/b/c/file", "/elsewhere")),
            ErrorKind::CrossesDevices,
            "{mount}"
        );
        table.rename("/m/a", "/m/a").unwrap();
    });
}

/// Moving `in/p` to `out` is harmless while `s` is not in it, and so is moving `s` into it. If the look at what would
/// move and the move itself were two steps, `s` could come into `in/p` in between and leave with it, and what was
/// hidden as `in/p/s/deep` would be seen as `out/s/deep`. `in/p` is large, so that looking takes its time.
#[test]
fn two_renames_at_once_take_nothing_out_of_its_rule() {
    const ROUNDS: usize = 40;
    const ENTRIES: usize = 300;
    let given = hide(&["in/p/s/deep", "s/deep"]);
    let mut moved = [0, 0];
    for _ in 0..ROUNDS {
        let beside: Vec<_> = (0..ENTRIES).map(|entry| format!("/in/p/{entry}")).collect();
        let files = beside
            .iter()
            .map(|path| (path.as_str(), ""))
            .chain([("/s/deep/file", "hidden")]);
        let mount = Mount::memory()
            .with_files(files)
            .unwrap()
            .with_rules(Rules::new(given.clone()).unwrap());
        let table = Table::new();
        table.mount("/m", mount).unwrap();
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        let ready = AtomicUsize::new(0);
        let meet = || {
            ready.fetch_add(1, Ordering::AcqRel);
            while ready.load(Ordering::Acquire) < 2 {
                std::hint::spin_loop();
            }
        };
        let (into, out) = thread::scope(|scope| {
            let into = scope.spawn(|| {
                meet();
                lease.rename("/m/s", "/m/in/p/s")
            });
            meet();
            let out = lease.rename("/m/in/p", "/m/out");
            (into.join().unwrap(), out)
        });
        moved[0] += usize::from(into.is_ok());
        moved[1] += usize::from(out.is_ok());
        assert!(!lease.exists("/m/out/s/deep/file"));
        assert!(
            !(into.is_ok() && out.is_ok()),
            "what was hidden has moved into the open"
        );
    }
    assert_eq!(moved[0] + moved[1], ROUNDS, "exactly one of the two is possible");
}

#[test]
fn mount_points_are_there_whatever_the_rules_around_them_say() {
    for (given, refused) in [
        (hide(&["h"]), ErrorKind::NotFound),
        (deny(&["h"]), ErrorKind::PermissionDenied),
        (hide(&["**"]), ErrorKind::NotFound),
    ] {
        let table = Table::new();
        let outer = Mount::memory()
            .with_files([("/h/beside", "x"), ("/h/deep/beside", "y")])
            .unwrap();
        let outer = outer.with_rules(Rules::new(given.clone()).unwrap());
        table.mount("/m", outer).unwrap();
        table.mount("/m/h/deep/point", Mount::memory()).unwrap();
        let names = |path: &str| -> Vec<_> {
            let entries = table.list(path).unwrap();
            entries.iter().map(|entry| entry.name.to_string()).collect()
        };
        assert_eq!(
            (names("/m"), names("/m/h"), names("/m/h/deep")),
            (vec!["h".into()], vec!["deep".into()], vec!["point".into()])
        );
        table.write("/m/h/deep/point/file", "inside").unwrap();
        assert_eq!(table.metadata("/m/h").unwrap().mode, 0o555, "{given:?}");
        for path in [
            "/m/h/beside",
            "/m/h/deep/beside",
            "/m/h/deep/new",
            "/m/h/new/newer",
        ] {
            assert_eq!(kind(table.metadata(path)), refused, "{given:?} {path}");
            assert_eq!(kind(table.write(path, "")), refused, "{given:?} {path}");
        }
        assert_eq!(kind(table.rename("/m/h", "/m/x")), ErrorKind::PermissionDenied);
    }
}

/// An ancestor of a mount point is made real when something is written beside the point. A write that a rule refuses
/// must not leave it behind.
#[test]
fn a_refused_write_beside_a_mount_point_makes_nothing() {
    let table = Table::new();
    let outer = Mount::memory().with_rules(Rules::new(hide(&["**/no"])).unwrap());
    table.mount("/m", outer).unwrap();
    table.mount("/m/d/point", Mount::memory()).unwrap();
    assert_eq!(kind(table.write("/m/d/no", "")), ErrorKind::NotFound);
    assert_eq!(table.list_mounts()[0].usage.held.files, 0);
    table.write("/m/d/yes", "").unwrap();
    assert_eq!(table.list_mounts()[0].usage.held.files, 2);
}

#[test]
fn the_number_of_links_does_not_count_what_is_hidden() {
    on_every_kind(&hide(&["a/b/c"]), |mount, table| {
        assert_eq!(table.metadata("/m/a/b").unwrap().links, 1, "{mount}");
        assert_eq!(table.metadata("/m/a/b/other").unwrap().links, 1, "{mount}");
    });
    on_every_kind(&deny(&["a/b/c"]), |mount, table| {
        assert_eq!(table.metadata("/m/a/b").unwrap().links, 3, "{mount}");
    });
}

#[test]
fn a_mount_is_seeded_whatever_its_rules_say() {
    let rules = Rules::new(hide(&["a"])).unwrap();
    let table = Table::new();
    let seeded = Mount::memory()
        .with_rules(rules)
        .with_files([("/a/file", "x"), ("/b", "y")])
        .unwrap();
    table.mount("/m", seeded).unwrap();
    assert_eq!(kind(table.read("/m/a/file")), ErrorKind::NotFound);
    assert_eq!(table.read("/m/b").unwrap(), *b"y");
    assert_eq!(table.list_mounts()[0].usage.held.files, 3);
}
