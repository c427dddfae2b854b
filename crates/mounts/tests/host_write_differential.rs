//! Random programs on a host directory mounted to be written, and on another through `std::fs`: same answers, same
//! errors, same tree, and counters that a recount of the tree confirms.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by unwrapping, and compares with the real thing"
)]

#[path = "support/host.rs"]
mod host;
mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use host::{LOOKUPS, writable};
use mounts::{Held, LeaseMode};
use proptest::prelude::*;
use support::cases::cases;
use support::disks::{comparable, contents, grown, links, walk};
use support::programs::{ROOT, program, recount};
use support::{Step, image, image_on_disk, run, run_on_disk};

/// Everything on disk that a program can have made: type, permissions, and contents or target.
fn everything(root: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    walk(root, |path, metadata| (metadata.mode(), contents(path, metadata)))
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn a_written_directory_answers_as_std_fs_does(before in program(), program in program()) {
        for (_, open) in LOOKUPS {
            let (mounted, disk) = (grown(&before, &[]), grown(&before, &[]));
            let (bytes, entries) = recount(&image_on_disk(mounted.path()));
            let table = writable(open(mounted.path()).unwrap());
            let lease = table.checkout(LeaseMode::Exclusive).unwrap();
            let mut written = 0;
            for step in &program {
                let outcome = run(&lease, ROOT, step);
                if let (Ok(_), Step::Write(_, data) | Step::Append(_, data)) = (&outcome, step) {
                    written += data.len() as u64;
                }
                prop_assert_eq!(outcome, run_on_disk(disk.path(), step), "{:?}", step);
                let usage = lease.mounts()[0].usage;
                let now = recount(&image_on_disk(mounted.path()));
                let held = Held {
                    bytes: now.0.saturating_sub(bytes),
                    files: now.1.saturating_sub(entries),
                    memory: 0,
                };
                prop_assert_eq!((usage.held, usage.written), (held, written), "{:?}", step);
            }
            prop_assert_eq!(image(&lease, ROOT), image_on_disk(disk.path()));
            prop_assert_eq!(everything(mounted.path()), everything(disk.path()));
        }
    }

    #[test]
    fn a_written_directory_with_links_answers_as_std_fs_does(
        before in program(), links in links(), program in program()
    ) {
        for (_, open) in LOOKUPS {
            let (mounted, disk) = (grown(&before, &links), grown(&before, &links));
            let table = writable(open(mounted.path()).unwrap());
            let lease = table.checkout(LeaseMode::Exclusive).unwrap();
            for step in &program {
                let (ours, theirs) = (run(&lease, ROOT, step), run_on_disk(disk.path(), step));
                prop_assert_eq!(comparable(ours), comparable(theirs), "{:?}", step);
            }
            prop_assert_eq!(everything(mounted.path()), everything(disk.path()));
        }
    }
}
