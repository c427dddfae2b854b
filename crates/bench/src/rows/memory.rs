//! One file in memory.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use monty_types::OsFunctionCall;
use mounts::{Contents, Lease, Mount};
use tempfile::TempDir;

use crate::harness::{Contender, Goal, Row};
use crate::peers::{
    POINT, Peer, ask, count_of, file_name, leased, mkdir_call, text, text_of, vfs_memory, vfs_read,
    vfs_write, write_call,
};

pub(super) const DIRECTORY: &str = "/data/reports";
const FILE: &str = "/data/reports/july.txt";
const HUNDRED: &[u8; 100] = &[b'x'; 100];
/// Files created in one go, in one directory.
pub(super) const CREATED: u32 = 1000;

/// A memory mount with [`FILE`] in it.
fn with_file(data: &[u8]) -> Lease {
    let lease = with_directory();
    lease.write(FILE, data).expect("the file can be written");
    lease
}

/// The interpreter's overlay with [`FILE`] in its upper layer.
fn peer_with_file(data: &[u8]) -> Peer {
    let mut peer = peer_with_directory();
    peer.ask(write_call(FILE, data));
    peer
}

pub(crate) fn read() -> Row {
    let lease = with_file(HUNDRED);
    let mut peer = peer_with_file(HUNDRED);
    let file = vfs_memory().join("july.txt").expect("a path");
    vfs_write(&file, HUNDRED);
    let map = HashMap::from([(FILE.to_owned(), Arc::new(HUNDRED.to_vec()))]);
    Row::new(Contender::repeated(
        "ours",
        move || lease.read(FILE).expect("the file is there"),
        |found| text(&found.as_contiguous()),
    ))
    .against(
        Contender::repeated(
            "monty-fs, overlay",
            move || peer.ask(OsFunctionCall::ReadText(FILE.into())),
            |found| text_of(&found),
        ),
        Goal::TimesFaster(3.0),
    )
    .beside(Contender::repeated(
        "vfs, MemoryFS",
        move || vfs_read(&file),
        |found| text(&found),
    ))
    .beside(Contender::repeated(
        "a HashMap of Arcs",
        move || map.get(FILE).map(Arc::clone).expect("the file is there"),
        |found| text(&found),
    ))
}

pub(crate) fn read_call() -> Row {
    let lease = with_file(HUNDRED);
    let mut peer = peer_with_file(HUNDRED);
    Row::new(Contender::repeated(
        "ours",
        move || ask(&lease, OsFunctionCall::ReadText(FILE.into())),
        |found| text_of(&found),
    ))
    .beside(Contender::repeated(
        "monty-fs, overlay",
        move || peer.ask(OsFunctionCall::ReadText(FILE.into())),
        |found| text_of(&found),
    ))
}

/// Paths and contents of files to be created, made outside of the time.
fn to_create() -> Vec<(String, Vec<u8>)> {
    (0..CREATED)
        .map(|number| {
            (
                format!("{DIRECTORY}/{}", file_name(number as usize)),
                HUNDRED.to_vec(),
            )
        })
        .collect()
}

fn calls_to_create() -> Vec<OsFunctionCall> {
    to_create()
        .iter()
        .map(|(path, data)| write_call(path, data))
        .collect()
}

/// The interpreter's overlay creating files in [`DIRECTORY`], which is there.
pub(super) fn peer_creating(name: &'static str, mut make: impl FnMut() -> Peer + 'static) -> Contender {
    Contender::prepared(
        name,
        move || (make(), calls_to_create()),
        |(peer, calls)| {
            for call in calls.drain(..) {
                peer.ask(call);
            }
        },
        |(peer, _), ()| count_of(&peer.ask(OsFunctionCall::Iterdir(DIRECTORY.into()))),
    )
}

/// Ours creating files in [`DIRECTORY`], which is there.
pub(super) fn creating(mut make: impl FnMut() -> Lease + 'static) -> Contender {
    Contender::prepared(
        "ours",
        move || (make(), to_create()),
        |(lease, files)| {
            for (path, data) in files.drain(..) {
                lease.write(&path, data).expect("the file can be created");
            }
        },
        |(lease, _), ()| {
            let listed = lease.list(DIRECTORY).expect("the directory can be listed");
            listed.len().to_string()
        },
    )
}

