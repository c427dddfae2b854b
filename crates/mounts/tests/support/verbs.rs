//! Every operation on a path, by name.

use mounts::{Namespace, OpenMode};

/// What an operation does, which decides what a read-only path answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Read,
    Change,
}

pub(crate) type Verb = (&'static str, Class, fn(&Namespace, &str) -> mounts::Result<()>);

/// Every operation with one path, and renames with the path on either side: of the file `/m/z` and the empty directory
/// `/m/empty`.
pub(crate) const VERBS: [Verb; 16] = [
    ("metadata", Class::Read, |files, path| {
        files.metadata(path).map(drop)
    }),
    ("symlink_metadata", Class::Read, |files, path| {
        files.symlink_metadata(path).map(drop)
    }),
    ("read", Class::Read, |files, path| files.read(path).map(drop)),
    ("open", Class::Read, |files, path| files.open(path)),
    ("list", Class::Read, |files, path| files.list(path).map(drop)),
    ("write", Class::Change, |files, path| files.write(path, "new")),
    ("append", Class::Change, |files, path| files.append(path, b"new")),
    ("truncate", Class::Change, |files, path| {
        files.open_for_write(path, OpenMode::Truncate)
    }),
    ("touch", Class::Change, |files, path| {
        files.open_for_write(path, OpenMode::Append)
    }),
    ("create_dir", Class::Change, Namespace::create_dir),
    ("create_dir_all", Class::Change, Namespace::create_dir_all),
    ("remove_file", Class::Change, Namespace::remove_file),
    ("remove_dir", Class::Change, Namespace::remove_dir),
    ("rename from", Class::Change, |files, path| {
        files.rename(path, "/m/elsewhere")
    }),
    ("rename to", Class::Change, |files, path| {
        files.rename("/m/z", path)
    }),
    ("rename dir to", Class::Change, |files, path| {
        files.rename("/m/empty", path)
    }),
];
