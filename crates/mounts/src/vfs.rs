//! Feature `vfs`: the file systems of the crate [`vfs`] as mounts, and a table as one of them.
//!
//! ```text
//! vfs/backend     VfsBackend: any vfs::FileSystem as a mount
//! vfs/lookup      what is at a path, and why nothing is
//! vfs/relocate    renaming, by moving where the file system can and by copying where it cannot
//! vfs/file_system TableFs: a table, or a lease of one, as a vfs::FileSystem
//! vfs/handles     what is read and written through the handles of the latter
//! vfs/errors      errors, both ways
//! ```
//!
//! # A `vfs::FileSystem` as a mount
//!
//! ```
//! use mounts::vfs::VfsBackend;
//! use mounts::{Mount, Table};
//!
//! let table = Table::new();
//! table.mount("/scratch", Mount::read_write(VfsBackend::new(vfs::MemoryFS::new())))?;
//! table.mount("/over", Mount::overlay(VfsBackend::new(vfs::MemoryFS::new())))?;
//! table.write("/scratch/a.txt", "kept by the other crate")?;
//! # Ok::<(), mounts::Error>(())
//! ```
//!
//! # A table as a `vfs::FileSystem`
//!
//! ```
//! use std::io::Write as _;
//!
//! use mounts::vfs::TableFs;
//! use mounts::{Mount, Table};
//! use vfs::VfsPath;
//!
//! let table = Table::new();
//! table.mount("/scratch", Mount::memory())?;
//!
//! let root = VfsPath::new(TableFs::new(table.clone()).below("/scratch")?);
//! root.join("out")?.create_dir()?;
//! let mut file = root.join("out/a.txt")?.create_file()?;
//! file.write_all(b"written when it is flushed, or dropped")?;
//! file.flush()?;
//! assert_eq!(table.read("/scratch/out/a.txt")?.len(), 38);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What does not fit
//!
//! The two crates ask for different things, and neither can give all that the other has.
//!
//! `vfs` has no links, no inode numbers and no permissions, and few of its errors have a number. [`VfsBackend`] says
//! what it makes of that. What `vfs` does not promise, a mount of it cannot: see there which changes are atomic.
//!
//! [`TableFs`] passes `vfs`'s own suites (`test_vfs!` and `test_vfs_readonly!`) on mounts of every kind. Three things
//! it does not do:
//!
//! * It sets no times (`NotSupported`): a table's times are those of its changes. The suite allows for that.
//! * It knows no time of creation (`None`), as POSIX has none.
//! * It has links where the mount has: they are followed, and one that leads nowhere is listed and not found.

mod backend;
mod errors;
mod file_system;
mod handles;
mod lookup;
mod relocate;

pub use backend::VfsBackend;
pub use file_system::TableFs;
