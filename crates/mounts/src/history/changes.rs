//! What changed since a snapshot, or since the beginning.

use std::sync::Arc;

use crate::difference::{ChangeKind, Difference, Entry};
use crate::metadata::FileType;
use crate::mount::Mount;
use crate::path::{RelativePath, VirtualPath};
use crate::rules::Verdict;
use crate::table::Namespace;

use super::Snapshot;

/// One entry that changed between two states of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The virtual path.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// What it is, or was if it was deleted.
    pub file_type: FileType,
    /// The length of a file or link now, in bytes.
    pub size: Option<u64>,
    /// The length that a file or link had before, in bytes.
    pub previous_size: Option<u64>,
    /// The virtual path it was moved from, where that is certain. What was there before is reported by itself, and so
    /// is everything that a directory took along.
    pub moved_from: Option<String>,
}

impl Namespace {
    /// What changed since the beginning, by path: since each mount came to the table, or since the table was forked.
    /// For memory that is the state with the files it was mounted with, for an overlay its lower layer.
    ///
    /// It is exact by content: a file that was written anew with the bytes it had is no change, a directory whose
    /// times moved is none. A new directory is one change, and each entry in it another; what is replaced by something
    /// of another type is deleted and created. What the host changed in a directory is no change. What rules hide, and
    /// what lies below another mount's mount point, is left out.
    ///
    /// A mount that is [written through](crate::Mount::read_write) has no earlier state to compare with. What is reported
    /// of it is what this table did, whatever others have done in the same place since; a fork begins anew. There, a file
    /// that was written is modified, whatever bytes it had before. When more than 100,000 paths differ, or remembering
    /// them takes more than an eighth of the mount's memory limit (or 32 MiB), the directory at its mount point is
    /// reported as modified, which no directory is otherwise: something in it has changed, and what is not known.
    ///
    /// The cost follows what changed, and not what exists: shared parts are not looked at. In an overlay, a replaced
    /// file is read on each side if the sizes are equal (if it is not larger than the mount's memory limit: then it
    /// counts as changed), and a lower directory that was renamed or deleted is listed.
    pub fn changes(&self) -> Vec<Change> {
        self.compared(|_, _| None)
    }

    /// What changed since `snapshot` was taken of this table, or of the one it was forked from; see
    /// [`changes`](Self::changes). A mount that came later is compared with how it came.
    pub fn changes_since(&self, snapshot: &Snapshot) -> Vec<Change> {
        self.compared(|path, mount| snapshot.state_of(path, mount))
    }

    /// What changed in each mount since the state that `since` names, or its origin.
    fn compared<'s>(
        &'s self,
        since: impl Fn(&VirtualPath<'_>, &Mount) -> Option<&'s Arc<Mount>>,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        for (point, mount) in self.each_mount() {
            let is_visible = |path: &str| self.shows(point, mount, path);
            let since = since(point, mount).map(Arc::as_ref);
            for difference in mount.differences(since, &is_visible) {
                changes.push(Change::of(point, &difference));
            }
        }
        changes.sort_by(|one, two| (&one.path, one.kind).cmp(&(&two.path, two.kind)));
        changes
    }

    /// Whether `relative` in the mount at `point` can be seen: it is not hidden, and no other mount covers it.
    fn shows(&self, point: &VirtualPath<'_>, mount: &Arc<Mount>, relative: &str) -> bool {
        if mount
            .rules()
            .is_some_and(|rules| rules.standing(RelativePath::new(relative)).verdict() == Verdict::Hidden)
        {
            return false;
        }
        let whole = within(point, relative);
        VirtualPath::parse(&whole).is_ok_and(|path| {
            self.routes()
                .route(&path)
                .mounted
                .is_some_and(|mounted| Arc::ptr_eq(mounted.mount, mount))
        })
    }
}

impl Change {
    fn of(point: &VirtualPath<'_>, difference: &Difference) -> Self {
        let size = |entry: Option<Entry>| {
            entry
                .filter(|entry| entry.file_type != FileType::Directory)
                .map(|entry| entry.size)
        };
        let entry = difference.now.or(difference.before);
        Self {
            path: within(point, &difference.path),
            kind: difference.kind(),
            file_type: entry.map_or(FileType::File, |entry| entry.file_type),
            size: size(difference.now),
            previous_size: size(difference.before),
            moved_from: difference.moved_from.as_deref().map(|path| within(point, path)),
        }
    }
}

/// The virtual path of `relative` in the mount at `point`.
pub(super) fn within(point: &VirtualPath<'_>, relative: &str) -> String {
    match (point.as_str(), relative) {
        (point, "") => point.to_owned(),
        ("/", relative) => format!("/{relative}"),
        (point, relative) => format!("{point}/{relative}"),
    }
}
