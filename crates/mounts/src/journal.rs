//! What was changed through a mount whose contents are no value: by path, how it was and how it is.
//!
//! There is no earlier state to compare with, so it is noted what each change did. Notes are folded as they come: a path
//! has at most one, and none once it is what it was. A journal therefore grows with what differs, not with the work that
//! was done, and a copy of it is a value as a tree is: what happened between two copies is what differs in them.

use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;

use crate::difference::{Differences, Entry, child};
use crate::metadata::{FileType, Metadata};

/// Of how many paths a journal knows at most.
pub(crate) const MAX_PATHS: usize = 100_000;

/// What a note costs beside the text of its path, in bytes: itself, and its part of the map.
const NOTE_BYTES: u64 = 192;

/// An entry, as somebody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) file_type: FileType,
    pub(crate) size: u64,
}

impl Seen {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            file_type: metadata.file_type,
            size: metadata.size,
        }
    }
}

/// An entry, as the journal knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    seen: Seen,
    /// The same for an entry wherever it is moved, and for no other entry.
    identity: u64,
    /// Another one each time its contents are written.
    contents: u64,
}

impl State {
    fn entry(self) -> Entry {
        Entry {
            file_type: self.seen.file_type,
            size: self.seen.size,
            inode: self.identity,
        }
    }
}

/// What happened to one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Note {
    before: Option<State>,
    now: Option<State>,
}

/// What was changed, path by path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal {
    notes: OrdMap<Arc<str>, Note>,
    /// What the notes cost, in bytes.
    memory: u64,
    /// The number that was given last.
    last: u64,
    /// How many changes there were.
    changes: u64,
    /// Whether there were more changes than can be remembered. What was noted before is forgotten then: folded without
    /// the rest, it would be wrong.
    is_lost: bool,
}

