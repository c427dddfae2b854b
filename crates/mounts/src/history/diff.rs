//! What changed, as unified text for people to read.
//!
//! ```text
//! history/diff           which files are shown, and as what
//! history/diff/unified   two texts as hunks
//! history/diff/name      paths as one line shows them
//! ```

mod name;
mod unified;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::contents::Contents;
use crate::difference::ChangeKind;
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::metadata::FileType;
use crate::mount::Mount;
use crate::path::{RelativePath, VirtualPath};
use crate::rules::Verdict;
use crate::table::{Namespace, Table};

use super::{Change, Snapshot};

use name::shown;

/// Files of more bytes, on either side, are named and not shown.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Once a diff has this many bytes, further files are named and not shown.
const MAX_DIFF_BYTES: usize = 16 << 20;

/// The time that is spent on finding the shortest way from one text to another, all files together. What is left then
/// is shown in longer hunks than it could be.
const TIME: Duration = Duration::from_secs(5);

/// # Differences as text
impl Table {
    /// What changed since the beginning at `path` or below it, as unified text; see [`Namespace::diff`].
    pub fn diff(&self, path: &str) -> Result<String> {
        self.current().diff(path)
    }

    /// What changed since a snapshot at `path` or below it, as unified text; see [`Namespace::diff_since`].
    pub fn diff_since(&self, path: &str, snapshot: &Snapshot) -> Result<String> {
        self.current().diff_since(path, snapshot)
    }
}

/// # Differences as text
impl Namespace {
    /// What changed since the beginning at `path` or below it, as unified text, by path.
    ///
    /// It shows what [`changes`](Self::changes) lists. A text file has a section that `patch` understands: `---` and
    /// `+++` with the virtual path (`/dev/null` where there is no file on one side), and hunks with three lines of
    /// context. One line says what no hunk can: that something was moved, and from where; that a directory, a link
    /// or an empty file came or went; that a file is binary (it holds a NUL byte, or is not UTF-8), has more than
    /// 1 MiB on either side, or may not be read by the rules of its mount. A moved file is compared with what was at
    /// its source.
    ///
    /// Control characters, and those that change the direction of text, stand in a quoted path as octal escapes: no
    /// name looks like another line of the diff. The contents of files are shown as they are. What an overlay's lower
    /// layer had is shown as it was when the overlay came to own it; a line says where the host has changed it since,
    /// so that it cannot be had any more.
    ///
    /// The text ends after some 16 MiB (files beyond are named only), and the search for short hunks takes at most
    /// five seconds.
    ///
    /// ```
    /// use mounts::{Mount, Table};
    ///
    /// let table = Table::new();
    /// table.mount("/work", Mount::memory().with_files([("/notes.md", "milk\nbread\n")])?)?;
    /// table.append("/work/notes.md", b"salt\n")?;
    /// assert_eq!(
    ///     table.diff("/work")?,
    ///     "--- /work/notes.md\n+++ /work/notes.md\n@@ -1,2 +1,3 @@\n milk\n bread\n+salt\n"
    /// );
    /// # Ok::<(), mounts::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A malformed path; [`ErrorKind::NotCovered`]. Nothing needs to be at `path`.
    pub fn diff(&self, path: &str) -> Result<String> {
        self.snapshot().diff_at(path, None)
    }

    /// What changed since `snapshot` was taken, at `path` or below it, as unified text; see [`diff`](Self::diff), and
    /// [`changes_since`](Self::changes_since) for what is compared.
    pub fn diff_since(&self, path: &str, snapshot: &Snapshot) -> Result<String> {
        self.snapshot().diff_at(path, Some(snapshot))
    }
}

impl Snapshot {
    fn diff_at(&self, path: &str, since: Option<&Self>) -> Result<String> {
        let scope =
            VirtualPath::parse(path).map_err(|error| Error::from_path(error, Operation::Diff, path))?;
        let now = self.namespace();
        if !now.covers(path) {
            return Err(Error::new(ErrorKind::NotCovered, Operation::Diff, path));
        }
        let mut changes = match since {
            Some(since) => now.changes_since(since),
            None => now.changes(),
        };
        changes.retain(|change| VirtualPath::parse(&change.path).is_ok_and(|path| path.starts_with(&scope)));
        // What was moved is told of once, where it is now.
        let moved: BTreeSet<String> = changes
            .iter()
            .filter(|change| change.kind == ChangeKind::Created)
            .filter_map(|change| change.moved_from.clone())
            .collect();
        changes.retain(|change| change.kind != ChangeKind::Deleted || !moved.contains(&change.path));
        let mut diff = Diff {
            now,
            since,
            deadline: Instant::now() + TIME,
            text: String::new(),
        };
        for change in &changes {
            diff.show(change);
        }
        Ok(diff.text)
    }
}

/// A diff being written.
struct Diff<'s> {
    now: &'s Namespace,
    since: Option<&'s Snapshot>,
    deadline: Instant,
    text: String,
}

