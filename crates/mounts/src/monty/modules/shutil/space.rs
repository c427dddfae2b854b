//! `disk_usage`: what the limits of a mount leave.

use crate::mount::MountKind;
use crate::path::VirtualPath;

use super::super::outcome::{Done, Failure};
use super::super::work::{Place, Work};

/// What is free where nothing limits it, in bytes: more than a script can fill, and few enough to reckon with.
const UNLIMITED: u64 = 1 << 50;

/// The least that a file system has in use, in bytes, so that no script divides by zero.
const BLOCK: u64 = 4096;

impl Work<'_> {
    /// What the mount that `place` leads to has in use, and what its limits leave. A mount that cannot be written is
    /// full.
    pub(super) fn disk_usage(&mut self, place: &Place) -> Result<Done, Failure> {
        let ask = |path: &str| {
            self.files.metadata(path)?;
            self.files.real_path(path)
        };
        let real = ask(&place.absolute).map_err(|error| place.error(&error))?;
        let mounts = self.files.mounts();
        let covers = |point: &str| VirtualPath::parse(point).is_ok_and(|point| real.starts_with(&point));
        let mount = mounts
            .iter()
            .filter(|mount| covers(&mount.point))
            .max_by_key(|mount| mount.point.len());
        let Some(mount) = mount.filter(|mount| mount.kind != MountKind::ReadOnly) else {
            return Ok(Done::Space { used: BLOCK, free: 0 });
        };
        let (limits, held) = (&mount.limits, mount.usage.held);
        let left = |limit: Option<u64>, taken: u64| limit.map(|limit| limit.saturating_sub(taken));
        let free = [
            left(limits.max_bytes, held.bytes),
            left(limits.memory, held.memory).filter(|_| mount.kind != MountKind::ReadWrite),
            left(limits.write_bytes, mount.usage.written),
        ];
        Ok(Done::Space {
            used: held.bytes.max(BLOCK),
            free: free.into_iter().flatten().min().unwrap_or(UNLIMITED),
        })
    }
}
