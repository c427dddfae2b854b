//! Writing through a host directory: what a change does to files, names and counters, and what it leaves alone.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by unwrapping, and looks at what was written"
)]

#[path = "support/host.rs"]
mod host;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use host::{LOOKUPS, kind, listed, with_each_writer};
use mounts::{
    ErrorKind, HostDirectory, Lease, LeaseMode, Limits, Mount, MountKind, OpenMode, Reader as _, Table,
    WritableHostDirectory,
};
use tempfile::tempdir;

type Mounting = fn(HostDirectory) -> Mount;

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

fn truncate(table: &Lease, path: &str) -> mounts::Result<()> {
    table.open_for_write(path, OpenMode::Truncate)
}

fn touch(table: &Lease, path: &str) -> mounts::Result<()> {
    table.open_for_write(path, OpenMode::Append)
}

#[test]
fn what_is_written_is_on_the_host_at_once() {
    with_each_writer(
        |_| {},
        |table, inside| {
            table.create_dir("/m/dir").unwrap();
            table.write("/m/dir/file", "one").unwrap();
            assert_eq!(text(inside.join("dir/file")), "one");
            table.append("/m/dir/file", b" two").unwrap();
            assert_eq!(text(inside.join("dir/file")), "one two");
            table.rename("/m/dir", "/m/moved").unwrap();
            assert_eq!(text(inside.join("moved/file")), "one two");
            truncate(table, "/m/moved/file").unwrap();
            assert_eq!(text(inside.join("moved/file")), "");
            touch(table, "/m/born").unwrap();
            assert_eq!(text(inside.join("born")), "");
            table.remove_file("/m/moved/file").unwrap();
            table.remove_dir("/m/moved").unwrap();
            assert_eq!(listed(table, "/m"), ["born"]);
            assert_eq!(fs::read_dir(inside).unwrap().count(), 1);
        },
    );
}

#[test]
fn replacing_a_file_keeps_its_mode_and_changes_its_inode_number() {
    with_each_writer(
        |inside| {
            fs::write(inside.join("script"), "old").unwrap();
            set_mode(&inside.join("script"), 0o751);
        },
        |table, inside| {
            let script = inside.join("script");
            let before = inode(&script);
            table.write("/m/script", "new").unwrap();
            assert_eq!((text(&script).as_str(), mode(&script)), ("new", 0o751));
            assert_ne!(inode(&script), before);
        },
    );
}

#[test]
fn appending_and_truncating_keep_the_file_itself() {
    with_each_writer(
        |inside| fs::write(inside.join("log"), "a").unwrap(),
        |table, inside| {
            let log = inside.join("log");
            let before = inode(&log);
            table.append("/m/log", b"b").unwrap();
            touch(table, "/m/log").unwrap();
            assert_eq!(text(&log), "ab");
            truncate(table, "/m/log").unwrap();
            assert_eq!((text(&log).as_str(), inode(&log)), ("", before));
        },
    );
}

#[cfg(target_os = "linux")]
#[test]
fn replacing_a_file_keeps_its_owner_and_its_extended_attributes() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};

    with_each_writer(
        |inside| {
            let file = inside.join("file");
            fs::write(&file, "old").unwrap();
            setxattr(&file, "user.origin", b"elsewhere", XattrFlags::empty()).unwrap();
            if rustix::process::geteuid().is_root() {
                std::os::unix::fs::chown(&file, Some(1234), Some(4321)).unwrap();
            }
        },
        |table, inside| {
            let file = inside.join("file");
            let before = fs::metadata(&file).unwrap();
            table.write("/m/file", "new").unwrap();
            let after = fs::metadata(&file).unwrap();
            assert_ne!(before.ino(), after.ino());
            assert_eq!((before.uid(), before.gid()), (after.uid(), after.gid()));
            let mut value = [0; 64];
            let length = getxattr(&file, "user.origin", &mut value).unwrap();
            assert_eq!(&value[..length], b"elsewhere");
        },
    );
}

/// Whoever rewrites a program that runs as its owner would run as that owner.
#[test]
fn a_program_that_runs_as_its_owner_loses_that_when_it_is_changed() {
    with_each_writer(
        |inside| {
            for name in ["replaced", "appended", "truncated", "touched"] {
                fs::write(inside.join(name), "program").unwrap();
                set_mode(&inside.join(name), 0o6755);
            }
        },
        |table, inside| {
            table.write("/m/replaced", "other").unwrap();
            table.append("/m/appended", b"other").unwrap();
            truncate(table, "/m/truncated").unwrap();
            touch(table, "/m/touched").unwrap();
            for name in ["replaced", "appended", "truncated"] {
                assert_eq!(mode(&inside.join(name)), 0o755, "{name}");
            }
            assert_eq!(mode(&inside.join("touched")), 0o6755);
        },
    );
}

