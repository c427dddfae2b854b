//! Everything below a directory: walking, matching, removing.
//!
//! These are sequences of operations: each is one step for everybody else, all of them together are not. Links are seen
//! and not followed, so that a walk ends and removing stays below the directory that was named.

use crate::error::{Error, ErrorKind, Operation, Result};
use crate::metadata::FileType;
use crate::path::VirtualPath;
use crate::rules::PathGlob;

use super::Table;
use super::namespace::Namespace;

/// The most entries that one walk looks at.
const MAX_ENTRIES: u64 = 1_000_000;

/// # Subtrees
impl Table {
    /// Every path below a directory; see [`Namespace::walk`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn walk(&self, path: &str) -> Result<Vec<String>> {
        self.current().walk(path)
    }

    /// Every path that a glob matches; see [`Namespace::glob`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn glob(&self, glob: &PathGlob) -> Result<Vec<String>> {
        self.current().glob(glob)
    }

    /// Removes whatever is at a path; see [`Namespace::remove_all`].
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::InUse`] while an exclusive lease is out.
    pub fn remove_all(&self, path: &str) -> Result<()> {
        self.change(Operation::RemoveDir, path, |namespace| namespace.remove_all(path))
    }
}

/// # Subtrees
impl Namespace {
    /// The paths of everything below the directory at `path`, sorted, those of other mounts below it included. A
    /// directory that may not be listed, or is gone when its turn comes, is named and nothing below it.
    ///
    /// ```
    /// use mounts::{Mount, Table};
    ///
    /// let table = Table::new();
    /// table.mount("/m", Mount::memory().with_files([("/b/c", ""), ("/a", "")])?)?;
    /// assert_eq!(table.walk("/m")?, ["/m/a", "/m/b", "/m/b/c"]);
    /// # Ok::<(), mounts::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`list`](Self::list) for `path` itself; [`ErrorKind::ScanLimit`] for more than a million entries.
    pub fn walk(&self, path: &str) -> Result<Vec<String>> {
        let root =
            VirtualPath::parse(path).map_err(|error| Error::from_path(error, Operation::Scan, path))?;
        let mut found = Vec::new();
        self.visit(root.as_str(), &mut |path| {
            found.push(path.to_owned());
            true
        })?;
        found.sort_unstable();
        Ok(found)
    }

    /// The paths that `glob` matches, sorted. What cannot be listed holds nothing that is matched.
    ///
    /// ```
    /// use mounts::{Mount, PathGlob, Table};
    ///
    /// let table = Table::new();
    /// table.mount("/m", Mount::memory().with_files([("/src/a.py", ""), ("/src/a.txt", "")])?)?;
    /// assert_eq!(table.glob(&PathGlob::new("/m/**/*.py")?)?, ["/m/src/a.py"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ScanLimit`] for more than a million entries below the glob's [base](PathGlob::base).
    pub fn glob(&self, glob: &PathGlob) -> Result<Vec<String>> {
        let base = glob.base();
        let mut found = Vec::new();
        let matches = |path: &str| VirtualPath::parse(path).is_ok_and(|path| glob.matches(&path));
        let reaches_below = |path: &str| VirtualPath::parse(path).is_ok_and(|path| glob.reaches_below(&path));
        if matches(base) && self.symlink_metadata(base).is_ok() {
            found.push(base.to_owned());
        }
        if !reaches_below(base) {
            return Ok(found);
        }
        let visited = self.visit(base, &mut |path| {
            if matches(path) {
                found.push(path.to_owned());
            }
            reaches_below(path)
        });
        match visited {
            Err(error) if matches!(error.kind(), ErrorKind::ScanLimit { .. }) => return Err(error),
            _ => {}
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Removes the file, the link, or the directory with everything in it that is at `path`, as `rm -rf`: where nothing
    /// is, nothing is done. What a link leads to is not removed.
    ///
    /// ```
    /// use mounts::{Mount, Table};
    ///
    /// let table = Table::new();
    /// table.mount("/m", Mount::memory().with_files([("/a/b/c", ""), ("/d", "")])?)?;
    /// table.remove_all("/m/a")?;
    /// table.remove_all("/m/nothing")?;
    /// assert_eq!(table.walk("/m")?, ["/m/d"]);
    /// # Ok::<(), mounts::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`], with nothing removed, for a mount point or a directory above one. Those of
    /// [`remove_file`](Self::remove_file) and [`remove_dir`](Self::remove_dir); what was removed before stays removed.
    pub fn remove_all(&self, path: &str) -> Result<()> {
        let parsed =
            VirtualPath::parse(path).map_err(|error| Error::from_path(error, Operation::RemoveDir, path))?;
        if self.routes().route(&parsed).point.is_some() {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                Operation::RemoveDir,
                path,
            ));
        }
        match self.symlink_metadata(path) {
            Ok(found) if found.file_type == FileType::Directory => self.remove_tree(parsed.as_str()),
            Ok(_) => absent_is_done(self.remove_file(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn remove_tree(&self, path: &str) -> Result<()> {
        let entries = match self.list(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let below = format!("{path}/{}", entry.name);
            if entry.file_type == FileType::Directory {
                self.remove_tree(&below)?;
            } else {
                absent_is_done(self.remove_file(&below))?;
            }
        }
        absent_is_done(self.remove_dir(path))
    }

    /// Shows every entry below `path`, which is normal, and goes on below the directories for which `enter` says so.
    /// Paths are as long as paths may be, which bounds the depth.
    fn visit(&self, path: &str, enter: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        let mut left = MAX_ENTRIES;
        self.visit_within(path, &mut left, enter)
    }

    fn visit_within(&self, path: &str, left: &mut u64, enter: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        let above = path.trim_end_matches('/');
        for entry in self.list(path)? {
            *left = left.checked_sub(1).ok_or_else(|| {
                let limit = MAX_ENTRIES;
                Error::new(ErrorKind::ScanLimit { limit }, Operation::Scan, path)
            })?;
            let below = format!("{above}/{}", entry.name);
            if enter(&below) && entry.file_type == FileType::Directory {
                match self.visit_within(&below, left, enter) {
                    Err(error) if matches!(error.kind(), ErrorKind::ScanLimit { .. }) => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// What somebody else has removed meanwhile is as good as removed.
fn absent_is_done(removed: Result<()>) -> Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
