//! Random programs on a mount and on a real directory: same answers, same errors, same tree, true counters.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod support;

use std::sync::Arc;

use mounts::{Held, LeaseMode, Memory, Mount, Overlay};
use proptest::prelude::*;
use support::cases::cases;
use support::programs::{ROOT, compare, mounted, program, recount};
use support::{Step, TreeImage, image, run};

/// A memory tree in which `program` has been run.
fn grown(program: &[Step]) -> Arc<Memory> {
    let memory = Arc::new(Memory::new());
    let table = mounted(Mount::read_write(Arc::clone(&memory)));
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    for step in program {
        let _ = run(&lease, ROOT, step);
    }
    memory
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn memory_answers_as_a_real_directory_does(program in program()) {
        let table = compare(Mount::memory(), &[], &program)?;
        let held = table.list_mounts()[0].usage.held;
        let tree = image(&table.checkout(LeaseMode::Shared).unwrap(), ROOT);
        prop_assert_eq!((held.bytes, held.files), recount(&tree));
    }

    #[test]
    fn an_overlay_answers_as_a_real_directory_does(before in program(), program in program()) {
        let lower = grown(&before);
        let lower_before = image_of(&lower);
        compare(Mount::overlay(Arc::clone(&lower)), &before, &program)?;
        prop_assert_eq!(image_of(&lower), lower_before, "the lower was written");
    }

    #[test]
    fn an_overlay_over_an_overlay_answers_as_a_real_directory_does(
        before in program(), between in program(), program in program()
    ) {
        let middle = Arc::new(Overlay::new(grown(&before)));
        let table = mounted(Mount::read_write(Arc::clone(&middle)));
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        for step in &between {
            let _ = run(&lease, ROOT, step);
        }
        let both: Vec<_> = before.into_iter().chain(between).collect();
        compare(Mount::overlay(middle), &both, &program)?;
    }
}

fn image_of(lower: &Arc<Memory>) -> TreeImage {
    let table = mounted(Mount::read_only(Arc::clone(lower)));
    let lease = table.checkout(LeaseMode::Shared).unwrap();
    image(&lease, ROOT)
}

/// What a tree holds is all it is charged for: emptied, it is charged nothing, memory included.
#[test]
fn create_and_delete_cycles_leave_no_residue() {
    for mount in [Mount::memory(), Mount::overlay(Memory::new())] {
        let table = mounted(mount);
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        for round in 0..10_000 {
            lease.create_dir_all("/m/d/e").unwrap();
            lease.write("/m/d/e/f", format!("{round}")).unwrap();
            lease.rename("/m/d/e", "/m/g").unwrap();
            lease.remove_file("/m/g/f").unwrap();
            lease.remove_dir("/m/g").unwrap();
            lease.remove_dir("/m/d").unwrap();
        }
        assert_eq!(table.list_mounts()[0].usage.held, Held::default());
    }
}
