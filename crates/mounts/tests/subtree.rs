//! Walking, matching and removing everything below a directory.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and the disk is a kind of mount"
)]

use std::fs;

use mounts::{ErrorKind, Globs, HostDirectory, LeaseMode, Mount, PathGlob, RuleErrorKind, Rules, Table};

const FILES: [(&str, &str); 5] = [
    ("/a/b/c.py", ""),
    ("/a/d.py", ""),
    ("/a/.hidden/e.py", ""),
    ("/f.txt", ""),
    ("/[x]/g.py", ""),
];

fn table() -> Table {
    let table = Table::new();
    table
        .mount("/m", Mount::memory().with_files(FILES).unwrap())
        .unwrap();
    table
        .mount("/m/a/n", Mount::memory().with_files([("/h.py", "")]).unwrap())
        .unwrap();
    table
}

fn globbed(table: &Table, glob: &str) -> Vec<String> {
    table.glob(&PathGlob::new(glob).unwrap()).unwrap()
}

#[test]
fn a_walk_names_everything_below_and_crosses_mounts() {
    let expected = [
        "/m/[x]",
        "/m/[x]/g.py",
        "/m/a",
        "/m/a/.hidden",
        "/m/a/.hidden/e.py",
        "/m/a/b",
        "/m/a/b/c.py",
        "/m/a/d.py",
        "/m/a/n",
        "/m/a/n/h.py",
        "/m/f.txt",
    ];
    assert_eq!(table().walk("/m").unwrap(), expected);
    assert_eq!(table().walk("/x/../").unwrap().len(), expected.len() + 1);
}

#[test]
fn a_walk_of_no_directory_says_so() {
    for (path, kind) in [
        ("/m/f.txt", ErrorKind::NotADirectory),
        ("/m/none", ErrorKind::NotFound),
        ("m", ErrorKind::NotAbsolute),
        ("/elsewhere", ErrorKind::NotCovered),
    ] {
        assert_eq!(table().walk(path).unwrap_err().kind(), kind, "{path}");
    }
}

#[test]
fn a_glob_picks_what_it_matches_and_nothing_below() {
    let table = table();
    for (glob, expected) in [
        ("/m/a", &["/m/a"][..]),
        ("m/*/", &["/m/[x]", "/m/a", "/m/f.txt"]),
        ("/m/*/*.py", &["/m/[x]/g.py", "/m/a/d.py"]),
        (
            "/m/a/**/*.py",
            &["/m/a/.hidden/e.py", "/m/a/b/c.py", "/m/a/d.py", "/m/a/n/h.py"],
        ),
        ("/m/{a/b,[[]x]}/*", &["/m/[x]/g.py", "/m/a/b/c.py"]),
        (r"/m/\[x\]/*", &["/m/[x]/g.py"]),
        ("/*", &["/m"]),
        ("/m/none/*", &[]),
        ("/m/f.txt/*", &[]),
        ("/elsewhere/*", &[]),
    ] {
        assert_eq!(globbed(&table, glob), expected, "{glob}");
    }
    assert_eq!(
        PathGlob::new("/m/[a").unwrap_err().kind(),
        RuleErrorKind::UnclosedClass
    );
}

#[test]
fn a_glob_matches_what_a_walk_finds() {
    let table = table();
    let walked = table.walk("/").unwrap();
    for glob in ["/**", "/m/**", "/m/?/*", "/**/*.py", "/{m/a,m}/*", "/m/a/.*/*"] {
        let matcher = globset::GlobBuilder::new(glob)
            .literal_separator(true)
            .build()
            .unwrap()
            .compile_matcher();
        let expected: Vec<_> = walked.iter().filter(|path| matcher.is_match(path)).collect();
        assert_eq!(
            globbed(&table, glob).iter().collect::<Vec<_>>(),
            expected,
            "{glob}"
        );
    }
}

#[test]
fn removing_all_takes_everything_below_and_nothing_else() {
    let table = table();
    table.remove_all("/m/a/b").unwrap();
    table.remove_all("/m/f.txt").unwrap();
    table.remove_all("/m/none").unwrap();
    table.remove_all("/m/[x]/../[x]").unwrap();
    assert_eq!(table.list("/m").unwrap().len(), 1);
    assert!(!table.exists("/m/a/b"));
    assert!(table.exists("/m/a/d.py"));
}

#[test]
fn removing_all_leaves_mount_points_and_what_is_above_them_untouched() {
    let table = table();
    let before = table.walk("/").unwrap();
    for path in ["/", "/m", "/m/a", "/m/a/n"] {
        assert_eq!(
            table.remove_all(path).unwrap_err().kind(),
            ErrorKind::PermissionDenied
        );
    }
    assert_eq!(table.walk("/").unwrap(), before);
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    assert_eq!(table.remove_all("/m/[x]").unwrap_err().kind(), ErrorKind::InUse);
    lease.remove_all("/m/[x]").unwrap();
}

#[test]
fn removing_all_does_not_destroy_what_is_hidden() {
    let rules = Rules::new(Globs {
        hide: vec!["**/*.key".to_owned()],
        ..Globs::default()
    });
    let mount = Mount::memory()
        .with_files([("/d/a.key", "secret"), ("/d/b", "")])
        .unwrap();
    let table = Table::new();
    table.mount("/m", mount.with_rules(rules.unwrap())).unwrap();
    assert_eq!(
        table.remove_all("/m/d").unwrap_err().kind(),
        ErrorKind::DirectoryNotEmpty
    );
    assert_eq!(table.list_mounts()[0].usage.held.files, 2);
    assert_eq!(table.walk("/m").unwrap(), ["/m/d"]);
}

#[cfg(unix)]
#[test]
fn links_are_seen_and_not_followed() {
    let disk = tempfile::tempdir().unwrap();
    fs::create_dir_all(disk.path().join("kept/below")).unwrap();
    fs::create_dir(disk.path().join("doomed")).unwrap();
    std::os::unix::fs::symlink("../kept", disk.path().join("doomed/link")).unwrap();
    std::os::unix::fs::symlink(".", disk.path().join("loop")).unwrap();
    let table = Table::new();
    let host = mounts::WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap());
    table.mount("/m", Mount::read_write(host)).unwrap();
    let walked = [
        "/m/doomed",
        "/m/doomed/link",
        "/m/kept",
        "/m/kept/below",
        "/m/loop",
    ];
    assert_eq!(table.walk("/m").unwrap(), walked);
    table.remove_all("/m/doomed").unwrap();
    table.remove_all("/m/loop").unwrap();
    assert!(disk.path().join("kept/below").exists());
    assert_eq!(table.walk("/m").unwrap(), ["/m/kept", "/m/kept/below"]);
}
