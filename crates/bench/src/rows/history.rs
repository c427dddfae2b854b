//! States of a table that are kept.

use std::collections::BTreeMap;
use std::time::Duration;

use mounts::history::Snapshot;
use mounts::{Contents, DirEntry, Mount, Table};

use crate::harness::{Contender, Row};
use crate::peers::{POINT, file_name};

const FILES: u32 = 100_000;
const CHANGED: usize = 10;

fn path(number: u32) -> String {
    format!("{POINT}/{}", file_name(number as usize))
}

/// A table with [`FILES`] files in one directory.
fn table(mount: Mount) -> Table {
    let table = Table::new();
    table.mount(POINT, mount).expect("the table is empty");
    for number in 0..FILES {
        table
            .write(&path(number), "text")
            .expect("the file can be written");
    }
    table
}

fn in_memory() -> Table {
    table(Mount::memory())
}

fn count(listed: &[DirEntry]) -> String {
    listed.len().to_string()
}

/// What keeping a state costs where it is a copy.
fn copying() -> Contender {
    let map: BTreeMap<String, u32> = (0..FILES).map(|number| (path(number), number)).collect();
    Contender::repeated(
        "copying a BTreeMap",
        move || map.clone(),
        |copy| copy.len().to_string(),
    )
}

pub(crate) fn snapshot() -> Row {
    let table = in_memory();
    Row::new(Contender::repeated(
        "ours",
        move || table.snapshot(),
        |kept| count(&kept.list(POINT).expect("it can be listed")),
    ))
    .within(Duration::from_micros(10))
    .beside(copying())
}

pub(crate) fn fork() -> Row {
    let table = in_memory();
    Row::new(Contender::repeated(
        "ours",
        move || table.fork(),
        |fork| count(&fork.list(POINT).expect("it can be listed")),
    ))
    .within(Duration::from_micros(10))
    .beside(copying())
}

pub(crate) fn first_write() -> Row {
    first_write_in(in_memory())
}

pub(crate) fn first_write_in_overlay() -> Row {
    let empty = tempfile::tempdir().expect("a directory can be made");
    let lower = mounts::HostDirectory::open(empty.path()).expect("the directory is there");
    first_write_in(table(Mount::overlay(lower)))
}

/// The first write in a new fork, while a snapshot of it and the answer of a reader are held.
fn first_write_in(table: Table) -> Row {
    let changed = path(FILES / 2);
    let reader = table.read(&changed).expect("the file is there");
    let prepare = move || {
        let fork = table.fork();
        let kept = fork.snapshot();
        (fork, kept, reader.clone())
    };
    let written = changed.clone();
    let ours = Contender::prepared(
        "ours",
        prepare,
        move |(fork, ..): &mut (Table, Snapshot, Contents)| {
            fork.write(&written, "other").expect("it can be written");
        },
        move |(fork, kept, reader), ()| {
            assert_eq!(*reader, *b"text");
            assert_eq!(kept.read(&changed).expect("the file is there"), *b"text");
            assert_eq!(fork.read(&changed).expect("the file is there"), *b"other");
            FILES.to_string()
        },
    );
    Row::new(ours).within(Duration::from_micros(20)).beside(copying())
}

pub(crate) fn changes() -> Row {
    let table = in_memory();
    let snapshot = table.snapshot();
    let step = FILES as usize / CHANGED;
    for number in (0..FILES).step_by(step) {
        table
            .write(&path(number), "other")
            .expect("the file can be written");
    }
    let before: BTreeMap<String, u32> = (0..FILES).map(|number| (path(number), 0)).collect();
    let mut after = before.clone();
    for number in (0..FILES).step_by(step) {
        after.insert(path(number), 1);
    }
    Row::new(Contender::repeated(
        "ours",
        move || table.changes_since(&snapshot),
        |changes| changes.len().to_string(),
    ))
    .beside(Contender::repeated(
        "comparing two BTreeMaps",
        move || {
            before
                .iter()
                .filter(|(path, version)| after.get(*path) != Some(*version))
                .count()
        },
        |changed| changed.to_string(),
    ))
}
