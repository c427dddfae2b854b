//! Operations on a tree as a value: look first, ask for admission, then change.
//!
//! Each change walks twice. The first walk decides and copies nothing, so a refused operation leaves every node
//! shared as it was; the second copies the shared nodes on its way.

use std::sync::Arc;
use std::time::SystemTime;

use crate::backend::{Answer, RenameRefusal};
use crate::error::ErrorKind;
use crate::metadata::Metadata;
use crate::nesting::Levels;
use crate::path::RelativePath;
use crate::quota::{Admission, Change, Held};
use crate::update::Update;

use super::node::{Directory, File, NODE_BYTES, Node};

/// A tree and its counters. A clone shares everything and is independent from then on.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    root: Arc<Directory>,
    held: Held,
    last_inode: u64,
}

impl Default for Tree {
    fn default() -> Self {
        const ROOT_INODE: u64 = 1;
        let root = Arc::new(Directory::new(ROOT_INODE, SystemTime::now()));
        Self {
            root,
            held: Held::default(),
            last_inode: ROOT_INODE,
        }
    }
}

impl Tree {
    /// A tree as a dump has it.
    pub(super) fn loaded(root: Arc<Directory>, held: Held, last_inode: u64) -> Self {
        Self {
            root,
            held,
            last_inode,
        }
    }

    pub(super) fn last_inode(&self) -> u64 {
        self.last_inode
    }

    pub(super) fn held(&self) -> Held {
        self.held
    }

    pub(super) fn root(&self) -> &Arc<Directory> {
        &self.root
    }

    /// Becomes `from`, but for the inode numbers, which go on: none is given twice.
    pub(super) fn restore(&mut self, from: Self) {
        let last_inode = self.last_inode.max(from.last_inode);
        *self = Self { last_inode, ..from };
    }

    /// The node at `path`; `None` is the root, which no directory holds.
    fn find(&self, path: RelativePath<'_>) -> Result<Option<&Node>, ErrorKind> {
        let mut directory = &self.root;
        let mut found: Option<&Node> = None;
        for name in path.components() {
            match found {
                None => {}
                Some(Node::Directory(next)) => directory = next,
                Some(Node::File(_)) => return Err(ErrorKind::NotADirectory),
            }
            found = Some(directory.get(name).ok_or(ErrorKind::NotFound)?);
        }
        Ok(found)
    }

    pub(super) fn metadata(&self, path: RelativePath<'_>) -> Answer<Metadata> {
        Ok(self
            .find(path)?
            .map_or_else(|| self.root.metadata(), Node::metadata))
    }

