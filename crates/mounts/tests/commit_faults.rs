//! A commit in which a step fails: each file is old or new, the overlay shows the same, and committing again ends it.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and looks at the host"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mounts::history::{CommitError, CommitOptions};
use mounts::{ErrorKind, HostDirectory, Mount, Table, WritableHostDirectory};
use proptest::prelude::*;
use support::cases::cases;
use support::faulty::{Faulty, NEVER};
use support::history::{self, ROOT, mounted, program, tree, work};
use support::{Entry, Step, TreeImage, image_on_disk};
use tempfile::TempDir;

fn over(before: &[Step], program: &[Step], fuse: usize) -> (Table, TempDir, Arc<AtomicUsize>) {
    let fuse = Arc::new(AtomicUsize::new(fuse));
    let (table, disk) = history::over(before, |disk| Faulty {
        directory: WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap()),
        fuse: Arc::clone(&fuse),
        meanwhile: None,
    });
    work(&table, program);
    (table, disk, fuse)
}

/// What is on disk but for what is set aside under a name that no mount shows.
fn shown_on_disk(disk: &TempDir) -> TreeImage {
    let mut image = image_on_disk(disk.path());
    image.retain(|path, _| !path.starts_with(".mounts-"));
    image
}

/// Checks that each file of a directory holds what it held before or is to hold. One that is to be removed may have
/// come to another place with the directory it is in: removals are last.
fn is_old_or_new(now: &TreeImage, old: &TreeImage, new: &TreeImage) -> Result<(), String> {
    for (path, entry) in now {
        let is_old = old.values().any(|old| old == entry);
        if !is_old && new.get(path) != Some(entry) {
            return Err(format!("{path} is neither old nor new"));
        }
    }
    for (path, entry) in old {
        if new.get(path) == Some(entry) && matches!(entry, Entry::Directory) && !now.contains_key(path) {
            return Err(format!("{path} was to stay, and is gone"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(20))]

    #[test]
    fn a_commit_that_fails_at_any_step_can_be_ended(before in program(30), program in program(30)) {
        let (table, _disk, fuse) = over(&before, &program, NEVER);
        table.commit(ROOT, &CommitOptions::new()).unwrap();
        let steps = NEVER - fuse.load(Ordering::Relaxed);
        for failing in 0..steps {
            let (table, disk, _fuse) = over(&before, &program, failing);
            let (old, new) = (image_on_disk(disk.path()), tree(&table));
            let error = table.commit(ROOT, &CommitOptions::new()).unwrap_err();
            let CommitError::Incomplete { error, report } = error else {
                panic!("step {failing} of {steps}: {error:?}");
            };
            prop_assert_eq!(error.errno(), Some(5));
            let now = shown_on_disk(&disk);
            prop_assert_eq!(is_old_or_new(&now, &old, &new), Ok(()), "step {} of {}: {:?}", failing, steps, report);
            prop_assert_eq!(&tree(&table), &new, "step {} of {}: {:?}", failing, steps, report);

            let again = table.commit(ROOT, &CommitOptions::new());
            prop_assert!(again.is_ok(), "step {} of {}: {:?} then {:?}", failing, steps, report, again);
            prop_assert_eq!(&shown_on_disk(&disk), &new, "step {} of {}", failing, steps);
            prop_assert_eq!(table.changes(), vec![]);
        }
    }
}

/// Somebody writes to a file after the check, in the last moment before it is displaced. Their work comes back, and the
/// overlay keeps its own.
#[test]
fn what_the_host_writes_in_the_last_moment_is_put_back() {
    type Work = fn(&Table) -> mounts::Result<()>;
    let works: [(&str, Work); 4] = [
        ("replaced", |table| table.write("/m/f", "by the script")),
        ("extended", |table| table.append("/m/f", b" by the script")),
        ("removed", |table| table.remove_file("/m/f")),
        ("renamed", |table| table.rename("/m/f", "/m/g")),
    ];
    for (what, work) in works {
        let disk = tempfile::tempdir().unwrap();
        let file = disk.path().join("f");
        std::fs::write(&file, "old").unwrap();
        let meanwhile = file.clone();
        let directory = Faulty {
            directory: WritableHostDirectory::new(HostDirectory::open(disk.path()).unwrap()),
            fuse: Arc::new(AtomicUsize::new(NEVER)),
            meanwhile: Some(Box::new(move || {
                std::fs::write(&meanwhile, "by the host").unwrap();
            })),
        };
        let table = mounted(Mount::overlay(directory));
        work(&table).unwrap();
        match table.commit(ROOT, &CommitOptions::new()).unwrap_err() {
            CommitError::Incomplete { error, report } => {
                assert_eq!(error.kind(), ErrorKind::Stale, "{what}");
                assert_eq!(report.written, [""; 0], "{what}");
            }
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(std::fs::read(&file).unwrap(), b"by the host", "{what}");
        assert_eq!(std::fs::read_dir(disk.path()).unwrap().count(), 1, "{what}");
        assert!(matches!(
            table.commit(ROOT, &CommitOptions::new()),
            Err(CommitError::Conflicts(_))
        ));
    }
}
