//! What other file systems and bind mounts of the host cover inside a mounted directory: refused, and not listed.

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
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use host::{kind, names, with_each_lookup};
use mounts::{ErrorKind, LeaseMode, Table};
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use tempfile::{TempDir, tempdir};

/// A bind mount for as long as the value lives.
struct Bound(PathBuf);

impl Bound {
    /// `None`, and a word about it, where this user may not mount.
    fn new(source: &Path, target: &Path) -> Option<Self> {
        match mount_bind(source, target) {
            Ok(()) => Some(Self(target.to_owned())),
            Err(error) => {
                eprintln!("skipped: this user may not mount ({error})");
                None
            }
        }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).unwrap();
    }
}

/// `inside` has a directory and a file to be covered, `outside` what covers them.
fn house() -> TempDir {
    let house = tempdir().unwrap();
    let at = |path: &str| house.path().join(path);
    fs::create_dir_all(at("inside/dir/covered with\\space")).unwrap();
    fs::create_dir(at("outside")).unwrap();
    fs::write(at("outside/file"), "outside").unwrap();
    fs::write(at("inside/dir/file"), "inside").unwrap();
    fs::write(at("inside/dir/covered file"), "inside").unwrap();
    symlink("dir/covered file", at("inside/to-covered")).unwrap();
    house
}

fn assert_refused(table: &Table, path: &str) {
    let lease = table.checkout(LeaseMode::Shared).unwrap();
    assert_eq!(kind(lease.read(path)), ErrorKind::PermissionDenied, "{path}");
    assert_eq!(kind(lease.open(path)), ErrorKind::PermissionDenied, "{path}");
    assert_eq!(kind(lease.list(path)), ErrorKind::PermissionDenied, "{path}");
    assert_eq!(kind(lease.metadata(path)), ErrorKind::PermissionDenied, "{path}");
    assert_eq!(
        kind(lease.symlink_metadata(path)),
        ErrorKind::PermissionDenied,
        "{path}"
    );
    assert!(!lease.exists(path), "{path}");
}

#[test]
fn a_bind_mount_inside_is_refused_and_not_listed() {
    let house = house();
    let at = |path: &str| house.path().join(path);
    let covered = "covered with\\space";
    let Some(_directory) = Bound::new(&at("outside"), &at("inside/dir").join(covered)) else {
        return;
    };
    let _file = Bound::new(&at("outside/file"), &at("inside/dir/covered file")).unwrap();
    with_each_lookup(&at("inside"), |table| {
        assert_refused(table, &format!("/m/dir/{covered}"));
        assert_refused(table, &format!("/m/dir/{covered}/file"));
        assert_eq!(
            kind(table.read(&format!("/m/dir/{covered}/missing"))),
            ErrorKind::PermissionDenied
        );
        assert_refused(table, "/m/dir/covered file");
        assert_eq!(kind(table.read("/m/to-covered")), ErrorKind::PermissionDenied);
        assert_eq!(names(table, "/m/dir"), ["file"]);
        assert_eq!(table.read("/m/dir/file").unwrap(), *b"inside");
    });
}

/// A link to what another mount covers was listed like one that dangles, though nothing could be done with it. It is
/// not listed now, as a link that leads out of the mount, and is there again when the other mount is gone.
#[test]
fn a_link_to_what_another_mount_covers_is_not_listed() {
    let house = house();
    let at = |path: &str| house.path().join(path);
    symlink("dir/../to-covered", at("inside/to-link")).unwrap();
    symlink("dir/covered with\\space/file", at("inside/below")).unwrap();
    symlink("dir/covered with\\space/../file", at("inside/beside")).unwrap();
    let open = ["below", "beside", "dir", "to-covered", "to-link"];
    with_each_lookup(&at("inside"), |table| {
        assert_eq!(names(table, "/m"), open);
        let Some(_directory) = Bound::new(&at("outside"), &at("inside/dir/covered with\\space")) else {
            return;
        };
        let _file = Bound::new(&at("outside/file"), &at("inside/dir/covered file")).unwrap();
        let lease = table.checkout(LeaseMode::Shared).unwrap();
        assert_eq!(names(table, "/m"), ["dir"]);
        for link in ["below", "beside", "to-covered", "to-link"] {
            let path = format!("/m/{link}");
            assert_eq!(kind(lease.read(&path)), ErrorKind::PermissionDenied, "{path}");
            assert!(!lease.exists(&path), "{path}");
            assert!(lease.symlink_metadata(&path).is_ok(), "{path}");
        }
    });
}

#[test]
fn mounts_that_come_and_go_are_noticed_by_the_next_listing() {
    let house = house();
    let at = |path: &str| house.path().join(path);
    let whole = ["covered file", "covered with\\space", "file"];
    with_each_lookup(&at("inside"), |table| {
        for _ in 0..3 {
            assert_eq!(names(table, "/m/dir"), whole);
            let Some(bound) = Bound::new(&at("outside/file"), &at("inside/dir/covered file")) else {
                return;
            };
            assert_eq!(names(table, "/m/dir"), whole[1..]);
            // A mount point keeps its name when a directory above it does not.
            fs::rename(at("inside/dir"), at("inside/renamed")).unwrap();
            assert_eq!(names(table, "/m/renamed"), whole[1..]);
            fs::rename(at("inside/renamed"), at("inside/dir")).unwrap();
            drop(bound);
        }
        assert_eq!(table.read("/m/dir/covered file").unwrap(), *b"inside");
    });
}

#[test]
fn an_entry_called_like_a_mount_point_elsewhere_is_listed() {
    let house = house();
    let at = |path: &str| house.path().join(path);
    fs::create_dir(at("inside/dir/outside")).unwrap();
    fs::create_dir(at("inside/outside")).unwrap();
    let Some(_bound) = Bound::new(&at("outside"), &at("inside/dir/outside")) else {
        return;
    };
    with_each_lookup(&at("inside"), |table| {
        assert!(names(table, "/m").contains(&"outside".to_owned()));
        assert!(!names(table, "/m/dir").contains(&"outside".to_owned()));
    });
}

#[test]
fn a_directory_that_is_itself_mounted_is_read_as_any_other() {
    let house = house();
    let at = |path: &str| house.path().join(path);
    let Some(_bound) = Bound::new(&at("outside"), &at("inside/dir")) else {
        return;
    };
    with_each_lookup(&at("inside/dir"), |table| {
        assert_eq!(table.read("/m/file").unwrap(), *b"outside");
        assert_eq!(names(table, "/m"), ["file"]);
    });
}

#[test]
fn the_file_systems_mounted_below_the_hosts_root_are_refused() {
    let device = |path: &str| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    if device("/proc").is_none() || device("/proc") == device("/") {
        eprintln!("skipped: nothing is mounted at /proc");
        return;
    }
    with_each_lookup(Path::new("/"), |table| {
        assert_refused(table, "/m/proc");
        assert_eq!(
            kind(table.read("/m/proc/self/status")),
            ErrorKind::PermissionDenied
        );
        let listed = names(table, "/m");
        assert!(!listed.contains(&"proc".to_owned()));
        assert!(listed.contains(&"etc".to_owned()));
        assert!(!table.read("/m/etc/passwd").unwrap().is_empty());
    });
}
