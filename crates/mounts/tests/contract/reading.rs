//! Reading, where nothing is wrong.

use mounts::{FileType, VirtualPath};

use crate::kinds::{Kind, TREE};

pub(crate) fn what_is_there_is_read_listed_and_described(kind: Kind) {
    let files = kind.with(TREE);
    assert_eq!(files.read("/m/file").unwrap(), *b"text");
    assert_eq!(files.read("/m/dir/sub/deep").unwrap(), *b"deep");
    files.open("/m/dir/file").unwrap();

    let listed: Vec<_> = files
        .list("/m")
        .unwrap()
        .into_iter()
        .map(|entry| (entry.name.to_string(), entry.file_type))
        .collect();
    let entry = |name: &str, file_type| (name.to_owned(), file_type);
    assert_eq!(
        listed,
        [
            entry("dir", FileType::Directory),
            entry("empty", FileType::Directory),
            entry("file", FileType::File),
            entry("z", FileType::File),
        ]
    );
    assert!(files.list("/m/empty").unwrap().is_empty());

    let file = files.metadata("/m/file").unwrap();
    assert_eq!((file.file_type, file.size), (FileType::File, 4));
    let directory = files.symlink_metadata("/m/dir").unwrap();
    assert_eq!(directory.file_type, FileType::Directory);
    assert_eq!(file.device, directory.device);
    assert!(files.exists("/m/file") && !files.is_dir("/m/file"));
    assert!(files.exists("/m") && files.is_dir("/m/dir/sub"));
    assert_eq!(
        files.real_path("/m/dir/./sub/..//file").unwrap(),
        VirtualPath::parse("/m/dir/file").unwrap()
    );
}

pub(crate) fn what_is_asked_of_nothing_is_false(kind: Kind) {
    let files = kind.with(TREE);
    let long = format!("/m/{}", "x".repeat(300));
    for path in [
        "/m/nothing",
        "/m/file/x",
        "/m/nothing/x",
        "/elsewhere",
        "/m/\0",
        "m/file",
        "",
        &long,
    ] {
        assert!(!files.exists(path) && !files.is_dir(path), "{path:?}");
        assert!(!files.table.exists(path), "{path:?}");
    }
    assert!(files.covers("/m/nothing") && files.covers("/") && !files.covers("/elsewhere"));
}
