//! Random programs on an overlay over a directory of the host, and on a real directory through `std::fs`: same
//! answers, same errors, same tree; and the directory below is afterwards, to the last bit and time, what it was.

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
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use host::LOOKUPS;
use mounts::{FileType, HostDirectory, LeaseMode, Mount, Namespace, Overlay};
use proptest::prelude::*;
use support::cases::cases;
use support::disks::{Link, comparable, contents, grown, links, walk};
use support::programs::{ROOT, mounted, program};
use support::{Step, run, run_on_disk};

/// What an entry holds: the bytes of a file, nothing for directories and links.
type Held = (FileType, Option<Vec<u8>>);

fn on_disk(root: &Path) -> BTreeMap<String, Held> {
    walk(root, |path, metadata| match metadata.file_type() {
        kind if kind.is_dir() => (FileType::Directory, None),
        kind if kind.is_symlink() => (FileType::Symlink, None),
        _ => (FileType::File, Some(fs::read(path).unwrap())),
    })
}

fn in_namespace(namespace: &Namespace) -> BTreeMap<String, Held> {
    let mut found = BTreeMap::new();
    let mut pending = vec![String::new()];
    while let Some(directory) = pending.pop() {
        for entry in namespace.list(&format!("{ROOT}/{directory}")).unwrap() {
            let path = format!("{directory}{}", entry.name);
            let at = format!("{ROOT}/{path}");
            assert_eq!(
                namespace.symlink_metadata(&at).unwrap().file_type,
                entry.file_type
            );
            let bytes = match entry.file_type {
                FileType::File => Some(namespace.read(&at).unwrap().to_vec()),
                _ => None,
            };
            if entry.file_type == FileType::Directory {
                pending.push(format!("{path}/"));
            }
            found.insert(path, (entry.file_type, bytes));
        }
    }
    found
}

/// Everything about a directory that a write could have changed.
fn fingerprint(root: &Path) -> BTreeMap<String, (Vec<u8>, [i64; 6])> {
    walk(root, |path, metadata| {
        let numbers = [
            metadata.ino().cast_signed(),
            metadata.mode().into(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
        ];
        (contents(path, metadata), numbers)
    })
}

/// Runs `program` on the mount of `lower` that `over` makes, and on a copy of `lower` through `std::fs`.
fn compare(
    (before, links): (&[Step], &[Link]),
    program: &[Step],
    over: impl Fn(HostDirectory) -> Mount,
) -> Result<(), TestCaseError> {
    for (_, open) in LOOKUPS {
        let (lower, disk) = (grown(before, links), grown(before, links));
        let untouched = fingerprint(lower.path());
        let table = mounted(over(open(lower.path()).unwrap()));
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        for step in program {
            let (ours, theirs) = (run(&lease, ROOT, step), run_on_disk(disk.path(), step));
            prop_assert_eq!(comparable(ours), comparable(theirs), "{:?}", step);
        }
        prop_assert_eq!(in_namespace(&lease), on_disk(disk.path()));
        prop_assert_eq!(fingerprint(lower.path()), untouched, "the lower was written");
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn an_overlay_over_a_directory_answers_as_std_fs_does(before in program(), program in program()) {
        compare((&before, &[]), &program, Mount::overlay)?;
    }

    #[test]
    fn an_overlay_over_a_directory_with_links_answers_as_std_fs_does(
        before in program(), links in links(), program in program()
    ) {
        compare((&before, &links), &program, Mount::overlay)?;
    }

    #[test]
    fn an_overlay_over_an_overlay_over_a_directory_answers_as_std_fs_does(
        before in program(), links in links(), program in program()
    ) {
        compare((&before, &links), &program, |lower| Mount::overlay(Overlay::new(lower)))?;
    }

    /// What the first half of a program leaves in the middle layer is the lower of the second half.
    #[test]
    fn layers_that_share_the_work_answer_as_std_fs_does(
        before in program(), links in links(), below in program(), above in program()
    ) {
        for (_, open) in LOOKUPS {
            let (lower, disk) = (grown(&before, &links), grown(&before, &links));
            let untouched = fingerprint(lower.path());
            let middle = Arc::new(Overlay::new(open(lower.path()).unwrap()));
            for (mount, half) in [
                (Mount::read_write(Arc::clone(&middle)), &below),
                (Mount::overlay(middle), &above),
            ] {
                let table = mounted(mount);
                let lease = table.checkout(LeaseMode::Exclusive).unwrap();
                for step in half {
                    let (ours, theirs) = (run(&lease, ROOT, step), run_on_disk(disk.path(), step));
                    prop_assert_eq!(comparable(ours), comparable(theirs), "{:?}", step);
                }
                prop_assert_eq!(in_namespace(&lease), on_disk(disk.path()));
            }
            prop_assert_eq!(fingerprint(lower.path()), untouched, "the lower was written");
        }
    }
}
