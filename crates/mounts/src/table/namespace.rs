//! The operations, on a set of mounts that does not change.

use std::path::PathBuf;
use std::sync::Arc;

use crate::backend::{Answer, FollowLinks, OpenMode, Refusal, Writer};
use crate::contents::Contents;
use crate::error::{ErrorKind, Operation, Result};
use crate::metadata::{FileType, Metadata};
use crate::mount::{Mount, MountKind};
use crate::path::{RelativePath, VirtualPath};
use crate::quota::{Admission, Limits, Usage};

use super::resolve::Request;
use super::routes::{Point, Route};

/// Where the device numbers of mounts start: far from those of real devices on the host.
const FIRST_DEVICE: u64 = 0x4d_0000;

/// The mounts of a table at one time, and every operation on the files in them.
///
/// Mounts do not come or go in a namespace; what is *in* them changes, through this or any other holder. Paths are
/// strings as a script or a host gives them; each method checks and normalises them
/// ([`VirtualPath`](crate::VirtualPath)).
///
/// # Errors
///
/// Every method answers a malformed path with [`ErrorKind::NotAbsolute`], [`ErrorKind::Nul`] or
/// [`ErrorKind::NameTooLong`], and one that no mount covers with [`ErrorKind::NotCovered`]. The sections on the
/// methods name what comes on top.
#[derive(Debug, Clone)]
pub struct Namespace {
    routes: Point,
    order: Vec<VirtualPath<'static>>,
    last_inode: u64,
    last_device: u64,
}

impl Default for Namespace {
    fn default() -> Self {
        Self {
            routes: Point::root(),
            order: Vec::new(),
            last_inode: 1,
            last_device: FIRST_DEVICE,
        }
    }
}

/// A mount as [`Table::list_mounts`](crate::Table::list_mounts) describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountInfo {
    /// The virtual path it is mounted at.
    pub point: String,
    /// What keeps its contents.
    pub kind: MountKind,
    /// The canonical host path behind it, if there is one.
    pub host: Option<PathBuf>,
    /// The limits it is under.
    pub limits: Limits,
    /// What it holds and has written.
    pub usage: Usage,
}

impl Namespace {
    pub(crate) fn routes(&self) -> &Point {
        &self.routes
    }

    pub(crate) fn insert(
        &mut self,
        path: &VirtualPath<'_>,
        mut mount: Mount,
    ) -> std::result::Result<(), ErrorKind> {
        if self
            .routes
            .route(path)
            .point
            .is_some_and(|point| point.mount().is_some())
        {
            return Err(ErrorKind::AlreadyMounted);
        }
        if let Some(host) = mount.host()
            && self
                .each_mount()
                .any(|(_, other)| other.host().is_some_and(|other| other.conflicts_with(&host)))
        {
            return Err(ErrorKind::Overlaps);
        }
        self.last_device += 1;
        mount.set_device(self.last_device);
        self.routes.insert(path, Arc::new(mount), &mut self.last_inode);
        self.order.push(path.clone().into_owned());
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &VirtualPath<'_>) -> std::result::Result<Arc<Mount>, ErrorKind> {
        let mount = self.routes.remove(path).ok_or(ErrorKind::NotMounted)?;
        self.order.retain(|mounted| mounted != path);
        Ok(mount)
    }

    fn each_mount(&self) -> impl Iterator<Item = (&VirtualPath<'static>, &Arc<Mount>)> {
        self.order
            .iter()
            .filter_map(|path| Some((path, self.routes.route(path).mounted?.mount)))
    }

    /// What is mounted, in the order it was mounted.
    pub fn mounts(&self) -> Vec<MountInfo> {
        let info = |(point, mount): (&VirtualPath<'_>, &Arc<Mount>)| MountInfo {
            point: point.as_str().to_owned(),
            kind: mount.kind(),
            host: mount.host().map(|host| host.path),
            limits: *mount.limits(),
            usage: mount.usage(),
        };
        self.each_mount().map(info).collect()
    }

    /// The number of mounts.
    pub fn mount_count(&self) -> usize {
        self.order.len()
    }

    /// Whether a mount covers `path`, or it is an ancestor of a mount point. A malformed path is not covered.
    pub fn covers(&self, path: &str) -> bool {
        VirtualPath::parse(path).is_ok_and(|path| {
            let route = self.routes.route(&path);
            route.mounted.is_some() || route.point.is_some()
        })
    }

