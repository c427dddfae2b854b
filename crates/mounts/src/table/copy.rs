//! Copying a file: within a mount and from one to another.

use crate::error::{ErrorKind, Operation, Result};
use crate::mount::{Mount, MountKind};
use crate::path::VirtualPath;

use super::namespace::Namespace;

impl Namespace {
    /// Copies the contents of the file at `from` to `to`, which is replaced or created, as [`std::fs::copy`]. Links are
    /// followed on both sides.
    ///
    /// What lies in memory on both sides is shared and costs the same whatever its length; limits count it in full.
    /// Permissions and times are those of a file that is written.
    ///
    /// ```
    /// use mounts::{LeaseMode, Mount, Table};
    ///
    /// let table = Table::new();
    /// table.mount("/data", Mount::memory())?;
    /// table.mount("/backup", Mount::memory())?;
    /// table.write("/data/notes.txt", "remember the milk")?;
    /// let lease = table.checkout(LeaseMode::Exclusive)?;
    /// lease.copy("/data/notes.txt", "/backup/notes.txt")?;
    /// assert_eq!(lease.read("/backup/notes.txt")?, *b"remember the milk");
    /// # Ok::<(), mounts::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read), with the operation [`Operation::Read`] and the path `from`; then those of
    /// [`write`](Self::write), with [`Operation::Write`] and `to`. A refused copy leaves `to` as it was.
    pub fn copy(&self, from: &str, to: &str) -> Result<()> {
        // A read of what a tree of memory holds already takes no more of it.
        let room = |mount: &Mount| match mount.kind() {
            MountKind::Memory => u64::MAX,
            _ => mount.room_for_answer(),
        };
        let contents = self.read_within(from, room)?;
        self.change(
            (Operation::Write, to, contents.len()),
            ErrorKind::IsADirectory,
            |writer, relative, admission| writer.write_shared(relative, &contents, admission),
        )
    }

    /// Whether `path` is a mount point or an ancestor of one. A malformed path is neither.
    pub fn is_mount_point_or_above(&self, path: &str) -> bool {
        VirtualPath::parse(path).is_ok_and(|path| self.routes().route(&path).point.is_some())
    }
}
