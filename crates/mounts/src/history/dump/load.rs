//! From records to a table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::backend::Reader;
use crate::contents::Contents;
use crate::memory::Memory;
use crate::mount::Mount;
use crate::overlay::Overlay;
use crate::path::VirtualPath;
use crate::table::Namespace;
use crate::wire::{FREE_INODES, Malformed, Unpacker};

use super::super::Snapshot;
use super::error::{DumpError, DumpErrorKind};
use super::options::{Host, LoadOptions, OnDrift};
use super::table::{
    BackendKind, BackendRecord, KindRecord, MAX_LAYERS, MountRecord, PointRecord, TableRecord, joined,
};

/// What a mount, a point or a backend is reckoned to cost in memory beside what is in it.
const MOUNT_BYTES: u64 = 1_024;
/// The most mounts that ever came to one table.
const MAX_PLACE: u64 = 1 << 32;

/// A backend that was read, or provided.
struct Backend {
    kind: Loaded,
    /// Where it was in the table.
    at: String,
    /// Whether there is a host directory below it.
    is_over_host: bool,
    /// How many backends lie over one another up to this one.
    layers: usize,
}

enum Loaded {
    Host(Host),
    Memory(Arc<Memory>),
    Overlay(Arc<Overlay>),
    Table(Namespace),
    /// A table that others look at.
    Snapshot(Snapshot),
}

/// The backends read so far, and the host directories there are.
struct Loading {
    backends: Vec<Backend>,
    hosts: BTreeMap<String, Host>,
    given: BTreeSet<String>,
    limit: u64,
}

/// Makes the table that `records` describe.
pub(super) fn read(
    records: &[u8],
    contents: Vec<Contents>,
    options: LoadOptions,
) -> Result<Namespace, DumpError> {
    let limit = options.max_size;
    let malformed = |malformed| DumpError::malformed(malformed, limit);
    let mut unpacker = Unpacker::new(records, contents, limit);
    let mut loading = Loading {
        backends: Vec::new(),
        hosts: options.hosts,
        given: BTreeSet::new(),
        limit,
    };
    let count: u32 = unpacker.take().map_err(malformed)?;
    for _ in 0..count {
        loading.backend(&mut unpacker)?;
    }
    unpacker.finish().map_err(malformed)?;
    if let Some(unused) = loading.hosts.keys().find(|point| !loading.given.contains(*point)) {
        return Err(DumpError::at(DumpErrorKind::HostUnused, unused));
    }
    match options.on_drift {
        OnDrift::Refuse => loading.require_unchanged()?,
        OnDrift::Keep => {}
    }
    match loading.backends.pop().map(|backend| backend.kind) {
        Some(Loaded::Table(namespace)) => Ok(namespace),
        _ => Err(malformed(Malformed::Invalid("the last backend is no table"))),
    }
}

impl Loading {
    fn malformed(&self, why: &'static str) -> DumpError {
        DumpError::malformed(Malformed::Invalid(why), self.limit)
    }

    /// Reads the next backend.
    fn backend(&mut self, unpacker: &mut Unpacker<'_>) -> Result<(), DumpError> {
        let limit = self.limit;
        let malformed = |malformed| DumpError::malformed(malformed, limit);
        unpacker.charge(MOUNT_BYTES).map_err(malformed)?;
        let BackendRecord { at, kind } = unpacker.take().map_err(malformed)?;
        unpacker.charge(at.len() as u64).map_err(malformed)?;
        let (mut is_over_host, mut layers) = (false, 0);
        let kind = match kind {
            BackendKind::Host => {
                is_over_host = true;
                let host = self.hosts.get(at).cloned();
                self.given.insert(at.to_owned());
                Loaded::Host(host.ok_or_else(|| DumpError::at(DumpErrorKind::HostMissing, at))?)
            }
            BackendKind::Memory => Loaded::Memory(Arc::new(Memory::unpack(unpacker).map_err(malformed)?)),
            BackendKind::Overlay { lower } => {
                let lower = self.below(lower, (&mut is_over_host, &mut layers))?.lower();
                Loaded::Overlay(Arc::new(Overlay::unpack(lower, unpacker).map_err(malformed)?))
            }
            BackendKind::Table => Loaded::Table(self.table(unpacker, (&mut is_over_host, &mut layers))?),
        };
        self.backends.push(Backend {
            kind,
            at: at.to_owned(),
            is_over_host,
            layers,
        });
        Ok(())
    }

    /// The backend of this number, for another one to lie over.
    fn below(
        &mut self,
        number: u32,
        (is_over_host, layers): (&mut bool, &mut usize),
    ) -> Result<&Loaded, DumpError> {
        let limit = self.limit;
        let malformed = |why| DumpError::malformed(Malformed::Invalid(why), limit);
        let backend = usize::try_from(number)
            .ok()
            .and_then(|number| self.backends.get_mut(number));
        let backend = backend.ok_or_else(|| malformed("something lies over nothing"))?;
        *is_over_host |= backend.is_over_host;
        *layers = (backend.layers + 1).max(*layers);
        if *layers > MAX_LAYERS {
            return Err(malformed("too many layers lie over one another"));
        }
        backend.kind.share();
        Ok(&backend.kind)
    }

