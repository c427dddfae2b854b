//! Files of the host under an overlay.

use std::fs;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use monty_types::{OsFunctionCall, PathBytesDataArgs};
use mounts::{HostDirectory, Mount};
use tempfile::TempDir;

use crate::harness::{Contender, Goal, Row};
use crate::peers::{Peer, count_of, fill, leased, rename_call, size_of};

use super::host::Files;
use super::memory;

pub(crate) fn create() -> Row {
    let directory = memory::directory_of_host();
    let lower = Arc::new(HostDirectory::open(directory.path()).expect("the directory is there"));
    let ours = memory::creating(move || leased(Mount::overlay(Arc::clone(&lower))));
    let peer = memory::peer_creating("monty-fs, overlay", move || Peer::overlay(directory.path()));
    Row::new(ours).units(memory::CREATED).beside(peer)
}

pub(crate) fn stat() -> Row {
    let files = Files::new();
    let ours = files.overlaid();
    files.describing(ours, Peer::overlay, "monty-fs, overlay")
}

pub(crate) fn read() -> Row {
    let files = Files::new();
    let ours = files.overlaid();
    files.reading(ours, Peer::overlay, "monty-fs, overlay")
}

pub(crate) fn rename() -> Row {
    const FILES: usize = 10_000;
    let directory = Rc::new(tempfile::tempdir().expect("a directory can be made"));
    fill(&directory.path().join("big"), FILES, b"");
    let lower = Arc::new(HostDirectory::open(directory.path()).expect("the directory is there"));
    let ours = Contender::prepared(
        "ours",
        move || leased(Mount::overlay(Arc::clone(&lower))),
        |lease| {
            lease
                .rename("/data/big", "/data/moved")
                .expect("it can be renamed");
        },
        |lease, ()| lease.list("/data/moved").expect("it has moved").len().to_string(),
    );
    let peer = Contender::prepared(
        "monty-fs, overlay",
        move || Peer::overlay(directory.path()),
        |peer| drop(peer.ask(rename_call("/data/big", "/data/moved"))),
        |peer, ()| count_of(&peer.ask(OsFunctionCall::Iterdir("/data/moved".into()))),
    );
    Row::new(ours).within(Duration::from_micros(20)).beside(peer)
}

/// A directory with one file of 20 MiB.
fn with_large_file() -> Rc<TempDir> {
    let directory = tempfile::tempdir().expect("a directory can be made");
    fs::write(directory.path().join("large.bin"), vec![b'x'; 20 << 20]).expect("the file can be written");
    Rc::new(directory)
}

pub(crate) fn append() -> Row {
    let directory = with_large_file();
    let lower = Arc::new(HostDirectory::open(directory.path()).expect("the directory is there"));
    let ours = Contender::prepared(
        "ours",
        move || leased(Mount::overlay(Arc::clone(&lower))),
        |lease| {
            lease
                .append("/data/large.bin", b"y")
                .expect("the file can be appended to");
        },
        |lease, ()| {
            let found = lease.metadata("/data/large.bin").expect("the file is there");
            found.size.to_string()
        },
    );
    let peer = Contender::prepared(
        "monty-fs, overlay",
        move || Peer::overlay(directory.path()),
        |peer| {
            peer.ask(OsFunctionCall::AppendBytes(PathBytesDataArgs {
                path: "/data/large.bin".into(),
                data: b"y".to_vec(),
            }))
        },
        |peer, _| size_of(&peer.ask(OsFunctionCall::Stat("/data/large.bin".into()))),
    );
    Row::new(ours)
        .within(Duration::from_micros(100))
        .against(peer, Goal::TimesFaster(100.0))
}
