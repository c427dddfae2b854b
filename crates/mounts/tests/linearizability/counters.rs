//! What is counted while many change it.

use mounts::{ErrorKind, Held, Limits, Namespace, OpenMode};

use crate::history::together;
use crate::kinds::{Kind, TREE};
use crate::support::{Entry, image};

const THREADS: usize = 4;

/// One of a few operations on a few paths, so that threads meet.
fn act(files: &Namespace, number: usize) {
    let path = |number: usize| {
        let names = ["a", "b", "c", "dir", "file"];
        match number % 3 {
            0 => format!("/m/{}", names[number / 3 % 5]),
            _ => format!("/m/{}/{}", names[number / 3 % 5], names[number / 15 % 5]),
        }
    };
    let (one, other) = (path(number), path(number / 7));
    // What is refused must leave the counters right as well.
    let _ = match number % 11 {
        0 | 1 => files.write(&one, vec![b'x'; number % 97]),
        2 | 3 => files.append(&one, b"appended"),
        4 => files.open_for_write(&one, OpenMode::Truncate),
        5 | 6 => files.create_dir(&one),
        7 => files.remove_file(&one),
        8 => files.remove_dir(&one),
        _ => files.rename(&one, &other),
    };
}

/// A sequence of numbers that look random.
fn numbers(seed: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(seed * 2 + 1), |number| {
        Some(
            number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407),
        )
    })
    .map(|number| number >> 33)
}

pub(crate) fn counters_equal_a_recount_when_everybody_is_done(kind: Kind) {
    for seed in 0..6 {
        let files = kind.with(&[]);
        together(THREADS, |thread| {
            numbers(seed * THREADS + thread)
                .take(400)
                .for_each(|number| act(&files, number));
        });
        let tree = image(&files, "/m");
        let bytes = tree.values().map(|entry| match entry {
            Entry::File(contents) => contents.len() as u64,
            Entry::Directory => 0,
        });
        let held = files.table.list_mounts()[0].usage.held;
        assert_eq!(
            (held.bytes, held.files),
            (bytes.sum(), tree.len() as u64),
            "{}",
            kind.name
        );
        for (path, entry) in tree.iter().rev() {
            let path = format!("/m/{path}");
            match entry {
                Entry::File(_) => files.remove_file(&path).unwrap(),
                Entry::Directory => files.remove_dir(&path).unwrap(),
            }
        }
        assert_eq!(
            files.table.list_mounts()[0].usage.held,
            Held::default(),
            "{}",
            kind.name
        );
    }
}

pub(crate) fn limits_are_never_exceeded_by_many_at_once(kind: Kind) {
    let limits = Limits {
        max_bytes: Some(1000),
        max_files: Some(20),
        write_bytes: Some(5000),
        ..Limits::default()
    };
    let files = kind.altered(TREE, |mount| mount.with_limits(limits));
    let before = files.table.list_mounts()[0].usage;
    let answers = together(THREADS, |thread| {
        let mut written = 0;
        let mut refused = 0;
        for round in 0..150 {
            let path = format!("/m/{thread}-{}", round % 9);
            match files.write(&path, vec![b'x'; 60]) {
                Ok(()) => written += 60,
                Err(error) => {
                    let kind = error.kind();
                    assert!(
                        matches!(kind, ErrorKind::NoSpace | ErrorKind::WriteLimit { .. }),
                        "{error}"
                    );
                    refused += 1;
                }
            }
            let usage = files.table.list_mounts()[0].usage;
            let room = (before.held.bytes.max(1000), before.held.files.max(20));
            assert!(
                usage.held.bytes <= room.0 && usage.held.files <= room.1,
                "{usage:?}"
            );
            if round % 5 == 4 {
                files.remove_file(&path).ok();
            }
        }
        (written, refused)
    });
    let written: u64 = answers.iter().map(|(written, _)| written).sum();
    assert_eq!(
        files.table.list_mounts()[0].usage.written - before.written,
        written,
        "{}",
        kind.name
    );
    assert!(written <= 5000 && answers.iter().any(|(_, refused)| *refused > 0));
}