    pub(super) fn file(&self, path: RelativePath<'_>) -> Answer<&File> {
        match self.find(path)? {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Directory(_)) | None => Err(ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn directory(&self, path: RelativePath<'_>) -> Answer<&Arc<Directory>> {
        match self.find(path)? {
            Some(Node::Directory(directory)) => Ok(directory),
            Some(Node::File(_)) => Err(ErrorKind::NotADirectory.into()),
            None => Ok(&self.root),
        }
    }

    /// The directory at `path` for changing, its shared ancestors copied.
    fn directory_mut(&mut self, path: RelativePath<'_>) -> Answer<&mut Directory> {
        let mut directory = Arc::make_mut(&mut self.root);
        for name in path.components() {
            directory = match directory.get_mut(name) {
                Some(Node::Directory(next)) => Arc::make_mut(next),
                Some(Node::File(_)) => return Err(ErrorKind::NotADirectory.into()),
                None => return Err(ErrorKind::NotFound.into()),
            };
        }
        Ok(directory)
    }

    fn next_inode(&mut self) -> u64 {
        self.last_inode += 1;
        self.last_inode
    }

    /// Creates or changes the file at `path`.
    pub(super) fn put(
        &mut self,
        path: RelativePath<'_>,
        update: Update<'_>,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        let (parent, name) = path.split_last().ok_or(ErrorKind::IsADirectory)?;
        let size_before = match self.directory(parent)?.get(name) {
            Some(Node::Directory(_)) => return Err(ErrorKind::IsADirectory.into()),
            Some(Node::File(_)) if matches!(update, Update::Touch) => return Ok(()),
            Some(Node::File(file)) => Some(file.contents.len() as u64),
            None => None,
        };
        let file_size = update.size_after(size_before.unwrap_or(0));
        let mut after = self
            .held
            .plus_bytes(file_size)
            .minus_bytes(size_before.unwrap_or(0));
        if size_before.is_none() {
            after = after.plus_node(name);
        }
        admission.admit(&Change {
            before: self.held,
            after,
            file_size,
            written: update.written(),
        })?;

        let now = SystemTime::now();
        if size_before.is_none() {
            let mut file = File::new(self.next_inode(), now);
            update.apply(&mut file.contents);
            let directory = self.directory_mut(parent)?;
            directory.insert(name, Node::File(Arc::new(file)));
            directory.touch(now);
        } else if let Some(Node::File(file)) = self.directory_mut(parent)?.get_mut(name) {
            let file = Arc::make_mut(file);
            update.apply(&mut file.contents);
            file.times.modified = now;
            file.times.changed = now;
        }
        self.held = after;
        Ok(())
    }

    pub(super) fn create_dir(&mut self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        let (parent, name) = path.split_last().ok_or(ErrorKind::AlreadyExists)?;
        if self.directory(parent)?.get(name).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let after = self.held.plus_node(name);
        admission.admit(&Change {
            before: self.held,
            after,
            ..Change::default()
        })?;
        let now = SystemTime::now();
        let created = Node::Directory(Arc::new(Directory::new(self.next_inode(), now)));
        let directory = self.directory_mut(parent)?;
        directory.insert(name, created);
        directory.touch(now);
        self.held = after;
        Ok(())
    }

    pub(super) fn remove_file(
        &mut self,
        path: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        self.file(path)?;
        self.remove(path, admission)
    }

    pub(super) fn remove_dir(&mut self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        if !self.directory(path)?.is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        self.remove(path, admission)
    }

    /// Removes what is at `path`, a file or an empty directory.
    fn remove(&mut self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        let (parent, name) = path.split_last().ok_or(ErrorKind::PermissionDenied)?;
        let node = self.directory(parent)?.get(name).ok_or(ErrorKind::NotFound)?;
        let after = self.held.minus_bytes(node.bytes()).minus_node(name);
        admission.admit(&Change {
            before: self.held,
            after,
            ..Change::default()
        })?;
        let now = SystemTime::now();
        let directory = self.directory_mut(parent)?;
        directory.remove(name);
        directory.touch(now);
        self.held = after;
        Ok(())
    }

    pub(super) fn rename(
        &mut self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        let source = |kind: ErrorKind| RenameRefusal::From(kind.into());
        let target = |kind: ErrorKind| RenameRefusal::To(kind.into());
        let (from_parent, from_name) = from
            .split_last()
            .ok_or_else(|| source(ErrorKind::PermissionDenied))?;
        let (to_parent, to_name) = to
            .split_last()
            .ok_or_else(|| target(ErrorKind::PermissionDenied))?;
        let from_directory = self.directory(from_parent).map_err(RenameRefusal::From)?;
        let to_directory = self.directory(to_parent).map_err(RenameRefusal::To)?;
        let moved = from_directory
            .get(from_name)
            .ok_or_else(|| source(ErrorKind::NotFound))?;
        let replaced = to_directory.get(to_name);
        if from == to {
            return Ok(());
        }
        // The order of these checks is Linux's: ancestry before the type of what would be replaced.
        if to.starts_with(from) {
            return Err(target(ErrorKind::InvalidArgument));
        }
        if from.starts_with(to) {
            return Err(target(ErrorKind::DirectoryNotEmpty));
        }
        match (moved, replaced) {
            (Node::Directory(_), Some(Node::File(_))) => return Err(target(ErrorKind::NotADirectory)),
            (Node::File(_), Some(Node::Directory(_))) => return Err(target(ErrorKind::IsADirectory)),
            (Node::Directory(_), Some(Node::Directory(there))) if !there.is_empty() => {
                return Err(target(ErrorKind::DirectoryNotEmpty));
            }
            _ => {}
        }
        let levels = match moved {
            Node::File(_) => None,
            Node::Directory(directory) => {
                let mut levels = directory.levels;
                if !levels.fit_at(to) {
                    levels = Levels::counted(directory.count_levels());
                }
                if !levels.fit_at(to) {
                    return Err(target(ErrorKind::NameTooLong));
                }
                Some(levels)
            }
        };
        let mut after = self.held.minus_node(from_name).plus_node(to_name);
        if let Some(replaced) = replaced {
            after = after.minus_bytes(replaced.bytes()).minus_node(to_name);
        }
        let change = Change {
            before: self.held,
            after,
            ..Change::default()
        };
        admission.admit(&change).map_err(target)?;
        self.relocate((from_parent, from_name), (to_parent, to_name))
            .map_err(RenameRefusal::From)?;
        if let Some(levels) = levels {
            self.raise(to_parent, levels);
        }
        self.held = after;
        Ok(())
    }

    /// Notes, on the way to `path`, that a directory with these levels is in it now.
    fn raise(&mut self, path: RelativePath<'_>, levels: Levels) {
        let mut above = path.components().count() + 1;
        let mut names = path.components();
        let mut directory = Arc::make_mut(&mut self.root);
        loop {
            directory.levels = directory.levels.max(levels.above(above));
            above -= 1;
            match names.next().and_then(|name| directory.get_mut(name)) {
                Some(Node::Directory(next)) => directory = Arc::make_mut(next),
                Some(Node::File(_)) | None => return,
            }
        }
    }

    /// Moves a node that is known to be there to a place that is known to be free or replaceable.
    fn relocate(
        &mut self,
        (from_parent, from_name): (RelativePath<'_>, &str),
        (to_parent, to_name): (RelativePath<'_>, &str),
    ) -> Answer<()> {
        let now = SystemTime::now();
        let directory = self.directory_mut(from_parent)?;
        let mut node = directory.remove(from_name).ok_or(ErrorKind::NotFound)?;
        directory.touch(now);
        node.touch_changed(now);
        let directory = self.directory_mut(to_parent)?;
        directory.insert(to_name, node);
        directory.touch(now);
        Ok(())
    }
}

impl Held {
    pub(super) fn plus_node(mut self, name: &str) -> Self {
        self.files += 1;
        self.memory += NODE_BYTES + name.len() as u64;
        self
    }

    fn minus_node(mut self, name: &str) -> Self {
        self.files -= 1;
        self.memory -= NODE_BYTES + name.len() as u64;
        self
    }
}
