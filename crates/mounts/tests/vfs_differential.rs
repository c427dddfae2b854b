//! Random programs on file systems of the crate `vfs`, mounted, and on a real directory: same answers, same errors,
//! same tree, true counters.
//!
//! What `vfs` leaves open is what a mount has to add: these file systems would create files below files, or lists of
//! them, if they were asked to.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and compares with the real thing"
)]

mod support;

use mounts::vfs::{TableFs, VfsBackend};
use mounts::{LeaseMode, Mount};
use proptest::prelude::*;
use support::cases::cases;
use support::programs::{ROOT, compare, mounted, program, recount};
use support::{Step, image, run};
use vfs::{FileSystem, MemoryFS, PhysicalFS};

/// The same on a file system that is empty and written through: what it then holds is what was counted.
fn compare_counted(files: impl FileSystem, program: &[Step]) -> Result<(), TestCaseError> {
    let table = compare(Mount::read_write(VfsBackend::new(files)), &[], program)?;
    let held = table.list_mounts()[0].usage.held;
    let tree = image(&table.checkout(LeaseMode::Shared).unwrap(), ROOT);
    prop_assert_eq!((held.bytes, held.files), recount(&tree));
    Ok(())
}

proptest! {
    #![proptest_config(cases(400))]

    /// It can move nothing: every rename is a copy.
    #[test]
    fn a_mounted_memory_of_theirs_answers_as_a_real_directory_does(program in program()) {
        compare_counted(MemoryFS::new(), &program)?;
    }

    /// It can move everything.
    #[test]
    fn a_mounted_directory_of_theirs_answers_as_a_real_directory_does(program in program()) {
        let directory = tempfile::tempdir().unwrap();
        compare_counted(PhysicalFS::new(directory.path()), &program)?;
    }

    #[test]
    fn a_table_within_a_table_answers_as_a_real_directory_does(program in program()) {
        let inner = mounted(Mount::memory());
        compare_counted(TableFs::new(inner.clone()).below(ROOT).unwrap(), &program)?;
        let held = inner.list_mounts()[0].usage.held;
        let tree = image(&inner.checkout(LeaseMode::Shared).unwrap(), ROOT);
        prop_assert_eq!((held.bytes, held.files), recount(&tree));
    }

    #[test]
    fn an_overlay_over_theirs_answers_as_a_real_directory_does(before in program(), program in program()) {
        let files = TableFs::new(mounted(Mount::read_write(VfsBackend::new(MemoryFS::new())))).below(ROOT).unwrap();
        let lower = mounted(Mount::read_write(VfsBackend::new(files.clone())));
        let lease = lower.checkout(LeaseMode::Exclusive).unwrap();
        for step in &before {
            let _ = run(&lease, ROOT, step);
        }
        let lower_before = image(&lease, ROOT);
        compare(Mount::overlay(VfsBackend::new(files)), &before, &program)?;
        prop_assert_eq!(image(&lease, ROOT), lower_before, "the lower was written");
    }
}