#[test]
fn a_file_with_a_name_outside_is_changed_under_the_name_inside_only() {
    type Change = fn(&Lease) -> mounts::Result<()>;
    let changes: [(Change, &str); 4] = [
        (|table| table.write("/m/file", "new"), "new"),
        (|table| table.append("/m/file", b" and more"), "shared and more"),
        (|table| truncate(table, "/m/file"), ""),
        (|table| touch(table, "/m/file"), "shared"),
    ];
    for (change, expected) in changes {
        with_each_writer(
            |inside| {
                let outside = inside.with_file_name("outside");
                fs::write(&outside, "shared").unwrap();
                set_mode(&outside, 0o640);
                fs::hard_link(&outside, inside.join("file")).unwrap();
            },
            |table, inside| {
                let outside = inside.with_file_name("outside");
                change(table).unwrap();
                assert_eq!(text(&outside), "shared");
                assert_eq!(text(inside.join("file")), expected);
                assert_eq!(mode(&inside.join("file")), 0o640);
                let held = table.mounts()[0].usage.held;
                let grown = (expected.len() as u64).saturating_sub(6);
                assert_eq!((held.bytes, held.files), (grown, 0));
            },
        );
    }
}

#[test]
fn what_adds_nothing_leaves_two_names_one_file() {
    with_each_writer(
        |inside| {
            fs::write(inside.join("file"), "shared").unwrap();
            fs::hard_link(inside.join("file"), inside.join("other")).unwrap();
        },
        |table, inside| {
            touch(table, "/m/file").unwrap();
            table.append("/m/file", b"").unwrap();
            assert_eq!(inode(&inside.join("file")), inode(&inside.join("other")));
        },
    );
}

#[test]
fn a_large_file_with_a_name_outside_is_copied_whole_before_it_grows() {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    with_each_writer(
        |inside| {
            fs::write(inside.with_file_name("outside"), &bytes).unwrap();
            fs::hard_link(inside.with_file_name("outside"), inside.join("file")).unwrap();
        },
        |table, inside| {
            table.append("/m/file", b"tail").unwrap();
            let mut expected = bytes.clone();
            assert_eq!(fs::read(inside.with_file_name("outside")).unwrap(), expected);
            expected.extend_from_slice(b"tail");
            assert_eq!(fs::read(inside.join("file")).unwrap(), expected);
        },
    );
}

#[test]
fn links_are_written_through_where_they_lead_inside_and_removed_themselves() {
    with_each_writer(
        |inside| {
            fs::create_dir(inside.join("dir")).unwrap();
            fs::write(inside.join("dir/file"), "old").unwrap();
            symlink("dir/file", inside.join("link")).unwrap();
            symlink("dir", inside.join("to-dir")).unwrap();
            symlink("dir/born", inside.join("dangling")).unwrap();
        },
        |table, inside| {
            table.write("/m/link", "new").unwrap();
            table.append("/m/to-dir/file", b"er").unwrap();
            table.write("/m/dangling", "made").unwrap();
            table.create_dir("/m/to-dir/sub").unwrap();
            assert_eq!(text(inside.join("dir/file")), "newer");
            assert_eq!(text(inside.join("dir/born")), "made");
            assert!(inside.join("dir/sub").is_dir());
            assert_eq!(kind(table.create_dir("/m/link")), ErrorKind::AlreadyExists);
            assert_eq!(kind(table.remove_dir("/m/to-dir")), ErrorKind::NotADirectory);
            table.rename("/m/link", "/m/dir/renamed").unwrap();
            assert!(inside.join("dir/renamed").is_symlink());
            for link in ["/m/dangling", "/m/to-dir", "/m/dir/renamed"] {
                table.remove_file(link).unwrap();
            }
            assert_eq!(listed(table, "/m"), ["dir"]);
            assert_eq!(listed(table, "/m/dir"), ["born", "file", "sub"]);
        },
    );
}

#[test]
fn names_at_the_limit_are_written_replaced_and_renamed() {
    let longest = |letter: &str| format!("/m/{}", letter.repeat(255));
    with_each_writer(
        |_| {},
        |table, _| {
            table.write(&longest("a"), "one").unwrap();
            table.write(&longest("a"), "two").unwrap();
            table.append(&longest("a"), b"!").unwrap();
            table.create_dir(&longest("d")).unwrap();
            table
                .rename(&longest("a"), &format!("{}/{}", longest("d"), "f".repeat(255)))
                .unwrap();
            let inside = format!("{}/{}", longest("d"), "f".repeat(255));
            assert_eq!(table.read(&inside).unwrap(), *b"two!");
            assert_eq!(
                kind(table.write(&format!("{inside}f"), "")),
                ErrorKind::NameTooLong
            );
        },
    );
}

