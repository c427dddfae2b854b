//! A directory as a tar archive, and a tar archive as a directory.
//!
//! ```text
//! history/tar          limits for both directions
//! history/tar/export   from a directory to an archive
//! history/tar/import   from an archive to a directory
//! history/tar/entry    what of an archive is taken, and as what
//! history/tar/error    why it was refused
//! ```

mod entry;
mod error;
mod export;
mod import;

pub use error::{TarError, TarErrorKind};
pub use export::TarExport;

/// How large an archive may be, in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TarLimits {
    /// Bytes of contents, all files together; 1 GiB by default.
    pub max_size: u64,
    /// Files and directories; a million by default.
    pub max_entries: u64,
}

impl Default for TarLimits {
    fn default() -> Self {
        Self {
            max_size: 1 << 30,
            max_entries: 1_000_000,
        }
    }
}
