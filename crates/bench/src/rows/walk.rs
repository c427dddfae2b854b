//! Walking a tree in one call, as `os.walk` does.

use std::fs;
use std::path::Path;

use monty_types::OsFunctionCall;
use monty_types::scan::ScanArgs;
use mounts::{HostDirectory, Lease, Mount};

use crate::harness::{Contender, Row};
use crate::peers::{POINT, Peer, ask, count_of, file_name, fill, leased, mkdir_call, write_call};

/// Directories in the tree, and files in each.
const DIRECTORIES: usize = 100;
const FILES: usize = 100;

fn directory(number: usize) -> String {
    format!("part{number:03}")
}

fn scan() -> OsFunctionCall {
    OsFunctionCall::Scan(ScanArgs::listing(POINT.into(), None, false))
}

fn walking(lease: Lease) -> Contender {
    Contender::repeated("ours", move || ask(&lease, scan()), |found| count_of(&found))
}

fn peer_walking(name: &'static str, mut peer: Peer) -> Contender {
    Contender::repeated(name, move || peer.ask(scan()), |found| count_of(&found))
}

pub(crate) fn memory() -> Row {
    let lease = leased(Mount::memory());
    let mut peer = Peer::empty();
    for part in (0..DIRECTORIES).map(directory) {
        let path = format!("{POINT}/{part}");
        lease.create_dir_all(&path).expect("the directory can be made");
        peer.ask(mkdir_call(&path));
        for number in 0..FILES {
            let path = format!("{path}/{}", file_name(number));
            lease.write(&path, "").expect("the file can be written");
            peer.ask(write_call(&path, b""));
        }
    }
    Row::new(walking(lease)).beside(peer_walking("monty-fs, overlay", peer))
}

pub(crate) fn host() -> Row {
    let tree = tempfile::tempdir().expect("a directory can be made");
    for part in (0..DIRECTORIES).map(directory) {
        fill(&tree.path().join(part), FILES, b"");
    }
    let opened = HostDirectory::open(tree.path()).expect("the directory is there");
    let peer = Peer::read_only(tree.path());
    Row::new(walking(leased(Mount::read_only(opened))))
        .beside(Contender::repeated(
            "std::fs",
            move || count(tree.path()) + 1,
            |found| found.to_string(),
        ))
        .beside(peer_walking("monty-fs, read-only", peer))
}

/// How many entries are below `directory`.
fn count(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).expect("the directory is there");
    entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let below = entry
                .file_type()
                .is_ok_and(|kind| kind.is_dir())
                .then(|| count(&entry.path()));
            1 + below.unwrap_or(0)
        })
        .sum()
}
