//! Random programs on mounts that are written through: what is reported is what a comparison of whole trees finds.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod support;

use std::sync::Arc;

use mounts::history::ChangeKind;
use mounts::{FileType, HostDirectory, Memory, Mount, Table, WritableHostDirectory};
use proptest::prelude::*;
use support::cases::cases;
use support::history::{ROOT, Summary, mounted, naive, program, summary, tree, work, worked_on_disk};
use support::{Entry, Step};
use tempfile::TempDir;

/// A table for each kind of writer, showing what `program` left.
fn written_through(program: &[Step]) -> (Vec<(&'static str, Table)>, TempDir) {
    let memory = Arc::new(Memory::new());
    work(&mounted(Mount::read_write(Arc::clone(&memory))), program);
    let disk = worked_on_disk(program);
    let directory = WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap());
    let tables = vec![
        ("host directory", mounted(Mount::read_write(directory))),
        ("memory", mounted(Mount::read_write(memory))),
    ];
    (tables, disk)
}

/// What is reported beside `expected`: files that were written with the bytes they had before.
fn beside(reported: &Summary, expected: &Summary) -> Summary {
    let beside = reported.iter().filter(|(key, _)| !expected.contains_key(*key));
    beside.map(|(key, change)| (key.clone(), *change)).collect()
}

type Sizes = (bool, Option<u64>, Option<u64>);

fn is_written_anew(((_, kind), (is_directory, now, before)): (&(String, ChangeKind), &Sizes)) -> bool {
    *kind == ChangeKind::Modified && !is_directory && now == before
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_journal_is_what_a_comparison_of_whole_trees_finds_but_for_what_was_written_as_it_was(
        before in program(40), early in program(40), late in program(40)
    ) {
        let (tables, _disk) = written_through(&before);
        for (kind, table) in tables {
            let origin = tree(&table);
            prop_assert!(table.changes().is_empty(), "{}", kind);
            work(&table, &early);
            let snapshot = table.snapshot();
            let middle = tree(&table);
            work(&table, &late);
            let end = tree(&table);
            for (reported, expected, since) in [
                (summary(&table.changes()), naive(&origin, &end), "the beginning"),
                (summary(&table.changes_since(&snapshot)), naive(&middle, &end), "the snapshot"),
            ] {
                for (key, change) in &expected {
                    prop_assert_eq!(reported.get(key), Some(change), "{} since {}: {:?}", kind, since, key);
                }
                let beside = beside(&reported, &expected);
                prop_assert!(beside.iter().all(is_written_anew), "{} since {}: {:?}", kind, since, beside);
            }
        }
    }

    /// Each file has bytes of its own, so that where they are now tells where the file went.
    #[test]
    fn the_source_of_a_move_is_where_the_entry_was(before in program(40), renames in program(60)) {
        let (tables, _disk) = written_through(&before);
        for (kind, table) in tables {
            for (path, entry) in tree(&table) {
                if entry != Entry::Directory {
                    table.write(&format!("{ROOT}/{path}"), path.as_bytes()).unwrap();
                }
            }
            let fork = table.fork();
            let origin = tree(&fork);
            let moves: Vec<_> = renames.iter().filter(|step| matches!(step, Step::Rename(..))).cloned().collect();
            work(&fork, &moves);
            let end = tree(&fork);
            for change in fork.changes() {
                let path = change.path.strip_prefix("/m/").unwrap();
                let from = change.moved_from.as_deref().map(|from| from.strip_prefix("/m/").unwrap());
                // Where one type of entry took the place of another, the path has both kinds of change.
                match (change.kind, from) {
                    (ChangeKind::Deleted, from) => prop_assert_eq!(from, None, "{}: {}", kind, path),
                    (_, Some(from)) => prop_assert_eq!(end.get(path), origin.get(from), "{}: {}", kind, path),
                    // A path that has a directory before and after is no change, and so no source.
                    (_, None) => prop_assert_eq!(change.file_type, FileType::Directory, "{}: {} came from nowhere", kind, path),
                }
            }
        }
    }
}
