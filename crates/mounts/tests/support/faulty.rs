//! A directory in which one step of a commit fails.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mounts::{
    Answer, CommitTarget, CommitWork, Contents, DirEntry, ErrorKind, Expected, FollowLinks, Metadata,
    NewEntry, Reader, RelativePath, Staged, WritableHostDirectory,
};

/// Counts down to the step that fails; far above it, none does.
pub(crate) type Fuse = Arc<AtomicUsize>;

/// A fuse that never blows.
pub(crate) const NEVER: usize = usize::MAX / 2;

/// What somebody else does just before something is displaced.
pub(crate) type Meanwhile = Option<Box<dyn Fn() + Send + Sync>>;

pub(crate) struct Faulty {
    pub(crate) directory: WritableHostDirectory,
    pub(crate) fuse: Fuse,
    pub(crate) meanwhile: Meanwhile,
}

impl std::fmt::Debug for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.directory.fmt(f)
    }
}

impl Reader for Faulty {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        self.directory.metadata(path, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        self.directory.read(path, limit)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.directory.open(path)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        self.directory.list(path)
    }

    fn commit_target(&self) -> Option<&dyn CommitTarget> {
        Some(self)
    }
}

impl CommitTarget for Faulty {
    fn takes(&self, path: RelativePath<'_>) -> bool {
        self.directory.takes(path)
    }

    fn begin(&self) -> Answer<Box<dyn CommitWork + '_>> {
        Ok(Box::new(Work {
            inner: self.directory.begin()?,
            fuse: Arc::clone(&self.fuse),
            meanwhile: &self.meanwhile,
        }))
    }
}

struct Work<'w> {
    inner: Box<dyn CommitWork + 'w>,
    fuse: Fuse,
    meanwhile: &'w Meanwhile,
}

impl Work<'_> {
    fn displace(&self) -> Answer<()> {
        if let Some(meanwhile) = self.meanwhile {
            meanwhile();
        }
        self.step()
    }

    fn step(&self) -> Answer<()> {
        match self.fuse.fetch_sub(1, Ordering::Relaxed) {
            0 => {
                self.fuse.store(NEVER, Ordering::Relaxed);
                Err(ErrorKind::Os(5).into())
            }
            _ => Ok(()),
        }
    }
}

impl CommitWork for Work<'_> {
    fn create_dir(&mut self, path: RelativePath<'_>) -> Answer<()> {
        self.step()?;
        self.inner.create_dir(path)
    }

    fn remove_dir(&mut self, path: RelativePath<'_>) -> Answer<()> {
        self.step()?;
        self.inner.remove_dir(path)
    }

    fn rename(
        &mut self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        expected: Option<&Expected>,
    ) -> Answer<()> {
        self.displace()?;
        self.inner.rename(from, to, expected)
    }

    fn set_aside(&mut self, path: RelativePath<'_>, expected: &Expected) -> Answer<String> {
        self.displace()?;
        self.inner.set_aside(path, expected)
    }

    fn stage(&mut self, entry: NewEntry<'_>) -> Answer<Staged> {
        self.step()?;
        self.inner.stage(entry)
    }

    fn flush(&mut self) -> Answer<()> {
        self.step()?;
        self.inner.flush()
    }

    fn place(&mut self, staged: &Staged, path: RelativePath<'_>, over: Option<&Expected>) -> Answer<()> {
        self.displace()?;
        self.inner.place(staged, path, over)
    }

    fn withdraw(&mut self, staged: &Staged, path: RelativePath<'_>) -> Answer<()> {
        self.displace()?;
        self.inner.withdraw(staged, path)
    }

    fn finish(&mut self) -> Answer<()> {
        self.step()?;
        self.inner.finish()
    }
}
