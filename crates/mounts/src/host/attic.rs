//! Where a commit keeps what it makes and what it displaces: a directory under a name that no script ever sees.
//!
//! Whoever works in it holds a lock on it, which ends with the process at the latest. One that nobody holds a lock on was
//! left by a commit that was killed. What may be in it, by name:
//!
//! | name | what it is | swept |
//! |---|---|---|
//! | `spare-N` | made, and not in its place yet; or replaced by what is in its place now | yes |
//! | `held-N` | displaced: perhaps somebody else's work, perhaps the only copy | never |
//! | `done` | says that the commit had ended, and nothing in the directory is needed | with everything |
//!
//! A name is changed before what it says ceases to be true, so that a kill between two steps leaves too much, and never
//! too little. Where the file system has no locks, nothing is swept.

use std::os::fd::{AsFd as _, BorrowedFd};

use cap_std::fs::{Dir, File};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, mkdirat, openat, renameat, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use crate::metadata::FileType;

use super::{list, stat, temporary};

const SPARE: &str = "spare-";
const HELD: &str = "held-";
const DONE: &str = "done";

/// How often another name is tried because somebody has taken the last one for a leftover.
const TRIES: usize = 64;

/// A directory for the work of one commit.
#[derive(Debug)]
pub(super) struct Attic {
    pub(super) name: String,
    directory: Dir,
    /// The number that was given last to something in it.
    last: u64,
}

impl Attic {
    /// Makes the directory in `root`, and locks it.
    pub(super) fn create(root: &Dir) -> Result<Self, Errno> {
        for _ in 0..TRIES {
            let name = temporary::fresh_name();
            match mkdirat(root, &name, Mode::RWXU) {
                Ok(()) => {}
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(error),
            }
            let directory = match open(root.as_fd(), &name) {
                Ok(directory) => Dir::from_std_file(directory.into_std()),
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error),
            };
            let is_locked = match lock(&directory) {
                Ok(()) => stat::entry(root.as_fd(), &name).is_ok(),
                Err(Errno::WOULDBLOCK) => false,
                // No locks here, and so nobody who removes what is not locked.
                Err(_) => true,
            };
            if is_locked {
                let last = 0;
                return Ok(Self {
                    name,
                    directory,
                    last,
                });
            }
        }
        Err(Errno::AGAIN)
    }

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// A free name for what nobody loses.
    pub(super) fn spare(&mut self) -> String {
        self.last += 1;
        format!("{SPARE}{}", self.last)
    }

    /// A free name for what is displaced.
    pub(super) fn held(&mut self) -> String {
        self.last += 1;
        format!("{HELD}{}", self.last)
    }

    /// Where something in it is, from the root.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }

    /// Gives something in it another name.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), Errno> {
        renameat(self.directory(), from, self.directory(), to)
    }

    /// Removes it, with everything in it.
    pub(super) fn remove(self) -> std::io::Result<()> {
        mkdirat(self.directory(), DONE, Mode::RWXU)?;
        // With its own descriptor: nobody can have put another directory there.
        self.directory.remove_open_dir_all()
    }
}

fn open(directory: BorrowedFd<'_>, name: &str) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    retry_on_intr(|| openat(directory, name, flags, Mode::empty()))
        .map(|opened| File::from_std(opened.into()))
}

fn lock(directory: impl std::os::fd::AsFd) -> Result<(), Errno> {
    retry_on_intr(|| flock(&directory, FlockOperation::NonBlockingLockExclusive))
}

/// Removes from the attic called `name` what nobody loses, unless somebody works in it, and the attic itself when nothing
/// is left in it. Says whether it is gone.
pub(super) fn sweep(directory: BorrowedFd<'_>, name: &str) -> bool {
    let Ok(attic) = open(directory, name) else {
        return false;
    };
    // The lock is held until it is gone, so that who begins a commit notices.
    if lock(&attic).is_err() || !temporary::is_named(directory, name, &attic, FileType::Directory) {
        return false;
    }
    if stat::entry(attic.as_fd(), DONE).is_ok_and(|done| done.metadata.file_type == FileType::Directory) {
        return Dir::from_std_file(attic.into_std()).remove_open_dir_all().is_ok();
    }
    let mut spare = Vec::new();
    let listed = list::each_entry(attic.as_fd(), |name, _| {
        spare.extend(
            name.to_str()
                .ok()
                .filter(|name| is_spare(name))
                .map(str::to_owned),
        );
    });
    if listed.is_err() {
        return false;
    }
    for name in &spare {
        // A directory is never spare, and is not removed by this.
        let _ = unlinkat(attic.as_fd(), name, AtFlags::empty());
    }
    unlinkat(directory, name, AtFlags::REMOVEDIR).is_ok()
}

fn is_spare(name: &str) -> bool {
    name.strip_prefix(SPARE)
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}
