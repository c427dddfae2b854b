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
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use host::{LOOKUPS, writable};
use mounts::{Held, LeaseMode};
use proptest::prelude::*;
use support::programs::{ROOT, program, recount};
use support::{Outcome, Step, image, image_on_disk, run, run_on_disk};

const ELOOP: i32 = 40;
const ENAMETOOLONG: i32 = 36;

/// The number of programs; `MOUNTS_PROGRAMS` asks for more than the suite's bounded share.
fn programs() -> u32 {
    std::env::var("MOUNTS_PROGRAMS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(60)
}

/// A directory on which `before` has been run.
fn grown(before: &[Step]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for step in before {
        let _ = run_on_disk(directory.path(), step);
    }
    directory
}

/// Everything on disk that a program can have made: type, permissions, and contents or target.
fn everything(root: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let contents = if metadata.is_dir() {
                pending.push(path);
                Vec::new()
            } else if metadata.is_symlink() {
                fs::read_link(path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(path).unwrap()
            };
            found.insert(name, (metadata.mode(), contents));
        }
    }
    found
}

/// A circle that lengthens the path at each turn meets our limits of a path before that of 40 links.
fn comparable(outcome: Outcome) -> Outcome {
    outcome.map_err(|number| if number == ENAMETOOLONG { ELOOP } else { number })
}

/// Links by path, each with a target in or below its own directory.
fn links() -> impl Strategy<Value = Vec<(String, String)>> {
    let names = |length| {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), length)
            .prop_map(|names| names.join("/"))
    };
    let target = prop_oneof![4 => names(1..=2_usize), 1 => Just(".".to_owned())];
    prop::collection::vec((names(1..=3_usize), target), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: programs(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_written_directory_answers_as_std_fs_does(before in program(), program in program()) {
        for (_, open) in LOOKUPS {
            let (mounted, disk) = (grown(&before), grown(&before));
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
            let (mounted, disk) = (grown(&before), grown(&before));
            for (path, target) in &links {
                let made = [&mounted, &disk].map(|root| symlink(target, root.path().join(path)).is_ok());
                prop_assert_eq!(made[0], made[1]);
            }
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
