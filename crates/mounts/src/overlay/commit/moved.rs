//! Where entries of the lower are, while a commit moves them.

use rustc_hash::FxHashMap;

use crate::difference::child;
use crate::path::RelativePath;

/// Where entries of the lower are now.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Where each entry that moved, or was set aside, has gone, in the order in which that happened. Each is named by
    /// the place that it had just before.
    steps: Vec<(String, String)>,
    /// Which of them by the first name, so that most questions are answered without a look at the list.
    by_name: FxHashMap<String, usize>,
    /// Whether anything was ever moved, put back or not: the host has other times for it since.
    is_touched: bool,
}

impl Moved {
    pub(super) fn note(&mut self, from: &str, to: &str) {
        self.is_touched = true;
        self.by_name.insert(from.to_owned(), self.steps.len());
        self.steps.push((from.to_owned(), to.to_owned()));
    }

    pub(super) fn is_touched(&self) -> bool {
        self.is_touched
    }

    /// Whether what was at `path` left the directory it was in.
    pub(super) fn has_left(&self, path: &str) -> bool {
        match path.rsplit_once('/') {
            Some((parent, name)) => self.now(path) != child(&self.now(parent), name),
            None => self.now(path) != path,
        }
    }

    pub(super) fn forget_last(&mut self) {
        if let Some((from, _)) = self.steps.pop() {
            self.by_name.remove(&from);
        }
    }

    /// Where what was at `path` before the commit is now.
    pub(super) fn now(&self, path: &str) -> String {
        let mut now = path.to_owned();
        let mut first = 0;
        // The earliest step that concerns the path or a directory above it, and then the steps after that one.
        while let Some((index, length)) = RelativePath::new(&now)
            .prefixes()
            .filter_map(|prefix| {
                let index = self.by_name.get(prefix.as_str()).copied()?;
                (index >= first).then_some((index, prefix.as_str().len()))
            })
            .min()
        {
            let (_, to) = &self.steps[index];
            now = format!("{to}{}", &now[length..]);
            first = index + 1;
        }
        now
    }
}
