//! Mounts and what they hold, as records: the backends, those that others lie over first. The last is the table.

use std::collections::HashMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::backend::Reader;
use crate::mount::{Mount, MountKind};
use crate::path::VirtualPath;
use crate::quota::Limits;
use crate::rules::{Globs, Rules};
use crate::table::Namespace;
use crate::wire::{Instant, Malformed, Pack, Packer, Shape, TooDeep, Unpacker};

use super::error::{DumpError, DumpErrorKind};

/// What a glob is reckoned to cost, for each of its bytes, to be compiled.
const GLOB_FACTOR: u64 = 256;
/// The bytes that the globs of one mount may have together.
const MAX_GLOB_BYTES: usize = 1 << 20;
/// How many backends may lie over one another.
pub(super) const MAX_LAYERS: usize = 64;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BackendRecord<'a> {
    /// Where it is in the table that was dumped.
    pub(super) at: &'a str,
    pub(super) kind: BackendKind,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum BackendKind {
    /// A directory that whoever loads the dump provides.
    Host,
    /// A tree follows.
    Memory,
    /// An upper layer follows, over the backend of this number.
    Overlay { lower: u32 },
    /// Mounts follow, and the points that lead to them.
    Table,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TableRecord {
    pub(super) mounts: u32,
    pub(super) points: u32,
    pub(super) last_inode: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PointRecord<'a> {
    pub(super) path: &'a str,
    pub(super) inode: u64,
    pub(super) created: Instant,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MountRecord<'a> {
    pub(super) point: &'a str,
    /// How many mounts had come when it came, those that went included.
    pub(super) place: u64,
    pub(super) kind: KindRecord,
    limits: LimitsRecord,
    pub(super) written: u64,
    #[serde(borrow)]
    rules: Option<RulesRecord<'a>>,
    /// The number of its backend.
    pub(super) backend: u32,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum KindRecord {
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

/// Numbers for the backends of a table.
#[derive(Default)]
struct Plan<'n> {
    backends: Vec<Planned<'n>>,
    numbers: HashMap<*const (), u32>,
}

struct Planned<'n> {
    at: String,
    kind: BackendKind,
    /// What writes itself, and the numbers of what is below it.
    pack: Option<(&'n dyn Pack, Vec<u32>)>,
}

impl<'n> Plan<'n> {
    /// The number of the backend that is at `at` in the table.
    fn add(&mut self, reader: &'n dyn Reader, at: String, layers: usize) -> Result<u32, DumpError> {
        let planned = match reader.portable() {
            Some(portable) => {
                if let Some(number) = self.numbers.get(&portable.address()) {
                    return Ok(*number);
                }
                if layers > MAX_LAYERS {
                    return Err(DumpError::at(DumpErrorKind::TooDeep, &at));
                }
                let pack = portable.backend();
                let mut below = Vec::new();
                for (point, reader) in pack.below() {
                    below.push(self.add(reader, joined(&at, point), layers + 1)?);
                }
                let kind = match (pack.shape(), below.first()) {
                    (Shape::Layer, Some(lower)) => BackendKind::Overlay { lower: *lower },
                    (Shape::Tree | Shape::Layer, _) => BackendKind::Memory,
                    (Shape::Table, _) => BackendKind::Table,
                };
                self.numbers
                    .insert(portable.address(), number(self.backends.len()));
                Planned {
                    at,
                    kind,
                    pack: Some((pack, below)),
                }
            }
            None if reader.host().is_some() => Planned {
                at,
                kind: BackendKind::Host,
                pack: None,
            },
            None => return Err(DumpError::at(DumpErrorKind::NotPortable, &at)),
        };
        self.backends.push(planned);
        Ok(number(self.backends.len() - 1))
    }
}

/// A number of a mount or a backend; there are never so many.
fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Where `path` is for whoever sees its root at `at`.
pub(super) fn joined(at: &str, path: &str) -> String {
    match (at.trim_end_matches('/'), path.trim_matches('/')) {
        ("", path) => format!("/{path}"),
        (at, "") => at.to_owned(),
        (at, path) => format!("{at}/{path}"),
    }
}

/// Writes the table, and everything that it is made of.
pub(super) fn write(table: &dyn Reader, packer: &mut Packer) -> Result<(), DumpError> {
    let mut plan = Plan::default();
    plan.add(table, "/".to_owned(), 0)?;
    packer.put(&number(plan.backends.len()));
    for Planned { at, kind, pack } in &plan.backends {
        packer.put(&BackendRecord { at, kind: *kind });
        if let Some((pack, below)) = pack {
            pack.pack(below, packer)
                .map_err(|TooDeep| DumpError::at(DumpErrorKind::TooDeep, at))?;
        }
    }
    Ok(())
}

impl Pack for Namespace {
    fn shape(&self) -> Shape {
        Shape::Table
    }

    fn below(&self) -> Vec<(&str, &dyn Reader)> {
        let mounts = self.each_mount();
        mounts
            .map(|(point, mount)| (point.as_str(), mount.reader()))
            .collect()
    }

    fn pack(&self, below: &[u32], packer: &mut Packer) -> Result<(), TooDeep> {
        let mut points: Vec<(String, u64, SystemTime)> = Vec::new();
        self.routes().each("/", &mut points);
        packer.put(&TableRecord {
            mounts: number(below.len()),
            points: number(points.len()),
            last_inode: self.last_inode(),
        });
        for ((point, mount), backend) in self.each_mount().zip(below) {
            packer.put(&MountRecord::of(point, mount, *backend));
        }
        for (path, inode, created) in &points {
            packer.put(&PointRecord {
                path,
                inode: *inode,
                created: (*created).into(),
            });
        }
        Ok(())
    }
}

impl<'a> MountRecord<'a> {
    fn of(point: &'a VirtualPath<'_>, mount: &'a Mount, backend: u32) -> Self {
        let limits = mount.limits();
        let texts = |globs: &'a [String]| globs.iter().map(String::as_str).collect();
        Self {
            point: point.as_str(),
            place: Namespace::place_of(mount),
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
    pub(super) fn rules(&self, unpacker: &mut Unpacker<'_>) -> Result<Option<Rules>, Malformed> {
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

    pub(super) fn limits(&self) -> Limits {
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
