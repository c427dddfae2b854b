//! Mounts and what they hold, as records: first the mounts, then the backends, those that others lie over first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::backend::Reader;
use crate::contents::Contents;
use crate::memory::Memory;
use crate::mount::{Mount, MountKind};
use crate::overlay::Overlay;
use crate::path::VirtualPath;
use crate::quota::Limits;
use crate::rules::{Globs, Rules};
use crate::table::Namespace;
use crate::wire::{Malformed, Pack, Packer, Unpacker};

use super::super::changes::within;
use super::error::{DumpError, DumpErrorKind};
use super::options::{Host, LoadOptions, OnDrift};

/// What a mount, or a backend, is reckoned to cost in memory beside what is in it.
const MOUNT_BYTES: u64 = 1_024;
/// What a glob is reckoned to cost, for each of its bytes, to be compiled.
const GLOB_FACTOR: u64 = 256;
/// The bytes that the globs of one mount may have together.
const MAX_GLOB_BYTES: usize = 1 << 20;
/// How many overlays may lie over one another.
const MAX_LAYERS: usize = 64;

#[derive(Debug, Serialize, Deserialize)]
struct TableRecord {
    mounts: u32,
    backends: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct MountRecord<'a> {
    point: &'a str,
    kind: KindRecord,
    limits: LimitsRecord,
    written: u64,
    #[serde(borrow)]
    rules: Option<RulesRecord<'a>>,
    /// The number of its backend.
    backend: u32,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum KindRecord {
    Memory,
    ReadOnly,
    ReadWrite,
    Overlay,
}

#[derive(Debug, Serialize, Deserialize)]
struct LimitsRecord {
    max_bytes: Option<u64>,
    max_files: Option<u64>,
    max_file_size: Option<u64>,
    write_bytes: Option<u64>,
    memory: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RulesRecord<'a> {
    #[serde(borrow)]
    deny: Vec<&'a str>,
    #[serde(borrow)]
    hide: Vec<&'a str>,
    #[serde(borrow)]
    read_only: Vec<&'a str>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum BackendRecord {
    /// The host directory given for the mount of this number.
    Host { mount: u32 },
    /// A tree follows.
    Memory,
    /// An upper layer follows, over the backend of this number.
    Overlay { lower: u32 },
}

/// Numbers for the backends of a table.
#[derive(Default)]
struct Plan<'n> {
    backends: Vec<(BackendRecord, Option<&'n dyn Pack>)>,
    numbers: HashMap<*const (), u32>,
}

impl<'n> Plan<'n> {
    /// The number of the backend of the mount of the number `mount`.
    fn add(&mut self, reader: &'n dyn Reader, mount: u32, layers: usize) -> Result<u32, DumpErrorKind> {
        let (record, pack) = match reader.portable() {
            Some(portable) => {
                if let Some(number) = self.numbers.get(&portable.address()) {
                    return Ok(*number);
                }
                let record = match portable.backend().lower() {
                    None => BackendRecord::Memory,
                    Some(_) if layers == MAX_LAYERS => return Err(DumpErrorKind::TooDeep),
                    Some(lower) => BackendRecord::Overlay {
                        lower: self.add(lower, mount, layers + 1)?,
                    },
                };
                self.numbers
                    .insert(portable.address(), number(self.backends.len()));
                (record, Some(portable.backend()))
            }
            None if reader.host().is_some() => (BackendRecord::Host { mount }, None),
            None => return Err(DumpErrorKind::NotPortable),
        };
        self.backends.push((record, pack));
        Ok(number(self.backends.len() - 1))
    }
}

/// A number of a mount or a backend; there are never so many.
fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Writes every mount of `namespace`.
pub(super) fn write(namespace: &Namespace, packer: &mut Packer) -> Result<(), DumpError> {
    let mut plan = Plan::default();
    let mut mounts = Vec::new();
    for (index, (point, mount)) in namespace.each_mount().enumerate() {
        let backend = plan
            .add(mount.reader(), number(index), 0)
            .map_err(|kind| DumpError::at(kind, point.as_str()))?;
        mounts.push((point, mount, backend));
    }
    packer.put(&TableRecord {
        mounts: number(mounts.len()),
        backends: number(plan.backends.len()),
    });
    for (point, mount, backend) in &mounts {
        packer.put(&MountRecord::of(point, mount, *backend));
    }
    for (index, (record, pack)) in plan.backends.iter().enumerate() {
        packer.put(record);
        if pack.is_some_and(|pack| pack.pack(packer).is_err()) {
            let paths = mounts.iter().filter(|(.., backend)| *backend >= number(index));
            let path = paths.map(|(point, ..)| point.as_str()).next().unwrap_or("/");
            return Err(DumpError::at(DumpErrorKind::TooDeep, path));
        }
    }
    Ok(())
}

impl<'a> MountRecord<'a> {
    fn of(point: &'a VirtualPath<'_>, mount: &'a Mount, backend: u32) -> Self {
        let limits = mount.limits();
        let texts = |globs: &'a [String]| globs.iter().map(String::as_str).collect();
        Self {
            point: point.as_str(),
            kind: match mount.kind() {
                MountKind::Memory => KindRecord::Memory,
                MountKind::ReadOnly => KindRecord::ReadOnly,
                MountKind::ReadWrite => KindRecord::ReadWrite,
                MountKind::Overlay => KindRecord::Overlay,
            },
            limits: LimitsRecord {
                max_bytes: limits.max_bytes,
                max_files: limits.max_files,
                max_file_size: limits.max_file_size,
                write_bytes: limits.write_bytes,
                memory: limits.memory,
            },
            written: mount.usage().written,
            rules: mount.rules().map(Rules::globs).map(|globs| RulesRecord {
                deny: texts(&globs.deny),
                hide: texts(&globs.hide),
                read_only: texts(&globs.read_only),
            }),
            backend,
        }
    }

