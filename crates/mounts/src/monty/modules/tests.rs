//! What one call may look at: the bound is a million entries, so that it is lowered here.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use super::glob::search_all;
use super::outcome::Failure;
use super::shutil::{copy_all, remove_all};
use super::work::Work;
use crate::error::ErrorKind;
use crate::monty::budget::Clock;
use crate::{LeaseMode, Mount, Table};

/// A mount of nine files and a directory of one more.
fn table() -> Table {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    table.create_dir_all("/m/tree").unwrap();
    for number in 0..9 {
        table.write(&format!("/m/tree/{number}"), "x").unwrap();
    }
    table.create_dir_all("/m/tree/below").unwrap();
    table.write("/m/tree/below/file", "x").unwrap();
    table
}

/// Does `work` on the mounts of `table`, which may look at so many entries.
fn with<T>(
    table: &Table,
    most_visits: u64,
    work: impl FnOnce(&mut Work<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    let files = lease.share_namespace();
    let clock = Clock::unlimited();
    let mut mounts = Work::new(&files, "/m", &clock, None);
    mounts.most_visits = most_visits;
    work(&mut mounts)
}

fn is_limited<T>(done: &Result<T, Failure>, limit: u64) -> bool {
    matches!(done, Err(Failure::File(error)) if error.kind() == ErrorKind::ScanLimit { limit })
}

#[test]
fn a_copy_of_a_tree_ends_at_the_bound() {
    let table = table();
    let copied = with(&table, 5, |work| copy_all(work, "tree", "copy"));
    assert!(is_limited(&copied, 5), "{copied:?}");
    let names = table.list("/m/copy").unwrap();
    assert!(names.len() < 5, "{} entries were copied", names.len());
    with(&table, 100, |work| copy_all(work, "tree", "whole")).unwrap();
    assert_eq!(table.list("/m/whole").unwrap().len(), 10);
}

#[test]
fn a_removal_of_a_tree_ends_at_the_bound_though_it_ignores_errors() {
    let table = table();
    let removed = with(&table, 5, |work| remove_all(work, "tree"));
    assert!(is_limited(&removed, 5), "{removed:?}");
    assert!(table.list("/m/tree").unwrap().len() > 5);
    with(&table, 100, |work| remove_all(work, "tree")).unwrap();
    assert!(!table.exists("/m/tree"));
}

#[test]
fn a_search_ends_at_the_bound() {
    let table = table();
    for pattern in ["tree/*", "**", "tree/**/file", "*/*"] {
        let found = with(&table, 5, |work| search_all(work, pattern));
        assert!(is_limited(&found, 5), "{pattern}: {found:?}");
    }
    assert_eq!(
        with(&table, 100, |work| search_all(work, "tree/*"))
            .unwrap()
            .len(),
        10
    );
}
