//! A backend whose writes can be held up, so that a test decides what happens while one is in flight.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use mounts::{
    Admission, Answer, Contents, DirEntry, FollowLinks, Held, Memory, Metadata, OpenMode, Reader,
    RelativePath, RenameRefusal, Writer,
};
use parking_lot::Mutex;

/// Memory in which writing to a file waits at the gate that the file's contents name: `b"wait"`.
#[derive(Debug)]
pub(crate) struct Gated {
    memory: Memory,
    arrived: Mutex<Sender<()>>,
    open: Mutex<Receiver<()>>,
}

/// The other side of the gate.
pub(crate) struct Gate {
    arrivals: Receiver<()>,
    opener: Sender<()>,
}

/// What is written to wait at the gate.
pub(crate) const WAIT: &[u8] = b"wait";

pub(crate) fn gated() -> (Arc<Gated>, Gate) {
    let (arrived, arrivals) = channel();
    let (opener, open) = channel();
    let backend = Gated {
        memory: Memory::new(),
        arrived: Mutex::new(arrived),
        open: Mutex::new(open),
    };
    (Arc::new(backend), Gate { arrivals, opener })
}

impl Gate {
    /// Returns when a write is in flight, waiting.
    pub(crate) fn wait_for_arrival(&self) {
        self.arrivals.recv().unwrap();
    }

    /// Lets one write pass.
    pub(crate) fn open(&self) {
        self.opener.send(()).unwrap();
    }
}

impl Reader for Gated {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        self.memory.metadata(path, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        self.memory.read(path, limit)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.memory.open(path)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        self.memory.list(path)
    }
}

impl Writer for Gated {
    fn write(&self, path: RelativePath<'_>, data: &mut Vec<u8>, admission: &mut Admission<'_>) -> Answer<()> {
        if data == WAIT {
            // A test that has failed is not there any more, and nobody is to wait for it.
            let _ = self.arrived.lock().send(());
            let _ = self.open.lock().recv();
        }
        self.memory.write(path, data, admission)
    }

    fn append(&self, path: RelativePath<'_>, data: &[u8], admission: &mut Admission<'_>) -> Answer<()> {
        self.memory.append(path, data, admission)
    }

    fn open_for_write(
        &self,
        path: RelativePath<'_>,
        mode: OpenMode,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        self.memory.open_for_write(path, mode, admission)
    }

    fn create_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.memory.create_dir(path, admission)
    }

    fn remove_file(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.memory.remove_file(path, admission)
    }

    fn remove_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.memory.remove_dir(path, admission)
    }

    fn rename(
        &self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        self.memory.rename(from, to, admission)
    }

    fn held(&self) -> Held {
        self.memory.held()
    }
}
