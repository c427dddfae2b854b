//! A host directory mounted for reading: what files, directories and other things in it look like.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by unwrapping, and makes the files it looks at"
)]

#[path = "support/host.rs"]
mod host;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::time::{Duration, UNIX_EPOCH};

use host::{kind, names, with_each_lookup, with_limits};
use mounts::{
    ErrorKind, FileType, HostDirectory, HostDirectoryErrorKind, LeaseMode, Limits, Mount, Reader as _, Table,
};
use tempfile::{TempDir, tempdir};

fn open_kind(path: impl AsRef<std::path::Path>) -> HostDirectoryErrorKind {
    HostDirectory::open(path).unwrap_err().kind()
}

fn tree() -> TempDir {
    let root = tempdir().unwrap();
    fs::create_dir_all(root.path().join("dir/deeper")).unwrap();
    fs::write(root.path().join("file"), "top").unwrap();
    fs::write(root.path().join("dir/file"), "below").unwrap();
    fs::write(root.path().join("empty"), "").unwrap();
    root
}

#[test]
fn files_are_read_whole_and_as_they_are_now() {
    let root = tree();
    fs::write(root.path().join("large"), vec![7; 3_000_000]).unwrap();
    with_each_lookup(root.path(), |table| {
        assert_eq!(table.read("/m/file").unwrap(), *b"top");
        assert_eq!(table.read("/m/dir/file").unwrap(), *b"below");
        assert_eq!(table.read("/m/empty").unwrap(), *b"");
        assert_eq!(table.read("/m/large").unwrap(), *vec![7; 3_000_000].as_slice());
        fs::write(root.path().join("file"), "changed").unwrap();
        assert_eq!(table.read("/m/file").unwrap(), *b"changed");
        fs::write(root.path().join("file"), "top").unwrap();
    });
}

#[test]
fn refusals_have_the_kinds_that_linux_gives_them() {
    let root = tree();
    with_each_lookup(root.path(), |table| {
        let lease = table.checkout(LeaseMode::Shared).unwrap();
        for (path, expected) in [
            ("/m/missing", ErrorKind::NotFound),
            ("/m/missing/below", ErrorKind::NotFound),
            ("/m/dir/missing", ErrorKind::NotFound),
            ("/m/file/below", ErrorKind::NotADirectory),
            ("/m/file/below/deeper", ErrorKind::NotADirectory),
        ] {
            assert_eq!(kind(lease.read(path)), expected, "{path}");
            assert_eq!(kind(lease.open(path)), expected, "{path}");
            assert_eq!(kind(lease.metadata(path)), expected, "{path}");
            assert_eq!(kind(lease.symlink_metadata(path)), expected, "{path}");
            assert_eq!(kind(lease.list(path)), expected, "{path}");
            assert!(!lease.exists(path));
        }
        for path in ["/m", "/m/dir"] {
            assert_eq!(kind(lease.read(path)), ErrorKind::IsADirectory, "{path}");
            assert_eq!(kind(lease.open(path)), ErrorKind::IsADirectory, "{path}");
        }
        assert_eq!(kind(lease.list("/m/file")), ErrorKind::NotADirectory);
        assert_eq!(kind(lease.write("/m/file", "x")), ErrorKind::ReadOnly);
        assert_eq!(kind(lease.write("/m/new", "x")), ErrorKind::ReadOnly);
        assert_eq!(kind(lease.remove_file("/m/file")), ErrorKind::ReadOnly);
        assert_eq!(kind(lease.create_dir("/m/new")), ErrorKind::ReadOnly);
    });
    assert_eq!(fs::read(root.path().join("file")).unwrap(), b"top");
    assert!(!root.path().join("new").exists());
}

#[test]
fn listings_are_sorted_and_tell_each_entrys_own_type() {
    let root = tree();
    symlink("dir", root.path().join("link")).unwrap();
    with_each_lookup(root.path(), |table| {
        let listed: Vec<_> = table
            .list("/m")
            .unwrap()
            .into_iter()
            .map(|entry| (entry.name.to_string(), entry.file_type))
            .collect();
        let expected = [
            ("dir", FileType::Directory),
            ("empty", FileType::File),
            ("file", FileType::File),
            ("link", FileType::Symlink),
        ];
        assert_eq!(listed, expected.map(|(name, kind)| (name.to_owned(), kind)));
        assert_eq!(names(table, "/m/dir"), ["deeper", "file"]);
        assert_eq!(names(table, "/m/link"), ["deeper", "file"]);
        assert!(names(table, "/m/dir/deeper").is_empty());
    });
}

