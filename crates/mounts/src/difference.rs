//! What differs between two states of a mount, as the backends note it down.

use rustc_hash::FxHashMap;

use crate::metadata::FileType;

/// What happened to an entry between two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// It was there, and is not any more. Sorted first: where one kind of entry replaced another, it went first.
    Deleted,
    /// It is there, and was not.
    Created,
    /// It is a file, or link, with other contents.
    Modified,
}

/// An entry as one of the two states has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) file_type: FileType,
    pub(crate) size: u64,
    pub(crate) inode: u64,
}

/// One entry that differs, by its path inside the mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) path: String,
    pub(crate) before: Option<Entry>,
    pub(crate) now: Option<Entry>,
    /// Where it was moved from, inside the mount.
    pub(crate) moved_from: Option<String>,
}

impl Difference {
    pub(crate) fn kind(&self) -> ChangeKind {
        match (&self.before, &self.now) {
            (_, None) => ChangeKind::Deleted,
            (None, Some(_)) => ChangeKind::Created,
            (Some(_), Some(_)) => ChangeKind::Modified,
        }
    }
}

/// What has been found to differ, in the order in which it was met, and which paths are of interest at all.
pub(crate) struct Differences<'v> {
    list: Vec<Difference>,
    is_visible: &'v dyn Fn(&str) -> bool,
}

impl<'v> Differences<'v> {
    /// Nothing yet; nothing will be noted at or below a path that is not `is_visible`.
    pub(crate) fn new(is_visible: &'v dyn Fn(&str) -> bool) -> Self {
        Self {
            list: Vec::new(),
            is_visible,
        }
    }

    /// Whether what differs at `path` or below it is of interest.
    pub(crate) fn sees(&self, path: &str) -> bool {
        (self.is_visible)(path)
    }

    pub(crate) fn note(&mut self, path: &str, before: Option<Entry>, now: Option<Entry>) {
        self.list.push(Difference {
            path: path.to_owned(),
            before,
            now,
            moved_from: None,
        });
    }

    /// The list by path, with the sources of what was moved: where one inode left one path and came to one other.
    pub(crate) fn with_moves(self) -> Vec<Difference> {
        let mut list = self.sorted();
        let mut left: FxHashMap<u64, Option<usize>> = FxHashMap::default();
        let mut came: FxHashMap<u64, Option<usize>> = FxHashMap::default();
        for (index, difference) in list.iter().enumerate() {
            let (before, now) = (
                difference.before.map(|entry| entry.inode),
                difference.now.map(|entry| entry.inode),
            );
            if before == now {
                continue;
            }
            for (inode, side) in [(before, &mut left), (now, &mut came)] {
                if let Some(inode) = inode {
                    // A second path with the same inode: a hard link of the host. Nothing is certain then.
                    side.entry(inode)
                        .and_modify(|only| *only = None)
                        .or_insert(Some(index));
                }
            }
        }
        for (inode, to) in came {
            let Some((to, from)) = to.zip(left.get(&inode).copied().flatten()) else {
                continue;
            };
            let file_type = |entry: Option<Entry>| entry.map(|entry| entry.file_type);
            if to != from && file_type(list[from].before) == file_type(list[to].now) {
                list[to].moved_from = Some(list[from].path.clone());
            }
        }
        list
    }

    /// The list by path.
    pub(crate) fn sorted(self) -> Vec<Difference> {
        let mut list = self.list;
        list.sort_by(|one, two| (&one.path, one.kind()).cmp(&(&two.path, two.kind())));
        list
    }
}

/// `name` in the directory at `path`, itself inside a mount, whose root is the empty path.
pub(crate) fn child(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}/{name}")
    }
}