impl Journal {
    /// What the journal costs, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Whether it is known what is at `path`, or that nothing is.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.is_lost || self.notes.contains_key(path)
    }

    /// What is at `path`, if that is known and anything is.
    pub(crate) fn seen(&self, path: &str) -> Option<Seen> {
        self.state(path).map(|state| state.seen)
    }

    fn state(&self, path: &str) -> Option<State> {
        self.notes.get(path)?.now
    }

    /// The file at `path` was written, and has `size` bytes now. Where nothing was known of the path, `before` was there.
    pub(crate) fn written(&mut self, path: &str, before: Option<Seen>, size: u64) {
        let before = before.map(|seen| self.first_seen(seen));
        let contents = self.number();
        let is = if self.knows(path) {
            self.state(path)
        } else {
            before
        };
        let identity = match is {
            Some(state) if state.seen.file_type == FileType::File => state.identity,
            _ => contents,
        };
        let file_type = FileType::File;
        let seen = Seen { file_type, size };
        self.changes += 1;
        let now = State {
            seen,
            identity,
            contents,
        };
        self.note(path, before, Some(now));
    }

    /// A directory was made at `path`.
    pub(crate) fn made_directory(&mut self, path: &str) {
        self.changes += 1;
        let now = self.first_seen(Seen {
            file_type: FileType::Directory,
            size: 0,
        });
        self.note(path, None, Some(now));
    }

    /// What was at `path` was removed. Where nothing was known of the path, `before` was there.
    pub(crate) fn removed(&mut self, path: &str, before: Option<Seen>) {
        self.changes += 1;
        let before = before.map(|seen| self.first_seen(seen));
        self.note(path, before, None);
        self.emptied(path);
    }

    /// Everything in `moved` went from below `from`, and is below `to` under the same names; the first of it is the
    /// entry itself, without a name. Where nothing was known of `to`, `replaced` was there.
    pub(crate) fn moved(&mut self, from: &str, to: &str, replaced: Option<Seen>, moved: &[(String, Seen)]) {
        self.changes += 1;
        let replaced = replaced.map(|seen| self.first_seen(seen));
        self.emptied(to);
        for (name, seen) in moved {
            let (from, to) = (below(from, name), below(to, name));
            let state = match self.state(&from) {
                Some(state) if state.seen.file_type == seen.file_type => State { seen: *seen, ..state },
                _ => self.first_seen(*seen),
            };
            self.note(&from, Some(state), None);
            self.note(&to, if name.is_empty() { replaced } else { None }, Some(state));
        }
        self.emptied(from);
    }

    /// More was changed than is known.
    pub(crate) fn lose_track(&mut self) {
        self.changes += 1;
        self.is_lost = true;
        self.notes = OrdMap::new();
        self.memory = 0;
    }

    /// Forgets everything if it has more than `bytes`, or more paths than a journal may have.
    pub(crate) fn bound(&mut self, bytes: u64) {
        if !self.is_lost && (self.notes.len() > MAX_PATHS || self.memory > bytes) {
            self.lose_track();
        }
    }

    /// Nothing is below `path`, whatever was known before.
    fn emptied(&mut self, path: &str) {
        // What begins with the path and a `/` lies between these two: `0` comes after `/`.
        let (first, after): (Arc<str>, Arc<str>) = (format!("{path}/").into(), format!("{path}0").into());
        let gone: Vec<_> = self
            .notes
            .range(first..after)
            .filter(|(_, note)| note.now.is_some())
            .map(|(path, _)| Arc::clone(path))
            .collect();
        for path in gone {
            self.note(&path, None, None);
        }
    }

    /// Notes that `now` is at `path`. Where nothing was known of it, `before` was.
    fn note(&mut self, path: &str, before: Option<State>, now: Option<State>) {
        if self.is_lost {
            return;
        }
        let cost = NOTE_BYTES + path.len() as u64;
        let before = self.notes.get(path).map_or(before, |note| note.before);
        let is_as_before = match (before, now) {
            (None, None) => true,
            (Some(before), Some(now)) => (before.identity, before.contents) == (now.identity, now.contents),
            _ => false,
        };
        if is_as_before {
            if self.notes.remove(path).is_some() {
                self.memory -= cost;
            }
        } else if self.notes.insert(path.into(), Note { before, now }).is_none() {
            self.memory += cost;
        }
    }

    /// An entry that nothing was known of.
    fn first_seen(&mut self, seen: Seen) -> State {
        let number = self.number();
        State {
            seen,
            identity: number,
            contents: number,
        }
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Notes what was changed since `since`, a copy of this journal, or since it was begun without one.
    pub(crate) fn differences(&self, since: Option<&Self>, found: &mut Differences<'_>) {
        let beginning = Self::default();
        let since = since.unwrap_or(&beginning);
        if self.is_lost || since.is_lost {
            if self.changes != since.changes {
                // All that is certain: something in the mount's root has changed.
                let root = Entry {
                    file_type: FileType::Directory,
                    size: 0,
                    inode: 0,
                };
                found.note("", Some(root), Some(root));
            }
            return;
        }
        for item in since.notes.diff(&self.notes) {
            let (path, before, now) = match item {
                DiffItem::Add(path, note) => (path, note.before, note.now),
                DiffItem::Update { old, new } => (new.0, old.1.now, new.1.now),
                // It is as it was when nothing was known of it.
                DiffItem::Remove(path, note) => (path, note.now, note.before),
            };
            if found.sees(path) {
                difference(path, before, now, found);
            }
        }
    }
}

fn difference(path: &str, before: Option<State>, now: Option<State>, found: &mut Differences<'_>) {
    match (before, now) {
        (Some(one), Some(two)) if one.seen.file_type != two.seen.file_type => {
            found.note(path, Some(one.entry()), None);
            found.note(path, None, Some(two.entry()));
        }
        (Some(one), Some(two))
            if one.seen.file_type == FileType::Directory || one.contents == two.contents => {}
        (None, None) => {}
        (before, now) => found.note(path, before.map(State::entry), now.map(State::entry)),
    }
}

/// What is called `name` below `path`; without a name, that is `path` itself.
fn below(path: &str, name: &str) -> String {
    if name.is_empty() {
        path.to_owned()
    } else {
        child(path, name)
    }
}
