//! Each row of the table of errors: which verb is refused where, with which error, at which path, and without effect.

use mounts::{ErrorKind, Globs, Mount, Namespace, Rules, Usage};

use crate::kinds::{Kind, Mounted, TREE};
use crate::support::{TreeImage, image};
use crate::verbs::{Class, VERBS, Verb};

/// A path, and the verbs that are refused there; the others succeed.
struct Row {
    path: &'static str,
    refused: &'static [(ErrorKind, &'static [&'static str])],
}

const LOOKS: &[&str] = &["metadata", "symlink_metadata", "read", "open", "list"];
const MAKES_FILE: &[&str] = &["write", "append", "truncate", "touch"];
const REMOVES: &[&str] = &["remove_file", "remove_dir", "rename from"];

const WRITABLE: &[Row] = &[
    Row {
        path: "/m/nothing",
        refused: &[(ErrorKind::NotFound, LOOKS), (ErrorKind::NotFound, REMOVES)],
    },
    Row {
        path: "/m/nothing/below",
        refused: &[
            (ErrorKind::NotFound, LOOKS),
            (ErrorKind::NotFound, MAKES_FILE),
            (ErrorKind::NotFound, REMOVES),
            (ErrorKind::NotFound, &["create_dir", "rename to", "rename dir to"]),
        ],
    },
    Row {
        path: "/m/file/below",
        refused: &[
            (ErrorKind::NotADirectory, LOOKS),
            (ErrorKind::NotADirectory, MAKES_FILE),
            (ErrorKind::NotADirectory, REMOVES),
            (
                ErrorKind::NotADirectory,
                &["create_dir", "create_dir_all", "rename to", "rename dir to"],
            ),
        ],
    },
    Row {
        path: "/m/file",
        refused: &[
            (ErrorKind::NotADirectory, &["list", "remove_dir", "rename dir to"]),
            (ErrorKind::AlreadyExists, &["create_dir", "create_dir_all"]),
        ],
    },
    Row {
        path: "/m/dir",
        refused: &[
            (
                ErrorKind::IsADirectory,
                &["read", "open", "remove_file", "rename to"],
            ),
            (ErrorKind::IsADirectory, MAKES_FILE),
            (ErrorKind::AlreadyExists, &["create_dir"]),
            (ErrorKind::DirectoryNotEmpty, &["remove_dir", "rename dir to"]),
        ],
    },
    Row {
        path: "/m/empty/new",
        refused: &[
            (ErrorKind::NotFound, LOOKS),
            (ErrorKind::NotFound, REMOVES),
            (ErrorKind::InvalidArgument, &["rename dir to"]),
        ],
    },
    Row {
        path: "/m",
        refused: &[
            (ErrorKind::IsADirectory, &["read", "open"]),
            (ErrorKind::IsADirectory, MAKES_FILE),
            (ErrorKind::AlreadyExists, &["create_dir"]),
            (ErrorKind::PermissionDenied, REMOVES),
            (ErrorKind::PermissionDenied, &["rename to", "rename dir to"]),
        ],
    },
    Row {
        path: "/",
        refused: &[
            (ErrorKind::IsADirectory, &["read", "open"]),
            (ErrorKind::IsADirectory, MAKES_FILE),
            (ErrorKind::AlreadyExists, &["create_dir"]),
            (ErrorKind::PermissionDenied, REMOVES),
            (ErrorKind::PermissionDenied, &["rename to", "rename dir to"]),
        ],
    },
];

/// Where nothing can be written, what Linux finds wrong with the path comes first.
///
/// A rename into a directory that is missing, or below a file, once answered that nothing can be written, so a script
/// was told to look for another disk instead of for its mistake. Both paths are now looked up before that is said.
const READ_ONLY: &[Row] = &[
    Row {
        path: "/m/nothing",
        refused: &[
            (ErrorKind::NotFound, LOOKS),
            (ErrorKind::ReadOnly, MAKES_FILE),
            (ErrorKind::ReadOnly, REMOVES),
            (
                ErrorKind::ReadOnly,
                &["create_dir", "create_dir_all", "rename to", "rename dir to"],
            ),
        ],
    },
    Row {
        path: "/m/nothing/below",
        refused: &[
            (ErrorKind::NotFound, LOOKS),
            (ErrorKind::NotFound, MAKES_FILE),
            (ErrorKind::NotFound, REMOVES),
            (ErrorKind::NotFound, &["create_dir", "rename to", "rename dir to"]),
            (ErrorKind::ReadOnly, &["create_dir_all"]),
        ],
    },
    Row {
        path: "/m/file/below",
        refused: &[
            (ErrorKind::NotADirectory, LOOKS),
            (ErrorKind::NotADirectory, MAKES_FILE),
            (ErrorKind::NotADirectory, REMOVES),
            (
                ErrorKind::NotADirectory,
                &["create_dir", "create_dir_all", "rename to", "rename dir to"],
            ),
        ],
    },
    Row {
        path: "/m/file",
        refused: &[
            (ErrorKind::NotADirectory, &["list"]),
            (ErrorKind::AlreadyExists, &["create_dir", "create_dir_all"]),
            (ErrorKind::ReadOnly, MAKES_FILE),
            (ErrorKind::ReadOnly, REMOVES),
            (ErrorKind::ReadOnly, &["rename to", "rename dir to"]),
        ],
    },
    Row {
        path: "/m/dir",
        refused: &[
            (ErrorKind::IsADirectory, &["read", "open"]),
            (ErrorKind::IsADirectory, MAKES_FILE),
            (ErrorKind::AlreadyExists, &["create_dir"]),
            (ErrorKind::ReadOnly, REMOVES),
            (ErrorKind::ReadOnly, &["rename to", "rename dir to"]),
        ],
    },
];

impl Row {
    fn refusal(&self, verb: &str) -> Option<ErrorKind> {
        self.refused
            .iter()
            .find(|(_, verbs)| verbs.contains(&verb))
            .map(|(kind, _)| *kind)
    }
}

fn state(files: &Mounted) -> (TreeImage, Usage) {
    (image(files, "/m"), files.table.list_mounts()[0].usage)
}

/// Runs a verb that is to be refused: with that error, in the script's words, and without effect.
fn assert_refused(kind: Kind, files: &Mounted, (name, _, act): Verb, path: &str, expected: ErrorKind) {
    let before = state(files);
    let error = act(files, path).unwrap_err();
    let context = format!("{}: {name} {path}", kind.name);
    assert_eq!(error.kind(), expected, "{context}");
    let (given, destination) = match name {
        "rename from" => (path, Some("/m/elsewhere")),
        "rename to" => ("/m/z", Some(path)),
        "rename dir to" => ("/m/empty", Some(path)),
        // What is missing above may be the first thing that cannot be made.
        "create_dir_all" => (error.path(), None),
        _ => (path, None),
    };
    assert_eq!(
        (error.path(), error.destination()),
        (given, destination),
        "{context}"
    );
    assert_eq!(state(files), before, "{context}");
}

fn each_verb_at(kind: Kind, rows: &[Row]) {
    for row in rows {
        for verb in VERBS {
            let files = kind.with(TREE);
            if let Some(expected) = row.refusal(verb.0) {
                assert_refused(kind, &files, verb, row.path, expected);
            } else {
                let answer = verb.2(&files, row.path);
                let context = format!("{}: {} {}", kind.name, verb.0, row.path);
                assert!(answer.is_ok(), "{context}: {answer:?}");
            }
        }
    }
}

pub(crate) fn each_verb_is_refused_as_linux_refuses_it(kind: Kind) {
    each_verb_at(kind, WRITABLE);
}

pub(crate) fn each_verb_is_refused_as_linux_refuses_it_where_nothing_can_be_written(kind: Kind) {
    each_verb_at(kind, READ_ONLY);
}

pub(crate) fn what_rules_deny_is_denied_and_what_they_leave_to_read_is_read_only(kind: Kind) {
    let globs = |list: &[&str]| list.iter().map(|&glob| glob.to_owned()).collect::<Vec<_>>();
    let rules = Rules::new(Globs {
        deny: globs(&["dir"]),
        read_only: globs(&["file"]),
        hide: globs(&["empty"]),
    })
    .unwrap();
    let files = kind.altered(TREE, |mount| mount.with_rules(rules));
    for verb in VERBS {
        // Renaming what is hidden is refused for what it is, before where it would go is judged.
        if verb.0 == "rename dir to" {
            continue;
        }
        let before = files.table.list_mounts()[0].usage;
        for path in ["/m/dir", "/m/dir/file", "/m/dir/nothing"] {
            let error = verb.2(&files, path).unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::PermissionDenied,
                "{}: {} {path}",
                kind.name,
                verb.0
            );
        }
        if verb.1 == Class::Change && !matches!(verb.0, "create_dir" | "create_dir_all") {
            let error = verb.2(&files, "/m/file").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ReadOnly, "{}: {}", kind.name, verb.0);
        }
        assert_eq!(files.table.list_mounts()[0].usage, before);
    }
    assert_eq!(files.read("/m/file").unwrap(), *b"text");
    assert!(!files.exists("/m/empty") && !files.exists("/m/dir"));
}

