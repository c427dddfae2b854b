//! Paths that try to be another path: dots, NUL bytes, lengths, prefixes.

use mounts::ErrorKind;

use crate::kinds::{Kind, Mounted, TREE};
use crate::support::{TreeImage, image, kind as error};
use crate::verbs::VERBS;

fn state(files: &Mounted) -> (TreeImage, mounts::Usage) {
    (image(files, "/m"), files.table.list_mounts()[0].usage)
}

pub(crate) fn dots_in_every_position_mean_the_normal_path(kind: Kind) {
    let spellings: &[(&str, &[&str])] = &[
        (
            "/m/dir/file",
            &[
                "/../m/dir/file",
                "/./m/dir/file",
                "/nothing/../m/dir/file",
                "/m/../m/dir/file",
                "/m/file/../dir/file",
                "/m/dir/sub/../file",
                "/m/dir/nothing/deeper/../../file",
                "/m/dir/./file",
                "/m/dir/file/x/..",
                "//m//dir///file/",
                "/m/dir/file/.",
                "/m/dir/sub/deep/../../../../m/dir/file",
            ],
        ),
        (
            "/m/dir/new",
            &["/m/dir/new/", "/m/nothing/../dir/new", "/m/dir/new/../new"],
        ),
        ("/m", &["/m/", "/m/dir/..", "/m/.", "/m/dir/sub/../..", "/../m"]),
    ];
    for (plain, spellings) in spellings {
        for (name, _, act) in VERBS {
            let mut files = kind.with(TREE);
            let untouched = state(&files);
            let answer = act(&files, plain).map_err(|error| error.kind());
            let expected = (answer, state(&files));
            for spelling in *spellings {
                if state(&files) != untouched {
                    files = kind.with(TREE);
                }
                let answer = act(&files, spelling).map_err(|error| error.kind());
                assert_eq!(
                    (answer, state(&files)),
                    expected,
                    "{}: {name} {spelling}",
                    kind.name
                );
            }
        }
    }
}

pub(crate) fn climbing_above_the_root_ends_at_the_root(kind: Kind) {
    let files = kind.with(TREE);
    assert_eq!(files.read("/../../../m/file").unwrap(), *b"text");
    for path in [
        "/m/../etc/passwd",
        "/m/../../../../etc/passwd",
        "/m/dir/../../mm/file",
        "/..",
    ] {
        let expected = if path == "/.." {
            ErrorKind::IsADirectory
        } else {
            ErrorKind::NotCovered
        };
        assert_eq!(error(files.read(path)), expected, "{path}");
    }
    // A name that only contains dots is a name.
    for path in ["/m/..dir", "/m/dir..", "/m/...", "/m/dir/..file"] {
        assert_eq!(error(files.read(path)), ErrorKind::NotFound, "{path}");
    }
}

pub(crate) fn a_nul_byte_is_refused_by_every_verb(kind: Kind) {
    let files = kind.with(TREE);
    let before = state(&files);
    for path in [
        "\0",
        "/\0",
        "/m/\0",
        "/m/file\0",
        "/m/fi\0le",
        "/\0/../m/file",
        "/m/file\0/../z",
        "m\0",
    ] {
        for (name, _, act) in VERBS {
            assert_eq!(
                error(act(&files, path)),
                ErrorKind::Nul,
                "{}: {name} {path:?}",
                kind.name
            );
        }
        assert_eq!(error(files.real_path(path)), ErrorKind::Nul, "{path:?}");
        assert_eq!(error(files.rename(path, "/m/new")), ErrorKind::Nul, "{path:?}");
        assert!(!files.exists(path) && !files.covers(path) && !files.is_writable(path));
    }
    assert_eq!(state(&files), before);
}

pub(crate) fn what_is_over_a_limit_is_refused_by_every_verb(kind: Kind) {
    let files = kind.with(TREE);
    let before = state(&files);
    let over = [
        format!("/m/{}", "x".repeat(256)),
        format!("/m/{}", "é".repeat(128)),
        format!("/m/{}/../file", "x".repeat(256)),
        format!("/m/dir/{}/file", "x".repeat(300)),
        format!("/m{}", "/a".repeat(64)),
        format!("/m{}/file", "/.".repeat(2050)),
        format!("/m/{}", "x/".repeat(2050)),
    ];
    for path in &over {
        for (name, _, act) in VERBS {
            let error = act(&files, path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NameTooLong, "{}: {name}", kind.name);
            let shown = error.path().len() + error.destination().unwrap_or_default().len();
            assert!(shown < 200, "an error that long is one of {shown} bytes");
        }
    }
    assert_eq!(state(&files), before);
}

pub(crate) fn what_is_just_within_the_limits_works(kind: Kind) {
    let files = kind.with(TREE);
    for name in [
        "x".repeat(255),
        format!("{}x", "é".repeat(127)),
        "\u{1f40d}".repeat(63),
    ] {
        let path = format!("/m/{name}");
        files.write(&path, "long").unwrap();
        assert_eq!(files.read(&path).unwrap(), *b"long");
        assert!(files.list("/m").unwrap().iter().any(|entry| *entry.name == *name));
        files.rename(&path, "/m/short").unwrap();
        files.rename("/m/short", &path).unwrap();
        files.remove_file(&path).unwrap();
    }
    // 4096 bytes: 15 directories of 255 bytes, and what is left.
    let mut path = "/m".to_owned();
    for _ in 0..15 {
        path.push('/');
        path.push_str(&"d".repeat(255));
    }
    path.push('/');
    let longest = format!("{path}{}", "f".repeat(4096 - path.len()));
    assert_eq!(longest.len(), 4096);
    files.create_dir_all(path.trim_end_matches('/')).unwrap();
    files.write(&longest, "longest").unwrap();
    assert_eq!(files.read(&longest).unwrap(), *b"longest");
    assert_eq!(
        error(files.write(&format!("{longest}f"), "")),
        ErrorKind::NameTooLong
    );
    files.rename(&longest, "/m/short").unwrap();
    assert_eq!(files.read("/m/short").unwrap(), *b"longest");
}

pub(crate) fn a_sibling_whose_name_starts_alike_is_another(kind: Kind) {
    let files = kind.with(TREE);
    files.create_dir("/m/dir-sibling").unwrap();
    files.write("/m/dir-sibling/file", "sibling").unwrap();
    files.rename("/m/dir", "/m/dir-sibling/dir").unwrap();
    assert_eq!(files.read("/m/dir-sibling/dir/file").unwrap(), *b"below");
    assert!(!files.exists("/m/dir"));
    assert_eq!(
        error(files.rename("/m/dir-sibling", "/m/dir-sibling/x")),
        ErrorKind::InvalidArgument
    );
    files.rename("/m/dir-sibling", "/m/dir").unwrap();
    assert_eq!(files.read("/m/dir/file").unwrap(), *b"sibling");
    for path in ["/mm", "/mm/file", "/m-sibling/file", "/M/file"] {
        assert_eq!(error(files.read(path)), ErrorKind::NotCovered, "{path}");
    }
}
