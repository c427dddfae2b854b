//! Random programs, run on a mount and on a real directory side by side.

use mounts::{LeaseMode, Mount, Table};
use proptest::prelude::*;

use super::{Entry, Step, TreeImage, image, image_on_disk, run, run_on_disk, step};

/// Where the mount under test is mounted.
pub(crate) const ROOT: &str = "/m";

/// A table with `mount` at [`ROOT`].
pub(crate) fn mounted(mount: Mount) -> Table {
    let table = Table::new();
    table.mount(ROOT, mount).unwrap();
    table
}

/// A program of a few dozen steps.
pub(crate) fn program() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..60)
}

/// The bytes and the entries in a tree, to compare counters with.
pub(crate) fn recount(image: &TreeImage) -> (u64, u64) {
    let bytes = image.values().map(|entry| match entry {
        Entry::File(bytes) => bytes.len() as u64,
        Entry::Directory => 0,
    });
    (bytes.sum(), image.len() as u64)
}

/// Runs `program` on `mount`, which shows what `before` left, and on a real directory after `before`.
pub(crate) fn compare(mount: Mount, before: &[Step], program: &[Step]) -> Result<Table, TestCaseError> {
    let disk = tempfile::tempdir().unwrap();
    for step in before {
        let _ = run_on_disk(disk.path(), step);
    }
    let table = mounted(mount);
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    for step in program {
        prop_assert_eq!(
            run(&lease, ROOT, step),
            run_on_disk(disk.path(), step),
            "{:?}",
            step
        );
    }
    prop_assert_eq!(image(&lease, ROOT), image_on_disk(disk.path()));
    drop(lease);
    Ok(table)
}
