//! What the tests of states that are kept share: tables that are worked on and looked at as a whole.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its own part, and a test fails by unwrapping"
)]

use std::collections::BTreeMap;

use mounts::history::{Change, ChangeKind};
use mounts::{FileType, LeaseMode, Mount, Reader, Table};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{Entry, Step, TreeImage, image, run, run_on_disk, step};

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

/// Changes by path and kind: whether it is a directory, the size now, and the size before.
pub(crate) type Summary = BTreeMap<(String, ChangeKind), (bool, Option<u64>, Option<u64>)>;

pub(crate) fn summary(changes: &[Change]) -> Summary {
    let entry = |change: &Change| {
        let key = (change.path.clone(), change.kind);
        let directory = change.file_type == FileType::Directory;
        (key, (directory, change.size, change.previous_size))
    };
    let summary: Summary = changes.iter().map(entry).collect();
    assert_eq!(
        summary.len(),
        changes.len(),
        "a change is reported twice: {changes:?}"
    );
    let sorted = changes
        .windows(2)
        .all(|pair| (&pair[0].path, pair[0].kind) <= (&pair[1].path, pair[1].kind));
    assert!(sorted, "{changes:?}");
    summary
}

/// What changed between two trees, by looking at every entry of both.
pub(crate) fn naive(before: &TreeImage, now: &TreeImage) -> Summary {
    let size = |entry: &Entry| match entry {
        Entry::File(bytes) => Some(bytes.len() as u64),
        Entry::Directory => None,
    };
    let directory = |entry: &Entry| matches!(entry, Entry::Directory);
    let mut summary = Summary::new();
    let mut note = |path: &str, kind, entry, sizes: (Option<u64>, Option<u64>)| {
        summary.insert(
            (format!("{ROOT}/{path}"), kind),
            (directory(entry), sizes.0, sizes.1),
        );
    };
    for (path, entry) in before {
        match now.get(path) {
            Some(other) if directory(entry) == directory(other) => {
                if entry != other {
                    note(path, ChangeKind::Modified, other, (size(other), size(entry)));
                }
            }
            _ => note(path, ChangeKind::Deleted, entry, (None, size(entry))),
        }
    }
    for (path, entry) in now {
        match before.get(path) {
            Some(other) if directory(entry) == directory(other) => {}
            _ => note(path, ChangeKind::Created, entry, (size(entry), None)),
        }
    }
    summary
}