    /// Whether what `path` leads to lies in a mount that can be written. Whether a particular change is possible
    /// there is for that change to find out.
    pub fn is_writable(&self, path: &str) -> bool {
        self.real_path(path).is_ok_and(|path| {
            let mounted = self.routes.route(&path).mounted;
            mounted.is_some_and(|mounted| mounted.mount.writer().is_ok())
        })
    }

    /// The most bytes an answer about `path` may have, beside what its mount keeps in memory, and the limit that
    /// says so. `None` where no mount covers the path or its memory is unlimited.
    #[cfg(feature = "monty")]
    pub(crate) fn room_for_answer(&self, path: &str) -> Option<(u64, u64)> {
        let path = VirtualPath::parse(path).ok()?;
        let mount = self.routes.route(&path).mounted?.mount;
        Some((mount.room_for_answer(), mount.limits().memory?))
    }

    /// Reads the whole file at `path`, as [`std::fs::read`]. The bytes of a file in memory are shared, not copied.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `IsADirectory`, `PermissionDenied`; [`ErrorKind::MemoryLimit`], before anything
    /// is read, when what the mount keeps in memory and this answer together would exceed its limit.
    pub fn read(&self, path: &str) -> Result<Contents> {
        let request = Request::new(Operation::Read, path)?;
        self.resolve(
            request,
            ancestor_is(ErrorKind::IsADirectory),
            |mount, relative| {
                let room = mount.room_for_answer();
                match (mount.reader().read(relative, room), mount.limits().memory) {
                    (
                        Err(Refusal::Failed {
                            kind: ErrorKind::FileTooLarge,
                            ..
                        }),
                        Some(limit),
                    ) => Err(ErrorKind::MemoryLimit { limit }.into()),
                    (answer, _) => answer,
                }
            },
        )
    }

    /// Checks that the file at `path` may be opened for reading.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `IsADirectory`, `PermissionDenied`.
    pub fn open(&self, path: &str) -> Result<()> {
        let request = Request::new(Operation::Open, path)?;
        self.resolve(
            request,
            ancestor_is(ErrorKind::IsADirectory),
            |mount, relative| mount.reader().open(relative),
        )
    }

    /// Describes what `path` leads to, as [`std::fs::metadata`].
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `PermissionDenied`, `TooManyLinks`.
    pub fn metadata(&self, path: &str) -> Result<Metadata> {
        self.describe(Request::new(Operation::Metadata, path)?, FollowLinks::Yes)
    }

