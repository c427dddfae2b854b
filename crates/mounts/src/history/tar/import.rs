//! From an archive to a directory.

use crate::error::{Error, ErrorKind, Operation, Result};
use crate::mount::MountKind;
use crate::path::VirtualPath;
use crate::table::{Namespace, Table};

use super::TarLimits;
use super::entry::{self, Found, Tree};
use super::error::TarError;

/// # Archives
impl Table {
    /// Puts what is in a tar archive into the directory at `path`; see [`Namespace::import_tar`].
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::InUse`] as the source of the error while an exclusive lease is out.
    pub fn import_tar(
        &self,
        path: &str,
        bytes: &[u8],
        limits: &TarLimits,
    ) -> std::result::Result<(), TarError> {
        let mut imported = Ok(());
        self.change(Operation::ImportTar, path, |namespace| {
            imported = namespace.import_tar(path, bytes, limits);
            Ok(())
        })
        .map_err(TarError::refused)?;
        imported
    }
}

/// # Archives
impl Namespace {
    /// Puts what is in a tar archive, which is not compressed, into the directory at `path`, which is created when
    /// missing. Files that are there are replaced, directories are merged.
    ///
    /// Files and directories are taken, and nothing else: an archive with a link, a device, a sparse file, a path that is
    /// absolute or has `..` in it, or one path twice is refused as a whole. Permissions, owners and times are not taken:
    /// a file that is imported is written, under the rules and limits of the mount it comes to, and with their errors.
    ///
    /// The archive is read and checked to its end before anything is written. Where no mount of the table is read-write,
    /// the import is then tried on a copy of the table, at no cost per file that exists: so it is made as a whole or not
    /// at all, if nobody else changes the table meanwhile. With a read-write mount, what was written before a failure
    /// stays.
    ///
    /// # Errors
    ///
    /// [`TarError`], which names the entry.
    pub fn import_tar(
        &self,
        path: &str,
        bytes: &[u8],
        limits: &TarLimits,
    ) -> std::result::Result<(), TarError> {
        let base = VirtualPath::parse(path)
            .map_err(|error| TarError::refused(Error::from_path(error, Operation::ImportTar, path)))?;
        let tree = entry::read(bytes, &base, limits)?;
        let is_copied = self
            .each_mount()
            .all(|(_, mount)| mount.kind() != MountKind::ReadWrite);
        if is_copied {
            let copy = self.snapshot().fork();
            write(&copy.current(), &base, &tree).map_err(TarError::refused)?;
        }
        write(self, &base, &tree).map_err(TarError::refused)
    }
}

fn write(namespace: &Namespace, base: &VirtualPath<'_>, tree: &Tree) -> Result<()> {
    make_dir(namespace, base.as_str())?;
    for (path, found) in tree {
        match found {
            Found::Directory => make_dir(namespace, path)?,
            Found::File(bytes) => namespace.write(path, bytes.as_slice())?,
        }
    }
    Ok(())
}

/// Creates a directory, unless it is there. What is there may be one where nothing can be created.
fn make_dir(namespace: &Namespace, path: &str) -> Result<()> {
    match namespace.create_dir_all(path) {
        Err(error)
            if matches!(error.kind(), ErrorKind::ReadOnly | ErrorKind::AlreadyExists)
                && namespace.is_dir(path) =>
        {
            Ok(())
        }
        done => done,
    }
}
