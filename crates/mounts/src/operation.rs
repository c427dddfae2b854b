//! What can be done through a table, by name: for errors and for events.

/// An operation on a table or on what is mounted in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Asking for metadata, following links.
    Metadata,
    /// Asking for metadata of the entry itself.
    SymlinkMetadata,
    /// Reading a file.
    Read,
    /// Replacing the contents of a file.
    Write,
    /// Adding to the end of a file.
    Append,
    /// Opening a file: the check, truncation or creation that opening means.
    Open,
    /// Listing a directory.
    List,
    /// Visiting a subtree.
    Scan,
    /// Creating a directory.
    CreateDir,
    /// Removing a file or link.
    RemoveFile,
    /// Removing an empty directory.
    RemoveDir,
    /// Renaming.
    Rename,
    /// Resolving links.
    Resolve,
    /// Adding a mount.
    Mount,
    /// Removing a mount.
    Unmount,
    /// Taking a lease.
    Checkout,
    /// Putting an earlier state back.
    Restore,
    /// Showing what changed.
    Diff,
    /// Putting the files of an archive into a directory.
    ImportTar,
    /// Applying what an overlay changed to the directory under it.
    Commit,
    /// Dropping what an overlay changed.
    Discard,
}

impl Operation {
    /// The operation's name in lower case, as in `create_dir`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::SymlinkMetadata => "symlink_metadata",
            Self::Read => "read",
            Self::Write => "write",
            Self::Append => "append",
            Self::Open => "open",
            Self::List => "list",
            Self::Scan => "scan",
            Self::CreateDir => "create_dir",
            Self::RemoveFile => "remove_file",
            Self::RemoveDir => "remove_dir",
            Self::Rename => "rename",
            Self::Resolve => "resolve",
            Self::Mount => "mount",
            Self::Unmount => "unmount",
            Self::Checkout => "checkout",
            Self::Restore => "restore",
            Self::Diff => "diff",
            Self::ImportTar => "import_tar",
            Self::Commit => "commit",
            Self::Discard => "discard",
        }
    }
}
