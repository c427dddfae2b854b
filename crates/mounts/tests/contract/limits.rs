//! Limits: each refuses with its own error and without effect, and what is given back can be used again.

use mounts::{ErrorKind, Limits, OpenMode, Usage};

use crate::kinds::{Kind, Mounted, TREE};
use crate::support::{TreeImage, image, kind as error};

const NONE: Limits = Limits {
    max_bytes: None,
    max_files: None,
    max_file_size: None,
    write_bytes: None,
    memory: None,
};

/// An empty mount of the kind, under `limits`.
fn limited(kind: Kind, limits: Limits) -> Mounted {
    kind.altered(&[], |mount| mount.with_limits(limits))
}

fn usage(files: &Mounted) -> Usage {
    files.table.list_mounts()[0].usage
}

type Act = fn(&Mounted) -> mounts::Result<()>;

/// Runs what is to be refused with `expected`, and finds the tree and the counters as they were.
fn assert_refused(files: &Mounted, expected: ErrorKind, acts: &[Act]) {
    for (number, act) in acts.iter().enumerate() {
        let before: (TreeImage, Usage) = (image(files, "/m"), usage(files));
        assert_eq!(error(act(files)), expected, "act {number}");
        assert_eq!((image(files, "/m"), usage(files)), before, "act {number}");
    }
}

pub(crate) fn bytes_held_are_limited_and_given_back(kind: Kind) {
    let files = limited(
        kind,
        Limits {
            max_bytes: Some(10),
            ..NONE
        },
    );
    files.write("/m/a", "1234567").unwrap();
    files.append("/m/b", b"89").unwrap();
    assert_eq!(usage(&files).held.bytes, 9);
    assert_refused(
        &files,
        ErrorKind::NoSpace,
        &[
            |files| files.write("/m/c", "xx"),
            |files| files.append("/m/a", b"xx"),
            |files| files.write("/m/b", "xxxx"),
        ],
    );
    files.write("/m/a", "1").unwrap();
    files.write("/m/c", "234567").unwrap();
    files.open_for_write("/m/c", OpenMode::Truncate).unwrap();
    files.remove_file("/m/b").unwrap();
    assert_eq!(usage(&files).held.bytes, 1);
    files.write("/m/b", "234567890").unwrap();
    files.rename("/m/b", "/m/a").unwrap();
    assert_eq!(usage(&files).held.bytes, 9);
}

pub(crate) fn files_held_are_limited_and_given_back(kind: Kind) {
    let files = limited(
        kind,
        Limits {
            max_files: Some(3),
            ..NONE
        },
    );
    files.write("/m/a", "").unwrap();
    files.create_dir("/m/d").unwrap();
    files.open_for_write("/m/d/b", OpenMode::Append).unwrap();
    assert_eq!(usage(&files).held.files, 3);
    assert_refused(
        &files,
        ErrorKind::NoSpace,
        &[
            |files| files.write("/m/c", ""),
            |files| files.append("/m/c", b""),
            |files| files.open_for_write("/m/c", OpenMode::Truncate),
            |files| files.open_for_write("/m/c", OpenMode::Append),
            |files| files.create_dir("/m/e"),
            |files| files.create_dir_all("/m/e/f"),
        ],
    );
    files.write("/m/a", "as much as one likes").unwrap();
    files.rename("/m/a", "/m/d/b").unwrap();
    assert_eq!(usage(&files).held.files, 2);
    files.create_dir("/m/e").unwrap();
    files.remove_file("/m/d/b").unwrap();
    files.rename("/m/d", "/m/e").unwrap();
    assert_eq!(usage(&files).held.files, 1);
    files.create_dir_all("/m/f/g").unwrap();
}

pub(crate) fn one_file_is_limited_as_a_whole(kind: Kind) {
    // What was there before counts too: "text" has four bytes.
    let files = kind.altered(TREE, |mount| {
        mount.with_limits(Limits {
            max_file_size: Some(6),
            ..NONE
        })
    });
    assert_refused(
        &files,
        ErrorKind::FileTooLarge,
        &[
            |files| files.write("/m/new", "1234567"),
            |files| files.append("/m/file", b"567"),
            |files| files.write("/m/file", "1234567"),
        ],
    );
    files.append("/m/file", b"56").unwrap();
    assert_refused(
        &files,
        ErrorKind::FileTooLarge,
        &[|files| files.append("/m/file", b"7")],
    );
    assert_eq!(files.read("/m/file").unwrap(), *b"text56");
}

pub(crate) fn work_is_limited_and_never_given_back(kind: Kind) {
    let files = limited(
        kind,
        Limits {
            write_bytes: Some(10),
            ..NONE
        },
    );
    files.write("/m/a", "123456").unwrap();
    files.remove_file("/m/a").unwrap();
    files.write("/m/a", "789").unwrap();
    assert_eq!(usage(&files).written, 9);
    let refusal = ErrorKind::WriteLimit { limit: 10 };
    assert_refused(
        &files,
        refusal,
        &[
            |files| files.append("/m/a", b"xx"),
            |files| files.write("/m/b", "xx"),
        ],
    );
    files.append("/m/a", b"0").unwrap();
    assert_refused(&files, refusal, &[|files| files.append("/m/a", b"1")]);
    files.write("/m/empty", "").unwrap();
    files.open_for_write("/m/a", OpenMode::Truncate).unwrap();
    assert_eq!(usage(&files).written, 10);
}

pub(crate) fn an_answer_that_does_not_fit_is_refused_before_it_is_read(kind: Kind) {
    let limits = Limits {
        memory: Some(1 << 20),
        ..NONE
    };
    let files = kind.altered(TREE, |mount| mount.with_limits(limits));
    assert_eq!(files.read("/m/file").unwrap(), *b"text");
    let files = kind.altered(TREE, |mount| {
        mount.with_limits(Limits {
            memory: Some(3),
            ..NONE
        })
    });
    let before = usage(&files);
    assert_eq!(error(files.read("/m/file")), ErrorKind::MemoryLimit { limit: 3 });
    assert_eq!(usage(&files), before);
    assert_eq!(files.metadata("/m/file").unwrap().size, 4);
}

pub(crate) fn a_refused_rename_or_removal_counts_nothing(kind: Kind) {
    let files = kind.with(TREE);
    let before = usage(&files);
    for answer in [
        files.rename("/m/nothing", "/m/new"),
        files.rename("/m/dir", "/m/dir/sub/below"),
        files.rename("/m/empty", "/m/dir"),
        files.rename("/m/file", "/m/empty"),
        files.rename("/m/dir/sub", "/m/file"),
        files.rename("/m/dir/file", "/m/nothing/x"),
        files.remove_dir("/m/dir"),
        files.remove_dir("/m/file"),
        files.remove_file("/m/dir"),
        files.remove_file("/m/nothing"),
        files.create_dir("/m/file/x"),
        files.create_dir("/m/dir"),
    ] {
        assert!(answer.is_err());
        assert_eq!(usage(&files), before);
    }
}
