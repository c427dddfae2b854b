//! Writing through a host directory as a user who may not do everything there.

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
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use host::{kind, with_each_writer, without_privileges};
use mounts::{ErrorKind, Lease, OpenMode};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Runs `check` without privileges on a directory that `lay` has filled with them. The directory around it may be
/// passed by everybody.
fn unprivileged(lay: impl Fn(&Path) + Sync, check: impl Fn(&Lease, &Path) + Sync) {
    with_each_writer(
        |inside| {
            set_mode(inside.parent().unwrap(), 0o755);
            lay(inside);
        },
        |table, inside| {
            without_privileges(|| check(table, inside));
            set_mode(inside, 0o755);
        },
    );
}

fn open(table: &Lease, path: &str, mode: OpenMode) -> mounts::Result<()> {
    table.open_for_write(path, mode)
}

#[test]
fn in_a_directory_that_may_not_be_changed_files_are_written_in_place() {
    unprivileged(
        |inside| {
            fs::write(inside.join("file"), "a longer text").unwrap();
            set_mode(&inside.join("file"), 0o666);
            set_mode(inside, 0o555);
        },
        |table, inside| {
            let file = inside.join("file");
            let before = inode(&file);
            table.write("/m/file", "short").unwrap();
            assert_eq!((text(&file).as_str(), inode(&file)), ("short", before));
            table.append("/m/file", b"er").unwrap();
            assert_eq!((text(&file).as_str(), inode(&file)), ("shorter", before));
            open(table, "/m/file", OpenMode::Truncate).unwrap();
            assert_eq!((text(&file).as_str(), inode(&file)), ("", before));
            for refused in [
                table.write("/m/new", "x"),
                table.append("/m/new", b"x"),
                open(table, "/m/new", OpenMode::Append),
                table.create_dir("/m/new"),
                table.remove_file("/m/file"),
                table.rename("/m/file", "/m/new"),
            ] {
                assert_eq!(kind(refused), ErrorKind::PermissionDenied);
            }
            assert_eq!(table.mounts()[0].usage.held.files, 0);
        },
    );
}

/// A file that may be written but not replaced would be changed under its other names too. So it is not changed at
/// all: nothing outside a mount changes because of what a script does.
#[test]
fn a_file_with_a_name_outside_that_cannot_be_replaced_is_denied() {
    unprivileged(
        |inside| {
            let outside = inside.with_file_name("outside");
            fs::write(&outside, "shared").unwrap();
            set_mode(&outside, 0o666);
            fs::hard_link(&outside, inside.join("file")).unwrap();
            set_mode(inside, 0o555);
        },
        |table, inside| {
            for refused in [
                table.write("/m/file", "x"),
                table.append("/m/file", b"x"),
                open(table, "/m/file", OpenMode::Truncate),
            ] {
                assert_eq!(kind(refused), ErrorKind::PermissionDenied);
            }
            assert_eq!(text(&inside.with_file_name("outside")), "shared");
            assert_eq!(table.mounts()[0].usage.held.bytes, 0);
        },
    );
}

#[test]
fn a_read_only_file_is_not_written_though_its_directory_would_let_it_be_replaced() {
    unprivileged(
        |inside| {
            set_mode(inside, 0o777);
            fs::write(inside.join("file"), "kept").unwrap();
            set_mode(&inside.join("file"), 0o444);
        },
        |table, inside| {
            for refused in [
                table.write("/m/file", "x"),
                table.append("/m/file", b"x"),
                open(table, "/m/file", OpenMode::Truncate),
                open(table, "/m/file", OpenMode::Append),
            ] {
                assert_eq!(kind(refused), ErrorKind::PermissionDenied);
            }
            assert_eq!(text(&inside.join("file")), "kept");
            // As on Linux, renaming and removing ask the directory.
            table.rename("/m/file", "/m/renamed").unwrap();
            table.remove_file("/m/renamed").unwrap();
        },
    );
}

/// A file replaced by somebody who cannot give it back its owner would belong to the writer, and its owner could be
/// locked out of it.
#[test]
fn a_file_whose_owner_could_not_be_kept_is_written_in_place() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: this user has no files of others");
        return;
    }
    unprivileged(
        |inside| {
            set_mode(inside, 0o777);
            fs::write(inside.join("file"), "of root").unwrap();
            set_mode(&inside.join("file"), 0o666);
        },
        |table, inside| {
            let file = inside.join("file");
            let before = inode(&file);
            table.write("/m/file", "of root still").unwrap();
            assert_eq!((text(&file).as_str(), inode(&file)), ("of root still", before));
            assert_eq!(fs::metadata(&file).unwrap().uid(), 0);
            table.write("/m/own", "mine").unwrap();
            let own = inode(&inside.join("own"));
            table.write("/m/own", "mine too").unwrap();
            assert_ne!(inode(&inside.join("own")), own);
        },
    );
}

/// What a directory gives to files that are born in it: all rights to user 1234, as Linux stores an access list.
fn list_for_user_1234() -> Vec<u8> {
    const ALL: u16 = 7;
    const NOBODY: u32 = u32::MAX;
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    // The owner, a user, the group, the mask and others, in the order of their tags.
    for (tag, rights, id) in [
        (0x01, ALL, NOBODY),
        (0x02, ALL, 1234),
        (0x04, 0, NOBODY),
        (0x10, ALL, NOBODY),
        (0x20, 0, NOBODY),
    ] {
        bytes.extend(u16::to_le_bytes(tag));
        bytes.extend(u16::to_le_bytes(rights));
        bytes.extend(u32::to_le_bytes(id));
    }
    bytes
}

fn access_list(path: &Path) -> Option<Vec<u8>> {
    let mut value = vec![0; 1024];
    let length = rustix::fs::getxattr(path, "system.posix_acl_access", value.as_mut_slice()).ok()?;
    value.truncate(length);
    Some(value)
}

/// A temporary is born with what its directory gives to new files. A file that was made before the directory gave
/// anything, or was taken off the list since, would have been open to more people after it was replaced. It has the
/// list that it had, or none.
#[test]
fn a_replaced_file_has_the_access_list_it_had_and_not_that_of_its_directory() {
    use rustix::fs::{XattrFlags, setxattr};

    with_each_writer(
        |inside| {
            for name in ["without", "with"] {
                fs::write(inside.join(name), "old").unwrap();
                set_mode(&inside.join(name), 0o640);
            }
        },
        |lease, inside| {
            let list = list_for_user_1234();
            let give = |path: &Path, kind: &str| setxattr(path, kind, &list, XattrFlags::empty());
            if give(inside, "system.posix_acl_default").is_err() {
                eprintln!("skipped: this file system has no access lists");
                return;
            }
            give(&inside.join("with"), "system.posix_acl_access").unwrap();
            let before = access_list(&inside.join("with"));
            assert!(before.is_some());
            for name in ["without", "with", "new"] {
                lease.write(&format!("/m/{name}"), "written").unwrap();
                assert_eq!(text(&inside.join(name)), "written");
            }
            assert_eq!(access_list(&inside.join("without")), None);
            let mode = fs::metadata(inside.join("without")).unwrap().mode();
            assert_eq!(mode & 0o777, 0o640);
            assert_eq!(access_list(&inside.join("with")), before);
            assert!(
                access_list(&inside.join("new")).is_some(),
                "as any new file there"
            );
        },
    );
}