/// One side of a changed file.
enum Side {
    /// There was, or is, no such file.
    Nothing,
    Text(String),
    /// It is no text, or nobody can show it; the reason, in words.
    Unshown(&'static str),
}

impl Side {
    fn of(contents: &Contents) -> Self {
        match String::from_utf8(contents.to_vec()) {
            Ok(text) if !text.contains('\0') => Self::Text(text),
            _ => Self::Unshown("binary"),
        }
    }
}

impl Diff<'_> {
    fn show(&mut self, change: &Change) {
        match change.file_type {
            FileType::File => self.show_file(change),
            FileType::Directory if change.kind == ChangeKind::Modified => {
                self.show_line("directory", change, "more changed in it than is remembered");
            }
            FileType::Directory => self.show_line("directory", change, ""),
            FileType::Symlink => self.show_line("link", change, ""),
            FileType::Special => self.show_line("special file", change, ""),
        }
    }

    fn show_file(&mut self, change: &Change) {
        // A file that was moved over another is shown as what it did to that one.
        let source = change
            .moved_from
            .as_deref()
            .filter(|_| change.kind == ChangeKind::Created);
        let before_path = source.unwrap_or(&change.path);
        let before = match change.kind {
            ChangeKind::Created if source.is_none() => Side::Nothing,
            _ => self.side(before_path, change.previous_size, |mount, since, path| {
                mount.previous(since, path, MAX_FILE_BYTES)
            }),
        };
        let now = match change.kind {
            ChangeKind::Deleted => Side::Nothing,
            _ => self.side(&change.path, change.size, |mount, _, path| {
                mount.reader().read(path, MAX_FILE_BYTES).ok()
            }),
        };
        let is_full = self.text.len() >= MAX_DIFF_BYTES;
        let texts = match (&before, &now) {
            (Side::Unshown(why), _) | (_, Side::Unshown(why)) => Err(*why),
            _ if is_full => Err("not shown"),
            (Side::Text(one), Side::Text(two)) => Ok((one.as_str(), two.as_str())),
            (Side::Nothing, Side::Text(text)) => Ok(("", text.as_str())),
            (Side::Text(text), Side::Nothing) => Ok((text.as_str(), "")),
            (Side::Nothing, Side::Nothing) => Ok(("", "")),
        };
        match texts {
            Err(why) => self.show_line("file", change, why),
            Ok((old, new)) => {
                let is_shown_by_hunks = old != new;
                if change.moved_from.is_some() || !is_shown_by_hunks {
                    self.show_line("file", change, if new.is_empty() { "empty" } else { "" });
                }
                if is_shown_by_hunks {
                    let path = |side: &Side, path: &str| match side {
                        Side::Nothing => "/dev/null".to_owned(),
                        // What follows a tab is no part of a name with spaces.
                        _ if path.contains(' ') => format!("{}\t", shown(path)),
                        _ => shown(path).into_owned(),
                    };
                    let (from, to) = (path(&before, before_path), path(&now, &change.path));
                    let _ = writeln!(self.text, "--- {from}\n+++ {to}");
                    unified::write(&mut self.text, old, new, self.deadline);
                }
            }
        }
    }

    /// What is to be shown of the file at `path` on one side, which `read` reads from the mount it lies in.
    fn side(
        &self,
        path: &str,
        size: Option<u64>,
        read: impl FnOnce(&Mount, Option<&Mount>, RelativePath<'_>) -> Option<Contents>,
    ) -> Side {
        const LOST: Side = Side::Unshown("contents not available");
        if size.is_some_and(|size| size > MAX_FILE_BYTES) {
            return Side::Unshown("too large to show");
        }
        let Ok(path) = VirtualPath::parse(path) else {
            return LOST;
        };
        let Some(mounted) = self.now.routes().route(&path).mounted else {
            return LOST;
        };
        let (mount, relative) = (mounted.mount, mounted.relative);
        if mount
            .rules()
            .is_some_and(|rules| rules.standing(relative).verdict() == Verdict::Denied)
        {
            return Side::Unshown("access denied");
        }
        let since = self.since.and_then(|since| {
            let above = path.as_str().len() - relative.as_str().len();
            let point = VirtualPath::parse(path.as_str().get(..above)?).ok()?;
            since.state_of(&point, mount).map(Arc::as_ref)
        });
        read(mount, since, relative).as_ref().map_or(LOST, Side::of)
    }

    /// Says what happened to an entry in one line.
    fn show_line(&mut self, what: &str, change: &Change, note: &str) {
        let path = shown(&change.path);
        let _ = match (&change.moved_from, change.kind) {
            (Some(from), ChangeKind::Created) => write!(self.text, "{what} {} moved to {path}", shown(from)),
            (Some(from), _) => write!(self.text, "{what} {} moved over {path}", shown(from)),
            (None, ChangeKind::Created) => write!(self.text, "{what} {path} created"),
            (None, ChangeKind::Modified) => write!(self.text, "{what} {path} modified"),
            (None, ChangeKind::Deleted) => write!(self.text, "{what} {path} deleted"),
        };
        if !note.is_empty() {
            let _ = write!(self.text, ": {note}");
        }
        if !note.is_empty() && note != "empty" {
            let _ = match (change.previous_size, change.size) {
                (Some(before), Some(now)) => write!(self.text, ", {before} -> {now} bytes"),
                (Some(size), None) | (None, Some(size)) => write!(self.text, ", {size} bytes"),
                (None, None) => Ok(()),
            };
        }
        self.text.push('\n');
    }
}
