//! Those who answer: ours and others', behind one way to ask.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use monty_fs::{Mount as PeerMount, MountCallOutcome, MountMode, MountTable, OverlayState};
use monty_types::{
    ExtFunctionResult, MkdirCallArgs, MontyObject, OsFunctionCall, PathBytesDataArgs, RenameCallArgs,
};
use mounts::monty::{Answered, Clock, Terms, Unmetered, answer};
use mounts::{Lease, LeaseMode, Mount, Table};
use tempfile::TempDir;
use vfs::{MemoryFS, VfsPath};

/// The virtual path at which everything is mounted.
pub(crate) const POINT: &str = "/data";

/// A table of ours with one mount, leased as a run would have it.
pub(crate) fn leased(mount: Mount) -> Lease {
    let table = Table::new();
    table.mount(POINT, mount).expect("the table is empty");
    lease(&table)
}

/// A lease of `table`.
pub(crate) fn lease(table: &Table) -> Lease {
    table
        .checkout(LeaseMode::Exclusive)
        .expect("nobody has the table")
}

/// Asks ours as the interpreter does.
pub(crate) fn ask(lease: &Lease, call: OsFunctionCall) -> MontyObject {
    let mut terms = Terms {
        meter: &mut Unmetered,
        clock: &Clock::unlimited(),
        tracker: None,
    };
    match answer(lease, call, &mut terms) {
        Answered::Answer(ExtFunctionResult::Return(value)) => value,
        other => panic!("the call should succeed: {other:?}"),
    }
}

/// The interpreter's own mounts.
pub(crate) struct Peer {
    table: MountTable,
    /// What must be there for as long as the mounts are.
    _directories: Vec<TempDir>,
}

impl Peer {
    /// With an overlay over an empty directory, which is what it has in place of memory mounts.
    pub(crate) fn empty() -> Self {
        Self::among([POINT.to_owned()])
    }

    /// With an overlay over an empty directory at each of `points`.
    pub(crate) fn among(points: impl IntoIterator<Item = String>) -> Self {
        let (points, directories): (Vec<_>, Vec<_>) = points
            .into_iter()
            .map(|point| (point, tempfile::tempdir().expect("a directory can be made")))
            .unzip();
        let mounts = points.into_iter().zip(&directories).map(|(point, directory)| {
            let mode = MountMode::OverlayMemory(OverlayState::new());
            (point, directory.path(), mode)
        });
        Self {
            table: Self::table(mounts),
            _directories: directories,
        }
    }

    pub(crate) fn overlay(directory: &Path) -> Self {
        Self::new(directory, MountMode::OverlayMemory(OverlayState::new()))
    }

    pub(crate) fn read_write(directory: &Path) -> Self {
        Self::new(directory, MountMode::ReadWrite)
    }

    pub(crate) fn read_only(directory: &Path) -> Self {
        Self::new(directory, MountMode::ReadOnly)
    }

    fn new(directory: &Path, mode: MountMode) -> Self {
        Self {
            table: Self::table([(POINT.to_owned(), directory, mode)]),
            _directories: Vec::new(),
        }
    }

    fn table<'a>(mounts: impl IntoIterator<Item = (String, &'a Path, MountMode)>) -> MountTable {
        const MEMORY: u64 = 1 << 30;
        let mut table = MountTable::new();
        for (point, directory, mode) in mounts {
            let mount = PeerMount::new(&point, directory, mode, None).expect("the directory exists");
            table
                .push_mount(mount.with_memory_usage_limit(MEMORY))
                .expect("no two mounts overlap");
        }
        table
    }

    pub(crate) fn ask(&mut self, call: OsFunctionCall) -> MontyObject {
        match self.table.handle_os_call(call) {
            MountCallOutcome::Handled(Ok(value)) => value,
            other => panic!("the call should succeed: {other:?}"),
        }
    }
}

/// A call that writes `data` to `path`.
pub(crate) fn write_call(path: &str, data: &[u8]) -> OsFunctionCall {
    OsFunctionCall::WriteBytes(PathBytesDataArgs {
        path: path.into(),
        data: data.to_vec(),
    })
}

/// A call that renames `from` to `to`.
pub(crate) fn rename_call(from: &str, to: &str) -> OsFunctionCall {
    OsFunctionCall::Rename(RenameCallArgs {
        src: from.into(),
        dst: to.into(),
    })
}

/// A call that makes the directory `path`.
pub(crate) fn mkdir_call(path: &str) -> OsFunctionCall {
    OsFunctionCall::Mkdir(MkdirCallArgs {
        path: path.into(),
        parents: false,
        exist_ok: false,
    })
}

/// The in-memory file system of the crate `vfs`.
pub(crate) fn vfs_memory() -> VfsPath {
    VfsPath::new(MemoryFS::new())
}

pub(crate) fn vfs_write(path: &VfsPath, data: &[u8]) {
    let mut file = path.create_file().expect("the directory is there");
    file.write_all(data).expect("memory takes it");
}

pub(crate) fn vfs_read(path: &VfsPath) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut file = path.open_file().expect("the file is there");
    file.read_to_end(&mut bytes).expect("the file can be read");
    bytes
}

/// A directory of the host with `count` files of `data`, called as [`file_name`] says.
pub(crate) fn fill(directory: &Path, count: usize, data: &[u8]) {
    fs::create_dir_all(directory).expect("a directory can be made");
    for number in 0..count {
        fs::write(directory.join(file_name(number)), data).expect("a file can be written");
    }
}

/// The name of a file among many.
pub(crate) fn file_name(number: usize) -> String {
    format!("file{number:06}.txt")
}

/// The text that an answer is, for comparison.
pub(crate) fn text_of(object: &MontyObject) -> String {
    object
        .as_ref()
        .as_str()
        .map_or_else(|| format!("{object:?}"), str::to_owned)
}

/// How many items an answer has, for comparison.
pub(crate) fn count_of(object: &MontyObject) -> String {
    object
        .as_ref()
        .items()
        .map_or_else(|| format!("{object:?}"), |items| items.len().to_string())
}

/// The size in a stat result, for comparison.
pub(crate) fn size_of(object: &MontyObject) -> String {
    let shown = object.as_ref().py_repr();
    let after = shown.split("st_size=").nth(1).unwrap_or(&shown);
    after.split([',', ')']).next().unwrap_or(after).to_owned()
}

/// Bytes, for comparison.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