    /// The rules, compiled.
    fn rules(&self, unpacker: &mut Unpacker<'_>) -> Result<Option<Rules>, Malformed> {
        let Some(record) = &self.rules else {
            return Ok(None);
        };
        let lists = [&record.deny, &record.hide, &record.read_only];
        let bytes: usize = lists
            .iter()
            .flat_map(|globs| globs.iter())
            .map(|glob| glob.len())
            .sum();
        if bytes > MAX_GLOB_BYTES {
            return Err(Malformed::Invalid("a mount has too many rules"));
        }
        unpacker.charge(bytes as u64 * GLOB_FACTOR)?;
        let owned = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
        let globs = Globs {
            deny: owned(&record.deny),
            hide: owned(&record.hide),
            read_only: owned(&record.read_only),
        };
        Rules::new(globs)
            .map(Some)
            .map_err(|_| Malformed::Invalid("a rule is none"))
    }

    fn limits(&self) -> Limits {
        let limits = &self.limits;
        Limits {
            max_bytes: limits.max_bytes,
            max_files: limits.max_files,
            max_file_size: limits.max_file_size,
            write_bytes: limits.write_bytes,
            memory: limits.memory,
        }
    }
}

/// A backend that was read, or provided.
enum Loaded {
    /// The host directory of the mount of this number.
    Host(Host, u32),
    Memory(Arc<Memory>),
    Overlay {
        overlay: Arc<Overlay>,
        /// The number of the mount whose host directory is at the bottom, if one is.
        host: Option<u32>,
        layers: usize,
    },
}

impl Loaded {
    fn reader(&self) -> Arc<dyn Reader> {
        match self {
            Self::Host(host, _) => host.reader(),
            Self::Memory(memory) => Arc::<Memory>::clone(memory),
            Self::Overlay { overlay, .. } => Arc::<Overlay>::clone(overlay),
        }
    }