/// A memory mount with an empty [`DIRECTORY`].
fn with_directory() -> Lease {
    let lease = leased(Mount::memory());
    lease
        .create_dir_all(DIRECTORY)
        .expect("the directory can be made");
    lease
}

/// The interpreter's overlay with an empty [`DIRECTORY`] in its upper layer.
fn peer_with_directory() -> Peer {
    let mut peer = Peer::empty();
    peer.ask(mkdir_call(DIRECTORY));
    peer
}

/// A directory of the host with [`DIRECTORY`] in it.
pub(super) fn directory_of_host() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let inside = DIRECTORY.trim_start_matches(POINT).trim_start_matches('/');
    fs::create_dir(directory.path().join(inside)).expect("a directory can be made");
    directory
}

/// Makes the interpreter's overlay over [`DIRECTORY`].
fn peer_over_directory() -> impl FnMut() -> Peer {
    let directory = directory_of_host();
    move || Peer::overlay(directory.path())
}

pub(crate) fn create() -> Row {
    let vfs = Contender::prepared(
        "vfs, MemoryFS",
        || (vfs_memory(), to_create()),
        |(root, files)| {
            for (path, data) in files.drain(..) {
                let name = path.rsplit('/').next().unwrap_or_default();
                vfs_write(&root.join(name).expect("a path"), &data);
            }
        },
        |(root, _), ()| root.read_dir().expect("a directory").count().to_string(),
    );
    Row::new(creating(with_directory))
        .units(CREATED)
        .against(
            peer_creating(
                "monty-fs, overlay, the directory of the host",
                peer_over_directory(),
            ),
            Goal::TimesFaster(10.0),
        )
        .beside(peer_creating(
            "monty-fs, overlay, the directory new too",
            peer_with_directory,
        ))
        .beside(vfs)
}

pub(crate) fn create_call() -> Row {
    let ours = Contender::prepared(
        "ours",
        || (with_directory(), calls_to_create()),
        |(lease, calls)| {
            for call in calls.drain(..) {
                ask(lease, call);
            }
        },
        |(lease, _), ()| count_of(&ask(lease, OsFunctionCall::Iterdir(DIRECTORY.into()))),
    );
    Row::new(ours).units(CREATED).beside(peer_creating(
        "monty-fs, overlay, the directory new too",
        peer_with_directory,
    ))
}

pub(crate) fn stat() -> Row {
    let lease = with_file(HUNDRED);
    let file = vfs_memory().join("july.txt").expect("a path");
    vfs_write(&file, HUNDRED);
    Row::new(Contender::repeated(
        "ours",
        move || lease.metadata(FILE).expect("the file is there"),
        |found| found.size.to_string(),
    ))
    .beside(Contender::repeated(
        "vfs, MemoryFS",
        move || file.metadata().expect("the file is there"),
        |found| found.len.to_string(),
    ))
}

pub(crate) fn append() -> Row {
    const BEFORE: usize = 1 << 20;
    const APPENDED: u32 = 1000;
    let ours = Contender::prepared(
        "ours",
        || with_file(&vec![b'x'; BEFORE]),
        |lease| {
            for _ in 0..APPENDED {
                lease.append(FILE, HUNDRED).expect("the file can be appended to");
            }
        },
        |lease, ()| lease.read(FILE).as_ref().map_or(0, Contents::len).to_string(),
    );
    let peer = Contender::prepared(
        "monty-fs, overlay",
        || peer_with_file(&vec![b'x'; BEFORE]),
        |peer| {
            for _ in 0..APPENDED {
                peer.ask(match write_call(FILE, HUNDRED) {
                    OsFunctionCall::WriteBytes(arguments) => OsFunctionCall::AppendBytes(arguments),
                    other => other,
                });
            }
        },
        |peer, ()| {
            text_of(&peer.ask(OsFunctionCall::ReadText(FILE.into())))
                .len()
                .to_string()
        },
    );
    Row::new(ours).units(APPENDED).beside(peer)
}
