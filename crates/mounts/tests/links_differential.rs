//! Random link farms, asked and changed through a mount and through `std::fs`: same answers, same errors, same tree.
//!
//! One thing is meant to differ: what leads above the mount is refused, and a link that does so is not listed. Where a
//! path leads is found out on the real directory by the test itself, and what would leave it is not done there.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and compares with the real thing"
)]

#[path = "support/farm.rs"]
mod farm;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use farm::{Farm, Last, farm, leaves, plant};
use mounts::{FileType, HostDirectory, LeaseMode, Mount, Namespace, Overlay, Table, WritableHostDirectory};
use proptest::prelude::*;
use support::cases::cases;
use support::{Outcome, Seen, Step, run, run_on_disk, step};
use tempfile::{TempDir, tempdir};

const EACCES: i32 = 13;
const ENAMETOOLONG: i32 = 36;
const ELOOP: i32 = 40;

fn planted(farm: &Farm) -> TempDir {
    let root = tempdir().unwrap();
    plant(root.path(), farm);
    root
}

fn mounted(mount: Mount) -> Table {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    table
}

/// Whether a step would leave the real directory.
fn would_leave(root: &Path, step: &Step) -> bool {
    let leads_out = |path: &str, last| leaves(root, path, last);
    match step {
        Step::Write(path, _) | Step::Append(path, _) | Step::OpenTruncate(path) | Step::OpenAppend(path) => {
            leads_out(path, Last::Made)
        }
        Step::Read(path) | Step::List(path) | Step::Stat(path) => leads_out(path, Last::Followed),
        Step::Lstat(path) | Step::CreateDir(path) | Step::RemoveFile(path) | Step::RemoveDir(path) => {
            leads_out(path, Last::Kept)
        }
        // Each directory above may be made first.
        Step::CreateDirAll(path) => {
            let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
            ends.into_iter()
                .any(|end| leads_out(&path[..end], Last::Followed))
        }
        Step::Rename(from, to) => leads_out(from, Last::Kept) || leads_out(to, Last::Kept),
    }
}

/// What the step answers on the disk, with the one difference there is meant to be; `None` for any refusal.
fn expected(root: &Path, step: &Step) -> Option<Outcome> {
    if would_leave(root, step) {
        return match step {
            // Which of several things is wrong is found in another order.
            Step::Rename(..) | Step::CreateDirAll(_) => None,
            _ => Some(Err(EACCES)),
        };
    }
    let mut outcome = run_on_disk(root, step);
    if let (Step::List(path), Ok(Seen::Names(names))) = (step, &mut outcome) {
        names.retain(|(name, _)| !leaves(root, &format!("{path}/{name}"), Last::Followed));
    }
    Some(outcome)
}

/// A circle that lengthens the path at each turn meets our limit of 64 components before that of 40 links.
fn is_same_circle(ours: &Outcome, real: &Outcome) -> bool {
    *ours == Err(ENAMETOOLONG) && *real == Err(ELOOP)
}

fn compare(namespace: &Namespace, root: &Path, step: &Step) -> Result<(), TestCaseError> {
    let expected = expected(root, step);
    let ours = run(namespace, "/m", step);
    match expected {
        None => prop_assert!(ours.is_err(), "{:?}: {:?}", step, ours),
        Some(real) if is_same_circle(&ours, &real) => {}
        Some(real) => prop_assert_eq!(ours, real, "{:?}", step),
    }
    Ok(())
}

/// The tree with its links, by path: the type, and the size of what has one.
type Image = BTreeMap<String, (FileType, Option<u64>)>;

fn image(namespace: &Namespace) -> Image {
    let mut image = Image::new();
    let mut pending = vec!["/m".to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in namespace.list(&directory).unwrap() {
            let path = format!("{directory}/{}", entry.name);
            let found = namespace.symlink_metadata(&path).unwrap();
            let is_directory = entry.file_type == FileType::Directory;
            image.insert(
                path["/m/".len()..].to_owned(),
                (entry.file_type, (!is_directory).then_some(found.size)),
            );
            pending.extend(is_directory.then_some(path));
        }
    }
    image
}

