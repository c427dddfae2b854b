//! Files of the host, read through a mount.

use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use monty_types::OsFunctionCall;
use mounts::{HostDirectory, Lease, Mount, WritableHostDirectory};
use tempfile::TempDir;

use crate::harness::{Contender, Goal, Row};
use crate::peers::{Peer, leased, size_of, text, text_of, write_call};

/// The file that is asked for, inside the mount.
const INSIDE: &str = "reports/2026/july.txt";
pub(super) const FILE: &str = "/data/reports/2026/july.txt";
const KIBIBYTE: [u8; 1024] = [b'x'; 1024];

/// A directory with one file, two directories down.
pub(super) struct Files {
    directory: TempDir,
}

impl Files {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let file = directory.path().join(INSIDE);
        fs::create_dir_all(file.parent().expect("it lies in directories")).expect("they can be made");
        fs::write(file, KIBIBYTE).expect("the file can be written");
        Self { directory }
    }

    /// The directory, to be mounted.
    pub(super) fn open(&self) -> HostDirectory {
        HostDirectory::open(self.directory.path()).expect("the directory is there")
    }

    pub(super) fn overlaid(&self) -> Lease {
        leased(Mount::overlay(self.open()))
    }

    fn host_path(&self) -> PathBuf {
        self.directory.path().join(INSIDE)
    }

    fn dir(&self) -> Dir {
        Dir::open_ambient_dir(self.directory.path(), ambient_authority()).expect("the directory is there")
    }

    /// Those who describe the file: the size is what they are compared by.
    pub(super) fn describing(
        self,
        ours: Lease,
        peer: fn(&std::path::Path) -> Peer,
        name: &'static str,
    ) -> Row {
        let path = self.host_path();
        let dir = self.dir();
        let mut peer = peer(self.directory.path());
        Row::new(Contender::repeated(
            "ours",
            move || ours.metadata(FILE).expect("the file is there"),
            |found| found.size.to_string(),
        ))
        .against(
            Contender::repeated(
                "cap-std",
                move || dir.metadata(INSIDE).expect("the file is there"),
                |found| found.len().to_string(),
            ),
            Goal::TimesTheTime(1.3),
        )
        .beside(Contender::repeated(
            "std::fs",
            move || fs::metadata(&path).expect("the file is there"),
            |found| found.len().to_string(),
        ))
        .beside(Contender::repeated(
            name,
            move || {
                let _held = &self;
                peer.ask(OsFunctionCall::Stat(FILE.into()))
            },
            |found| size_of(&found),
        ))
    }

    /// Those who read the file.
    pub(super) fn reading(self, ours: Lease, peer: fn(&std::path::Path) -> Peer, name: &'static str) -> Row {
        let path = self.host_path();
        let dir = self.dir();
        let mut peer = peer(self.directory.path());
        Row::new(Contender::repeated(
            "ours",
            move || ours.read(FILE).expect("the file is there"),
            |found| text(&found.as_contiguous()),
        ))
        .against(
            Contender::repeated(
                "std::fs",
                move || fs::read(&path).expect("the file is there"),
                |found| text(&found),
            ),
            Goal::TimesTheTime(1.3),
        )
        .beside(Contender::repeated(
            "cap-std",
            move || dir.read(INSIDE).expect("the file is there"),
            |found| text(&found),
        ))
        .beside(Contender::repeated(
            name,
            move || {
                let _held = &self;
                peer.ask(OsFunctionCall::ReadText(FILE.into()))
            },
            |found| text_of(&found),
        ))
    }
}

pub(crate) fn stat() -> Row {
    let files = Files::new();
    let ours = leased(Mount::read_only(files.open()));
    files.describing(ours, Peer::read_only, "monty-fs, read-only")
}

pub(crate) fn read() -> Row {
    let files = Files::new();
    let ours = leased(Mount::read_only(files.open()));
    files.reading(ours, Peer::read_only, "monty-fs, read-only")
}

/// Those who write the file, each one of its own; it is read back by `std::fs`.
struct Writing {
    files: Files,
}

impl Writing {
    fn new() -> Self {
        Self { files: Files::new() }
    }

    fn mounted(&self) -> Lease {
        leased(Mount::read_write(WritableHostDirectory::new(self.files.open())))
    }

    fn written(&self) -> String {
        text(&fs::read(self.files.host_path()).expect("the file is there"))
    }

    fn contender(self, name: &'static str, mut write: impl FnMut(&Self) + 'static) -> Contender {
        let writing = Rc::new(self);
        let read = Rc::clone(&writing);
        Contender::repeated(name, move || write(&writing), move |()| read.written())
    }
}

pub(crate) fn write() -> Row {
    let writing = Writing::new();
    let lease = writing.mounted();
    let ours = writing.contender("ours", move |_| {
        lease.write(FILE, KIBIBYTE).expect("it can be written");
    });
    let replaced = Writing::new().contender("std::fs, a temporary renamed", |writing| {
        let path = writing.files.host_path();
        let temporary = path.with_extension("new");
        fs::write(&temporary, KIBIBYTE).expect("it can be written");
        fs::rename(&temporary, &path).expect("it can be renamed");
    });
    let in_place = Writing::new().contender("std::fs, in place", |writing| {
        fs::write(writing.files.host_path(), KIBIBYTE).expect("it can be written");
    });
    let writing = Writing::new();
    let mut peer = Peer::read_write(writing.files.directory.path());
    let peer = writing.contender("monty-fs, read-write", move |_| {
        peer.ask(write_call(FILE, &KIBIBYTE));
    });
    Row::new(ours).beside(replaced).beside(in_place).beside(peer)
}