#[test]
fn a_large_directory_is_listed_whole() {
    let root = tempdir().unwrap();
    let mut expected: Vec<_> = (0..5000).map(|number| format!("{number:x}")).collect();
    expected.sort();
    for name in &expected {
        fs::write(root.path().join(name), "").unwrap();
    }
    with_each_lookup(root.path(), |table| assert_eq!(names(table, "/m"), expected));
}

#[test]
fn names_that_are_not_utf8_are_left_out_and_unusual_ones_are_kept_as_they_are() {
    let root = tempdir().unwrap();
    let composed = "\u{e9}";
    let decomposed = "e\u{301}";
    let reversed = "\u{202e}txt.exe";
    let longest = "x".repeat(255);
    let unusual = [
        composed, decomposed, reversed, "a\nb", "..a", "a..", "...", " ", &longest,
    ];
    for name in unusual {
        fs::write(root.path().join(name), name).unwrap();
    }
    fs::write(root.path().join(OsStr::from_bytes(b"bad\xff")), "").unwrap();
    with_each_lookup(root.path(), |table| {
        let mut expected = unusual.to_vec();
        expected.sort_unstable();
        assert_eq!(names(table, "/m"), expected);
        for name in unusual {
            let path = format!("/m/{name}");
            assert_eq!(table.read(&path).unwrap().to_vec(), name.as_bytes());
        }
        assert_eq!(kind(table.read("/m/bad\u{fffd}")), ErrorKind::NotFound);
    });
}

#[test]
fn metadata_is_the_hosts_own_less_the_set_id_bits() {
    let root = tree();
    let path = root.path().join("file");
    let odd = UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789);
    let before_1970 = UNIX_EPOCH - Duration::new(86_400, 1);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_times(fs::FileTimes::new().set_modified(odd).set_accessed(before_1970))
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o6754)).unwrap();
    fs::set_permissions(root.path().join("dir"), fs::Permissions::from_mode(0o1755)).unwrap();
    with_each_lookup(root.path(), |table| {
        let seen = table.metadata("/m/file").unwrap();
        let real = fs::metadata(&path).unwrap();
        assert_eq!(seen.file_type, FileType::File);
        assert_eq!(seen.mode, 0o754);
        assert_eq!(seen.size, 3);
        assert_eq!((seen.inode, seen.links), (real.ino(), real.nlink()));
        assert_eq!((seen.uid, seen.gid), (real.uid(), real.gid()));
        assert_eq!((seen.modified, seen.accessed), (odd, before_1970));
        let changed = UNIX_EPOCH
            + Duration::new(
                real.ctime().try_into().unwrap(),
                real.ctime_nsec().try_into().unwrap(),
            );
        assert_eq!(seen.changed, changed);

        let directory = table.metadata("/m/dir").unwrap();
        assert_eq!(
            (directory.file_type, directory.mode),
            (FileType::Directory, 0o1755)
        );
        assert_eq!(
            table.metadata("/m").unwrap().inode,
            fs::metadata(root.path()).unwrap().ino()
        );
    });
}

