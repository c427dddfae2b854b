//! Renaming: the one operation with two paths.

use std::sync::Arc;

use crate::backend::{Refusal, RenameRefusal};
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::path::VirtualPath;

use super::namespace::{Namespace, unwritable};
use super::resolve::{MAX_LINKS, Request};
use super::routes::Mounted;

impl Namespace {
    /// Renames `from` to `to`, as [`std::fs::rename`] on Linux.
    ///
    /// # Errors
    ///
    /// As Linux's `rename`; `CrossesDevices` between two mounts, or into where none is; `PermissionDenied` for a
    /// mount point or an ancestor of one.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut source = Request::new(Operation::Rename, from).map_err(|error| error.with_destination(to))?;
        let mut target = Request::new(Operation::Rename, to).map_err(|error| {
            Error::new(error.kind(), Operation::Rename, from).with_destination(error.path())
        })?;
        for _ in 0..=2 * MAX_LINKS {
            let refusal = match self.try_rename(&source.path, &target.path) {
                Ok(()) => return Ok(()),
                Err(refusal) => refusal,
            };
            match refusal {
                RenameRefusal::From(Refusal::Link(link)) => self.follow(&mut source, &link),
                RenameRefusal::To(Refusal::Link(link)) => self.follow(&mut target, &link),
                RenameRefusal::From(refusal) | RenameRefusal::To(refusal) => Err(source.refused(refusal)),
            }
            .map_err(|error| source.error(error.kind()).with_destination(to))?;
        }
        Err(source.error(ErrorKind::TooManyLinks).with_destination(to))
    }

    fn try_rename(
        &self,
        from: &VirtualPath<'_>,
        to: &VirtualPath<'_>,
    ) -> std::result::Result<(), RenameRefusal> {
        let source = self.routes().route(from);
        let target = self.routes().route(to);
        let refused = |kind: ErrorKind| RenameRefusal::From(kind.into());
        if source.point.is_some() || target.point.is_some() {
            return Err(refused(ErrorKind::PermissionDenied));
        }
        let (source, target) = match (source.mounted, target.mounted) {
            (None, None) => return Err(refused(ErrorKind::NotCovered)),
            (Some(source), Some(target)) if Arc::ptr_eq(source.mount, target.mount) => (source, target),
            _ => return Err(refused(ErrorKind::CrossesDevices)),
        };
        let Mounted { mount, relative } = source;
        match mount.writer() {
            Ok((writer, mut admission)) => writer.rename(relative, target.relative, &mut admission),
            Err(kind) => {
                let blocked = |relative| unwritable(mount, relative, Operation::Rename, kind);
                Err(match blocked(target.relative) {
                    link @ Refusal::Link(_) => RenameRefusal::To(link),
                    _ => RenameRefusal::From(blocked(relative)),
                })
            }
        }
    }
}
