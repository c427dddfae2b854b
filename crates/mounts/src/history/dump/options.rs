//! What whoever loads a dump decides.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backend::{Reader, Writer};
use crate::path::VirtualPath;

/// How a dump is loaded: which host directories its mounts get, what happens where those have changed, and how large
/// it may be. Handed to [`Table::load`](crate::Table::load).
#[derive(Debug)]
#[must_use]
pub struct LoadOptions {
    pub(super) hosts: BTreeMap<String, Host>,
    pub(super) on_drift: OnDrift,
    pub(super) max_size: u64,
}

/// What is done where the host has changed what an overlay owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDrift {
    /// The dump is refused; the error names the paths.
    #[default]
    Refuse,
    /// The table is loaded all the same: what needs bytes that are no longer there is answered
    /// [`ErrorKind::Stale`](crate::ErrorKind::Stale), as it would be if the host had changed them under the table.
    Keep,
}

/// What a mount gets for its host directory.
#[derive(Debug, Clone)]
pub(super) enum Host {
    Reader(Arc<dyn Reader>),
    Writer(Arc<dyn Writer>),
    /// What suits each kind of mount: one that reads it, and one that writes it.
    Either(Arc<dyn Reader>, Arc<dyn Writer>),
}

impl Host {
    /// For a mount that only reads it.
    pub(super) fn reader(&self) -> Arc<dyn Reader> {
        match self {
            Self::Reader(reader) | Self::Either(reader, _) => Arc::clone(reader),
            Self::Writer(writer) => Arc::<dyn Writer>::clone(writer),
        }
    }

    /// For an overlay, which can be committed to what is writable.
    pub(super) fn lower(&self) -> Arc<dyn Reader> {
        match self {
            Self::Reader(reader) => Arc::clone(reader),
            Self::Writer(writer) | Self::Either(_, writer) => Arc::<dyn Writer>::clone(writer),
        }
    }
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            hosts: BTreeMap::new(),
            on_drift: OnDrift::default(),
            max_size: 1 << 30,
        }
    }
}

impl LoadOptions {
    /// No host directories, no drift, and at most 1 GiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// The mount at the virtual path `point`, an overlay or one that can only be read, gets `directory`: a
    /// [`HostDirectory`](crate::HostDirectory), or anything that shows the same files. An overlay that several mounts
    /// share asks for it at the path of the first of them. What a mount shows of a snapshot that has mounts of host
    /// directories asks for these where they are seen.
    pub fn with_host(mut self, point: &str, directory: impl Reader + 'static) -> Self {
        self.hosts
            .insert(normal(point), Host::Reader(Arc::new(directory)));
        self
    }

    /// The read-write mount at the virtual path `point` gets `directory`.
    pub fn with_writable_host(mut self, point: &str, directory: impl Writer + 'static) -> Self {
        self.hosts
            .insert(normal(point), Host::Writer(Arc::new(directory)));
        self
    }

    /// The mount at the virtual path `point` gets the host directory at `path`, as what it was: to be read, to be written,
    /// or under an overlay that can be committed to it.
    ///
    /// # Errors
    ///
    /// Those of [`HostDirectory::open`](crate::HostDirectory::open).
    #[cfg(unix)]
    pub fn with_directory(
        mut self,
        point: &str,
        path: &std::path::Path,
    ) -> Result<Self, crate::HostDirectoryError> {
        let reader = Arc::new(crate::HostDirectory::open(path)?);
        let writer = Arc::new(crate::WritableHostDirectory::new(crate::HostDirectory::open(
            path,
        )?));
        self.hosts.insert(normal(point), Host::Either(reader, writer));
        Ok(self)
    }

    /// What is done where the host has changed what an overlay owns.
    pub fn with_on_drift(mut self, on_drift: OnDrift) -> Self {
        self.on_drift = on_drift;
        self
    }

    /// The dump may inflate to `bytes`, and what it describes may take as many beside its contents.
    pub fn with_max_size(mut self, bytes: u64) -> Self {
        self.max_size = bytes;
        self
    }
}

/// A mount point as the table spells it. What is no path is the point of no mount, and stays as it was given.
fn normal(point: &str) -> String {
    VirtualPath::parse(point).map_or_else(|_| point.to_owned(), |path| path.as_str().to_owned())
}
