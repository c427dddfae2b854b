//! Random programs on an overlay over a real directory, committed: the directory is what the overlay showed.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod support;

use mounts::history::CommitOptions;
use mounts::{Held, HostDirectory, Table, WritableHostDirectory};
use proptest::prelude::*;
use support::cases::cases;
use support::history::{self, ROOT, program, tree, work};
use support::{Step, image_on_disk};
use tempfile::TempDir;

fn over(before: &[Step]) -> (Table, TempDir) {
    history::over(before, |disk| {
        WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap())
    })
}

/// What the directory holds, names that no mount shows included.
fn names_on_disk(disk: &TempDir) -> usize {
    image_on_disk(disk.path()).len()
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_committed_directory_is_what_the_overlay_showed(before in program(60), first in program(60), second in program(60)) {
        let (table, disk) = over(&before);
        for program in [first, second] {
            work(&table, &program);
            let shown = tree(&table);
            let plan = table.plan_commit(ROOT, &CommitOptions::new()).unwrap();
            let report = table.commit(ROOT, &CommitOptions::new()).unwrap();
            prop_assert_eq!(&report, &plan, "the plan is what was done");
            prop_assert_eq!(image_on_disk(disk.path()), shown.clone(), "{:?}", report);
            prop_assert_eq!(names_on_disk(&disk), shown.len(), "something is left over");
            prop_assert_eq!(tree(&table), shown, "the overlay shows the same as before");
            prop_assert_eq!(table.changes(), vec![]);
            prop_assert_eq!(table.list_mounts()[0].usage.held, Held::default());
        }
    }

    /// Committing only a part leaves the rest in the overlay, which shows the same throughout.
    #[test]
    fn a_commit_in_parts_comes_to_the_same(before in program(60), program in program(60), part in "[abc]") {
        let (table, disk) = over(&before);
        work(&table, &program);
        let shown = tree(&table);
        let only = CommitOptions::new().only([part]).unwrap();
        table.commit(ROOT, &only).unwrap();
        prop_assert_eq!(&tree(&table), &shown, "after a part");
        table.commit(ROOT, &CommitOptions::new()).unwrap();
        prop_assert_eq!(image_on_disk(disk.path()), shown.clone());
        prop_assert_eq!(tree(&table), shown);
        prop_assert_eq!(table.changes(), vec![]);
    }
}
