//! A writer whose changes are noted down.

mod turns;

use std::sync::Arc;

use parking_lot::Mutex;

use crate::backend::{Answer, FollowLinks, OpenMode, Reader, RenameRefusal, Writer};
use crate::contents::Contents;
use crate::difference::{Differences, child};
use crate::journal::{Journal, MAX_PATHS, Seen};
use crate::metadata::{DirEntry, FileType, Metadata};
use crate::path::RelativePath;
use crate::quota::{Admission, Held, Limits};

use turns::Turns;

/// A journal may take this part of the memory of a mount ...
const MEMORY_PART: u64 = 8;
/// ... and so many bytes of a mount that may have all there is.
const MOST_MEMORY: u64 = 32 << 20;

/// Any writer, and what was changed through this value.
///
/// Changes of one path, and of what lies below it, take turns: each is one with the look before it and the note after
/// it. What others do to the same files at
/// the same time is no change of this mount, and may be taken for what was there before.
#[derive(Debug)]
pub(super) struct Noted {
    backend: Arc<dyn Writer>,
    turns: Turns,
    /// Of a path, changed only by who has the turn for it; locked for no longer than it takes to note something.
    journal: Mutex<Journal>,
}

/// What was at a path before a change.
enum Before {
    /// The journal says what.
    Known,
    Looked(Option<Metadata>),
}

impl Before {
    fn seen(&self) -> Option<Seen> {
        match self {
            Self::Looked(Some(metadata)) => Some(Seen::of(metadata)),
            Self::Known | Self::Looked(None) => None,
        }
    }
}

/// What becomes of the bytes that a file had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bytes {
    Kept,
    Replaced,
}

impl Noted {
    pub(super) fn new(backend: Arc<dyn Writer>) -> Self {
        Self::with(backend, Journal::default())
    }

    fn with(backend: Arc<dyn Writer>, journal: Journal) -> Self {
        Self {
            backend,
            turns: Turns::default(),
            journal: Mutex::new(journal),
        }
    }

    /// The same writer, and what was changed so far.
    pub(super) fn captured(&self) -> Self {
        Self::with(Arc::clone(&self.backend), self.journal.lock().clone())
    }

    /// The same writer, through which nothing was changed.
    pub(super) fn begun_anew(&self) -> Self {
        Self::new(Arc::clone(&self.backend))
    }

    pub(super) fn backend(&self) -> &dyn Writer {
        self.backend.as_ref()
    }

    /// What the journal costs, in bytes.
    pub(super) fn memory(&self) -> u64 {
        self.journal.lock().memory()
    }

    pub(super) fn differences(&self, since: Option<&Self>, found: &mut Differences<'_>) {
        let since = since.map(|since| since.journal.lock().clone());
        let now = self.journal.lock().clone();
        now.differences(since.as_ref(), found);
    }

    fn look(&self, path: RelativePath<'_>) -> Option<Metadata> {
        self.backend.metadata(path, FollowLinks::No).ok()
    }

    fn before(&self, path: RelativePath<'_>) -> Before {
        if self.journal.lock().knows(path.as_str()) {
            Before::Known
        } else {
            Before::Looked(self.look(path))
        }
    }

    fn note(&self, admission: &Admission<'_>, note: impl FnOnce(&mut Journal)) {
        let limit = admission.limits().memory;
        let mut journal = self.journal.lock();
        note(&mut journal);
        journal.bound(
            limit
                .map_or(MOST_MEMORY, |limit| limit / MEMORY_PART)
                .min(MOST_MEMORY),
        );
    }

