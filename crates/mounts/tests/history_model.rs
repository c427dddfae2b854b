//! Random programs around snapshots, forks and comparisons, against whole copies of the tree.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod support;

use std::sync::Arc;

use mounts::{FileType, HostDirectory, Memory, Mount, Overlay, Table};
use proptest::prelude::*;
use support::cases::cases;
use support::history::{ROOT, mounted, naive, over, program, summary, tree, work};
use support::{Entry, Step};
use tempfile::TempDir;

/// A memory tree in which `program` has been run.
fn grown(program: &[Step]) -> Arc<Memory> {
    let memory = Arc::new(Memory::new());
    work(&mounted(Mount::read_write(Arc::clone(&memory))), program);
    memory
}

/// One table for each kind of mount with a history, showing what `program` left, and a directory that one needs.
fn kinds(program: &[Step]) -> (Vec<(&'static str, Table)>, TempDir) {
    let (over_a_directory, disk) = over(program, |disk| HostDirectory::open(disk.path()).unwrap());
    let files: Vec<_> = tree(&mounted(Mount::read_only(grown(program))))
        .into_iter()
        .collect();
    let seeded = mounted(Mount::memory());
    for (path, entry) in &files {
        match entry {
            Entry::Directory => seeded.create_dir_all(&format!("{ROOT}/{path}")).unwrap(),
            Entry::File(bytes) => seeded.write(&format!("{ROOT}/{path}"), bytes.clone()).unwrap(),
        }
    }
    let middle = Arc::new(Overlay::new(grown(program)));
    let kinds = vec![
        // A fork begins where it was forked.
        ("memory", seeded.fork()),
        ("overlay over memory", mounted(Mount::overlay(grown(program)))),
        ("overlay over an overlay", mounted(Mount::overlay(middle))),
        ("overlay over a host directory", over_a_directory),
    ];
    (kinds, disk)
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn changes_are_what_a_comparison_of_whole_trees_finds(
        before in program(40), early in program(40), late in program(40)
    ) {
        let (kinds, _disk) = kinds(&before);
        for (kind, table) in kinds {
            let origin = tree(&table);
            work(&table, &early);
            let snapshot = table.snapshot();
            let middle = tree(&table);
            prop_assert_eq!(summary(&table.changes()), naive(&origin, &middle), "{} since the beginning", kind);
            work(&table, &late);
            let end = tree(&table);
            prop_assert_eq!(summary(&table.changes()), naive(&origin, &end), "{} since the beginning, later", kind);
            prop_assert_eq!(summary(&table.changes_since(&snapshot)), naive(&middle, &end), "{} since the snapshot", kind);
            let back = snapshot.fork();
            prop_assert_eq!(summary(&back.changes_since(&table.snapshot())), naive(&end, &middle), "{} backwards", kind);
        }
    }

    #[test]
    fn a_restored_table_is_what_it_was_and_goes_on(before in program(40), early in program(40), late in program(40)) {
        let (kinds, _disk) = kinds(&before);
        for (kind, table) in kinds {
            work(&table, &early);
            let then = (tree(&table), table.list_mounts()[0].usage.held);
            let snapshot = table.snapshot();
            work(&table, &late);
            let written = table.list_mounts()[0].usage.written;
            table.restore(&snapshot).unwrap();
            prop_assert_eq!((tree(&table), table.list_mounts()[0].usage.held), then, "{}", kind);
            prop_assert_eq!(table.list_mounts()[0].usage.written, written, "work is not given back: {}", kind);
            prop_assert!(table.changes_since(&snapshot).is_empty());

            let twin = snapshot.fork();
            work(&table, &late);
            work(&twin, &late);
            prop_assert_eq!(tree(&table), tree(&twin), "{}", kind);
        }
    }

    #[test]
    fn what_is_done_in_a_fork_never_shows_in_the_original_nor_the_reverse(
        before in program(40), mine in program(40), theirs in program(40)
    ) {
        let (kinds, _disk) = kinds(&before);
        for (kind, table) in kinds {
            let fork = table.fork();
            let twin = table.fork();
            work(&fork, &theirs);
            prop_assert_eq!(tree(&table), tree(&twin), "{}", kind);
            let forked = (tree(&fork), fork.list_mounts()[0].usage);
            work(&table, &mine);
            prop_assert_eq!((tree(&fork), fork.list_mounts()[0].usage), forked, "{}", kind);
            prop_assert!(twin.changes().is_empty(), "{}", kind);
        }
    }

    /// A move is reported only where the contents prove it: what was at the source is at the target, or was changed
    /// there.
    #[test]
    fn the_source_of_a_move_is_where_the_file_was(before in program(40), late in program(40)) {
        let (kinds, _disk) = kinds(&before);
        for (kind, table) in kinds {
            let origin = tree(&table);
            work(&table, &late);
            for change in table.changes() {
                let Some(from) = change.moved_from else { continue };
                let relative = from.strip_prefix("/m/").unwrap();
                let was_directory = matches!(origin.get(relative), Some(Entry::Directory));
                prop_assert!(origin.contains_key(relative), "{}: {} was nothing", kind, from);
                prop_assert_eq!(was_directory, change.file_type == FileType::Directory, "{}: {}", kind, from);
            }
        }
    }
}
