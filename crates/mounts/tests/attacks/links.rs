//! Links that lead astray, and special files, at every verb.

use std::collections::BTreeSet;

use mounts::{ErrorKind, FileType, OpenMode};

use crate::kinds::{Kind, Mounted, Tree};
use crate::linked::Entry;
use crate::support::kind as error;
use crate::verbs::VERBS;

/// The verbs that mean an entry itself, also when it is a link, and what they answer for one.
const ON_THE_LINK: [(&str, Result<(), ErrorKind>); 8] = [
    ("symlink_metadata", Ok(())),
    ("create_dir", Err(ErrorKind::AlreadyExists)),
    ("create_dir_all", Err(ErrorKind::AlreadyExists)),
    ("remove_file", Ok(())),
    ("remove_dir", Err(ErrorKind::NotADirectory)),
    ("rename from", Ok(())),
    ("rename to", Ok(())),
    ("rename dir to", Err(ErrorKind::NotADirectory)),
];

fn on_the_link(verb: &str) -> Option<Result<(), ErrorKind>> {
    let found = ON_THE_LINK.into_iter().find(|(name, _)| *name == verb);
    found.map(|(_, answer)| answer)
}

const LEAVING: Tree<'static> = &[
    ("dir", Entry::Directory),
    ("dir/file", Entry::File("below")),
    ("dir/up", Entry::Link("../../secret")),
    ("dir/parent", Entry::Link("../..")),
    ("empty", Entry::Directory),
    ("z", Entry::File("z")),
    ("absolute", Entry::Link("/etc/passwd")),
    ("root", Entry::Link("/")),
    ("virtual", Entry::Link("/m/z")),
    ("out", Entry::Link("../secret")),
    ("parent", Entry::Link("..")),
    ("parent_slash", Entry::Link("../")),
    ("back_in", Entry::Link("../inside/z")),
    ("through", Entry::Link("dir/../../secret")),
    ("to_out", Entry::Link("dir/up")),
];

const LEAVING_LINKS: [&str; 10] = [
    "absolute",
    "root",
    "virtual",
    "out",
    "parent",
    "back_in",
    "through",
    "to_out",
    "dir/up",
    "dir/parent",
];

fn listed(files: &Mounted, path: &str) -> Vec<String> {
    let entries = files.list(path).unwrap();
    entries.iter().map(|entry| entry.name.to_string()).collect()
}

pub(crate) fn links_that_leave_are_refused_by_every_verb_that_follows_them(kind: Kind) {
    for link in LEAVING_LINKS {
        let path = format!("/m/{link}");
        for (name, _, act) in VERBS {
            let files = kind.with(LEAVING);
            let before = files.table.list_mounts()[0].usage;
            let answer = act(&files, &path).map_err(|error| error.kind());
            let context = format!("{}: {name} {path}", kind.name);
            if let Some(expected) = on_the_link(name) {
                assert_eq!(answer, expected, "{context}");
            } else {
                assert_eq!(answer, Err(ErrorKind::PermissionDenied), "{context}");
                assert_eq!(files.table.list_mounts()[0].usage, before, "{context}");
                assert_eq!(
                    files.symlink_metadata(&path).unwrap().file_type,
                    FileType::Symlink
                );
            }
        }
        let files = kind.with(LEAVING);
        assert!(!files.exists(&path) && !files.is_dir(&path) && !files.is_writable(&path));
    }
    let files = kind.with(LEAVING);
    // A slash says of a file to be made that it would be a directory, before it is asked where the link leads.
    assert_eq!(
        error(files.write("/m/parent_slash", "x")),
        ErrorKind::PermissionDenied
    );
    assert_eq!(listed(&files, "/m"), ["dir", "empty", "z"]);
    assert_eq!(listed(&files, "/m/dir"), ["file"]);
    assert_eq!(error(files.remove_dir("/m/dir")), ErrorKind::DirectoryNotEmpty);
}

pub(crate) fn what_is_behind_a_link_that_leaves_is_out_of_reach(kind: Kind) {
    let files = kind.with(LEAVING);
    let before = files.table.list_mounts()[0].usage;
    for link in LEAVING_LINKS {
        for below in ["x", "inside/z", "etc/passwd"] {
            let path = format!("/m/{link}/{below}");
            for (name, _, act) in VERBS {
                let answer = act(&files, &path).map_err(|error| error.kind());
                assert_eq!(
                    answer,
                    Err(ErrorKind::PermissionDenied),
                    "{}: {name} {path}",
                    kind.name
                );
            }
        }
    }
    assert_eq!(files.table.list_mounts()[0].usage, before);
    // A script's own path is normalised before anything is looked at.
    assert_eq!(files.read("/m/absolute/../z").unwrap(), *b"z");
}