fn image_on_disk(root: &Path) -> Image {
    let mut image = Image::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let found = fs::symlink_metadata(&path).unwrap();
            let file_type = match () {
                () if found.is_dir() => FileType::Directory,
                () if found.is_symlink() => FileType::Symlink,
                () => FileType::File,
            };
            if file_type == FileType::Symlink && leaves(root, &name, Last::Followed) {
                continue;
            }
            let is_directory = file_type == FileType::Directory;
            image.insert(name, (file_type, (!is_directory).then_some(found.len())));
            pending.extend(is_directory.then_some(path));
        }
    }
    image
}

/// Every question about every path that `farm` has, and about some that it may not have.
fn questions(farm: &Farm, others: Vec<String>) -> impl Iterator<Item = Step> {
    let paths: Vec<_> = farm.keys().cloned().chain(others).collect();
    paths
        .into_iter()
        .flat_map(|path| [Step::Read, Step::List, Step::Stat, Step::Lstat].map(|ask| ask(path.clone())))
}

fn paths() -> impl Strategy<Value = Vec<String>> {
    let names = prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..=5);
    prop::collection::vec(names.prop_map(|names| names.join("/")), 8)
}

fn program() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..30)
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn a_directory_mounted_for_reading_follows_links_as_linux_does(farm in farm(), paths in paths()) {
        let root = planted(&farm);
        for directory in [HostDirectory::open(root.path()), HostDirectory::open_walked(root.path())] {
            let table = mounted(Mount::read_only(directory.unwrap()));
            let lease = table.checkout(LeaseMode::Shared).unwrap();
            for step in questions(&farm, paths.clone()) {
                compare(&lease, root.path(), &step)?;
            }
            prop_assert_eq!(image(&lease), image_on_disk(root.path()));
        }
    }

    #[test]
    fn an_overlay_over_a_directory_follows_links_as_linux_does(
        farm in farm(), program in program(), paths in paths()
    ) {
        let (lower, real) = (planted(&farm), planted(&farm));
        let table = mounted(Mount::overlay(HostDirectory::open(lower.path()).unwrap()));
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        for step in program.into_iter().chain(questions(&farm, paths)) {
            compare(&lease, real.path(), &step)?;
        }
        prop_assert_eq!(image(&lease), image_on_disk(real.path()));
    }

    #[test]
    fn a_directory_mounted_to_be_written_follows_links_as_linux_does(
        farm in farm(), program in program(), paths in paths()
    ) {
        for open in [|path: &Path| HostDirectory::open(path), |path: &Path| HostDirectory::open_walked(path)] {
            let (ours, real) = (planted(&farm), planted(&farm));
            let directory = WritableHostDirectory::new(open(ours.path()).unwrap());
            let table = mounted(Mount::read_write(directory));
            let lease = table.checkout(LeaseMode::Exclusive).unwrap();
            for step in program.iter().cloned().chain(questions(&farm, paths.clone())) {
                compare(&lease, real.path(), &step)?;
            }
            prop_assert_eq!(image(&lease), image_on_disk(real.path()));
            prop_assert_eq!(image_on_disk(ours.path()), image_on_disk(real.path()));
        }
    }

    #[test]
    fn an_overlay_over_an_overlay_over_a_directory_follows_links_as_linux_does(
        farm in farm(), between in program(), program in program(), paths in paths()
    ) {
        let (lower, real) = (planted(&farm), planted(&farm));
        let middle = Arc::new(Overlay::new(HostDirectory::open(lower.path()).unwrap()));
        let below = mounted(Mount::read_write(Arc::clone(&middle)));
        let lease = below.checkout(LeaseMode::Exclusive).unwrap();
        for step in &between {
            compare(&lease, real.path(), step)?;
        }
        let table = mounted(Mount::overlay(middle));
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        for step in program.into_iter().chain(questions(&farm, paths)) {
            compare(&lease, real.path(), &step)?;
        }
        prop_assert_eq!(image(&lease), image_on_disk(real.path()));
    }
}
