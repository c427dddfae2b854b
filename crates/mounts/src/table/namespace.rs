//! A set of mounts that does not change, and the operations that change nothing in them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::backend::{Answer, FollowLinks, Refusal};
use crate::contents::Contents;
use crate::error::{ErrorKind, Operation, Result};
use crate::events::Observers;
use crate::metadata::{FileType, Metadata};
use crate::mount::{Mount, MountKind};
use crate::path::VirtualPath;
use crate::quota::{Limits, Usage};
use crate::rules::Rules;

use super::judged::Judged;
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
/// [`ErrorKind::NameTooLong`], and one that no mount covers with [`ErrorKind::NotCovered`]. What the
/// [rules](crate::Rules) of a mount hide is [`ErrorKind::NotFound`], what they deny [`ErrorKind::PermissionDenied`],
/// and a change of what they leave to read [`ErrorKind::ReadOnly`]. The sections on the methods name what comes on
/// top.
#[derive(Debug, Clone)]
pub struct Namespace {
    routes: Point,
    order: Vec<VirtualPath<'static>>,
    last_inode: u64,
    last_device: u64,
    /// Those of the table, whatever its mounts were when they came.
    observers: Arc<Observers>,
}

impl Default for Namespace {
    fn default() -> Self {
        Self {
            routes: Point::root(),
            order: Vec::new(),
            last_inode: 1,
            last_device: FIRST_DEVICE,
            observers: Arc::default(),
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

    pub(crate) fn observers(&self) -> &Arc<Observers> {
        &self.observers
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
        mount.begin_history();
        self.routes.insert(path, Arc::new(mount), &mut self.last_inode);
        self.order.push(path.clone().into_owned());
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &VirtualPath<'_>) -> std::result::Result<Arc<Mount>, ErrorKind> {
        let mount = self.routes.remove(path).ok_or(ErrorKind::NotMounted)?;
        self.order.retain(|mounted| mounted != path);
        Ok(mount)
    }

    pub(crate) fn each_mount(&self) -> impl Iterator<Item = (&VirtualPath<'static>, &Arc<Mount>)> {
        self.order
            .iter()
            .filter_map(|path| Some((path, self.routes.route(path).mounted?.mount)))
    }

    /// The same mounts, each as `copy` makes it of the one here. Nobody is told of what happens there.
    pub(crate) fn copied(&self, mut copy: impl FnMut(&Mount) -> Mount) -> Self {
        let mut copied = Self {
            routes: self.routes.clone(),
            order: self.order.clone(),
            last_inode: self.last_inode,
            last_device: self.last_device,
            observers: Arc::default(),
        };
        for (path, mount) in self.each_mount() {
            copied.replace(path, copy(mount));
        }
        copied
    }

    /// Puts `mount` in the place of the one at `path`.
    pub(crate) fn replace(&mut self, path: &VirtualPath<'_>, mount: Mount) {
        self.routes.insert(path, Arc::new(mount), &mut self.last_inode);
    }

    /// The mount right at `path`.
    pub(crate) fn mount_at(&self, path: &VirtualPath<'_>) -> Option<&Arc<Mount>> {
        self.routes.route(path).point?.mount()
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

    /// How many device numbers were given when `mount` came, itself included.
    pub(crate) fn place_of(mount: &Mount) -> u64 {
        mount.device().wrapping_sub(FIRST_DEVICE)
    }

    /// The mount that comes next will be the one after so many that came.
    pub(crate) fn skip_to(&mut self, place: u64) {
        self.last_device = FIRST_DEVICE.wrapping_add(place);
    }

    /// The last inode number that a point was given.
    pub(crate) fn last_inode(&self) -> u64 {
        self.last_inode
    }

    /// Makes the point at `path` the one that had this inode number, when `last` was the last one given. Answers
    /// whether there is one.
    pub(crate) fn identify(
        &mut self,
        path: &VirtualPath<'_>,
        (inode, last): (u64, u64),
        created: SystemTime,
    ) -> bool {
        self.last_inode = last;
        self.routes.identify(path, inode, created)
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

    /// Whether what `path` leads to lies in a mount that can be written, and no rule says otherwise. Whether a
    /// particular change is possible there is for that change to find out.
    pub fn is_writable(&self, path: &str) -> bool {
        let writable = |judged: &Judged<'_, '_>| {
            let found = judged.reader().metadata(judged.relative(), FollowLinks::Yes);
            match found {
                Err(link @ Refusal::Link(_)) => Err(link),
                _ => Ok(judged.writer().is_ok()),
            }
        };
        Request::new(Operation::Metadata, path)
            .and_then(|request| self.resolve(request, |_, _| None, writable))
            .unwrap_or(false)
    }

    /// The most bytes an answer about `path` may have, beside what its mount keeps in memory, and the limit that
    /// says so. `None` where no mount covers the path or its memory is unlimited.
    #[cfg(any(feature = "monty", feature = "vfs"))]
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
        self.read_within(path, Mount::room_for_answer)
    }

    /// Reads the whole file at `path`, of at most as many bytes as its mount has `room` for.
    pub(super) fn read_within(&self, path: &str, room: impl Fn(&Mount) -> u64) -> Result<Contents> {
        let read = |judged: &Judged<'_, '_>| {
            let mount = judged.mount();
            let answer = judged.reader().read(judged.relative(), room(mount));
            match (answer, mount.limits().memory) {
                (
                    Err(Refusal::Failed {
                        kind: ErrorKind::FileTooLarge,
                        ..
                    }),
                    Some(limit),
                ) => Err(ErrorKind::MemoryLimit { limit }.into()),
                (answer, _) => answer,
            }
        };
        self.observed(
            Operation::Read,
            path,
            |contents: &Contents| contents.len() as u64,
            |request| self.resolve(request, ancestor_is(ErrorKind::IsADirectory), read),
        )
    }

    /// Checks that the file at `path` may be opened for reading.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `IsADirectory`, `PermissionDenied`.
    pub fn open(&self, path: &str) -> Result<()> {
        self.observed(
            Operation::Open,
            path,
            |()| 0,
            |request| {
                self.resolve(request, ancestor_is(ErrorKind::IsADirectory), |judged| {
                    judged.reader().open(judged.relative())
                })
            },
        )
    }

    /// Describes what `path` leads to, as [`std::fs::metadata`].
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, `PermissionDenied`, `TooManyLinks`.
    pub fn metadata(&self, path: &str) -> Result<Metadata> {
        self.describe(Operation::Metadata, path, FollowLinks::Yes)
    }

    /// Describes the entry at `path` itself, as [`std::fs::symlink_metadata`].
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata).
    pub fn symlink_metadata(&self, path: &str) -> Result<Metadata> {
        self.describe(Operation::SymlinkMetadata, path, FollowLinks::No)
    }

    fn describe(&self, operation: Operation, path: &str, follow: FollowLinks) -> Result<Metadata> {
        let ask = |judged: &Judged<'_, '_>| -> Answer<Metadata> {
            let metadata = judged.reader().metadata(judged.relative(), follow)?;
            // The true number counts directories that are hidden.
            let uncounted =
                metadata.file_type == FileType::Directory && judged.rules().is_some_and(Rules::hide_anything);
            Ok(Metadata {
                device: judged.mount().device(),
                links: if uncounted { 1 } else { metadata.links },
                ..metadata
            })
        };
        let ancestor = |route: &Route<'_, '_>, point: &Point| {
            let below = route
                .mounted
                .and_then(|mounted| mounted.judge().ok())
                .and_then(|judged| ask(&judged).ok());
            match below.filter(|metadata| metadata.file_type == FileType::Directory) {
                Some(metadata) => Some(Ok(metadata)),
                None if point.mount().is_none() => Some(Ok(Metadata {
                    device: FIRST_DEVICE,
                    ..point.metadata()
                })),
                None => None,
            }
        };
        self.observed(
            operation,
            path,
            |_| 0,
            |request| self.resolve(request, ancestor, ask),
        )
    }

    /// Whether anything is at `path`; false for whatever cannot be seen.
    pub fn exists(&self, path: &str) -> bool {
        self.metadata(path).is_ok()
    }

    /// Does what is asked of one path, and tells the observers, with the bytes that the answer moved.
    pub(super) fn observed<'p, T>(
        &self,
        operation: Operation,
        path: &'p str,
        bytes: impl FnOnce(&T) -> u64,
        work: impl FnOnce(Request<'p>) -> Result<T>,
    ) -> Result<T> {
        self.observers.watch(operation, (path, None), bytes, || {
            work(Request::new(operation, path)?)
        })
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