    /// Describes the entry at `path` itself, as [`std::fs::symlink_metadata`].
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata).
    pub fn symlink_metadata(&self, path: &str) -> Result<Metadata> {
        self.describe(Request::new(Operation::SymlinkMetadata, path)?, FollowLinks::No)
    }

    fn describe(&self, request: Request<'_>, follow: FollowLinks) -> Result<Metadata> {
        let ask = |mount: &Mount, relative: RelativePath<'_>| {
            let metadata = mount.reader().metadata(relative, follow)?;
            Ok(Metadata {
                device: mount.device(),
                ..metadata
            })
        };
        let ancestor = |route: &Route<'_, '_>, point: &Point| {
            let below = route
                .mounted
                .and_then(|mounted| ask(mounted.mount, mounted.relative).ok());
            match below.filter(|metadata| metadata.file_type == FileType::Directory) {
                Some(metadata) => Some(Ok(metadata)),
                None if point.mount().is_none() => Some(Ok(Metadata {
                    device: FIRST_DEVICE,
                    ..point.metadata()
                })),
                None => None,
            }
        };
        self.resolve(request, ancestor, ask)
    }

    /// Whether anything is at `path`; false for whatever cannot be seen.
    pub fn exists(&self, path: &str) -> bool {
        self.metadata(path).is_ok()
    }

    /// Replaces the contents of the file at `path`, or creates it, as [`std::fs::write`].
    ///
    /// # Errors
    ///
    /// `NotFound` for the directory it would be in, `NotADirectory`, `IsADirectory`, `PermissionDenied`,
    /// `ReadOnly`, and what the mount's limits refuse.
    pub fn write(&self, path: &str, data: impl Into<Vec<u8>>) -> Result<()> {
        self.write_from(path, &mut data.into())
    }

    /// Does what [`write`](Self::write) does, and takes the bytes out of `data` only if the mount keeps them.
    ///
    /// For callers that must know who owns the buffer afterwards: it is theirs unless `data` has lost its capacity.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); the bytes are then still in `data`.
    pub fn write_from(&self, path: &str, data: &mut Vec<u8>) -> Result<()> {
        self.change(
            Operation::Write,
            path,
            ErrorKind::IsADirectory,
            |writer, relative, admission| writer.write(relative, data, admission),
        )
    }

    /// Adds `data` at the end of the file at `path`, or creates it.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn append(&self, path: &str, data: &[u8]) -> Result<()> {
        self.change(
            Operation::Append,
            path,
            ErrorKind::IsADirectory,
            |writer, relative, admission| writer.append(relative, data, admission),
        )
    }

    /// Opens the file at `path` for writing: creates it when missing, and empties it unless `mode` appends.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn open_for_write(&self, path: &str, mode: OpenMode) -> Result<()> {
        self.change(
            Operation::Open,
            path,
            ErrorKind::IsADirectory,
            |writer, relative, admission| writer.open_for_write(relative, mode, admission),
        )
    }

    /// Removes the file or link at `path`, as [`std::fs::remove_file`].
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `IsADirectory`, `ReadOnly`, `PermissionDenied`, also for a mount point.
    pub fn remove_file(&self, path: &str) -> Result<()> {
        self.change(
            Operation::RemoveFile,
            path,
            ErrorKind::PermissionDenied,
            |writer, relative, admission| writer.remove_file(relative, admission),
        )
    }

    /// Runs one change at `path`. A mount point or an ancestor of one answers `at_point`.
    pub(super) fn change<T>(
        &self,
        operation: Operation,
        path: &str,
        at_point: ErrorKind,
        mut act: impl FnMut(&dyn Writer, RelativePath<'_>, &mut Admission<'_>) -> Answer<T>,
    ) -> Result<T> {
        let request = Request::new(operation, path)?;
        let mut attempt = || {
            self.resolve(
                request.clone(),
                |_, _| Some(Err(at_point.into())),
                |mount, relative| match mount.writer() {
                    Ok((writer, mut admission)) => act(writer, relative, &mut admission),
                    Err(kind) => Err(unwritable(mount, relative, operation, kind)),
                },
            )
        };
        match attempt() {
            Err(error) if error.kind() == ErrorKind::NotFound && self.make_ancestors(&request.path)? => {
                attempt()
            }
            answer => answer,
        }
    }
}

/// What a mount without a writing side answers to a change: what Linux would find wrong with the path before it
/// came to the file system being read-only.
pub(super) fn unwritable(
    mount: &Mount,
    path: RelativePath<'_>,
    operation: Operation,
    kind: ErrorKind,
) -> Refusal {
    let reader = mount.reader();
    let opens = matches!(operation, Operation::Write | Operation::Append | Operation::Open);
    let follow = if opens { FollowLinks::Yes } else { FollowLinks::No };
    match reader.metadata(path, follow) {
        Ok(_) if operation == Operation::CreateDir => ErrorKind::AlreadyExists.into(),
        Ok(found) if opens && found.file_type == FileType::Directory => ErrorKind::IsADirectory.into(),
        Err(Refusal::Failed {
            kind: ErrorKind::NotFound,
            source,
        }) => {
            let parent = path.split_last().map_or(RelativePath::ROOT, |(parent, _)| parent);
            match reader.metadata(parent, FollowLinks::Yes) {
                Ok(_) => kind.into(),
                Err(_) => Refusal::Failed {
                    kind: ErrorKind::NotFound,
                    source,
                },
            }
        }
        Ok(_) => kind.into(),
        Err(refusal) => refusal,
    }
}

/// Answers `kind` for an ancestor of a mount point and leaves mount points to their mounts.
fn ancestor_is<T>(kind: ErrorKind) -> impl Fn(&Route<'_, '_>, &Point) -> Option<Answer<T>> {
    move |_, point| {
        if point.mount().is_some() {
            None
        } else {
            Some(Err(kind.into()))
        }
    }
}
