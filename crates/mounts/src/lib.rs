//! A mount table for sandboxed code: memory, overlays and host directories under rules and quotas.
//!
//! A sandboxed program asks its host for every file. This crate is that host's answer: a [`Table`] maps virtual
//! paths to mounts, a [`Lease`] gives one run the right to use it, and every operation is judged, resolved and
//! counted in one place before a mount is touched.
//!
//! ```
//! use mounts::{LeaseMode, Mount, Table};
//!
//! let table = Table::new();
//! table.mount("/scratch", Mount::memory())?;
//!
//! let lease = table.checkout(LeaseMode::Exclusive)?;
//! lease.create_dir_all("/scratch/out/2026")?;
//! lease.write("/scratch/out/2026/report.md", "# Report\n")?;
//! drop(lease);
//!
//! let names: Vec<_> = table.list("/scratch/out")?.into_iter().map(|entry| entry.name).collect();
//! assert_eq!(names, ["2026".into()]);
//! # Ok::<(), mounts::Error>(())
//! ```

mod backend;
mod contents;
mod difference;
mod error;
mod events;
#[cfg(any(unix, feature = "vfs"))]
mod growth;
pub mod history;
#[cfg(unix)]
mod host;
mod lease;
mod memory;
mod metadata;
#[cfg(feature = "monty")]
pub mod monty;
mod mount;
mod operation;
mod overlay;
mod path;
mod quota;
mod rules;
mod table;
mod update;
#[cfg(feature = "vfs")]
pub mod vfs;

pub use backend::{
    Answer, FollowLinks, HostIdentity, LinkMet, OpenMode, Reader, Refusal, RenameRefusal, Writer,
};
pub use contents::Contents;
pub use error::{Error, ErrorKind, Operation, Result};
pub use events::{Batch, Event, EventRing, Observer, Subscription};
#[cfg(unix)]
pub use host::{HostDirectory, HostDirectoryError, HostDirectoryErrorKind, WritableHostDirectory};
pub use lease::{Lease, LeaseMode, Ticket};
pub use memory::Memory;
pub use metadata::{DirEntry, FileType, Metadata, Name};
pub use mount::{Mount, MountKind};
pub use overlay::Overlay;
pub use path::{MAX_COMPONENTS, MAX_NAME_BYTES, MAX_PATH_BYTES, PathError, RelativePath, VirtualPath};
pub use quota::{Admission, Change, Held, Limits, Usage};
pub use rules::{Globs, RuleError, RuleErrorKind, Rules, Verdict};
pub use table::{MountInfo, Namespace, Table};
