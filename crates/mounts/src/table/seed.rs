//! Files that are in a mount before it is mounted, so that nobody ever sees it without them or with some of them.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Operation, Result};
use crate::mount::Mount;
use crate::path::VirtualPath;

use super::namespace::Namespace;

impl Mount {
    /// The same mount with `files` in it, and the directories above them. Paths are those inside the mount, `/`
    /// being its root. They count as every write does: towards what the mount holds and what it has written. The
    /// rules of the mount do not concern them, whether they are given before or after.
    ///
    /// ```
    /// use mounts::{Mount, Table};
    ///
    /// let table = Table::new();
    /// table.mount("/work", Mount::memory().with_files([("/in/names.txt", "Ada"), ("/todo.md", "")])?)?;
    /// assert_eq!(table.read("/work/in/names.txt")?, *b"Ada");
    /// # Ok::<(), mounts::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::write`] and [`Namespace::create_dir_all`]; `AlreadyExists` for a path that is given
    /// twice, or exists in the mount already.
    pub fn with_files<'p, D>(self, files: impl IntoIterator<Item = (&'p str, D)>) -> Result<Self>
    where
        D: Into<Vec<u8>>,
    {
        self.seeded(|alone| {
            let mut files = files.into_iter();
            files.try_for_each(|(given, data)| alone.seed(given, data))
        })
    }

    /// The same mount with the directories at `paths` in it, and those above them. One that is there already stays. As
    /// with [files](Self::with_files), paths are those inside the mount, directories count, and rules do not concern
    /// them.
    ///
    /// ```
    /// use mounts::{Mount, Table};
    ///
    /// let table = Table::new();
    /// table.mount("/work", Mount::memory().with_directories(["/in", "/out/logs"])?)?;
    /// assert!(table.list("/work/out/logs")?.is_empty());
    /// # Ok::<(), mounts::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::create_dir_all`].
    pub fn with_directories<'p>(self, paths: impl IntoIterator<Item = &'p str>) -> Result<Self> {
        self.seeded(|alone| paths.into_iter().try_for_each(|path| alone.create_dir_all(path)))
    }

    /// The same mount after `work` on it, which finds it alone at `/` and without its rules.
    fn seeded(self, work: impl FnOnce(&Namespace) -> Result<()>) -> Result<Self> {
        let root = VirtualPath::root();
        let mut alone = Namespace::default();
        let mounting = |kind| Error::new(kind, Operation::Mount, root.as_str());
        let (mount, rules) = self.without_rules();
        alone.insert(&root, mount).map_err(mounting)?;
        work(&alone)?;
        let mount = alone.remove(&root).map_err(mounting)?;
        // The namespace never left this function, so nobody else holds the mount.
        let mount = Arc::into_inner(mount).ok_or_else(|| mounting(ErrorKind::InUse))?;
        Ok(match rules {
            Some(rules) => mount.with_rules(rules),
            None => mount,
        })
    }
}

impl Namespace {
    fn seed(&self, given: &str, data: impl Into<Vec<u8>>) -> Result<()> {
        let path =
            VirtualPath::parse(given).map_err(|error| Error::from_path(error, Operation::Write, given))?;
        if let Some(parent) = path.parent() {
            self.create_dir_all(parent.as_str())?;
        }
        if self.symlink_metadata(given).is_ok() && !path.is_root() {
            return Err(Error::new(ErrorKind::AlreadyExists, Operation::Write, given));
        }
        self.write(given, data)
    }
}