#[test]
fn the_mounts_own_directory_is_neither_written_nor_removed_nor_renamed() {
    for (_, open) in LOOKUPS {
        let root = tempdir().unwrap();
        fs::create_dir(root.path().join("dir")).unwrap();
        // Mounted at the root of the table, so that no mount point answers for the backend.
        let table = Table::new();
        let directory = WritableHostDirectory::new(open(root.path()).unwrap());
        table.mount("/", Mount::read_write(directory)).unwrap();
        let table = table.checkout(LeaseMode::Exclusive).unwrap();
        assert_eq!(kind(table.write("/", "x")), ErrorKind::IsADirectory);
        assert_eq!(kind(table.create_dir("/")), ErrorKind::AlreadyExists);
        assert!(table.remove_file("/").is_err());
        assert!(table.remove_dir("/").is_err());
        assert!(table.rename("/", "/dir/x").is_err());
        assert!(table.rename("/dir", "/").is_err());
        assert_eq!(listed(&table, "/"), ["dir"]);
    }
}

#[test]
fn a_writable_directory_has_safe_limits_unless_it_is_given_others() {
    let root = tempdir().unwrap();
    let mount = || {
        let directory = HostDirectory::open(root.path()).unwrap();
        Mount::read_write(WritableHostDirectory::new(directory))
    };
    assert_eq!(mount().kind(), MountKind::ReadWrite);
    assert_eq!(*mount().limits(), Limits::written_through());
    assert_eq!(mount().limits().write_bytes, Some(1 << 30));
    assert_eq!(mount().limits().max_files, Some(100_000));
    let lifted = mount().with_limits(Limits::default());
    assert_eq!(
        (lifted.limits().write_bytes, lifted.limits().max_files),
        (None, None)
    );
    let shared = std::sync::Arc::new(WritableHostDirectory::new(
        HostDirectory::open(root.path()).unwrap(),
    ));
    assert_eq!(*Mount::read_write(shared).limits(), Limits::written_through());
    assert_eq!(*Mount::memory().limits(), Limits::default());
}

#[test]
fn a_directory_that_is_written_overlaps_with_no_other_mount_of_it() {
    let root = tempdir().unwrap();
    fs::create_dir_all(root.path().join("dir/below")).unwrap();
    fs::create_dir(root.path().join("sibling")).unwrap();
    let open = |path: &str| HostDirectory::open(root.path().join(path)).unwrap();
    let written = |path: &str| Mount::read_write(WritableHostDirectory::new(open(path)));
    let others: [(&str, Mounting); 3] = [
        ("read-write", |directory| {
            Mount::read_write(WritableHostDirectory::new(directory))
        }),
        ("read-only", |directory| Mount::read_only(directory)),
        ("overlay", |directory| Mount::overlay(directory)),
    ];
    assert!(
        WritableHostDirectory::new(open("dir"))
            .host()
            .unwrap()
            .written_through
    );
    for (kind_of_other, mount) in others {
        for path in ["", "dir", "dir/below"] {
            let table = Table::new();
            table.mount("/written", written("dir")).unwrap();
            let refused = kind(table.mount("/other", mount(open(path))));
            assert_eq!(refused, ErrorKind::Overlaps, "{kind_of_other} {path:?}");
            table.mount("/other", mount(open("sibling"))).unwrap();

            let table = Table::new();
            table.mount("/other", mount(open(path))).unwrap();
            assert_eq!(kind(table.mount("/written", written("dir"))), ErrorKind::Overlaps);
            // What is unmounted is in nobody's way.
            table.unmount("/other").unwrap();
            table.mount("/written", written("dir")).unwrap();
        }
    }
}

#[test]
fn an_error_of_a_change_names_the_virtual_path_and_never_the_hosts() {
    with_each_writer(
        |inside| fs::create_dir(inside.join("dir")).unwrap(),
        |table, inside| {
            for error in [
                table.write("/m/dir", "x").unwrap_err(),
                table.write("/m/missing/x", "x").unwrap_err(),
                table.remove_file("/m/dir").unwrap_err(),
                table.remove_dir("/m/missing").unwrap_err(),
                table.create_dir("/m/dir").unwrap_err(),
                table.rename("/m/missing", "/m/x").unwrap_err(),
                table.rename("/m/dir", "/m/dir/x").unwrap_err(),
            ] {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                let text = format!("{error} {error:?} {source:?}");
                assert!(error.path().starts_with("/m/"));
                assert!(!text.contains(inside.to_str().unwrap()), "{text}");
            }
        },
    );
}
