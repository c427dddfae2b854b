//! Mounts that come and go while a lease is out: through that lease alone, and only if it is exclusive.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use std::sync::mpsc::channel;

use mounts::{ErrorKind, LeaseMode, Mount, Table};

use LeaseMode::{Exclusive, Shared};

fn refused<T>(result: mounts::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::InUse)
}

#[test]
fn mounts_come_and_go_through_an_exclusive_lease_for_everybody() {
    let table = Table::new();
    table.mount("/kept", Mount::memory()).unwrap();
    let (granted, leases) = channel();
    let mut lease = table.checkout(Exclusive).unwrap();
    let _ticket = table.checkout_queued(Exclusive, move |lease| granted.send(lease).unwrap());

    lease
        .mount("/new", Mount::memory().with_files([("/a", "one")]).unwrap())
        .unwrap();
    lease.write("/new/b", "two").unwrap();
    assert_eq!(table.read("/new/a").unwrap(), *b"one");
    assert_eq!(table.read("/new/b").unwrap(), *b"two");
    assert_eq!(lease.mounts(), table.list_mounts());
    assert!(refused(table.mount("/other", Mount::memory())));
    assert!(refused(table.unmount("/new")));

    lease.unmount("/kept").unwrap();
    assert!(!lease.exists("/kept"));
    assert!(!table.exists("/kept"));
    assert!(leases.try_recv().is_err(), "whoever waits goes on waiting");

    drop(lease);
    let next = leases.recv().unwrap();
    assert_eq!(next.read("/new/b").unwrap(), *b"two");
    assert!(!next.exists("/kept"));
}

#[test]
fn what_cannot_be_mounted_through_a_lease_changes_nothing() {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    let mut lease = table.checkout(Exclusive).unwrap();
    let before = lease.mounts();
    let kinds = [
        lease.mount("/m/", Mount::memory()).unwrap_err().kind(),
        lease.mount("relative", Mount::memory()).unwrap_err().kind(),
        lease.unmount("/other").unwrap_err().kind(),
        lease.unmount("/a\0").unwrap_err().kind(),
    ];
    assert_eq!(
        kinds,
        [
            ErrorKind::AlreadyMounted,
            ErrorKind::NotAbsolute,
            ErrorKind::NotMounted,
            ErrorKind::Nul
        ]
    );
    assert_eq!(lease.mounts(), before);
    assert_eq!(table.list_mounts(), before);
}

#[test]
fn no_mount_comes_or_goes_through_a_shared_lease_even_if_there_is_no_other() {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    let mut lease = table.checkout(Shared).unwrap();
    assert!(refused(lease.mount("/new", Mount::memory())));
    assert!(refused(lease.unmount("/m")));
    assert_eq!(table.mount_count(), 1);
}

#[test]
fn a_namespace_that_was_shared_before_keeps_its_mounts() {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    let mut lease = table.checkout(Exclusive).unwrap();
    let earlier = lease.share_namespace();
    lease.unmount("/m").unwrap();
    lease.mount("/new", Mount::memory()).unwrap();
    assert!(earlier.exists("/m"));
    assert!(!earlier.exists("/new"));
    assert!(lease.exists("/new"));
}
