//! Generated trees with links, asked through a mount and through `std::fs`: same bytes, same entries, same errors.
//!
//! What is meant to differ stays out: links that leave, `..` behind a name (which is resolved lexically in a path),
//! and special files.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by unwrapping, and compares with the real thing"
)]

#[path = "support/cases.rs"]
mod cases;
#[path = "support/host.rs"]
mod host;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::time::SystemTime;

use cases::cases;
use host::with_each_lookup;
use mounts::{ErrorKind, FileType, LeaseMode, Metadata, Namespace};
use proptest::prelude::*;

const ELOOP: i32 = 40;

#[derive(Debug, Clone)]
enum Entry {
    Directory,
    File(Vec<u8>),
    Link(String),
}

/// What `stat` tells, where the two must agree.
type Stat = (FileType, u32, u64, u64, u64, SystemTime);

/// Everything that can be asked about one path, each with what it answers or its error number.
#[derive(Debug, PartialEq, Eq)]
struct Answers {
    read: Result<Vec<u8>, i32>,
    open: Result<(), i32>,
    stat: Result<Stat, i32>,
    lstat: Result<Stat, i32>,
    list: Result<Vec<(String, FileType)>, i32>,
}

fn names(length: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), length)
}

/// A tree by path, parents first. A link climbs at most to the root: `climb` counts modulo its depth.
fn tree() -> impl Strategy<Value = BTreeMap<String, Entry>> {
    let link = (0..4_usize, names(0..=3)).prop_map(|(climb, target)| (climb, target.join("/")));
    let kind = prop_oneof![
        3 => Just((Entry::Directory, 0)).boxed(),
        2 => prop::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| (Entry::File(bytes), 0)).boxed(),
        3 => link.prop_map(|(climb, target)| (Entry::Link(target), climb)).boxed(),
    ];
    prop::collection::btree_map(names(1..=3), kind, 1..16).prop_map(|entries| {
        let placed = |(path, (entry, climb)): (Vec<&str>, (Entry, usize))| {
            let entry = match entry {
                Entry::Link(target) => {
                    let up = "../".repeat(climb % path.len());
                    Entry::Link(if up.is_empty() && target.is_empty() {
                        ".".into()
                    } else {
                        format!("{up}{target}").trim_end_matches('/').to_owned()
                    })
                }
                entry => entry,
            };
            (path.join("/"), entry)
        };
        entries.into_iter().map(placed).collect()
    })
}

/// Makes what can be made: below a file or a link that was there first there is nothing.
fn make(root: &Path, tree: &BTreeMap<String, Entry>) {
    for (path, entry) in tree {
        let at = root.join(path);
        let parent = at.parent().unwrap();
        let below_link = parent
            .ancestors()
            .take_while(|above| *above != root)
            .any(|above| above.is_symlink() || above.is_file());
        if below_link || fs::create_dir_all(parent).is_err() {
            continue;
        }
        match entry {
            Entry::Directory => fs::create_dir_all(at).unwrap(),
            Entry::File(bytes) => fs::write(at, bytes).unwrap(),
            Entry::Link(target) => symlink(target, at).unwrap(),
        }
    }
}

fn stat(metadata: &Metadata) -> Stat {
    (
        metadata.file_type,
        metadata.mode,
        metadata.size,
        metadata.inode,
        metadata.links,
        metadata.modified,
    )
}

fn through_the_mount(namespace: &Namespace, path: &str) -> Answers {
    fn number<T>(answer: mounts::Result<T>) -> Result<T, i32> {
        answer.map_err(|error| match error.kind() {
            // A circle that lengthens the path at each turn meets our limit of 64 components before that of 40 links.
            ErrorKind::NameTooLong => ELOOP,
            _ => error.errno().unwrap(),
        })
    }
    let entry = |entry: mounts::DirEntry| (entry.name.to_string(), entry.file_type);
    Answers {
        read: number(namespace.read(path)).map(|contents| contents.to_vec()),
        open: number(namespace.open(path)),
        stat: number(namespace.metadata(path)).map(|metadata| stat(&metadata)),
        lstat: number(namespace.symlink_metadata(path)).map(|metadata| stat(&metadata)),
        list: number(namespace.list(path)).map(|entries| entries.into_iter().map(entry).collect()),
    }
}

fn through_std(path: &Path) -> Answers {
    fn number<T>(answer: io::Result<T>) -> Result<T, i32> {
        answer.map_err(|error| error.raw_os_error().unwrap())
    }
    fn file_type(real: fs::FileType) -> FileType {
        match () {
            () if real.is_file() => FileType::File,
            () if real.is_dir() => FileType::Directory,
            () if real.is_symlink() => FileType::Symlink,
            () => FileType::Special,
        }
    }
    let stat = |real: fs::Metadata| {
        let modified = real.modified().unwrap();
        let kind = file_type(real.file_type());
        (
            kind,
            real.mode() & 0o1777,
            real.len(),
            real.ino(),
            real.nlink(),
            modified,
        )
    };
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, file_type(entry.file_type().unwrap()))
    };
    Answers {
        read: number(fs::read(path)),
        // Opening a directory succeeds, reading it does not; scripts open files to read them.
        open: number(fs::read(path)).map(drop),
        stat: number(fs::metadata(path)).map(stat),
        lstat: number(fs::symlink_metadata(path)).map(stat),
        list: number(fs::read_dir(path)).map(|entries| {
            let mut entries: Vec<_> = entries.map(entry).collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            entries
        }),
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_mounted_directory_answers_as_std_fs_does(
        tree in tree(),
        paths in prop::collection::vec(names(1..=5), 12),
    ) {
        let root = tempfile::tempdir().unwrap();
        make(root.path(), &tree);
        with_each_lookup(root.path(), |table| {
            let lease = table.checkout(LeaseMode::Shared).unwrap();
            for path in paths.iter().map(|names| names.join("/")).chain(tree.keys().cloned()) {
                // Reading through `std` changes when a file was last read, and nothing that is compared.
                let seen = through_the_mount(&lease, &format!("/m/{path}"));
                assert_eq!(seen, through_std(&root.path().join(&path)), "{path}");
            }
        });
    }
}
