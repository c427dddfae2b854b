//! A directory of the host, held by its descriptor.
//!
//! The obvious design joins the script's path to a host path, canonicalises and compares prefixes; between the
//! comparison and the use, the directory can be swapped for a link. The next one asks the kernel to resolve
//! beneath a descriptor and to follow links while it is there; then a link sees what the *host* has at its target,
//! whatever the script's own mounts, layers and rules say about that path. Here nothing is ever followed: the
//! directory is opened once, every lookup is relative to that descriptor and stops at the first link, and the
//! table decides where the link leads. What was opened is judged, never what a path looked like before.
//!
//! ```text
//! host.rs           HostDirectory: opened once, then only read
//! host/writable     WritableHostDirectory: the same, and a writer
//! host/errors       what opening may fail with; from the system's errors to ours
//! host/lookup       from a path to an open object: the kernel's way, or the component walk behind it
//! host/beneath      the kernel's way: one `openat2` (Linux)
//! host/walk         the component walk: each component opened by itself, never through a link
//! host/link         reading a link without following it
//! host/stat         describing an object, and which mount of the host it lives in
//! host/read         reading a file whole, within a limit
//! host/list         listing a directory
//! host/crossings    which names in a listing may be mount points of the host (Linux)
//! host/place        what is to be changed: a name in a directory that is held open
//! host/write        creating files and changing their contents
//! host/kept         what a file that takes another's place keeps of it
//! host/temporary    files under construction: hidden, locked, swept
//! host/entries      creating, removing and renaming entries
//! host/commit       taking over what an overlay changed
//! host/attic        where a commit keeps what it makes and displaces: hidden, locked, swept
//! host/expected     whether something is what a commit was planned for
//! ```

// The confinement of this crate rests on nothing outside this module naming these.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this is where the host's files are reached"
)]

mod attic;
#[cfg(target_os = "linux")]
mod beneath;
mod commit;
#[cfg(target_os = "linux")]
mod crossings;
mod entries;
mod errors;
mod expected;
mod kept;
mod link;
mod list;
mod lookup;
mod place;
mod read;
mod stat;
mod temporary;
mod walk;
mod writable;
mod write;

use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::backend::{Answer, FollowLinks, HostIdentity, Reader};
use crate::contents::Contents;
use crate::error::ErrorKind;
use crate::metadata::{DirEntry, Metadata};
use crate::path::RelativePath;

pub use errors::{HostDirectoryError, HostDirectoryErrorKind};
pub use writable::WritableHostDirectory;

use stat::HostMount;

/// A directory of the host, to be read.
///
/// It is opened once. Everything is looked up relative to that descriptor, so the directory stays the same one
/// when its path is renamed or replaced, and no path leads out of it:
///
/// * symbolic links are reported to the table, which resolves them in the script's namespace;
/// * what another file system or bind mount covers is `PermissionDenied`, and not listed;
/// * so are reads of FIFOs, sockets and devices, which are listed and described but never read: an open never waits
///   for a peer, and the verdict is on the object that was opened. (Opening a FIFO does wake a writer that waits for
///   a reader, and a device's driver sees the open.)
///
/// Entries whose names are not UTF-8 have no virtual path: they are left out of listings and cannot be reached.
/// Links on `procfs` count as magic, whatever they look like, and are never followed. The temporaries of those who write
/// the directory through a [`WritableHostDirectory`] are hidden.
///
/// On Linux a lookup is one `openat2` with `BENEATH`, `NO_SYMLINKS`, `NO_MAGICLINKS` and `NO_XDEV`. Where the
/// kernel or a system call filter lacks it, and on other systems, the path is opened component by component with
/// `O_NOFOLLOW`, comparing the mount at each step: by mount id (Linux 5.8), else by device number, to which a
/// bind mount of the same file system looks like the directory it covers.
///
/// Each operation is atomic as the host makes it. What the host changes shows at once.
///
/// ```
/// use mounts::{HostDirectory, Mount, Table};
///
/// let source = tempfile::tempdir()?;
/// std::fs::write(source.path().join("main.py"), "print('hello')\n")?;
///
/// let table = Table::new();
/// table.mount("/src", Mount::read_only(HostDirectory::open(source.path())?))?;
/// assert_eq!(table.read("/src/main.py")?, *b"print('hello')\n");
/// assert!(table.write("/src/main.py", "").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HostDirectory {
    /// Everything is relative to this descriptor.
    root: Dir,
    /// The mount of the host that it lives in, and that no lookup leaves.
    mount: HostMount,
    /// How paths below it are looked up.
    lookup: Lookup,
    /// Where it was found when it was opened; for its owner, never for confinement.
    path: PathBuf,
    inode: u64,
    #[cfg(target_os = "linux")]
    crossings: crossings::Crossings,
}

/// How a path below the root becomes an open object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lookup {
    /// In one step, by the kernel; the walk decides where the kernel cannot.
    #[cfg(target_os = "linux")]
    Beneath,
    /// Component by component.
    Walk,
}

impl HostDirectory {
    /// Opens the directory at `path`, following links, for as long as the value lives.
    ///
    /// # Errors
    ///
    /// [`HostDirectoryError`], whose [`kind`](HostDirectoryError::kind) tells a missing path, one that is no
    /// directory, one that may not be searched, and one that cannot be resolved, apart.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, HostDirectoryError> {
        let directory = Self::open_walked(path)?;
        #[cfg(target_os = "linux")]
        let directory = Self {
            lookup: if beneath::is_available(&directory.root) {
                Lookup::Beneath
            } else {
                Lookup::Walk
            },
            ..directory
        };
        Ok(directory)
    }

    /// Opens the directory at `path` as [`open`](Self::open), but looks paths up component by component even where
    /// the kernel could do it in one step.
    ///
    /// This is what `open` falls back to. It answers the same and costs a few system calls per component; it is
    /// there to be tested and measured wherever `openat2` exists.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_walked(path: impl AsRef<Path>) -> Result<Self, HostDirectoryError> {
        let path = std::fs::canonicalize(path).map_err(HostDirectoryError::new)?;
        let root = Dir::open_ambient_dir(&path, ambient_authority()).map_err(HostDirectoryError::new)?;
        // The descriptor alone may have needed no permission on the directory itself; using it does.
        root.open_dir(".").map_err(HostDirectoryError::new)?;
        let found = stat::directory(&root).map_err(HostDirectoryError::new)?;
        Ok(Self {
            root,
            mount: found.mount,
            lookup: Lookup::Walk,
            path,
            inode: found.metadata.inode,
            #[cfg(target_os = "linux")]
            crossings: crossings::Crossings::default(),
        })
    }
}

impl Reader for HostDirectory {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        self.describe(visible(path)?, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        let (file, metadata) = self.open_file(visible(path)?)?;
        read::whole(&file, metadata.size, limit).map(Contents::from)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.open_file(visible(path)?).map(drop)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        Ok(self.list_directory(path)?.entries)
    }

    fn host(&self) -> Option<HostIdentity> {
        Some(HostIdentity {
            path: self.path.clone(),
            device: self.mount.device(),
            inode: self.inode,
            written_through: false,
        })
    }
}

/// The path, unless it is one of a temporary, which nobody but its writer knows of.
fn visible(path: RelativePath<'_>) -> Answer<RelativePath<'_>> {
    if temporary::is_in(path) {
        Err(ErrorKind::NotFound.into())
    } else {
        Ok(path)
    }
}
