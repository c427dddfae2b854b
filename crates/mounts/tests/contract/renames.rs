//! Renames: every pair of paths there is, beside a real directory.

use std::fs;
use std::sync::OnceLock;

use mounts::{Globs, Rules};

use crate::kinds::{Kind, Mounted, TREE};
use crate::linked::Entry;
use crate::support::{TreeImage, image, image_on_disk};

/// Everything in the tree, what is not there, and what is below a file.
const PATHS: [&str; 11] = [
    "dir",
    "dir/file",
    "dir/sub",
    "dir/sub/deep",
    "empty",
    "file",
    "z",
    "new",
    "dir/new",
    "nothing/x",
    "file/x",
];

#[allow(clippy::disallowed_methods, reason = "the disk is the model")]
fn on_disk() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, entry) in TREE {
        match entry {
            Entry::File(text) => fs::write(root.path().join(path), text).unwrap(),
            _ => fs::create_dir(root.path().join(path)).unwrap(),
        }
    }
    root
}

/// From, to, what a real directory answers, and the tree it then has.
type Answer = (&'static str, &'static str, Result<(), i32>, TreeImage);

/// What a real directory answers to the rename of each path to each, and the tree it then has.
#[allow(clippy::disallowed_methods, reason = "the disk is the model")]
fn answers() -> &'static [Answer] {
    static ANSWERS: OnceLock<Vec<Answer>> = OnceLock::new();
    let pairs = PATHS.into_iter().flat_map(|from| PATHS.map(|to| (from, to)));
    let ask = |(from, to)| {
        let real = on_disk();
        let answer = fs::rename(real.path().join(from), real.path().join(to));
        let answer = answer.map_err(|error| error.raw_os_error().unwrap());
        (from, to, answer, image_on_disk(real.path()))
    };
    ANSWERS.get_or_init(|| pairs.map(ask).collect())
}

fn compare_each_pair(made: impl Fn() -> Mounted) {
    for (from, to, answer, tree) in answers() {
        let files = made();
        let ours = files.rename(&format!("/m/{from}"), &format!("/m/{to}"));
        let ours = ours.map_err(|error| error.errno().unwrap());
        assert_eq!(ours, *answer, "{from} -> {to}");
        assert_eq!(image(&files, "/m"), *tree, "{from} -> {to}");
    }
}

pub(crate) fn every_pair_of_paths_is_renamed_or_refused_as_on_a_real_directory(kind: Kind) {
    compare_each_pair(|| kind.with(TREE));
    // Rules that hold for nothing here make a rename look at what it moves, and change no answer.
    let elsewhere = Globs {
        hide: vec!["other/x".into()],
        ..Globs::default()
    };
    let rules = Rules::new(elsewhere).unwrap();
    compare_each_pair(|| kind.altered(TREE, |mount| mount.with_rules(rules.clone())));
}

pub(crate) fn a_renamed_tree_is_whole_at_its_new_place(kind: Kind) {
    let files = kind.with(TREE);
    let before = image(&files, "/m/dir");
    for (from, to) in [
        ("/m/dir", "/m/empty"),
        ("/m/empty", "/m/moved"),
        ("/m/moved", "/m/dir"),
    ] {
        files.rename(from, to).unwrap();
        assert!(!files.exists(from), "{from}");
        assert_eq!(image(&files, to), before);
    }
    // Moved, changed below, and moved again.
    files.rename("/m/dir/sub", "/m/sub").unwrap();
    files.write("/m/sub/deep", "changed").unwrap();
    files.write("/m/sub/new", "new").unwrap();
    files.rename("/m/sub", "/m/dir/back").unwrap();
    assert_eq!(files.read("/m/dir/back/deep").unwrap(), *b"changed");
    assert_eq!(files.read("/m/dir/back/new").unwrap(), *b"new");
}

pub(crate) fn a_rename_onto_itself_changes_nothing(kind: Kind) {
    let files = kind.with(TREE);
    let before = (image(&files, "/m"), files.table.list_mounts()[0].usage);
    for path in ["/m/file", "/m/dir", "/m/dir/sub/deep", "/m/empty"] {
        files.rename(path, path).unwrap();
        files
            .rename(path, &format!("/m/empty/..{}/", &path[2..]))
            .unwrap();
    }
    assert_eq!((image(&files, "/m"), files.table.list_mounts()[0].usage), before);
}
