//! A whole namespace as the source of one mount: read, and no link in it followed.

use crate::backend::{Answer, FollowLinks, LinkMet, Refusal};
use crate::contents::Contents;
use crate::error::ErrorKind;
use crate::metadata::{DirEntry, Metadata};
use crate::path::{RelativePath, VirtualPath};

use super::directories::with_points;
use super::judged::Judged;
use super::namespace::Namespace;
use super::routes::{Point, Route};

/// Inode numbers of the second mount differ from those of the first in the bits from here on, and so forth: what is
/// one mount now has each number once, unless a host file system uses all of them.
const INODE_BITS: u32 = 48;

impl Namespace {
    /// Asks the mount that covers `path`, and lets an ancestor of mount points answer where none does.
    fn source<T>(
        &self,
        path: RelativePath<'_>,
        at_point: impl FnOnce(&Point) -> Answer<T>,
        ask: impl FnOnce(&Judged<'_, '_>, Option<&Point>) -> Answer<T>,
    ) -> Answer<T> {
        let absolute = format!("/{}", path.as_str());
        let virtual_path = VirtualPath::parse(&absolute).map_err(|_| ErrorKind::NameTooLong)?;
        let Route { mounted, point } = self.routes().route(&virtual_path);
        let answer = match mounted {
            Some(mounted) => mounted.judge().map_err(Refusal::new).and_then(|judged| {
                // What a link leads to is for whoever mounted this to find, in its own namespace.
                let above = path.as_str().len() - judged.relative().as_str().len();
                ask(&judged, point).map_err(|refusal| match refusal {
                    Refusal::Link(LinkMet { prefix, target }) => Refusal::Link(LinkMet {
                        prefix: above + prefix,
                        target,
                    }),
                    failed @ Refusal::Failed { .. } => failed,
                })
            }),
            None => Err(ErrorKind::NotFound.into()),
        };
        match (answer, point) {
            (Err(Refusal::Failed { .. }), Some(point)) if point.mount().is_none() => at_point(point),
            (answer, _) => answer,
        }
    }

    pub(crate) fn source_metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        self.source(
            path,
            |point| Ok(point.metadata()),
            |judged, _| {
                let metadata = judged.reader().metadata(judged.relative(), follow)?;
                let others = Self::place_of(judged.mount()).wrapping_sub(1);
                Ok(Metadata {
                    inode: metadata.inode ^ others.wrapping_shl(INODE_BITS),
                    device: 0,
                    ..metadata
                })
            },
        )
    }

    pub(crate) fn source_read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        let is_directory = |_: &Point| Err(ErrorKind::IsADirectory.into());
        self.source(path, is_directory, |judged, _| {
            judged.reader().read(judged.relative(), limit)
        })
    }

    pub(crate) fn source_open(&self, path: RelativePath<'_>) -> Answer<()> {
        let is_directory = |_: &Point| Err(ErrorKind::IsADirectory.into());
        self.source(path, is_directory, |judged, _| {
            judged.reader().open(judged.relative())
        })
    }

    pub(crate) fn source_list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        let names_of = |point: Option<&Point>, entries| match point {
            Some(point) => with_points(entries, point),
            None => entries,
        };
        self.source(
            path,
            |point| Ok(names_of(Some(point), Vec::new())),
            |judged, point| judged.list().map(|entries| names_of(point, entries)),
        )
    }
}
