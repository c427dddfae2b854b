//! Host directories for the tests about them: each test runs with the kernel's lookup and with the component walk.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "each test binary uses its own part, a test fails by unwrapping, and makes what it mounts"
)]

use std::fs;
use std::path::Path;

use mounts::{
    ErrorKind, HostDirectory, HostDirectoryError, Lease, LeaseMode, Limits, Mount, Namespace, Table,
    WritableHostDirectory,
};
use tempfile::{TempDir, tempdir};

pub(crate) type Open = fn(&Path) -> Result<HostDirectory, HostDirectoryError>;

pub(crate) const LOOKUPS: [(&str, Open); 2] = [
    ("as the system allows", |path| HostDirectory::open(path)),
    ("component by component", |path| HostDirectory::open_walked(path)),
];

/// Runs `check` on a table with `directory` mounted read-only at `/m`, once for each way of looking paths up.
pub(crate) fn with_each_lookup(directory: &Path, check: impl Fn(&Table)) {
    with_limits(directory, Limits::default(), check);
}

/// As [`with_each_lookup`], with the mount under `limits`.
pub(crate) fn with_limits(directory: &Path, limits: Limits, check: impl Fn(&Table)) {
    for (lookup, open) in LOOKUPS {
        eprintln!("looking paths up {lookup}");
        let table = Table::new();
        let mount = Mount::read_only(open(directory).unwrap()).with_limits(limits);
        table.mount("/m", mount).unwrap();
        check(&table);
    }
}

/// A table with `directory` mounted at `/m` to be read and written.
pub(crate) fn writable(directory: HostDirectory) -> Table {
    let table = Table::new();
    let mount = Mount::read_write(WritableHostDirectory::new(directory));
    table.mount("/m", mount).unwrap();
    table
}

/// Runs `check` on a fresh directory that `lay` has filled, mounted at `/m` to be written, once for each way of
/// looking paths up. The directory is `inside` of one whose other entries are outside.
pub(crate) fn with_each_writer(lay: impl Fn(&Path), check: impl Fn(&Lease, &Path)) {
    for (lookup, open) in LOOKUPS {
        eprintln!("looking paths up {lookup}");
        let around = tempdir().unwrap();
        let inside = around.path().join("inside");
        fs::create_dir(&inside).unwrap();
        lay(&inside);
        let table = writable(open(&inside).unwrap());
        check(&table.checkout(LeaseMode::Exclusive).unwrap(), &inside);
        assert_eq!(temporaries(around.path()), Vec::<String>::new(), "left behind");
    }
}

/// The names below `directory` that files under construction have.
pub(crate) fn temporaries(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            } else if name.ends_with(".partial") {
                found.push(name);
            }
        }
    }
    found
}

/// Runs `check` as a user who is not root: in a thread of its own, since the change is for good.
#[cfg(target_os = "linux")]
pub(crate) fn without_privileges<T: Send>(check: impl FnOnce() -> T + Send) -> T {
    use rustix::thread::{Gid, Uid};

    let unprivileged = || {
        if rustix::process::geteuid().is_root() {
            rustix::thread::set_thread_groups(&[]).unwrap();
            let (group, user) = (Gid::from_raw(65534), Uid::from_raw(65534));
            rustix::thread::set_thread_res_gid(group, group, group).unwrap();
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
        }
        check()
    };
    std::thread::scope(|scope| scope.spawn(unprivileged).join().unwrap())
}

/// The kind of an error, for comparing refusals.
pub(crate) fn kind<T: std::fmt::Debug>(result: mounts::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// The names in a directory of the table.
pub(crate) fn names(table: &Table, path: &str) -> Vec<String> {
    table
        .list(path)
        .unwrap()
        .iter()
        .map(|entry| entry.name.to_string())
        .collect()
}

/// The names in a directory, as whoever has a lease sees them.
pub(crate) fn listed(namespace: &Namespace, path: &str) -> Vec<String> {
    namespace
        .list(path)
        .unwrap()
        .iter()
        .map(|entry| entry.name.to_string())
        .collect()
}

/// `inside` is what is mounted; `inside-sibling` and `secret` are beside it.
pub(crate) fn house() -> TempDir {
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

/// Runs `check` on `inside` of a [`house`], mounted at `/m`, in which `lay` has laid its traps.
pub(crate) fn with_house(lay: impl Fn(&Path), check: impl Fn(&Table)) {
    let house = house();
    let inside = house.path().join("inside");
    lay(&inside);
    with_each_lookup(&inside, check);
}

/// Nothing that is refused may be read, described, listed, or found to exist through `path`.
pub(crate) fn assert_refused(table: &Table, path: &str) {
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