    fn table(
        &mut self,
        unpacker: &mut Unpacker<'_>,
        (is_over_host, layers): (&mut bool, &mut usize),
    ) -> Result<Namespace, DumpError> {
        let limit = self.limit;
        let malformed = |malformed| DumpError::malformed(malformed, limit);
        let table: TableRecord = unpacker.take().map_err(malformed)?;
        let mut namespace = Namespace::default();
        let mut last_place = 0;
        for _ in 0..table.mounts {
            unpacker.charge(MOUNT_BYTES).map_err(malformed)?;
            let record: MountRecord<'_> = unpacker.take().map_err(malformed)?;
            let rules = record.rules(unpacker).map_err(malformed)?;
            let backend = self.below(record.backend, (&mut *is_over_host, &mut *layers))?;
            let mount = backend.mounted(record.kind, record.point)?;
            let mut mount = mount.with_limits(record.limits()).with_written(record.written);
            if let Some(rules) = rules {
                mount = mount.with_rules(rules);
            }
            let point = self.path(record.point)?;
            if !(last_place + 1..MAX_PLACE).contains(&record.place) {
                return Err(self.malformed("mounts are out of order"));
            }
            last_place = record.place;
            namespace.skip_to(record.place - 1);
            namespace
                .insert(&point, mount)
                .map_err(|kind| DumpError::at(DumpErrorKind::NotMounted(kind), record.point))?;
        }
        for _ in 0..table.points {
            unpacker.charge(MOUNT_BYTES).map_err(malformed)?;
            let record: PointRecord<'_> = unpacker.take().map_err(malformed)?;
            let point = self.path(record.path)?;
            let created = record.created.try_into().map_err(malformed)?;
            let inodes = (record.inode, table.last_inode);
            let is_given = record.inode <= table.last_inode && table.last_inode <= FREE_INODES;
            if !is_given || !namespace.identify(&point, inodes, created) {
                return Err(self.malformed("a point leads to no mount"));
            }
        }
        Ok(namespace)
    }

    /// A path of a table.
    fn path<'p>(&self, path: &'p str) -> Result<VirtualPath<'p>, DumpError> {
        let parsed = VirtualPath::parse(path).ok();
        parsed
            .filter(|parsed| parsed.as_str() == path)
            .ok_or_else(|| self.malformed("a path is none"))
    }

    /// Checks that the host directories have, as it was, what the overlays over them own.
    fn require_unchanged(&self) -> Result<(), DumpError> {
        let mut drifted = Vec::new();
        for backend in &self.backends {
            if let (Loaded::Overlay(overlay), true) = (&backend.kind, backend.is_over_host) {
                let paths = overlay.drifted();
                drifted.extend(paths.iter().map(|path| joined(&backend.at, path)));
            }
        }
        if drifted.is_empty() {
            Ok(())
        } else {
            Err(DumpError::of(DumpErrorKind::Drifted, drifted))
        }
    }
}

impl Loaded {
    /// Makes of a table what others can look at.
    fn share(&mut self) {
        if let Self::Table(namespace) = self {
            *self = Self::Snapshot(Snapshot::loaded(std::mem::take(namespace)));
        }
    }

    /// What an overlay of it lies over.
    fn lower(&self) -> Arc<dyn Reader> {
        match self {
            Self::Host(host) => host.lower(),
            other => other.reader(),
        }
    }

    fn reader(&self) -> Arc<dyn Reader> {
        match self {
            Self::Host(host) => host.reader(),
            Self::Memory(memory) => Arc::<Memory>::clone(memory),
            Self::Overlay(overlay) => Arc::<Overlay>::clone(overlay),
            Self::Table(namespace) => Arc::new(Snapshot::loaded(namespace.clone())),
            Self::Snapshot(snapshot) => Arc::new(snapshot.clone()),
        }
    }

    /// A mount of this kind of it.
    fn mounted(&self, kind: KindRecord, point: &str) -> Result<Mount, DumpError> {
        Ok(match (kind, self) {
            (KindRecord::Memory, Self::Memory(memory)) => Mount::of_memory(memory.fork()),
            (KindRecord::Overlay, Self::Overlay(overlay)) => Mount::of_overlay(overlay.fork()),
            (KindRecord::ReadOnly, backend) => Mount::read_only(backend.reader()),
            (KindRecord::ReadWrite, Self::Memory(memory)) => Mount::read_write(Arc::clone(memory)),
            (KindRecord::ReadWrite, Self::Overlay(overlay)) => Mount::read_write(Arc::clone(overlay)),
            (KindRecord::ReadWrite, Self::Host(Host::Writer(writer) | Host::Either(_, writer))) => {
                Mount::read_write(Arc::clone(writer))
            }
            (KindRecord::ReadWrite, Self::Host(Host::Reader(_))) => {
                return Err(DumpError::at(DumpErrorKind::HostNotWritable, point));
            }
            _ => {
                let why = "a mount is of another kind than its backend";
                return Err(DumpError::new(DumpErrorKind::Malformed(why)));
            }
        })
    }
}
