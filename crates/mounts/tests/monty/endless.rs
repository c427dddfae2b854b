//! A tree without an end, every directory of which holds the same names, and which can take its time to answer.

use std::time::{Duration, Instant, SystemTime};

use mounts::{Answer, Contents, DirEntry, ErrorKind, FileType, FollowLinks, Metadata, Reader, RelativePath};

/// The tree: names that begin with `d` are directories, the others are files.
#[derive(Debug, Default)]
pub(crate) struct Endless {
    /// How many directories each directory holds.
    pub(crate) directories: usize,
    /// How many files each directory holds beside one called `file`.
    pub(crate) files: usize,
    /// How long each operation keeps the processor busy.
    pub(crate) busy: Duration,
}

impl Endless {
    fn work(&self) {
        let begun = Instant::now();
        while begun.elapsed() < self.busy {}
    }

    fn file_type(path: RelativePath<'_>) -> FileType {
        match path.split_last() {
            Some((_, name)) if !name.starts_with('d') => FileType::File,
            _ => FileType::Directory,
        }
    }
}

impl Reader for Endless {
    fn metadata(&self, path: RelativePath<'_>, _: FollowLinks) -> Answer<Metadata> {
        Ok(Metadata {
            file_type: Self::file_type(path),
            mode: 0o755,
            size: 1,
            inode: 1,
            device: 0,
            links: 1,
            uid: 0,
            gid: 0,
            accessed: SystemTime::UNIX_EPOCH,
            modified: SystemTime::UNIX_EPOCH,
            changed: SystemTime::UNIX_EPOCH,
        })
    }

    fn read(&self, path: RelativePath<'_>, _: u64) -> Answer<Contents> {
        self.work();
        match Self::file_type(path) {
            FileType::File => Ok(Contents::from("x")),
            _ => Err(ErrorKind::IsADirectory.into()),
        }
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.read(path, u64::MAX).map(drop)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        self.work();
        if Self::file_type(path) == FileType::File {
            return Err(ErrorKind::NotADirectory.into());
        }
        let entry = |name: String, file_type| DirEntry {
            name: name.into(),
            file_type,
        };
        let mut listed: Vec<_> = (0..self.directories)
            .map(|number| entry(format!("d{number:03}"), FileType::Directory))
            .collect();
        listed.push(entry("file".to_owned(), FileType::File));
        listed.extend((0..self.files).map(|number| entry(format!("file{number:07}"), FileType::File)));
        Ok(listed)
    }
}
