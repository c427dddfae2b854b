//! An overlay over a host directory that takes its changes.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "each test binary uses its own part, a test fails by unwrapping, and makes what it mounts"
)]

use std::fs;

use mounts::history::CommitOptions;
use mounts::{HostDirectory, Mount, Table, WritableHostDirectory};
use tempfile::TempDir;

pub(crate) fn house(files: &[(&str, &str)]) -> TempDir {
    let disk = tempfile::tempdir().unwrap();
    for (path, contents) in files {
        let path = disk.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    disk
}

pub(crate) fn directory(disk: &TempDir) -> WritableHostDirectory {
    WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap())
}

pub(crate) fn over(files: &[(&str, &str)]) -> (Table, TempDir) {
    let disk = house(files);
    let table = Table::new();
    table.mount("/m", Mount::overlay(directory(&disk))).unwrap();
    (table, disk)
}

pub(crate) fn all() -> CommitOptions {
    CommitOptions::new()
}

pub(crate) fn text(disk: &TempDir, path: &str) -> String {
    fs::read_to_string(disk.path().join(path)).unwrap()
}
