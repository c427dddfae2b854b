//! Listing a directory.

use std::ffi::CStr;
use std::os::fd::{AsFd as _, BorrowedFd};

use cap_std::fs::File;
use rustix::fs::FileType as Told;
#[cfg(target_os = "linux")]
use rustix::fs::RawDir;
use rustix::io::Errno;

use crate::backend::Answer;
use crate::metadata::{DirEntry, FileType};
use crate::path::RelativePath;

use super::errors::refusal;
use super::lookup::Purpose;
use super::{HostDirectory, stat, temporary, visible};

/// What a listing found.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) entries: Vec<DirEntry>,
    directory: File,
    temporaries: Vec<String>,
}

impl Listed {
    /// Removes the temporaries that were found and that nobody is writing.
    pub(super) fn sweep(&self) {
        for name in &self.temporaries {
            temporary::sweep(self.directory.as_fd(), name);
        }
    }
}

/// The names of the temporaries in `directory`.
pub(super) fn temporaries(directory: BorrowedFd<'_>) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    each_entry(directory, |name, _| {
        names.extend(
            name.to_str()
                .ok()
                .filter(|name| temporary::is_reserved(name))
                .map(str::to_owned),
        );
    })?;
    Ok(names)
}

impl HostDirectory {
    /// The entries of the directory at `path`, sorted by name.
    ///
    /// Their types come with their names; an entry is looked at only where the file system does not tell its type,
    /// or where another mount of the host may cover it.
    pub(super) fn list_directory(&self, path: RelativePath<'_>) -> Answer<Listed> {
        let directory = self.open_object(visible(path)?, Purpose::List)?;
        self.judge(stat::object(&directory).map_err(refusal)?)?;
        let may_be_crossing = self.crossings_by_name();

        let mut entries = Vec::new();
        let mut temporaries = Vec::new();
        each_entry(directory.as_fd(), |name, told| {
            let Ok(name) = name.to_str() else {
                return;
            };
            if temporary::is_reserved(name) {
                temporaries.push(name.to_owned());
                return;
            }
            let told = told_type(told);
            let file_type = match (name, told) {
                ("." | "..", _) => None,
                (_, Some(file_type)) if !may_be_crossing(name) => Some(file_type),
                _ => self.looked_up_type(directory.as_fd(), name, told),
            };
            entries.extend(file_type.map(|file_type| DirEntry {
                name: name.into(),
                file_type,
            }));
        })
        .map_err(|error| refusal(error.into()))?;
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(Listed {
            entries,
            directory,
            temporaries,
        })
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

/// Shows `visit` each name in `directory`, with the type told beside it.
#[cfg(target_os = "linux")]
pub(super) fn each_entry(directory: BorrowedFd<'_>, mut visit: impl FnMut(&CStr, Told)) -> Result<(), Errno> {
    // Room for a few hundred names at a time, and always for the longest one.
    let mut buffer = Vec::with_capacity(32 * 1024);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) => visit(entry.file_name(), entry.file_type()),
            // The directory was removed, and so has no entries.
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn each_entry(directory: BorrowedFd<'_>, mut visit: impl FnMut(&CStr, Told)) -> Result<(), Errno> {
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        visit(entry.file_name(), entry.file_type());
    }
    Ok(())
}

/// The type as the directory itself tells it, `None` when the file system leaves it open.
fn told_type(told: Told) -> Option<FileType> {
    match told {
        Told::RegularFile => Some(FileType::File),
        Told::Directory => Some(FileType::Directory),
        Told::Symlink => Some(FileType::Symlink),
        Told::Unknown => None,
        _ => Some(FileType::Special),
    }
}