pub(crate) fn forty_links_are_followed_and_no_more(kind: Kind) {
    let chain: Vec<(&'static str, Entry)> = (0..=40)
        .map(|number| {
            let name: &'static str = format!("chain{number:02}").leak();
            let target: &'static str = match number {
                0 => "file",
                _ => format!("chain{:02}", number - 1).leak(),
            };
            (name, Entry::Link(target))
        })
        .chain([
            ("file", Entry::File("end")),
            ("empty", Entry::Directory),
            ("z", Entry::File("z")),
        ])
        .collect();
    let files = kind.with(&chain);
    assert_eq!(files.read("/m/chain39").unwrap(), *b"end");
    files.append("/m/chain39", b"!").unwrap();
    assert_eq!(files.read("/m/file").unwrap(), *b"end!");
    for (name, _, act) in VERBS.into_iter().filter(|(name, ..)| on_the_link(name).is_none()) {
        assert_eq!(
            error(act(&files, "/m/chain40")),
            ErrorKind::TooManyLinks,
            "{name}"
        );
    }
    assert_eq!(files.read("/m/file").unwrap(), *b"end!");
    assert_eq!(
        listed(&files, "/m").len(),
        chain.len(),
        "a chain that is too long is listed"
    );
}

pub(crate) fn circles_are_refused_and_stay_as_they_are(kind: Kind) {
    let tree: Tree<'_> = &[
        ("self", Entry::Link("self")),
        ("ping", Entry::Link("pong")),
        ("pong", Entry::Link("./ping")),
        ("dir", Entry::Directory),
        ("dir/back", Entry::Link("../dir/back/x")),
        ("climbing", Entry::Link("dir/../climbing")),
        ("empty", Entry::Directory),
        ("z", Entry::File("z")),
    ];
    for circle in ["self", "ping", "pong", "climbing"] {
        for path in [format!("/m/{circle}"), format!("/m/{circle}/x")] {
            for (name, _, act) in VERBS {
                let files = kind.with(tree);
                let below = path.ends_with("/x");
                if let Some(expected) = on_the_link(name).filter(|_| !below) {
                    assert_eq!(act(&files, &path).map_err(|error| error.kind()), expected);
                } else {
                    assert_eq!(
                        error(act(&files, &path)),
                        ErrorKind::TooManyLinks,
                        "{name} {path}"
                    );
                    let itself = format!("/m/{circle}");
                    assert_eq!(
                        files.symlink_metadata(&itself).unwrap().file_type,
                        FileType::Symlink
                    );
                }
            }
        }
    }
    let files = kind.with(tree);
    let growing = error(files.read("/m/dir/back"));
    assert!(
        matches!(growing, ErrorKind::TooManyLinks | ErrorKind::NameTooLong),
        "{growing:?}"
    );
    assert!(!files.exists("/m/self") && !files.exists("/m/dir/back"));
}

pub(crate) fn a_dangling_link_is_written_through_where_it_leads(kind: Kind) {
    let tree: Tree<'_> = &[
        ("dir", Entry::Directory),
        ("dangling", Entry::Link("dir/made")),
        ("chained", Entry::Link("dangling")),
        ("lost", Entry::Link("nowhere/made")),
    ];
    let files = kind.with(tree);
    for path in ["/m/dangling", "/m/chained", "/m/lost", "/m/dangling/below"] {
        assert_eq!(error(files.read(path)), ErrorKind::NotFound, "{path}");
        assert!(!files.exists(path), "{path}");
    }
    assert_eq!(error(files.write("/m/lost", "x")), ErrorKind::NotFound);
    assert_eq!(error(files.create_dir("/m/dangling")), ErrorKind::AlreadyExists);
    files.write("/m/chained", "made").unwrap();
    assert_eq!(files.read("/m/dir/made").unwrap(), *b"made");
    files.append("/m/dangling", b"!").unwrap();
    files.open_for_write("/m/dangling", OpenMode::Append).unwrap();
    assert_eq!(files.read("/m/chained").unwrap(), *b"made!");
    for link in ["/m/dangling", "/m/chained"] {
        assert_eq!(files.symlink_metadata(link).unwrap().file_type, FileType::Symlink);
    }
    files.remove_file("/m/dangling").unwrap();
    assert_eq!(
        files.read("/m/dir/made").unwrap(),
        *b"made!",
        "the link went, not what it led to"
    );
}

