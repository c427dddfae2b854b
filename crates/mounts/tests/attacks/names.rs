//! Names that look like others, or mean something elsewhere, and trees as deep as they may be.

use crate::kinds::{Kind, Mounted, TREE};

fn names(files: &Mounted, path: &str) -> Vec<String> {
    let entries = files.list(path).unwrap();
    entries.iter().map(|entry| entry.name.to_string()).collect()
}

/// Writes a file of each name, finds exactly these, and removes them again.
fn keep(kind: Kind, given: &[&str]) {
    let files = kind.with(TREE);
    for (number, name) in given.iter().enumerate() {
        files
            .write(&format!("/m/empty/{name}"), format!("{number}"))
            .unwrap();
    }
    let mut sorted: Vec<_> = given.iter().map(|name| (*name).to_owned()).collect();
    sorted.sort();
    assert_eq!(names(&files, "/m/empty"), sorted);
    for (number, name) in given.iter().enumerate() {
        let path = format!("/m/empty/{name}");
        assert_eq!(
            files.read(&path).unwrap().to_vec(),
            format!("{number}").into_bytes(),
            "{name:?}"
        );
        files.rename(&path, "/m/aside").unwrap();
        assert_eq!(names(&files, "/m/empty").len(), given.len() - 1, "{name:?}");
        files.rename("/m/aside", &path).unwrap();
    }
    for name in given {
        files.remove_file(&format!("/m/empty/{name}")).unwrap();
    }
    assert!(names(&files, "/m/empty").is_empty());
    files.remove_dir("/m/empty").unwrap();
}

pub(crate) fn names_stay_as_they_are_given(kind: Kind) {
    keep(
        kind,
        &[
            "\u{e9}",
            "e\u{301}",
            "\u{202e}gpj.exe",
            "gpj.exe",
            "a\u{200b}b",
            "ab",
            "\u{feff}bom",
            "\u{212b}",
            "\u{c5}",
            "ﬁle",
            "file",
            "FILE",
            "日本語",
            "\u{1f40d}",
            "tab\tand\nnew line",
            " ",
            "trailing ",
            "trailing.",
        ],
    );
}

pub(crate) fn names_that_mean_something_elsewhere_are_only_names(kind: Kind) {
    keep(
        kind,
        &[
            "...",
            "..x",
            "-rf",
            "*",
            "?",
            "[a]",
            "{a,b}",
            "~",
            "$HOME",
            "%2e%2e",
            "..\\..\\x",
            "C:",
            "con",
            "NUL",
            ".wh.file",
            ".wh..wh..opq",
            ".fuse_hidden1",
            "a:stream",
            "'; drop",
        ],
    );
}

pub(crate) fn a_tree_sixty_deep_is_made_moved_and_removed(kind: Kind) {
    let files = kind.with(TREE);
    let deep = format!("/m/top{}", "/d".repeat(60));
    files.create_dir_all(&deep).unwrap();
    files.write(&format!("{deep}/file"), "deep").unwrap();
    files.rename("/m/top", "/m/moved").unwrap();
    let deep = deep.replace("/top", "/moved");
    assert_eq!(files.read(&format!("{deep}/file")).unwrap(), *b"deep");
    assert_eq!(names(&files, &deep), ["file"]);

    // Moved below other directories it is out of reach of every path, and neither lost nor in the way.
    files.create_dir_all("/m/a/b/c").unwrap();
    files.rename("/m/moved", "/m/a/b/c/moved").unwrap();
    assert!(
        files
            .metadata(&format!("/m/a/b/c/moved{}", "/d".repeat(60)))
            .is_err()
    );
    files.rename("/m/a/b/c/moved", "/m/moved").unwrap();
    files.remove_file(&format!("{deep}/file")).unwrap();
    let mut path = deep.as_str();
    while path != "/m" {
        files.remove_dir(path).unwrap();
        path = path.rsplit_once('/').unwrap().0;
    }
    assert!(!files.exists("/m/moved"));
}
