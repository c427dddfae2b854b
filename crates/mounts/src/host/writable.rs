//! A directory of the host that can be written.

use parking_lot::Mutex;

use crate::backend::{Answer, FollowLinks, HostIdentity, OpenMode, Reader, RenameRefusal, Writer};
use crate::contents::Contents;
use crate::growth::Growth;
use crate::metadata::{DirEntry, Metadata};
use crate::path::RelativePath;
use crate::quota::{Admission, Held, Limits};
use crate::target::CommitTarget;
use crate::update::Update;

use super::HostDirectory;

/// A directory of the host, to be read and written: what is written through it is on the host at once.
///
/// It reads as the [`HostDirectory`] it is made of. Writing never follows a link either, opens nothing but regular
/// files, and stays in the mount of the host that the directory lives in.
///
/// * Replacing the contents of a file is atomic: a temporary file beside it is written and renamed over it. Mode and
///   owner are kept, and on Linux the extended attributes that may be; the inode number changes, and so does
///   the time of the directory. New files have the
///   mode that `open` gives them. Where the directory may not be changed, the file's owner, group or access list could
///   not be kept, or the file system refuses to rename, the file is emptied and written in place.
/// * Appending, and emptying a file by opening it, is done in place. Where the disk fills, what was appended before
///   stays.
/// * A file with more than one name (hard link) is always replaced, so the other names keep what they had. Where it
///   cannot be replaced, the change is `PermissionDenied`.
/// * Set-user-id and set-group-id bits do not survive a change of the contents, whoever makes it.
/// * FIFOs, sockets and devices cannot be written. They can be renamed and removed, as on Linux.
///
/// Writers through one value take turns, readers never wait. Two values over one directory are like two processes:
/// each operation is atomic as the host makes it, appends are not lost, and the last one to replace a file wins.
///
/// A change is complete for everybody when its operation returns, also if this process ends. It is not on the disk
/// before the host writes it there: nothing waits for that (`fsync`), as nothing does in a script.
///
/// # Temporaries
///
/// They are called `.mounts-` and 32 hexadecimal digits and `.partial`. No mount of a host directory shows such
/// names: they do not exist for a script and cannot be created. Those that a crash has left are removed when their
/// directory is listed, removed or renamed over through a writable mount; those that anybody is writing are locked
/// (`flock`) and left alone. A directory of such a name is where a commit works; of one whose process was killed, what
/// it had displaced is kept.
///
/// # Limits
///
/// Counted are the bytes and entries that were added through this value, less those removed, and never less than
/// nothing. What the host refuses to write, after the limits have admitted it, counts as written all the same. Unless other limits are given, those of [`Limits::written_through`] hold;
/// `with_limits(Limits::default())` lifts them.
///
/// ```
/// use mounts::{HostDirectory, Mount, Table, WritableHostDirectory};
///
/// let project = tempfile::tempdir()?;
/// let table = Table::new();
/// let directory = WritableHostDirectory::new(HostDirectory::open(project.path())?);
/// table.mount("/project", Mount::read_write(directory))?;
/// table.write("/project/notes.md", "remember the milk")?;
/// assert_eq!(std::fs::read(project.path().join("notes.md"))?, b"remember the milk");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WritableHostDirectory {
    pub(super) directory: HostDirectory,
    /// Held by whoever changes something, from the first look to the last effect.
    pub(super) turn: Mutex<()>,
    /// Changed only by who has the turn; locked for no longer than it takes to copy it.
    growth: Mutex<Growth>,
}

impl WritableHostDirectory {
    /// Lets `directory` be written.
    #[must_use]
    pub fn new(directory: HostDirectory) -> Self {
        Self {
            directory,
            turn: Mutex::new(()),
            growth: Mutex::default(),
        }
    }

    pub(super) fn growth(&self) -> Growth {
        *self.growth.lock()
    }

    pub(super) fn set_growth(&self, growth: Growth) {
        *self.growth.lock() = growth;
    }
}

impl Reader for WritableHostDirectory {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        self.directory.metadata(path, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        self.directory.read(path, limit)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.directory.open(path)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        let listed = self.directory.list_directory(path)?;
        listed.sweep();
        Ok(listed.entries)
    }

    fn host(&self) -> Option<HostIdentity> {
        self.directory.host().map(|host| HostIdentity {
            written_through: true,
            ..host
        })
    }

    fn commit_target(&self) -> Option<&dyn CommitTarget> {
        Some(self)
    }
}

impl Writer for WritableHostDirectory {
    fn write(&self, path: RelativePath<'_>, data: &mut Vec<u8>, admission: &mut Admission<'_>) -> Answer<()> {
        self.put(path, &Update::Replace(data), admission)
    }

    fn write_shared(
        &self,
        path: RelativePath<'_>,
        contents: &Contents,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        self.put(path, &Update::Share(contents), admission)
    }

    fn append(&self, path: RelativePath<'_>, data: &[u8], admission: &mut Admission<'_>) -> Answer<()> {
        self.put(path, &Update::Append(data), admission)
    }

    fn open_for_write(
        &self,
        path: RelativePath<'_>,
        mode: OpenMode,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        self.put(path, &mode.into(), admission)
    }

    fn create_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.make_directory(path, admission)
    }

    fn remove_file(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.unlink(path, admission)
    }

    fn remove_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.remove_directory(path, admission)
    }

    fn rename(
        &self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        self.relocate(from, to, admission)
    }

    fn default_limits(&self) -> Limits {
        Limits::written_through()
    }

    fn held(&self) -> Held {
        self.growth().held()
    }

    fn held_memory(&self) -> u64 {
        0
    }
}
