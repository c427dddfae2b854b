//! What only one can have.

use std::sync::atomic::{AtomicBool, Ordering};

use mounts::{ErrorKind, Namespace};

use crate::history::together;
use crate::kinds::{Kind, TREE};

const THREADS: usize = 4;
const ROUNDS: usize = 25;

/// Lets everybody try, and finds that one succeeded and the others were told why not.
fn one_wins(
    kind: Kind,
    files: &Namespace,
    refusal: ErrorKind,
    act: impl Fn(&Namespace, usize) -> mounts::Result<()> + Sync,
) {
    let answers = together(THREADS, |thread| act(files, thread).map_err(|error| error.kind()));
    let winners = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(winners, 1, "{}: {answers:?}", kind.name);
    assert!(
        answers
            .into_iter()
            .filter_map(Result::err)
            .all(|kind| kind == refusal)
    );
}

pub(crate) fn of_those_who_want_the_same_one_wins(kind: Kind) {
    let files = kind.with(TREE);
    for round in 0..ROUNDS {
        let directory = format!("/m/d{round}");
        one_wins(kind, &files, ErrorKind::AlreadyExists, |files, _| {
            files.create_dir(&directory)
        });
        files.write(&format!("{directory}/file"), "x").unwrap();
        one_wins(kind, &files, ErrorKind::NotFound, |files, thread| {
            files.rename(&directory, &format!("/m/d{round}-{thread}"))
        });
        let thread = (0..THREADS)
            .find(|thread| files.exists(&format!("/m/d{round}-{thread}")))
            .unwrap();
        let renamed = format!("/m/d{round}-{thread}");
        one_wins(kind, &files, ErrorKind::NotFound, |files, _| {
            files.remove_file(&format!("{renamed}/file"))
        });
        one_wins(kind, &files, ErrorKind::NotFound, |files, _| {
            files.remove_dir(&renamed)
        });
    }
    // The same of what the lower layer has.
    one_wins(kind, &files, ErrorKind::NotFound, |files, thread| {
        files.rename("/m/dir", &format!("/m/x{thread}"))
    });
    one_wins(kind, &files, ErrorKind::NotFound, |files, _| {
        files.remove_file("/m/file")
    });
    one_wins(kind, &files, ErrorKind::NotFound, |files, _| {
        files.remove_dir("/m/empty")
    });
}

pub(crate) fn a_listing_shows_what_is_renamed_exactly_once(kind: Kind) {
    let files = kind.with(TREE);
    let over = AtomicBool::new(false);
    let seen = together(3, |thread| {
        if thread == 0 {
            for round in 0..400 {
                let (from, to) = if round % 2 == 0 {
                    ("/m/dir", "/m/moved")
                } else {
                    ("/m/moved", "/m/dir")
                };
                files.rename(from, to).unwrap();
            }
            over.store(true, Ordering::Release);
            return 0;
        }
        let mut listings = 0;
        while !over.load(Ordering::Acquire) || listings < 50 {
            let entries = files.list("/m").unwrap();
            let shown = entries
                .iter()
                .filter(|entry| matches!(&*entry.name, "dir" | "moved"))
                .count();
            assert_eq!(shown, 1, "{}", kind.name);
            listings += 1;
        }
        listings
    });
    assert!(seen.iter().sum::<u32>() >= 100);
}