    /// A mount of this kind of it.
    fn mounted(&self, kind: KindRecord, point: &str) -> Result<Mount, DumpError> {
        Ok(match (kind, self) {
            (KindRecord::Memory, Self::Memory(memory)) => Mount::of_memory(memory.fork()),
            (KindRecord::Overlay, Self::Overlay { overlay, .. }) => Mount::of_overlay(overlay.fork()),
            (KindRecord::ReadOnly, backend) => Mount::read_only(backend.reader()),
            (KindRecord::ReadWrite, Self::Memory(memory)) => Mount::read_write(Arc::clone(memory)),
            (KindRecord::ReadWrite, Self::Overlay { overlay, .. }) => Mount::read_write(Arc::clone(overlay)),
            (KindRecord::ReadWrite, Self::Host(Host::Writer(writer), _)) => {
                Mount::read_write(Arc::clone(writer))
            }
            (KindRecord::ReadWrite, Self::Host(Host::Reader(_), _)) => {
                return Err(DumpError::at(DumpErrorKind::HostNotWritable, point));
            }
            (KindRecord::Memory | KindRecord::Overlay, _) => {
                let why = "a mount is of another kind than its backend";
                return Err(DumpError::new(DumpErrorKind::Malformed(why)));
            }
        })
    }
}

/// Makes the mounts that `records` describe.
pub(super) fn read(
    records: &[u8],
    contents: Vec<Contents>,
    options: LoadOptions,
) -> Result<Namespace, DumpError> {
    let limit = options.max_size;
    let malformed = |malformed| DumpError::malformed(malformed, limit);
    let mut unpacker = Unpacker::new(records, contents, limit);
    let table: TableRecord = unpacker.take().map_err(malformed)?;
    let mut mounts: Vec<MountRecord<'_>> = Vec::new();
    for _ in 0..table.mounts {
        unpacker.charge(MOUNT_BYTES).map_err(malformed)?;
        mounts.push(unpacker.take().map_err(malformed)?);
    }
    let mut backends = Backends {
        list: Vec::new(),
        hosts: options.hosts,
    };
    for _ in 0..table.backends {
        unpacker.charge(MOUNT_BYTES).map_err(malformed)?;
        let record = unpacker.take().map_err(malformed)?;
        backends.read(record, &mounts, &mut unpacker, limit)?;
    }
    let mut namespace = Namespace::default();
    for record in &mounts {
        let rules = record.rules(&mut unpacker).map_err(malformed)?;
        let number = usize::try_from(record.backend).unwrap_or(usize::MAX);
        let Some(backend) = backends.list.get(number) else {
            return Err(malformed(Malformed::Invalid("a mount has no backend")));
        };
        let mut mount = backend
            .mounted(record.kind, record.point)?
            .with_limits(record.limits())
            .with_written(record.written);
        if let Some(rules) = rules {
            mount = mount.with_rules(rules);
        }
        let point = VirtualPath::parse(record.point).ok();
        let Some(point) = point.filter(|point| point.as_str() == record.point) else {
            return Err(malformed(Malformed::Invalid("a mount point is no path")));
        };
        namespace
            .insert(&point, mount)
            .map_err(|kind| DumpError::at(DumpErrorKind::NotMounted(kind), record.point))?;
    }
    unpacker.finish().map_err(malformed)?;
    if let Some(point) = backends.hosts.keys().next() {
        return Err(DumpError::at(DumpErrorKind::HostUnused, point));
    }
    match options.on_drift {
        OnDrift::Refuse => backends.require_unchanged(&mounts)?,
        OnDrift::Keep => {}
    }
    Ok(namespace)
}

/// The backends read so far, and the host directories that nobody asked for yet.
struct Backends {
    list: Vec<Loaded>,
    hosts: BTreeMap<String, Host>,
}

impl Backends {
    /// Checks that the host directories have, as it was, what the overlays over them own.
    fn require_unchanged(&self, mounts: &[MountRecord<'_>]) -> Result<(), DumpError> {
        let mut drifted = Vec::new();
        for backend in &self.list {
            if let Loaded::Overlay {
                overlay,
                host: Some(mount),
                ..
            } = backend
            {
                let mount = usize::try_from(*mount).ok().and_then(|mount| mounts.get(mount));
                // Every mount was mounted, so its point is a path.
                if let Some(point) = mount.and_then(|mount| VirtualPath::parse(mount.point).ok()) {
                    drifted.extend(overlay.drifted().iter().map(|path| within(&point, path)));
                }
            }
        }
        if drifted.is_empty() {
            Ok(())
        } else {
            Err(DumpError::of(DumpErrorKind::Drifted, drifted))
        }
    }

    fn read(
        &mut self,
        record: BackendRecord,
        mounts: &[MountRecord<'_>],
        unpacker: &mut Unpacker<'_>,
        limit: u64,
    ) -> Result<(), DumpError> {
        let malformed = |malformed| DumpError::malformed(malformed, limit);
        let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let loaded = match record {
            BackendRecord::Host { mount } => {
                let point = mounts.get(index(mount)).map(|mount| mount.point);
                let point =
                    point.ok_or_else(|| malformed(Malformed::Invalid("a host directory has no mount")))?;
                let host = self.hosts.remove(point);
                let missing = || DumpError::at(DumpErrorKind::HostMissing, point);
                Loaded::Host(host.ok_or_else(missing)?, mount)
            }
            BackendRecord::Memory => Loaded::Memory(Arc::new(Memory::unpack(unpacker).map_err(malformed)?)),
            BackendRecord::Overlay { lower } => {
                let lower = self.list.get(index(lower));
                let lower =
                    lower.ok_or_else(|| malformed(Malformed::Invalid("a layer lies over nothing")))?;
                let (host, layers) = match lower {
                    Loaded::Host(_, mount) => (Some(*mount), 1),
                    Loaded::Memory(_) => (None, 1),
                    Loaded::Overlay { host, layers, .. } => (*host, layers + 1),
                };
                if layers > MAX_LAYERS {
                    return Err(malformed(Malformed::Invalid(
                        "too many layers lie over one another",
                    )));
                }
                let overlay = Overlay::unpack(lower.reader(), unpacker).map_err(malformed)?;
                Loaded::Overlay {
                    overlay: Arc::new(overlay),
                    host,
                    layers,
                }
            }
        };
        self.list.push(loaded);
        Ok(())
    }
}
