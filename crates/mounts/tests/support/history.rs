//! What the tests of states that are kept share: tables that are worked on and looked at as a whole.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its own part, and a test fails by unwrapping"
)]

use mounts::{LeaseMode, Mount, Reader, Table};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{Step, TreeImage, image, run, run_on_disk, step};

/// Where these tests mount.
pub(crate) const ROOT: &str = "/m";

pub(crate) fn mounted(mount: Mount) -> Table {
    let table = Table::new();
    table.mount(ROOT, mount).unwrap();
    table
}

pub(crate) fn work(table: &Table, program: &[Step]) {
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    for step in program {
        let _ = run(&lease, ROOT, step);
    }
}

pub(crate) fn tree(table: &Table) -> TreeImage {
    image(&table.checkout(LeaseMode::Shared).unwrap(), ROOT)
}

/// A directory in which `program` has been run.
pub(crate) fn worked_on_disk(program: &[Step]) -> TempDir {
    let disk = tempfile::tempdir().unwrap();
    for step in program {
        let _ = run_on_disk(disk.path(), step);
    }
    disk
}

/// An overlay over what `lower` makes of a directory in which `before` has been run.
pub(crate) fn over<R: Reader + 'static>(
    before: &[Step],
    lower: impl FnOnce(&TempDir) -> R,
) -> (Table, TempDir) {
    let disk = worked_on_disk(before);
    let table = mounted(Mount::overlay(lower(&disk)));
    (table, disk)
}

/// Programs of at most `steps` steps.
pub(crate) fn program(steps: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..steps)
}
