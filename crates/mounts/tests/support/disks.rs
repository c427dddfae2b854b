//! Directories on disk for random programs: grown by one, with links in them, and looked at without following any.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{Outcome, Step, run_on_disk};

/// A link: its path, and its target.
pub(crate) type Link = (String, String);

/// Links whose targets are in or below their own directories, so that they stay inside wherever they are moved.
pub(crate) fn links() -> impl Strategy<Value = Vec<Link>> {
    let names = |length| {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), length)
            .prop_map(|names| names.join("/"))
    };
    let target = prop_oneof![4 => names(1..=2_usize), 1 => Just(".".to_owned())];
    prop::collection::vec((names(1..=3_usize), target), 0..8)
}

/// A directory on which `before` has been run, and in which `links` were then made where they could be.
pub(crate) fn grown(before: &[Step], links: &[Link]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for step in before {
        let _ = run_on_disk(directory.path(), step);
    }
    for (path, target) in links {
        let _ = symlink(target, directory.path().join(path));
    }
    directory
}

/// Every path below `root` and what `look` tells about it; links are looked at themselves.
pub(crate) fn walk<T>(root: &Path, look: impl Fn(&Path, &fs::Metadata) -> T) -> BTreeMap<String, T> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let metadata = fs::symlink_metadata(&path).unwrap();
            found.insert(name, look(&path, &metadata));
            if metadata.is_dir() {
                pending.push(path);
            }
        }
    }
    found
}

/// The bytes of a file, the target of a link, nothing of a directory.
pub(crate) fn contents(path: &Path, metadata: &fs::Metadata) -> Vec<u8> {
    match metadata.file_type() {
        kind if kind.is_dir() => Vec::new(),
        kind if kind.is_symlink() => fs::read_link(path).unwrap().into_os_string().into_encoded_bytes(),
        _ => fs::read(path).unwrap(),
    }
}

/// A circle that lengthens the path at each turn meets our limits of a path before Linux's of 40 links.
pub(crate) fn comparable(outcome: Outcome) -> Outcome {
    const ELOOP: i32 = 40;
    const ENAMETOOLONG: i32 = 36;
    outcome.map_err(|number| if number == ENAMETOOLONG { ELOOP } else { number })
}
