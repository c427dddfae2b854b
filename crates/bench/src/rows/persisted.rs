//! States that leave memory: committed to the host, and dumped to bytes.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use mounts::history::{CommitOptions, LoadOptions, TarLimits};
use mounts::{HostDirectory, Mount, Table, WritableHostDirectory};
use tempfile::TempDir;

use crate::harness::{Contender, Row};
use crate::peers::{POINT, file_name};

const FILES: usize = 1_000;

/// What the file of that number holds: 16 KiB of lines that no other file has.
fn text(number: usize) -> String {
    let lines: Vec<_> = (0..512).map(|line| format!("{number:>10} {line:>20}")).collect();
    lines.join("\n")
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a directory can be made")
}

fn filled(mount: Mount) -> Table {
    let table = Table::new();
    table.mount(POINT, mount).expect("the table is empty");
    for number in 0..FILES {
        let path = format!("{POINT}/{}", file_name(number));
        table.write(&path, text(number)).expect("the file can be written");
    }
    table
}

/// How many files a directory of the host has, and bytes.
fn counted(directory: &Path) -> String {
    let entries: Vec<_> = fs::read_dir(directory)
        .expect("the directory is there")
        .map(|entry| {
            entry
                .expect("it can be read")
                .metadata()
                .expect("it is there")
                .len()
        })
        .collect();
    format!("{} files, {} bytes", entries.len(), entries.iter().sum::<u64>())
}

/// Writes the same files with the standard library; `finish` gives each its name.
fn written(name: &'static str, finish: fn(&Path, &str, fs::File)) -> Contender {
    let texts: Vec<_> = (0..FILES).map(text).collect();
    Contender::prepared(
        name,
        temporary,
        move |directory| {
            for (number, text) in texts.iter().enumerate() {
                let temporary = directory.path().join("temporary");
                let mut file = fs::File::create(&temporary).expect("it can be made");
                file.write_all(text.as_bytes()).expect("it can be written");
                finish(directory.path(), &file_name(number), file);
            }
        },
        |directory, ()| counted(directory.path()),
    )
}

pub(crate) fn commit() -> Row {
    let ours = Contender::prepared(
        "ours",
        || {
            let directory = temporary();
            let opened = HostDirectory::open(directory.path()).expect("the directory is there");
            let table = filled(Mount::overlay(WritableHostDirectory::new(opened)));
            (directory, table)
        },
        |(_, table)| {
            let report = table.commit(POINT, &CommitOptions::new());
            report.expect("nothing is in the way").written.len()
        },
        |(directory, _), _| counted(directory.path()),
    );
    let renamed = |directory: &Path, name: &str, _: fs::File| {
        fs::rename(directory.join("temporary"), directory.join(name)).expect("it can be renamed");
    };
    let flushed = |directory: &Path, name: &str, file: fs::File| {
        file.sync_data().expect("it can be flushed");
        fs::rename(directory.join("temporary"), directory.join(name)).expect("it can be renamed");
    };
    Row::new(ours)
        .beside(written("std::fs, a temporary renamed", renamed))
        .beside(written("std::fs, a temporary flushed and renamed", flushed))
}

pub(crate) fn dump() -> Row {
    let (one, two) = (filled(Mount::memory()), filled(Mount::memory()));
    Row::new(Contender::repeated(
        "ours",
        move || one.dump().expect("it can be dumped"),
        |bytes| {
            let loaded = Table::load(&bytes, LoadOptions::new()).expect("it can be loaded");
            loaded.list(POINT).expect("it is there").len().to_string()
        },
    ))
    .beside(Contender::repeated(
        "ours, as a tar archive",
        move || {
            two.export_tar(POINT, &TarLimits::default())
                .expect("it can be exported")
        },
        |_| FILES.to_string(),
    ))
}

pub(crate) fn load() -> Row {
    let table = filled(Mount::memory());
    let dump = table.dump().expect("it can be dumped");
    let archive = table
        .export_tar(POINT, &TarLimits::default())
        .expect("it can be exported")
        .bytes;
    let listed = |table: Table| table.list(POINT).expect("it is there").len().to_string();
    Row::new(Contender::repeated(
        "ours",
        move || Table::load(&dump, LoadOptions::new()).expect("it can be loaded"),
        listed,
    ))
    .beside(Contender::repeated(
        "ours, from a tar archive",
        move || {
            let table = Table::new();
            table.mount(POINT, Mount::memory()).expect("the table is empty");
            table
                .import_tar(POINT, &archive, &TarLimits::default())
                .expect("it can be imported");
            table
        },
        listed,
    ))
}
