//! Link farms: small trees in which nearly everything is a link, and where a path in them leads on a real disk.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use proptest::prelude::*;

/// What is made at a path.
#[derive(Debug, Clone)]
pub(crate) enum Planted {
    Directory,
    File(Vec<u8>),
    /// A link with this target, whatever it leads to.
    Link(String),
}

/// A tree by path, parents first.
pub(crate) type Farm = BTreeMap<String, Planted>;

/// `..` and `.` anywhere in a target, behind names that are missing, files, links or directories, and a slash at its
/// end: nothing that Linux would take is left out but absolute targets, which mean something else in a mount.
fn target() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec!["a", "a", "b", "b", "c", "c", "..", "..", "."]);
    (
        prop::collection::vec(names, 1..=5),
        prop::sample::select(vec!["", "", "", "/", "/."]),
    )
        .prop_map(|(names, end)| format!("{}{end}", names.join("/")))
}

pub(crate) fn farm() -> impl Strategy<Value = Farm> {
    let names = prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..=3);
    let planted = prop_oneof![
        4 => Just(Planted::Directory),
        2 => prop::collection::vec(any::<u8>(), 0..9).prop_map(Planted::File),
        5 => target().prop_map(Planted::Link),
    ];
    prop::collection::btree_map(names.prop_map(|names| names.join("/")), planted, 1..18)
}

/// Makes what can be made: below a file or a link that was there first there is nothing.
pub(crate) fn plant(root: &Path, farm: &Farm) {
    for (path, planted) in farm {
        let at = root.join(path);
        let parent = at.parent().unwrap();
        let is_below_other = parent
            .ancestors()
            .take_while(|above| *above != root)
            .any(|above| above.is_symlink() || above.is_file());
        if is_below_other || fs::symlink_metadata(&at).is_ok() {
            continue;
        }
        fs::create_dir_all(parent).unwrap();
        match planted {
            Planted::Directory => fs::create_dir(at).unwrap(),
            Planted::File(bytes) => fs::write(at, bytes).unwrap(),
            Planted::Link(target) => symlink(target, at).unwrap(),
        }
    }
}

/// Whether the last component of a path is followed when it is a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    Followed,
    Kept,
    /// Followed to where a file is made, unless a slash behind its name says that it would be a directory.
    Made,
}

/// Whether Linux, resolving `path` in `root`, would climb above `root` before it found anything else wrong.
pub(crate) fn leaves(root: &Path, path: &str, last: Last) -> bool {
    let reversed = |path: &str| path.split('/').rev().map(str::to_owned).collect::<Vec<_>>();
    let mut here = root.to_owned();
    let mut pending = reversed(path);
    let mut links = 0;
    while let Some(name) = pending.pop() {
        if !fs::symlink_metadata(&here).unwrap().is_dir() {
            return false;
        }
        match name.as_str() {
            "" | "." => {}
            ".." if here == root => return true,
            ".." => here = here.parent().unwrap().to_owned(),
            name => {
                let next = here.join(name);
                let Ok(found) = fs::symlink_metadata(&next) else {
                    return false;
                };
                let ends_in_slash = !pending.is_empty() && pending.iter().all(String::is_empty);
                if last == Last::Made && ends_in_slash {
                    return false;
                }
                if found.is_symlink() && (last != Last::Kept || !pending.is_empty()) {
                    links += 1;
                    if links > 40 {
                        return false;
                    }
                    pending.extend(reversed(fs::read_link(&next).unwrap().to_str().unwrap()));
                } else {
                    here = next;
                }
            }
        }
    }
    false
}
