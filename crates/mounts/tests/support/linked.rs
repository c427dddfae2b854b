//! A read-only backend of a few fixed entries, links among them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use mounts::{
    Answer, Contents, DirEntry, ErrorKind, FileType, FollowLinks, LinkMet, Metadata, Reader, Refusal,
    RelativePath,
};

/// What is at a path.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    /// A file with this text.
    File(&'static str),
    /// A directory.
    Directory,
    /// A link with this target.
    Link(&'static str),
    /// A FIFO, a socket, a device.
    #[allow(dead_code, reason = "each test binary uses its own part")]
    Special,
}

/// The entries by path; a directory must be listed like anything else.
#[derive(Debug)]
pub(crate) struct Linked(BTreeMap<String, Entry>);

impl Linked {
    pub(crate) fn new(entries: impl IntoIterator<Item = (&'static str, Entry)>) -> Self {
        let entries = entries.into_iter().map(|(path, entry)| (path.to_owned(), entry));
        Self(entries.collect())
    }

    fn find(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Entry> {
        let whole = path.as_str();
        let mut found = Entry::Directory;
        let ends = whole.match_indices('/').map(|(end, _)| end).chain([whole.len()]);
        for end in ends.filter(|_| !path.is_root()) {
            if !matches!(found, Entry::Directory) {
                return Err(ErrorKind::NotADirectory.into());
            }
            found = *self.0.get(&whole[..end]).ok_or(ErrorKind::NotFound)?;
            if let Entry::Link(target) = found
                && (end < whole.len() || follow == FollowLinks::Yes)
            {
                return Err(Refusal::Link(LinkMet {
                    prefix: end,
                    target: Some(target.to_owned()),
                }));
            }
        }
        Ok(found)
    }
}

impl Entry {
    fn file_type(self) -> FileType {
        match self {
            Self::File(_) => FileType::File,
            Self::Directory => FileType::Directory,
            Self::Link(_) => FileType::Symlink,
            Self::Special => FileType::Special,
        }
    }
}

impl Reader for Linked {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        let entry = self.find(path, follow)?;
        Ok(Metadata {
            file_type: entry.file_type(),
            mode: 0o640,
            size: if let Entry::File(text) = entry {
                text.len() as u64
            } else {
                0
            },
            inode: u64::MAX,
            device: 0,
            links: 1,
            uid: 501,
            gid: 20,
            accessed: SystemTime::UNIX_EPOCH,
            modified: SystemTime::UNIX_EPOCH,
            changed: SystemTime::UNIX_EPOCH,
        })
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        match self.find(path, FollowLinks::Yes)? {
            Entry::File(text) if text.len() as u64 > limit => Err(ErrorKind::FileTooLarge.into()),
            Entry::File(text) => Ok(Contents::from(text)),
            Entry::Directory => Err(ErrorKind::IsADirectory.into()),
            Entry::Link(_) | Entry::Special => Err(ErrorKind::PermissionDenied.into()),
        }
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.read(path, u64::MAX).map(drop)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        let Entry::Directory = self.find(path, FollowLinks::Yes)? else {
            return Err(ErrorKind::NotADirectory.into());
        };
        let within = |name: &str| {
            if path.is_root() {
                return Some(name.to_owned());
            }
            let below = name.strip_prefix(path.as_str())?.strip_prefix('/')?;
            Some(below.to_owned())
        };
        let listed = self.0.iter().filter_map(|(whole, entry)| {
            let name = within(whole)?;
            (!name.contains('/')).then(|| DirEntry {
                name: name.into(),
                file_type: entry.file_type(),
            })
        });
        let mut listed: Vec<_> = listed.collect();
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listed)
    }
}
