#![doc = include_str!("../README.md")]

pub mod backend;
mod contents;
mod difference;
mod error;
mod events;
#[cfg(any(unix, feature = "vfs"))]
mod growth;
pub mod history;
#[cfg(unix)]
mod host;
mod journal;
mod lease;
mod memory;
mod metadata;
#[cfg(feature = "monty")]
pub mod monty;
mod mount;
mod nesting;
mod operation;
mod overlay;
mod path;
mod quota;
mod rules;
mod table;
mod target;
mod update;
#[cfg(feature = "vfs")]
pub mod vfs;
mod wire;

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
pub use rules::{Globs, PathGlob, RuleError, RuleErrorKind, Rules, Verdict};
pub use table::{MountInfo, Namespace, Table};
pub use target::{CommitTarget, CommitWork, Expected, NewEntry, Staged};
pub use wire::Portable;
