//! Appends: none is lost, none is torn, and everybody sees them in one order.

use crate::history::{Clock, Span, together};
use crate::kinds::Kind;
use crate::linked::Entry;

const WRITERS: usize = 3;
const THREADS: usize = 4;
const ROUNDS: usize = 40;
/// How often all of it is done anew: what the first append has to do happens once.
const MOUNTS: usize = 25;
const LINE: usize = 8;

/// The lines of a log, each whole.
fn lines(contents: &[u8]) -> Vec<String> {
    assert_eq!(contents.len() % LINE, 0, "an append was torn");
    let lines: Vec<_> = contents
        .chunks(LINE)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    assert!(
        lines.iter().all(|line| line.ends_with('\n')),
        "an append was torn"
    );
    lines
}

/// What is first in the log was there before, in whatever layer.
pub(crate) fn no_append_is_lost_or_seen_early_or_late(kind: Kind) {
    for _ in 0..MOUNTS {
        judge(kind);
    }
}

fn judge(kind: Kind) {
    let files = kind.with(&[("log", Entry::File("started\n"))]);
    let clock = Clock::default();
    let recorded = together(THREADS, |thread| {
        let mut appended: Vec<(Span, String)> = Vec::new();
        let mut seen: Vec<(Span, Vec<String>)> = Vec::new();
        for round in 0..ROUNDS {
            if thread < WRITERS {
                let line = format!("{thread}-{round:05}\n");
                let (span, answer) = clock.time(|| files.append("/m/log", line.as_bytes()));
                answer.unwrap();
                appended.push((span, line));
            }
            if thread >= WRITERS || round % 8 == 0 {
                let (span, contents) = clock.time(|| files.read("/m/log").unwrap());
                seen.push((span, lines(&contents.to_vec())));
            }
        }
        (appended, seen)
    });

    let order = lines(&files.read("/m/log").unwrap().to_vec());
    assert_eq!(
        order.len(),
        1 + WRITERS * ROUNDS,
        "{}: an append was lost",
        kind.name
    );
    assert_eq!(order[0], "started\n");
    assert_eq!(
        files.metadata("/m/log").unwrap().size,
        (order.len() * LINE) as u64
    );
    let place = |line: &String| order.iter().position(|other| other == line).unwrap();
    let appended: Vec<_> = recorded
        .iter()
        .flat_map(|(appended, _)| appended)
        .map(|(span, line)| (*span, place(line)))
        .collect();
    for (one, here) in &appended {
        for (other, there) in &appended {
            assert!(
                !one.is_before(*other) || here < there,
                "{}: appends changed places",
                kind.name
            );
        }
    }
    for (span, seen) in recorded.iter().flat_map(|(_, seen)| seen) {
        assert_eq!(
            *seen,
            order[..seen.len()],
            "{}: somebody saw another order",
            kind.name
        );
        for (append, place) in &appended {
            assert!(
                !append.is_before(*span) || *place < seen.len(),
                "{}: seen late",
                kind.name
            );
            assert!(
                !span.is_before(*append) || *place >= seen.len(),
                "{}: seen early",
                kind.name
            );
        }
    }
}
