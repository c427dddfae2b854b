//! Directories in memory.

use monty_types::OsFunctionCall;
use mounts::{Lease, Mount};
use vfs::VfsPath;

use crate::harness::{Contender, Goal, Row};
use crate::peers::{
    POINT, Peer, ask, count_of, file_name, leased, mkdir_call, vfs_memory, vfs_write, write_call,
};

const ENTRIES: u32 = 1000;

fn file_in(directory: &str, number: u32) -> String {
    format!("{directory}/{}", file_name(number as usize))
}

fn with_entries() -> Lease {
    let lease = leased(Mount::memory());
    for number in 0..ENTRIES {
        lease
            .write(&file_in(POINT, number), "")
            .expect("the file can be written");
    }
    lease
}

/// The interpreter's overlay, listing what is in its upper layer.
fn peer_listing() -> Contender {
    let mut peer = Peer::empty();
    for number in 0..ENTRIES {
        peer.ask(write_call(&file_in(POINT, number), b""));
    }
    Contender::repeated(
        "monty-fs, overlay",
        move || peer.ask(OsFunctionCall::Iterdir(POINT.into())),
        |listed| count_of(&listed),
    )
}

pub(crate) fn entry() -> Row {
    let lease = with_entries();
    let root = vfs_memory();
    for number in 0..ENTRIES {
        vfs_write(&root.join(file_name(number as usize)).expect("a path"), b"");
    }
    Row::new(Contender::repeated(
        "ours",
        move || lease.list(POINT).expect("the mount can be listed"),
        |listed| listed.len().to_string(),
    ))
    .units(ENTRIES)
    .against(peer_listing(), Goal::TimesFaster(4.0))
    .beside(vfs_listing(root))
}

fn vfs_listing(directory: VfsPath) -> Contender {
    Contender::repeated(
        "vfs, MemoryFS",
        move || directory.read_dir().expect("a directory").collect::<Vec<_>>(),
        |listed| listed.len().to_string(),
    )
}

pub(crate) fn entry_call() -> Row {
    let lease = with_entries();
    Row::new(Contender::repeated(
        "ours",
        move || ask(&lease, OsFunctionCall::Iterdir(POINT.into())),
        |listed| count_of(&listed),
    ))
    .units(ENTRIES)
    .beside(peer_listing())
}

pub(crate) fn beside_many() -> Row {
    const MANY: u32 = 100_000;
    const FEW: u32 = 10;
    let directories = [("many", MANY), ("few", FEW)];
    let lease = leased(Mount::memory());
    let root = vfs_memory();
    let mut peer = Peer::empty();
    for (directory, files) in directories {
        let point = format!("{POINT}/{directory}");
        lease.create_dir_all(&point).expect("the directory can be made");
        peer.ask(mkdir_call(&point));
        let vfs = root.join(directory).expect("a path");
        vfs.create_dir().expect("the directory can be made");
        for number in 0..files {
            let path = file_in(&point, number);
            lease.write(&path, "").expect("the file can be written");
            peer.ask(write_call(&path, b""));
            vfs_write(&vfs.join(file_name(number as usize)).expect("a path"), b"");
        }
    }
    Row::new(Contender::repeated(
        "ours",
        move || lease.list("/data/few").expect("the directory can be listed"),
        |listed| listed.len().to_string(),
    ))
    .within(std::time::Duration::from_micros(5))
    .beside(vfs_listing(root.join("few").expect("a path")))
    .beside(Contender::repeated(
        "monty-fs, overlay",
        move || peer.ask(OsFunctionCall::Iterdir("/data/few".into())),
        |listed| count_of(&listed),
    ))
}
