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

use host::{LOOKUPS, kind, names, temporaries, with_each_lookup, writable};
use mounts::{ErrorKind, LeaseMode, OpenMode, Table};
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_bind, mount_change, unmount};
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

#[test]
fn what_a_bind_mount_covers_is_not_changed_either() {
    for (_, open) in LOOKUPS {
        let house = house();
        let at = |path: &str| house.path().join(path);
        fs::create_dir(at("inside/dir/covered")).unwrap();
        fs::create_dir(at("outside/empty")).unwrap();
        let Some(_directory) = Bound::new(&at("outside"), &at("inside/dir/covered")) else {
            return;
        };
        let _file = Bound::new(&at("outside/file"), &at("inside/dir/covered file")).unwrap();
        let table = writable(open(&at("inside")).unwrap());
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        for path in [
            "/m/dir/covered",
            "/m/dir/covered file",
            "/m/dir/covered/file",
            "/m/dir/covered/empty",
            "/m/dir/covered/new",
            "/m/to-covered",
        ] {
            let mut answers = vec![
                lease.write(path, "x"),
                lease.append(path, b"x"),
                lease.open_for_write(path, OpenMode::Append),
                lease.open_for_write(path, OpenMode::Truncate),
            ];
            if path != "/m/to-covered" {
                answers.extend([
                    lease.create_dir(path),
                    lease.remove_file(path),
                    lease.remove_dir(path),
                    lease.rename(path, "/m/dir/renamed"),
                    lease.rename("/m/dir/file", path),
                ]);
            }
            for answer in answers {
                assert_eq!(kind(answer), ErrorKind::PermissionDenied, "{path}");
            }
        }
        assert_eq!(fs::read(at("outside/file")).unwrap(), b"outside");
        assert_eq!(fs::read_dir(at("outside")).unwrap().count(), 2);
        assert_eq!(temporaries(house.path()), Vec::<String>::new());
        assert_eq!(lease.mounts()[0].usage.held.files, 0);
    }
}

/// Linux refuses to rename over what is a mount point where the directory shows a second time. The file is then
/// written in place, and its entry left as it is.
#[test]
fn a_file_that_something_is_mounted_on_elsewhere_is_written_in_place() {
    for (_, open) in LOOKUPS {
        let house = house();
        let at = |path: &str| house.path().join(path);
        fs::create_dir(at("second")).unwrap();
        let Some(_second) = Bound::new(&at("inside/dir"), &at("second")) else {
            return;
        };
        mount_change(at("second"), MountPropagationFlags::PRIVATE).unwrap();
        let _mounted = Bound::new(&at("outside/file"), &at("second/file")).unwrap();
        let table = writable(open(&at("inside")).unwrap());
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        let file = at("inside/dir/file");
        let before = fs::metadata(&file).unwrap().ino();

        lease.write("/m/dir/file", "in place").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"in place");
        assert_eq!(fs::metadata(&file).unwrap().ino(), before);
        assert_eq!(lease.mounts()[0].usage.held.bytes, 2);
        for answer in [
            lease.remove_file("/m/dir/file"),
            lease.rename("/m/dir/file", "/m/dir/renamed"),
        ] {
            assert_eq!(kind(answer), ErrorKind::PermissionDenied);
        }
        assert_eq!(fs::read(at("outside/file")).unwrap(), b"outside");
        assert_eq!(temporaries(house.path()), Vec::<String>::new());

        fs::hard_link(&file, at("another name")).unwrap();
        assert_eq!(
            kind(lease.append("/m/dir/file", b"x")),
            ErrorKind::PermissionDenied
        );
        assert_eq!(fs::read(at("another name")).unwrap(), b"in place");
    }
}
