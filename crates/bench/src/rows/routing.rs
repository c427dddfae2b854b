//! Finding the mount that a path belongs to.

use monty_types::OsFunctionCall;
use mounts::{Lease, Mount, Table};

use crate::harness::{Contender, Goal, Row};
use crate::peers::{Peer, lease, text, text_of, write_call};

const TEXT: &[u8] = b"the same text";

fn point(number: usize) -> String {
    format!("/mounts/m{number:05}")
}

fn file_at(number: usize) -> String {
    format!("{}/file.txt", point(number))
}

/// A table with `count` mounts, a file in the middle one.
fn table(count: usize) -> (Lease, String) {
    let table = Table::new();
    for number in 0..count {
        table
            .mount(&point(number), Mount::memory())
            .expect("the point is free");
    }
    let path = file_at(count / 2);
    table.write(&path, TEXT).expect("the file can be written");
    (lease(&table), path)
}

fn reading(name: &'static str, count: usize) -> Contender {
    let (lease, path) = table(count);
    Contender::repeated(
        name,
        move || lease.read(&path).expect("the file is there"),
        |found| text(&found.as_contiguous()),
    )
}

pub(crate) fn among_hundred() -> Row {
    const MOUNTS: usize = 100;
    let mut peer = Peer::among((0..MOUNTS).map(point));
    let path = file_at(MOUNTS / 2);
    peer.ask(write_call(&path, TEXT));
    Row::new(reading("ours", MOUNTS))
        .against(reading("ours, among 1 mount", 1), Goal::TimesTheTime(1.25))
        .beside(Contender::repeated(
            "monty-fs, overlays",
            move || peer.ask(OsFunctionCall::ReadText(path.as_str().into())),
            |found| text_of(&found),
        ))
}

pub(crate) fn among_ten_thousand() -> Row {
    Row::new(reading("ours", 10_000)).against(reading("ours, among 1 mount", 1), Goal::TimesTheTime(1.25))
}
