//! What a lower layer must be able to do to take over what an overlay changed.
//!
//! The overlay plans; whoever has the directory does the work, step by step. Each step is atomic, checks what it
//! displaces after the fact, and puts it back if it is not what the plan was made for: between a check and a change
//! there is no moment in which somebody else's work could be lost.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::backend::Answer;
use crate::contents::Contents;
use crate::metadata::{FileType, Metadata, Name};
use crate::path::RelativePath;

/// A lower layer that changes can be committed to. See [`Reader::commit_target`](crate::Reader::commit_target).
pub trait CommitTarget: Send + Sync {
    /// Whether an entry may be called so here.
    fn takes(&self, path: RelativePath<'_>) -> bool;

    /// Begins to change the directory. Nobody else changes it through the same value until the work is dropped.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn begin(&self) -> Answer<Box<dyn CommitWork + '_>>;
}

/// What an entry must be for a step to displace it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its type.
    pub file_type: FileType,
    /// Its inode number.
    pub inode: u64,
    /// Its length in bytes; for a directory it says nothing.
    pub size: u64,
    /// When its contents last changed; for a directory it says nothing.
    pub modified: SystemTime,
    /// For a directory, everything that may be in it. Less may be there. `None` where the directory is moved with
    /// whatever is in it.
    pub entries: Option<BTreeMap<Name, Self>>,
}

impl Expected {
    /// Whether `found` is the entry itself, whatever is in it.
    pub fn is_met_by(&self, found: &Metadata) -> bool {
        let is_same = (found.file_type, found.inode) == (self.file_type, self.inode);
        is_same
            && (self.file_type == FileType::Directory
                || (found.size, found.modified) == (self.size, self.modified))
    }
}

/// Something to be made, out of sight first.
#[derive(Debug, Clone, Copy)]
pub enum NewEntry<'a> {
    /// A file.
    File {
        /// The file whose owner, mode and attributes it gets; `None` for those of any new file.
        like: Option<RelativePath<'a>>,
        /// The file whose bytes come first, and how many.
        base: Option<(RelativePath<'a>, u64)>,
        /// The bytes after those.
        own: &'a Contents,
        /// Permission bits, where they are not those of `like` or of any new file.
        mode: Option<u32>,
    },
    /// A symbolic link.
    Link {
        /// Where it leads.
        target: &'a str,
    },
}

/// Something that has been made and is not in its place yet: the path, out of sight, where it is.
#[derive(Debug)]
pub struct Staged(pub String);

/// Changes under way. Dropped before [`finish`](Self::finish), it takes away what was staged and not placed, and
/// leaves what was set aside.
pub trait CommitWork {
    /// Creates a directory.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` where anything is.
    fn create_dir(&mut self, path: RelativePath<'_>) -> Answer<()>;

    /// Removes a directory that [`create_dir`](Self::create_dir) made, if nobody put anything in it.
    ///
    /// # Errors
    ///
    /// `DirectoryNotEmpty`.
    fn remove_dir(&mut self, path: RelativePath<'_>) -> Answer<()>;

    /// Moves an entry to where nothing is.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`; `Stale`, with the entry back where it was, when it was not the `expected` one.
    fn rename(
        &mut self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        expected: Option<&Expected>,
    ) -> Answer<()>;

    /// Takes an entry out of sight, and says where it is now. It is removed when the work is finished.
    ///
    /// # Errors
    ///
    /// `Stale`, with the entry back where it was, when it was not the `expected` one.
    fn set_aside(&mut self, path: RelativePath<'_>, expected: &Expected) -> Answer<String>;

    /// Makes an entry, out of sight.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn stage(&mut self, entry: NewEntry<'_>) -> Answer<Staged>;

    /// Waits until everything staged and placed is on the disk.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn flush(&mut self) -> Answer<()>;

    /// Puts a staged entry in its place: where nothing is, or in exchange for the entry that is expected there, which
    /// is set aside.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`; `Stale`, with everything where it was, when another entry was there.
    fn place(&mut self, staged: &Staged, path: RelativePath<'_>, over: Option<&Expected>) -> Answer<()>;

    /// Takes a staged entry, which was put where nothing was, out of sight again.
    ///
    /// # Errors
    ///
    /// `Stale`, with everything where it was, when another entry is there by now.
    fn withdraw(&mut self, staged: &Staged, path: RelativePath<'_>) -> Answer<()>;

    /// Removes everything that was set aside.
    ///
    /// # Errors
    ///
    /// Those of the system; what could not be removed stays out of sight. So does what had to go back to its place and
    /// could not, and everything that was set aside with it.
    fn finish(&mut self) -> Answer<()>;
}