/// A listing says of a link that it is one. A walk that follows none ends; one that follows them is held up by their
/// number.
pub(crate) fn a_walk_meets_each_directory_once(kind: Kind) {
    let tree: Tree<'_> = &[
        ("a", Entry::Directory),
        ("a/here", Entry::Link(".")),
        ("a/up", Entry::Link("..")),
        ("a/b", Entry::Directory),
        ("a/b/top", Entry::Link("../../a")),
        ("a/b/c", Entry::Directory),
        ("a/b/c/file", Entry::File("f")),
    ];
    let files = kind.with(tree);
    let (mut pending, mut met) = (vec!["/m".to_owned()], Vec::new());
    while let Some(directory) = pending.pop() {
        for entry in files.list(&directory).unwrap() {
            if entry.file_type == FileType::Directory {
                pending.push(format!("{directory}/{}", entry.name));
            }
        }
        met.push(directory);
    }
    let once: BTreeSet<_> = met.iter().cloned().collect();
    assert_eq!(met.len(), once.len());
    assert_eq!(
        once.into_iter().collect::<Vec<_>>(),
        ["/m", "/m/a", "/m/a/b", "/m/a/b/c"]
    );

    let through = |turns: usize| format!("/m/a{}/b/c/file", "/here".repeat(turns));
    assert_eq!(files.read(&through(40)).unwrap(), *b"f");
    assert_eq!(error(files.read(&through(41))), ErrorKind::TooManyLinks);
    assert_eq!(error(files.read(&through(62))), ErrorKind::NameTooLong);
}

pub(crate) fn a_moved_link_leads_where_its_new_place_says(kind: Kind) {
    let tree: Tree<'_> = &[
        ("target", Entry::File("outer")),
        ("link", Entry::Link("target")),
        ("up", Entry::Link("../secret")),
        ("safe", Entry::Directory),
        ("safe/target", Entry::File("inner")),
        ("safe/deep", Entry::Directory),
        ("safe/deep/up", Entry::Link("../../target")),
    ];
    let files = kind.with(tree);
    files.rename("/m/link", "/m/safe/link").unwrap();
    assert_eq!(files.read("/m/safe/link").unwrap(), *b"inner");
    files.rename("/m/safe/link", "/m/link").unwrap();
    assert_eq!(files.read("/m/link").unwrap(), *b"outer");
    assert_eq!(files.read("/m/safe/deep/up").unwrap(), *b"outer");
    // A directory that rises takes its links with it, and they may now lead out.
    files.rename("/m/safe/deep", "/m/deep").unwrap();
    assert_eq!(error(files.read("/m/deep/up")), ErrorKind::PermissionDenied);
    assert!(listed(&files, "/m/deep").is_empty());
    // One that sinks may come to lead inside, to what the mount has there and never to what is beside it.
    files.rename("/m/up", "/m/safe/up").unwrap();
    assert_eq!(error(files.read("/m/safe/up")), ErrorKind::NotFound);
    files.write("/m/safe/up", "inside").unwrap();
    assert_eq!(files.read("/m/secret").unwrap(), *b"inside");
}

pub(crate) fn special_files_are_denied_to_every_verb_and_nobody_waits(kind: Kind) {
    let tree: Tree<'_> = &[
        ("fifo", Entry::Special),
        ("to_fifo", Entry::Link("fifo")),
        ("dir", Entry::Directory),
        ("dir/fifo", Entry::Special),
        ("empty", Entry::Directory),
        ("z", Entry::File("z")),
    ];
    for (name, _, act) in VERBS {
        for path in ["/m/fifo", "/m/dir/fifo", "/m/to_fifo"] {
            let files = kind.with(tree);
            let answer = act(&files, path).map_err(|error| error.kind());
            let expected = match name {
                // They are opened by nobody, but may be removed and replaced; moved, where the entry is the host's own.
                "metadata" | "symlink_metadata" | "remove_file" | "rename to" => Ok(()),
                "rename from" if kind.writes_through => Ok(()),
                "list" | "rename dir to" => Err(ErrorKind::NotADirectory),
                _ => match on_the_link(name) {
                    Some(on_the_link) if path == "/m/to_fifo" => on_the_link,
                    Some(Err(refused)) if !name.starts_with("rename") => Err(refused),
                    _ => Err(ErrorKind::PermissionDenied),
                },
            };
            assert_eq!(answer, expected, "{}: {name} {path}", kind.name);
            if answer.is_err() {
                assert_eq!(files.metadata("/m/fifo").unwrap().file_type, FileType::Special);
            }
        }
        let files = kind.with(tree);
        let below = act(&files, "/m/fifo/below").map_err(|error| error.kind());
        assert_eq!(below, Err(ErrorKind::NotADirectory), "{}: {name}", kind.name);
    }
}
