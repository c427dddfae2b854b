//! What is known about an entry: its type, size, times and identity.

use std::sync::Arc;
use std::time::SystemTime;

/// The name of a directory entry: one component, shared between listings and trees.
pub type Name = Arc<str>;

/// What kind of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, seen without following it.
    Symlink,
    /// A FIFO, socket or device: listed, but never opened.
    Special,
}

impl FileType {
    /// The file type bits of `st_mode`.
    #[must_use]
    pub fn mode_bits(self) -> u32 {
        match self {
            Self::File => 0o100_000,
            Self::Directory => 0o040_000,
            Self::Symlink => 0o120_000,
            Self::Special => 0,
        }
    }
}

/// The metadata of an entry, as `stat` reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// What the entry is.
    pub file_type: FileType,
    /// Permission bits (`0o755`), without file type, set-user-id and set-group-id bits.
    pub mode: u32,
    /// Length in bytes; for directories whatever the mount reports, 4096 in memory.
    pub size: u64,
    /// The inode number, unique and stable within a mount.
    pub inode: u64,
    /// The mount's device number. The table sets it; a backend leaves 0.
    pub device: u64,
    /// The number of names: 1 for a file in memory, 2 plus the number of subdirectories for a directory.
    pub links: u64,
    /// The owner's numeric id.
    pub uid: u32,
    /// The group's numeric id.
    pub gid: u32,
    /// When the contents were last read; in memory, when they last changed.
    pub accessed: SystemTime,
    /// When the contents last changed.
    pub modified: SystemTime,
    /// When contents, name or permissions last changed.
    pub changed: SystemTime,
}

/// One entry of a directory listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The entry's name, one component.
    pub name: Name,
    /// The entry's own type, without following a link.
    pub file_type: FileType,
}