#[test]
fn a_file_beyond_the_memory_limit_is_refused_and_one_at_the_limit_is_read() {
    let root = tempdir().unwrap();
    fs::write(root.path().join("fits"), vec![1; 100]).unwrap();
    fs::write(root.path().join("exceeds"), vec![1; 101]).unwrap();
    fs::File::create(root.path().join("sparse"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    let limits = Limits {
        memory: Some(100),
        ..Limits::default()
    };
    with_limits(root.path(), limits, |table| {
        assert_eq!(table.read("/m/fits").unwrap().len(), 100);
        for path in ["/m/exceeds", "/m/sparse"] {
            assert_eq!(kind(table.read(path)), ErrorKind::MemoryLimit { limit: 100 });
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_says_it_is_empty_is_read_to_its_end_and_no_further_than_the_limit() {
    let process = std::path::Path::new("/proc/self");
    with_each_lookup(process, |table| {
        assert_eq!(table.metadata("/m/cmdline").unwrap().size, 0);
        assert_eq!(
            table.read("/m/cmdline").unwrap().to_vec(),
            fs::read("/proc/self/cmdline").unwrap()
        );
        assert!(table.read("/m/smaps").unwrap().len() > 4096);
    });
    let limits = Limits {
        memory: Some(4096),
        ..Limits::default()
    };
    with_limits(process, limits, |table| {
        assert_eq!(
            kind(table.read("/m/smaps")),
            ErrorKind::MemoryLimit { limit: 4096 }
        );
    });
}

#[test]
fn sockets_are_listed_and_described_but_not_opened() {
    let root = tempdir().unwrap();
    let _listener = UnixListener::bind(root.path().join("socket")).unwrap();
    with_each_lookup(root.path(), |table| {
        assert_eq!(table.list("/m").unwrap()[0].file_type, FileType::Special);
        assert_eq!(table.metadata("/m/socket").unwrap().file_type, FileType::Special);
        assert_eq!(kind(table.read("/m/socket")), ErrorKind::PermissionDenied);
        assert_eq!(kind(table.list("/m/socket")), ErrorKind::NotADirectory);
        assert_eq!(kind(table.read("/m/socket/x")), ErrorKind::NotADirectory);
    });
}

#[test]
fn an_error_names_the_virtual_path_and_never_the_hosts() {
    let root = tree();
    symlink("/etc/passwd", root.path().join("out")).unwrap();
    let host_path = root.path().to_str().unwrap();
    with_each_lookup(root.path(), |table| {
        for path in ["/m/missing", "/m/file/x", "/m/dir", "/m/out"] {
            let error = table.read(path).unwrap_err();
            assert_eq!(error.path(), path);
            let source = std::error::Error::source(&error).map(ToString::to_string);
            let text = format!("{error} {source:?}");
            assert!(!text.contains(host_path), "{text}");
            assert!(!text.contains("passwd"), "{text}");
        }
    });
}

#[test]
fn opening_says_what_is_wrong_with_the_path() {
    let root = tree();
    let at = |path: &str| root.path().join(path);
    symlink("circle", at("circle")).unwrap();
    assert_eq!(open_kind(at("missing")), HostDirectoryErrorKind::NotFound);
    assert_eq!(open_kind(at("file")), HostDirectoryErrorKind::NotADirectory);
    assert_eq!(open_kind(at("file/x")), HostDirectoryErrorKind::NotADirectory);
    assert_eq!(open_kind(at("circle")), HostDirectoryErrorKind::Unresolvable);
    assert_eq!(open_kind("a\0b"), HostDirectoryErrorKind::Unresolvable);
    assert_eq!(
        open_kind(at(&"x".repeat(300))),
        HostDirectoryErrorKind::Unresolvable
    );
    assert_eq!(open_kind(""), HostDirectoryErrorKind::NotFound);
}

#[test]
fn the_owner_of_the_table_is_told_which_directory_it_is() {
    let root = tree();
    symlink("dir", root.path().join("link")).unwrap();
    let identity = HostDirectory::open(root.path().join("link"))
        .unwrap()
        .host()
        .unwrap();
    let real = fs::metadata(root.path().join("dir")).unwrap();
    assert_eq!(identity.path, fs::canonicalize(root.path().join("dir")).unwrap());
    assert_eq!((identity.device, identity.inode), (real.dev(), real.ino()));
    assert!(!identity.written_through);

    let table = Table::new();
    for point in ["/once", "/twice", "/nested"] {
        let path = if point == "/nested" { "dir" } else { "" };
        let directory = HostDirectory::open(root.path().join(path)).unwrap();
        table.mount(point, Mount::read_only(directory)).unwrap();
    }
    assert_eq!(table.read("/nested/file").unwrap(), *b"below");
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_process_may_not_read_is_denied() {
    use rustix::thread::{Gid, Uid};

    let root = tree();
    let with_mode = |path: &str, mode| {
        fs::set_permissions(root.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::create_dir(root.path().join("passable")).unwrap();
    fs::write(root.path().join("passable/file"), "reached").unwrap();
    with_mode("", 0o755);
    with_mode("file", 0);
    with_mode("dir", 0o600);
    with_mode("passable", 0o711);
    fs::create_dir(root.path().join("closed")).unwrap();
    with_mode("closed", 0);
    // Permissions do not hold for root; these calls change one thread only.
    let check = || {
        if rustix::process::geteuid().is_root() {
            rustix::thread::set_thread_groups(&[]).unwrap();
            let (group, user) = (Gid::from_raw(65534), Uid::from_raw(65534));
            rustix::thread::set_thread_res_gid(group, group, group).unwrap();
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
        }
        with_each_lookup(root.path(), |table| {
            assert_eq!(kind(table.read("/m/file")), ErrorKind::PermissionDenied);
            assert_eq!(table.metadata("/m/file").unwrap().mode, 0);
            assert_eq!(kind(table.read("/m/dir/file")), ErrorKind::PermissionDenied);
            assert_eq!(kind(table.list("/m/closed")), ErrorKind::PermissionDenied);
            assert_eq!(table.read("/m/passable/file").unwrap(), *b"reached");
        });
        assert_eq!(
            open_kind(root.path().join("closed")),
            HostDirectoryErrorKind::Denied
        );
        assert_eq!(
            open_kind(root.path().join("closed/below")),
            HostDirectoryErrorKind::Denied
        );
    };
    std::thread::scope(|scope| scope.spawn(check).join().unwrap());
    with_mode("dir", 0o755);
    with_mode("closed", 0o755);
}
