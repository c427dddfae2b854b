//! A tree, the kinds of mounts that show it, rules over it, and every verb there is.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test makes host directories by itself, and fails by unwrapping"
)]

use std::sync::Arc;

use mounts::{Globs, Memory, Mount, Rules, Table};

use crate::linked::{Entry, Linked};

/// What a rule does to the paths it holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Hide,
    Deny,
    ReadOnly,
}

pub(crate) const EFFECTS: [Effect; 3] = [Effect::Hide, Effect::Deny, Effect::ReadOnly];

pub(crate) fn rules(effect: Effect, globs: &[&str]) -> Rules {
    let list = globs.iter().map(|&glob| glob.to_owned()).collect();
    let none = Globs::default();
    Rules::new(match effect {
        Effect::Hide => Globs { hide: list, ..none },
        Effect::Deny => Globs { deny: list, ..none },
        Effect::ReadOnly => Globs {
            read_only: list,
            ..none
        },
    })
    .unwrap()
}

/// A file in a directory in a directory, with neighbours, and links to and from it where the kind has links.
const TREE: [(&str, Entry); 16] = [
    ("a", Entry::Directory),
    ("a/b", Entry::Directory),
    ("a/b/secret", Entry::File("s")),
    ("a/b/dir", Entry::Directory),
    ("a/b/dir/below", Entry::File("b")),
    ("a/b/open", Entry::File("o")),
    ("a/out", Entry::Link("../other")),
    ("other", Entry::Directory),
    ("other/file", Entry::File("f")),
    ("empty", Entry::Directory),
    ("to_file", Entry::Link("a/b/secret")),
    ("to_parent", Entry::Link("a/b")),
    ("to_grandparent", Entry::Link("other/../a")),
    ("to_link", Entry::Link("to_parent")),
    ("to_out", Entry::Link("a/out")),
    ("z", Entry::File("z")),
];

fn table(mount: Mount) -> Table {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    table
}

fn memory() -> Memory {
    let memory = Arc::new(Memory::new());
    let grown = table(Mount::read_write(Arc::clone(&memory)));
    for (path, entry) in TREE {
        let path = format!("/m/{path}");
        match entry {
            Entry::Directory => grown.create_dir_all(&path).unwrap(),
            Entry::File(text) => grown.write(&path, text).unwrap(),
            Entry::Link(_) | Entry::Special => {}
        }
    }
    drop(grown);
    Arc::into_inner(memory).unwrap()
}

/// A directory of the host that holds the tree, links included.
#[cfg(unix)]
fn directory() -> (tempfile::TempDir, mounts::HostDirectory) {
    let directory = tempfile::tempdir().unwrap();
    for (path, entry) in TREE {
        let path = directory.path().join(path);
        match entry {
            Entry::Directory => std::fs::create_dir(path).unwrap(),
            Entry::File(text) => std::fs::write(path, text).unwrap(),
            Entry::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
            Entry::Special => {}
        }
    }
    let opened = mounts::HostDirectory::open(directory.path()).unwrap();
    (directory, opened)
}

pub(crate) type Check<'c> = &'c dyn Fn(&str, bool, &Table);

/// Runs `check` on every kind of mount that can be written, under the rules `given`, and says which have links.
pub(crate) fn on_every_kind(given: &Rules, check: Check<'_>) {
    let ruled = |mount: Mount| table(mount.with_rules(given.clone()));
    check("memory", false, &ruled(Mount::read_write(memory())));
    check("overlay over memory", false, &ruled(Mount::overlay(memory())));
    check(
        "overlay over links",
        true,
        &ruled(Mount::overlay(Linked::new(TREE))),
    );
    #[cfg(unix)]
    {
        let (_kept, opened) = directory();
        check("overlay over a directory", true, &ruled(Mount::overlay(opened)));
        let (_kept, opened) = directory();
        let written = mounts::WritableHostDirectory::new(opened);
        check("directory, written", true, &ruled(Mount::read_write(written)));
    }
}

/// The same on every kind of mount that can only be read.
pub(crate) fn on_every_read_only_kind(given: &Rules, check: Check<'_>) {
    let ruled = |mount: Mount| table(mount.with_rules(given.clone()));
    check("memory, read-only", false, &ruled(Mount::read_only(memory())));
    check(
        "links, read-only",
        true,
        &ruled(Mount::read_only(Linked::new(TREE))),
    );
    #[cfg(unix)]
    {
        let (_kept, opened) = directory();
        check("directory, read-only", true, &ruled(Mount::read_only(opened)));
    }
}

/// Globs under which `a/b/secret` stands, or a directory above it, and what else they concern.
pub(crate) const GLOBS: [&str; 12] = [
    "a/b/secret",
    "/a/b/secret/",
    "**/secret",
    "a/**/secret",
    "a/*/sec*",
    "a/b/s?cre[t-z]",
    "{x,a/b}/secret",
    "a/b",
    "**/b",
    "a",
    "a/**",
    "[!z]",
];
