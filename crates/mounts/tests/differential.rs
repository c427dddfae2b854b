//! Random programs on a mount and on a real directory: same answers, same errors, same tree, true counters.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod support;

use mounts::{Held, LeaseMode, Mount, Table};
use proptest::prelude::*;
use support::{Entry, Step, TreeImage, image, image_on_disk, run, run_on_disk, step};

const ROOT: &str = "/m";

/// The number of programs; `MOUNTS_PROGRAMS` asks for more than the suite's bounded share.
fn programs() -> u32 {
    std::env::var("MOUNTS_PROGRAMS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(400)
}

fn table() -> Table {
    let table = Table::new();
    table.mount(ROOT, Mount::memory()).unwrap();
    table
}

fn recount(image: &TreeImage) -> (u64, u64) {
    let bytes = image.values().map(|entry| match entry {
        Entry::File(bytes) => bytes.len() as u64,
        Entry::Directory => 0,
    });
    (bytes.sum(), image.len() as u64)
}

fn compare(program: &[Step]) -> Result<(), TestCaseError> {
    let disk = tempfile::tempdir().unwrap();
    let table = table();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    for step in program {
        prop_assert_eq!(
            run(&lease, ROOT, step),
            run_on_disk(disk.path(), step),
            "{:?}",
            step
        );
    }
    let tree = image(&lease, ROOT);
    prop_assert_eq!(&tree, &image_on_disk(disk.path()));
    let held = table.list_mounts()[0].usage.held;
    prop_assert_eq!((held.bytes, held.files), recount(&tree));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: programs(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_answers_as_a_real_directory_does(program in prop::collection::vec(step(), 1..60)) {
        compare(&program)?;
    }
}

/// What a tree holds is all it is charged for: emptied, it is charged nothing, memory included.
#[test]
fn create_and_delete_cycles_leave_no_residue() {
    let table = table();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    for round in 0..20_000 {
        lease.create_dir_all("/m/d/e").unwrap();
        lease.write("/m/d/e/f", format!("{round}")).unwrap();
        lease.rename("/m/d/e", "/m/g").unwrap();
        lease.remove_file("/m/g/f").unwrap();
        lease.remove_dir("/m/g").unwrap();
        lease.remove_dir("/m/d").unwrap();
    }
    assert_eq!(table.list_mounts()[0].usage.held, Held::default());
}