    /// Makes a change of the file at `path`, and notes it.
    fn put(
        &self,
        path: RelativePath<'_>,
        (bytes, written): (Bytes, usize),
        admission: &mut Admission<'_>,
        act: impl FnOnce(&mut Admission<'_>) -> Answer<()>,
    ) -> Answer<()> {
        let _turn = self.turns.take([path]);
        let before = self.before(path);
        admission.take_admitted();
        let answer = act(admission);
        let Some(admitted) = admission.take_admitted() else {
            return answer;
        };
        let was = match &before {
            Before::Known => self.journal.lock().seen(path.as_str()),
            Before::Looked(_) => before.seen(),
        };
        let size = match (&answer, &before) {
            (Ok(()), _) => Some(admitted.file_size.max(written as u64)),
            // It failed, perhaps half-way.
            (Err(_), before) => self.look(path).and_then(|now| {
                let is_same = match before {
                    _ if bytes == Bytes::Kept && was == Some(Seen::of(&now)) => true,
                    Before::Known => was == Some(Seen::of(&now)),
                    Before::Looked(before) => before.as_ref().is_some_and(|before| {
                        let identity = |of: &Metadata| (of.file_type, of.inode, of.size, of.modified);
                        identity(before) == identity(&now)
                    }),
                };
                (now.file_type == FileType::File && !is_same).then_some(now.size)
            }),
        };
        let nothing_new = |was: Seen, size| match bytes {
            Bytes::Kept => written == 0,
            Bytes::Replaced => (was.size, size) == (0, 0),
        };
        if let Some(size) = size
            && !was.is_some_and(|was| was.file_type == FileType::File && nothing_new(was, size))
        {
            self.note(admission, |journal| {
                journal.written(path.as_str(), before.seen(), size);
            });
        }
        answer
    }

    fn remove(
        &self,
        path: RelativePath<'_>,
        admission: &mut Admission<'_>,
        act: impl FnOnce(&mut Admission<'_>) -> Answer<()>,
    ) -> Answer<()> {
        let _turn = self.turns.take([path]);
        let before = self.before(path);
        act(admission)?;
        self.note(admission, |journal| journal.removed(path.as_str(), before.seen()));
        Ok(())
    }

    /// What has come to be at `path` with one rename, under the names below it; `None` when it is more than a journal
    /// remembers.
    fn subtree(&self, path: RelativePath<'_>, root: &Metadata) -> Option<Vec<(String, Seen)>> {
        let mut found = vec![(String::new(), Seen::of(root))];
        let mut next = 0;
        while let Some((name, seen)) = found.get(next) {
            next += 1;
            if seen.file_type != FileType::Directory {
                continue;
            }
            let name = name.clone();
            let directory = match name.as_str() {
                "" => path.as_str().to_owned(),
                name => child(path.as_str(), name),
            };
            // What may not be listed could not be seen before either.
            for entry in self
                .backend
                .list(RelativePath::new(&directory))
                .unwrap_or_default()
            {
                if found.len() > MAX_PATHS {
                    return None;
                }
                let whole = child(&directory, &entry.name);
                let seen = match entry.file_type {
                    FileType::Directory => Some(Seen {
                        file_type: FileType::Directory,
                        size: 0,
                    }),
                    _ => self.look(RelativePath::new(&whole)).as_ref().map(Seen::of),
                };
                found.extend(seen.map(|seen| (child(&name, &entry.name), seen)));
            }
        }
        Some(found)
    }
}

impl Reader for Noted {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        self.backend.metadata(path, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        self.backend.read(path, limit)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.backend.open(path)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        self.backend.list(path)
    }
}

impl Writer for Noted {
    fn write(&self, path: RelativePath<'_>, data: &mut Vec<u8>, admission: &mut Admission<'_>) -> Answer<()> {
        let what = (Bytes::Replaced, data.len());
        self.put(path, what, admission, |admission| {
            self.backend.write(path, data, admission)
        })
    }

    fn write_shared(
        &self,
        path: RelativePath<'_>,
        contents: &Contents,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        let what = (Bytes::Replaced, contents.len());
        self.put(path, what, admission, |admission| {
            self.backend.write_shared(path, contents, admission)
        })
    }

    fn append(&self, path: RelativePath<'_>, data: &[u8], admission: &mut Admission<'_>) -> Answer<()> {
        let what = (Bytes::Kept, data.len());
        self.put(path, what, admission, |admission| {
            self.backend.append(path, data, admission)
        })
    }

    fn open_for_write(
        &self,
        path: RelativePath<'_>,
        mode: OpenMode,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        let bytes = match mode {
            OpenMode::Truncate => Bytes::Replaced,
            OpenMode::Append => Bytes::Kept,
        };
        self.put(path, (bytes, 0), admission, |admission| {
            self.backend.open_for_write(path, mode, admission)
        })
    }

    fn create_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        let _turn = self.turns.take([path]);
        self.backend.create_dir(path, admission)?;
        self.note(admission, |journal| journal.made_directory(path.as_str()));
        Ok(())
    }

    fn remove_file(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.remove(path, admission, |admission| {
            self.backend.remove_file(path, admission)
        })
    }

    fn remove_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.remove(path, admission, |admission| {
            self.backend.remove_dir(path, admission)
        })
    }

    fn rename(
        &self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        let _turn = self.turns.take([from, to]);
        let (source, target) = (self.look(from), self.look(to));
        admission.take_admitted();
        let renamed = self.backend.rename(from, to, admission);
        let is_same = |one: &Option<Metadata>, two: &Option<Metadata>| {
            one.as_ref().map(|one| one.inode) == two.as_ref().map(|two| two.inode)
        };
        if renamed.is_err() {
            // A backend that copies and removes may stop between the two.
            if admission.take_admitted().is_some()
                && !(is_same(&source, &self.look(from)) && is_same(&target, &self.look(to)))
            {
                self.note(admission, Journal::lose_track);
            }
            return renamed;
        }
        // A path that is renamed to itself stays, and so do two names of one file.
        if from == to || (target.is_some() && is_same(&source, &target)) {
            return renamed;
        }
        let moved = source.and_then(|source| {
            if self.journal.lock().is_lost() {
                return None;
            }
            self.subtree(to, &source)
        });
        self.note(admission, |journal| match moved {
            Some(moved) => {
                let replaced = target.as_ref().map(Seen::of);
                journal.moved(from.as_str(), to.as_str(), replaced, &moved);
            }
            None => journal.lose_track(),
        });
        renamed
    }

    fn default_limits(&self) -> Limits {
        self.backend.default_limits()
    }

    fn held(&self) -> Held {
        self.backend.held()
    }

    fn held_memory(&self) -> u64 {
        self.backend.held_memory()
    }
}

#[cfg(test)]
mod tests;
