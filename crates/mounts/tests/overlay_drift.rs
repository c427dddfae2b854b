//! A directory of the host that is changed behind an overlay's back, in ways that only a host can.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use mounts::{ErrorKind, HostDirectory, LeaseMode, Mount, Table};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use support::kind;
use tempfile::TempDir;

fn over_directory() -> (Table, TempDir) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("d/e")).unwrap();
    fs::write(root.path().join("d/e/f"), "lower f").unwrap();
    fs::write(root.path().join("file"), "lower file").unwrap();
    fs::write(root.path().join("other"), "lower other").unwrap();
    let table = Table::new();
    let lower = HostDirectory::open(root.path()).unwrap();
    table.mount("/m", Mount::overlay(lower)).unwrap();
    (table, root)
}

fn swap_in_fifo(at: &Path) {
    fs::remove_file(at).unwrap();
    mknodat(CWD, at, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[test]
fn a_fifo_swapped_in_for_a_file_is_denied_and_nobody_waits() {
    let (table, root) = over_directory();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    swap_in_fifo(&root.path().join("file"));
    assert_eq!(kind(lease.read("/m/file")), ErrorKind::PermissionDenied);
    assert_eq!(kind(lease.append("/m/file", b"x")), ErrorKind::PermissionDenied);
    assert_eq!(kind(lease.write("/m/file", "x")), ErrorKind::PermissionDenied);
    assert_eq!(kind(lease.rename("/m/file", "/m/x")), ErrorKind::PermissionDenied);
    // Removing it does not ask what it is.
    lease.remove_file("/m/file").unwrap();
    assert!(!lease.exists("/m/file"));
}

#[test]
fn a_fifo_swapped_in_for_what_the_upper_extends_or_moved_is_stale_and_nobody_waits() {
    let (table, root) = over_directory();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    lease.append("/m/file", b" and more").unwrap();
    lease.rename("/m/other", "/m/moved").unwrap();
    lease.rename("/m/d", "/m/away").unwrap();
    swap_in_fifo(&root.path().join("file"));
    swap_in_fifo(&root.path().join("other"));
    swap_in_fifo(&root.path().join("d/e/f"));
    assert_eq!(kind(lease.read("/m/file")), ErrorKind::Stale);
    assert_eq!(kind(lease.open("/m/file")), ErrorKind::Stale);
    assert_eq!(kind(lease.read("/m/moved")), ErrorKind::Stale);
    assert_eq!(kind(lease.read("/m/away/e/f")), ErrorKind::PermissionDenied);
    // What needs no bytes of the lower goes on.
    lease.write("/m/file", "whole").unwrap();
    assert_eq!(lease.read("/m/file").unwrap(), *b"whole");
    lease.remove_file("/m/moved").unwrap();
    assert!(!lease.exists("/m/moved") && !lease.exists("/m/other"));
}

#[test]
fn what_the_host_puts_where_something_was_deleted_stays_unseen() {
    let (table, root) = over_directory();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    lease.remove_file("/m/file").unwrap();
    lease.rename("/m/d", "/m/away").unwrap();
    fs::remove_file(root.path().join("file")).unwrap();
    fs::create_dir(root.path().join("file")).unwrap();
    fs::write(root.path().join("file/x"), "host").unwrap();
    assert_eq!(kind(lease.read("/m/file/x")), ErrorKind::NotFound);
    assert_eq!(kind(lease.metadata("/m/file")), ErrorKind::NotFound);
    fs::rename(root.path().join("d"), root.path().join("d2")).unwrap();
    symlink("d2", root.path().join("d")).unwrap();
    assert_eq!(kind(lease.metadata("/m/d")), ErrorKind::NotFound);
    assert_eq!(kind(lease.read("/m/away/e/f")), ErrorKind::Stale);
    assert_eq!(
        lease.read("/m/d2/e/f").unwrap(),
        *b"lower f",
        "a name that nobody owns is the host's"
    );
}

#[test]
fn a_link_swapped_in_for_a_directory_in_use_leads_nowhere_new() {
    let (table, root) = over_directory();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    lease.write("/m/d/mine", "mine").unwrap();
    fs::create_dir(root.path().join("elsewhere")).unwrap();
    fs::write(root.path().join("elsewhere/theirs"), "theirs").unwrap();
    fs::rename(root.path().join("d"), root.path().join("kept")).unwrap();
    symlink("elsewhere", root.path().join("d")).unwrap();
    assert_eq!(lease.read("/m/d/mine").unwrap(), *b"mine");
    assert!(
        lease
            .list("/m/d")
            .unwrap()
            .iter()
            .all(|entry| &*entry.name == "mine")
    );
    assert!(!lease.exists("/m/d/theirs"));
}