pub(crate) fn mounts_are_not_crossed_by_renames(kind: Kind) {
    let (table, _kept) = kind.with(TREE).released();
    table.mount("/other", Mount::memory()).unwrap();
    table.mount("/m/empty/mounted", Mount::memory()).unwrap();
    table.write("/other/file", "other").unwrap();
    for (from, to) in [
        ("/m/file", "/other/new"),
        ("/m/dir", "/other/new"),
        ("/other/file", "/m/new"),
        ("/m/file", "/m/empty/mounted/new"),
        ("/m/file", "/elsewhere"),
    ] {
        let error = table.rename(from, to).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::CrossesDevices,
            "{}: {from} {to}",
            kind.name
        );
        assert_eq!((error.path(), error.destination()), (from, Some(to)));
    }
    let point = |act: fn(&Namespace) -> mounts::Result<()>| {
        let lease = table.checkout(mounts::LeaseMode::Shared).unwrap();
        act(&lease).unwrap_err().kind()
    };
    assert_eq!(
        point(|files| files.rename("/m/empty", "/m/e")),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        point(|files| files.remove_dir("/m/empty/mounted")),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        point(|files| files.remove_dir("/m/empty")),
        ErrorKind::PermissionDenied
    );
    assert_eq!(table.read("/m/file").unwrap(), *b"text");
}
