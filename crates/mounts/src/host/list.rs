//! Listing a directory.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::Dir;
use rustix::io::Errno;

use crate::backend::Answer;
use crate::metadata::{DirEntry, FileType};
use crate::path::RelativePath;

use super::errors::refusal;
use super::lookup::Purpose;
use super::{HostDirectory, stat};

impl HostDirectory {
    /// The entries of the directory at `path`, sorted by name.
    ///
    /// Their types come with their names; an entry is looked at only where the file system does not tell its type,
    /// or where another mount of the host may cover it.
    pub(super) fn list_directory(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        let directory = self.open_object(path, Purpose::List)?;
        self.judge(stat::object(&directory).map_err(refusal)?)?;
        let may_be_crossing = self.crossings_by_name();

        let mut entries = Vec::new();
        let failed = |error: Errno| refusal(error.into());
        let mut stream = Dir::new(OwnedFd::from(directory)).map_err(failed)?;
        while let Some(entry) = stream.read() {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if matches!(name, "." | "..") {
                continue;
            }
            let told = told_type(entry.file_type());
            let file_type = match told {
                Some(file_type) if !may_be_crossing(name) => Some(file_type),
                _ => self.looked_up_type(stream.fd().map_err(failed)?, name, told),
            };
            entries.extend(file_type.map(|file_type| DirEntry {
                name: name.into(),
                file_type,
            }));
        }
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    /// The type of an entry that is looked at; `None` when it is gone, or covered by another mount of the host.
    ///
    /// Where a directory may be read but not searched, an entry is listed as what it was said to be.
    fn looked_up_type(
        &self,
        directory: BorrowedFd<'_>,
        name: &str,
        told: Option<FileType>,
    ) -> Option<FileType> {
        match stat::entry(directory, name) {
            Ok(found) => self.judge(found).ok().map(|metadata| metadata.file_type),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOENT) => None,
            Err(_) => Some(told.unwrap_or(FileType::Special)),
        }
    }

    /// Which names may be mount points of the host, now.
    #[cfg(target_os = "linux")]
    fn crossings_by_name(&self) -> impl Fn(&str) -> bool + use<> {
        let names = self.crossings.names_below(self.mount);
        move |name| names.as_ref().is_none_or(|names| names.contains(name.as_bytes()))
    }

    #[cfg(not(target_os = "linux"))]
    fn crossings_by_name(&self) -> impl Fn(&str) -> bool + use<> {
        |_| true
    }
}

/// The type as the directory itself tells it, `None` when the file system leaves it open.
fn told_type(told: rustix::fs::FileType) -> Option<FileType> {
    use rustix::fs::FileType as Told;
    match told {
        Told::RegularFile => Some(FileType::File),
        Told::Directory => Some(FileType::Directory),
        Told::Symlink => Some(FileType::Symlink),
        Told::Unknown => None,
        _ => Some(FileType::Special),
    }
}
