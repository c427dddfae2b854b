//! What operations do where nothing is wrong.

use mounts::{FileType, OpenMode};

use crate::kinds::{Kind, Mounted, TREE};

fn text(files: &Mounted, path: &str) -> String {
    String::from_utf8(files.read(path).unwrap().to_vec()).unwrap()
}

fn names(files: &Mounted, path: &str) -> Vec<String> {
    let entries = files.list(path).unwrap();
    entries.iter().map(|entry| entry.name.to_string()).collect()
}

pub(crate) fn what_is_written_is_read_back(kind: Kind) {
    let files = kind.with(TREE);
    for path in ["/m/file", "/m/new", "/m/dir/file", "/m/dir/sub/new"] {
        files.write(path, "one").unwrap();
        assert_eq!(text(&files, path), "one");
        files.append(path, b"").unwrap();
        files.append(path, b" and two").unwrap();
        assert_eq!(text(&files, path), "one and two");
        assert_eq!(files.metadata(path).unwrap().size, 11);
        files.write(path, "").unwrap();
        assert_eq!(text(&files, path), "");
        files.write(path, vec![0, 255, b'\n', 128]).unwrap();
        assert_eq!(files.read(path).unwrap(), [0, 255, b'\n', 128]);
    }
    // Also what was there before is only added to.
    files.append("/m/dir/sub/deep", b"er").unwrap();
    assert_eq!(text(&files, "/m/dir/sub/deep"), "deeper");
    let shared = files.read("/m/dir/sub/deep").unwrap();
    files.append("/m/dir/sub/deep", b"!").unwrap();
    assert_eq!(shared, *b"deeper", "what was read stays as it was read");
}

pub(crate) fn opening_truncates_or_creates(kind: Kind) {
    let files = kind.with(TREE);
    files.open_for_write("/m/file", OpenMode::Append).unwrap();
    assert_eq!(text(&files, "/m/file"), "text");
    files.open_for_write("/m/file", OpenMode::Truncate).unwrap();
    assert_eq!(text(&files, "/m/file"), "");
    for (path, mode) in [
        ("/m/appended", OpenMode::Append),
        ("/m/truncated", OpenMode::Truncate),
    ] {
        files.open_for_write(path, mode).unwrap();
        assert_eq!(files.metadata(path).unwrap().size, 0);
    }
}

pub(crate) fn directories_come_and_go(kind: Kind) {
    let files = kind.with(TREE);
    files.create_dir("/m/dir/new").unwrap();
    files.create_dir_all("/m/dir/new/a/b/c").unwrap();
    files.create_dir_all("/m/dir/new/a/b/c").unwrap();
    assert!(files.is_dir("/m/dir/new/a/b/c"));
    for path in [
        "/m/dir/new/a/b/c",
        "/m/dir/new/a/b",
        "/m/dir/new/a",
        "/m/dir/new",
        "/m/empty",
    ] {
        files.remove_dir(path).unwrap();
        assert!(!files.exists(path));
    }
    files.remove_file("/m/dir/sub/deep").unwrap();
    files.remove_dir("/m/dir/sub").unwrap();
    assert_eq!(names(&files, "/m/dir"), ["file"]);
}

pub(crate) fn listings_follow_every_change(kind: Kind) {
    let files = kind.with(TREE);
    files.write("/m/dir/b", "").unwrap();
    files.create_dir("/m/dir/a").unwrap();
    assert_eq!(names(&files, "/m/dir"), ["a", "b", "file", "sub"]);
    files.rename("/m/dir/file", "/m/dir/0").unwrap();
    files.rename("/m/dir/sub", "/m/dir/zub").unwrap();
    assert_eq!(names(&files, "/m/dir"), ["0", "a", "b", "zub"]);
    files.remove_file("/m/dir/b").unwrap();
    files.remove_dir("/m/dir/a").unwrap();
    files.rename("/m/dir/zub", "/m/sub").unwrap();
    assert_eq!(names(&files, "/m/dir"), ["0"]);
    assert_eq!(names(&files, "/m"), ["dir", "empty", "file", "sub", "z"]);
    assert_eq!(names(&files, "/m/sub"), ["deep"]);
}

pub(crate) fn removed_names_can_be_made_anew_as_anything(kind: Kind) {
    let files = kind.with(TREE);
    for round in 0..3 {
        files.remove_file("/m/file").unwrap();
        files.create_dir("/m/file").unwrap();
        files.write("/m/file/below", "below").unwrap();
        assert_eq!(names(&files, "/m/file"), ["below"]);
        files.remove_file("/m/file/below").unwrap();
        files.remove_dir("/m/file").unwrap();
        files.write("/m/file", format!("{round}")).unwrap();
        assert_eq!(text(&files, "/m/file"), format!("{round}"));

        files.remove_dir("/m/empty").unwrap();
        files.write("/m/empty", "a file").unwrap();
        assert_eq!(files.metadata("/m/empty").unwrap().file_type, FileType::File);
        files.remove_file("/m/empty").unwrap();
        files.create_dir("/m/empty").unwrap();
        assert!(files.list("/m/empty").unwrap().is_empty());
    }
}

pub(crate) fn times_and_inodes_move_as_on_linux(kind: Kind) {
    let files = kind.with(TREE);
    let file = files.metadata("/m/dir/file").unwrap();
    files.append("/m/dir/file", b"!").unwrap();
    let after = files.metadata("/m/dir/file").unwrap();
    assert_eq!((after.inode, after.device), (file.inode, file.device));
    assert!(after.modified >= file.modified);

    files.write("/m/one", "").unwrap();
    let directory = files.metadata("/m").unwrap();
    files.append("/m/one", b"more").unwrap();
    files.open_for_write("/m/one", OpenMode::Truncate).unwrap();
    assert_eq!(
        files.metadata("/m").unwrap().modified,
        directory.modified,
        "changing a file in place does not touch its directory"
    );
    files.remove_file("/m/one").unwrap();
    assert!(files.metadata("/m").unwrap().modified >= directory.modified);
}
